import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comeAndGo } from "./come-and-go.ts";
import { defaults } from "./defaults.ts";
import { fragments } from "./fragments.ts";
import { guest } from "./guest.ts";
import { limits } from "./limits.ts";
import { objects } from "./objects.ts";
import { order } from "./order.ts";
import { preface } from "./preface.ts";
import type { Chapter, Row } from "./rows.ts";
import { readSentences } from "./sentences.ts";
import { sessions } from "./sessions.ts";
import { matchesExpected, Stage } from "./stage.ts";
import { types } from "./types.ts";
import { whichRule } from "./which-rule.ts";
import { working } from "./working.ts";

const chapters: readonly Chapter[] = [
  preface,
  objects,
  types,
  defaults,
  order,
  whichRule,
  sessions,
  fragments,
  guest,
  comeAndGo,
  limits,
  working,
];

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());

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
      it(`${row.claim} (IPv${family}, ${hook})`, async () => {
        const judged = await stage.play(row, family, hook);
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

describe("docs/semantics.md", () => {
  const named = chapters.flatMap(({ heading, sentences }) =>
    Object.entries(sentences).map(([beginning, rows]) => ({ heading, beginning, rows })),
  );

  it("has no sentence without a row", () => {
    const bare = readSentences().filter(
      ({ heading, text }) => !named.some((one) => one.heading === heading && text.startsWith(one.beginning)),
    );
    expect(bare.map(({ heading, text }) => `${heading}: ${text}`)).toEqual([]);
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
