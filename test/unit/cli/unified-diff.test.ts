import { describe, expect, it } from "vitest";
import { renderDiff, unifiedDiff } from "../../../src/cli/render/unified-diff.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";

console.log(`unified-diff.test.ts: RINGWALL_SEED=${seed}`);

/** What `patch` does, by the book: every hunk at its line, its context as it is. */
function patch(before: string, diff: string): string {
  const old = before === "" ? [] : before.split(/(?<=\n)/);
  const result: string[] = [];
  let at = 0;
  const lines = diff.split("\n").slice(2);
  for (const [index, line] of lines.entries()) {
    const range = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(line);
    if (range !== null) {
      const first = Number(range[1]) - (range[2] === "0" ? 0 : 1);
      result.push(...old.slice(at, first));
      at = first;
      continue;
    }
    if (line.startsWith("\\")) continue;
    const text = line.slice(1) + (lines[index + 1]?.startsWith("\\") === true ? "" : "\n");
    if (!line.startsWith("+")) expect(old[at++]).toBe(text);
    if (!line.startsWith("-")) result.push(text);
  }
  return [...result, ...old.slice(at)].join("");
}

/** Lines that both have in the same order, at most. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const line of a) {
    const next = [0];
    for (let j = 1; j <= b.length; j += 1)
      next.push(line === b[j - 1] ? (row[j - 1] ?? 0) + 1 : Math.max(row[j] ?? 0, next[j - 1] ?? 0));
    row = next;
  }
  return row[b.length] ?? 0;
}

function makeText(random: Random): string {
  const lines = Array.from({ length: random.below(30) }, () => random.pick(["a", "b", "c", "", "d d"]));
  return lines.join("\n") + (lines.length === 0 || random.once(3) ? "" : "\n");
}

function change(text: string, random: Random): string {
  const lines = text.split("\n");
  for (let edits = random.below(4); edits > 0; edits -= 1)
    lines.splice(
      random.below(lines.length + 1),
      random.below(3),
      ...Array.from({ length: random.below(3) }, () => random.pick(["a", "new"])),
    );
  return lines.join("\n");
}

describe("a unified diff", () => {
  it("shows what changed with three lines around it", () => {
    const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    expect(unifiedDiff({ path: "rules.yaml", before, after: before.replace("5\n", "five\n5b\n") })).toBe(
      "--- rules.yaml\n+++ rules.yaml\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+5b\n 6\n 7\n 8",
    );
  });

  it("says that a file is new, and that a last line has no end", () => {
    expect(unifiedDiff({ path: "a", before: "", after: "x" })).toBe(
      "--- /dev/null\n+++ a\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file",
    );
    expect(unifiedDiff({ path: "a", before: "x", after: "x" })).toBe("");
  });

  it(`makes the new text of the old one, with the fewest lines (seed ${seed})`, () => {
    const random = new Random(seed);
    for (let run = 0; run < 3000; run += 1) {
      const before = makeText(random);
      const after = random.once(3) ? makeText(random) : change(before, random);
      if (before === after) continue;
      const diff = unifiedDiff({ path: "a", before, after });
      expect(patch(before, diff)).toBe(after);
      const changed = diff
        .split("\n")
        .slice(2)
        .filter((line) => /^[-+]/.test(line)).length;
      const [old, now] = [before, after].map((text) => (text === "" ? [] : text.split(/(?<=\n)/)));
      const common = longestCommon(old ?? [], now ?? []);
      expect(changed).toBe((old?.length ?? 0) + (now?.length ?? 0) - 2 * common);
    }
  });

  it("shows a large change as a whole", () => {
    const before = Array.from({ length: 2000 }, (_, index) => `old ${index}\n`).join("");
    const after = Array.from({ length: 2000 }, (_, index) => `new ${index}\n`).join("");
    expect(patch(before, unifiedDiff({ path: "a", before, after }))).toBe(after);
  });

  it("hands nothing to a terminal that it would act on", () => {
    const diff = unifiedDiff({ path: "a\u001b[2J", before: "x\n", after: "\u001b]0;title\u0007 \u202e\r\n" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(renderDiff(diff)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});
