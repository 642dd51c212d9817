import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chapters } from "./chapters.ts";
import { plays, type Row } from "./rows.ts";
import { readSentences, type Sentence } from "./sentences.ts";
import { matchesExpected, Stage } from "./stage.ts";
import { into, udp } from "./steps.ts";

/** Rows of a sentence are played side by side: most of a row is the kernel's grace periods. */
const stages: Stage[] = [];
const stagesMax = 4;
beforeAll(async () => {
  for (let count = 0; count < stagesMax; count++) stages.push(await Stage.open());
});
afterAll(() => {
  for (const stage of stages) stage.close();
});

let turn = 0;
function nextStage(): Stage {
  const stage = stages[turn++ % stagesMax];
  if (stage === undefined) throw new Error("no stage is open");
  return stage;
}

function testRow(row: Row): void {
  if (row.kind === "check") {
    it(row.claim, row.run);
    return;
  }
  const hooks = row.steps.some((step) => step.kind === "packet" && step.direction === "egress")
    ? (["xdp", "tc"] as const)
    : (["xdp"] as const);
  for (const family of row.families)
    for (const hook of hooks) {
      it.concurrent(`${row.claim} (IPv${family}, ${hook})`, async () => {
        const judged = await nextStage().play(row, family, hook);
        expect(judged.length).toBeGreaterThan(0);
        expect(judged.filter((one) => !matchesExpected(one))).toEqual([]);
      });
    }
}

for (const { heading, sentences } of chapters) {
  describe(heading === "" ? "What a security group means" : heading, () => {
    for (const [sentence, rows] of Object.entries(sentences)) {
      describe(sentence, () => {
        for (const row of rows) testRow(row);
      });
    }
  });
}

describe("a row", () => {
  it("control: of another verdict, reason or session than both say is seen", async () => {
    const packet = (expected: string) => into(udp("1>53"), expected);
    const wrong = ["drop no-rule", "accept inner-access new", "accept rule none", "accept rule new sg-t 1"];
    for (const expected of wrong) {
      const row = plays("", { rules: ["ingress accept udp 53/53 any"] }, [packet(expected)]);
      const [judged] = await nextStage().play(row, 4, "xdp");
      expect(judged).toMatchObject({ oracle: "accept rule new sg-t 0", kernel: "accept rule new sg-t 0" });
      expect(judged === undefined || matchesExpected(judged), expected).toBe(false);
    }
  });
});

describe("docs/semantics.md", () => {
  const named = chapters.flatMap(({ heading, sentences }) =>
    Object.entries(sentences).map(([beginning, rows]) => ({ heading, beginning, rows })),
  );

  const findBare = (sentences: readonly Sentence[]): string[] =>
    sentences
      .filter(
        ({ heading, text }) =>
          !named.some((one) => one.heading === heading && text.startsWith(one.beginning)),
      )
      .map(({ heading, text }) => `${heading}: ${text}`);

  it("has no sentence without a row", () => {
    expect(findBare(readSentences())).toEqual([]);
  });

  it("control: a sentence more, one that reads otherwise, and one elsewhere would be without", () => {
    const text = [
      "## Sessions",
      "- A session ends when idle for its timeout. All configurable, each at most 911.",
      "- Stateful or not, `a. B` is code. And (this.) One more.",
      "- `keep` lets sessions run to their end, or not.",
      "| | basic | advanced |",
      "|---|---|---|",
      "| policy | accept | drop |",
    ].join("\n");
    expect(findBare(readSentences(text))).toEqual([
      "Sessions: All configurable, each at most 911.",
      "Sessions: Stateful or not, `a. B` is code.",
      "Sessions: And (this.)",
      "Sessions: One more.",
      "Sessions: `keep` lets sessions run to their end, or not.",
      "Sessions: policy | accept | drop",
    ]);
  });

  it("has exactly one sentence for each that rows name", () => {
    const sentences = readSentences();
    const unclear = named.filter(
      ({ heading, beginning, rows }) =>
        rows.length === 0 ||
        sentences.filter((one) => one.heading === heading && one.text.startsWith(beginning)).length !== 1,
    );
    expect(unclear.map(({ beginning }) => beginning)).toEqual([]);
  });

  it("has what passes beside what does not, for every sentence that is played", () => {
    const oneSided = named.filter(({ rows }) => {
      const verdicts = new Set(
        rows.flatMap((row) =>
          row.kind === "play"
            ? row.steps.flatMap((step) =>
                step.kind === "packet" || step.kind === "uplink" ? (step.expect.split(" ")[0] ?? "") : [],
              )
            : [],
        ),
      );
      return verdicts.size === 1;
    });
    expect(oneSided.map(({ beginning }) => beginning)).toEqual([]);
  });
});
