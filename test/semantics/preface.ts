/** docs/semantics.md, before its first chapter. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type Chapter, does, plays, takesRule } from "./rows.ts";
import { readSentences } from "./sentences.ts";
import { into, tcp } from "./steps.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Lines of the product that match; none is what git's exit code 1 says. */
function linesWith(pattern: string, ...paths: readonly string[]): string[] {
  try {
    const found = execFileSync("git", ["grep", "-nE", pattern, "--", ...paths], {
      cwd: root,
      encoding: "utf8",
    });
    return found.trim().split("\n");
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 1) return [];
    throw error;
  }
}

export const preface: Chapter = {
  heading: "",
  sentences: {
    "The reference for every verdict.": [
      does("every sentence of it is named by a row, and there are more than a hundred", () => {
        expect(readSentences().length).toBeGreaterThan(100);
      }),
    ],
    "The project keeps its own copy as docs/semantics.md": [
      does("it is there, and nothing in the product reads above its own root", () => {
        expect(existsSync(`${root}/docs/semantics.md`)).toBe(true);
        expect(linesWith("\\.\\./shared", "src", "bpf", "addon", "bin", "scripts")).toEqual([]);
        expect(linesWith("semantics\\.md", "src").length).toBeGreaterThan(0);
      }),
    ],
    "Terms are the field's own": [
      does("each is a word of the model or of its messages", () => {
        for (const word of ["Group", "Rule", "Interface", "authorization object", "Session"])
          expect(linesWith(word, "src/model", "src/kernel/status.ts").length, word).toBeGreaterThan(0);
      }),
    ],
    "(+) marks what goes beyond the clouds' model": [
      takesRule("a rule that writes none of it has none of it", {}, (model) => {
        const group = model.groups.get("sg-t");
        const [rule] = group?.rules ?? [];
        expect(rule).toMatchObject({ icmpType: null, icmpCode: null, expires: null });
        expect(group?.mode).toBe("enforce");
      }),
      plays(
        "unless written, a rule never ends and a group enforces",
        { rules: ["ingress accept tcp 80/80 any"] },
        [into(tcp("40000>80", "S"), "accept rule new"), into(tcp("40000>81", "S"), "drop no-rule")],
      ),
    ],
  },
};
