import { describe, expect, it } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { evaluate, requireInterface } from "../../src/policy/evaluate.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { agrees, describeDifference } from "../support/named-verdict.ts";
import {
  askedId,
  questionsOf,
  type RuleSet,
  ruleSetsOf,
  type Universe,
  universeModel,
} from "../support/universe.ts";
import { universes } from "../support/universes.ts";
import { WorldRun } from "./world-run.ts";

/** Rule sets of each universe, evenly spread; all of them are held in memory (test/unit/policy/universe.test.ts). */
const wanted = 1_500;
/** Rule sets in one model. */
const together = 150;

function sampleSets(universe: Universe): readonly RuleSet[] {
  const all = ruleSetsOf(universe);
  const step = Math.ceil(all.length / wanted);
  return all.filter((_, place) => place % step === 0);
}

/** The kernel's verdicts on every packet; returns how many. */
function compareSets(
  run: WorldRun,
  subject: Model,
  universe: Universe,
  count: number,
  differences: string[],
): number {
  const questions = questionsOf(universe);
  for (let at = 0; at < count; at++) {
    const own = requireInterface(subject, askedId(at));
    for (const [index, kernel] of run.ask(own, questions).entries()) {
      const question = questions[index];
      if (question === undefined) throw new Error("more verdicts than questions");
      const right = evaluate(subject, own.id, question.direction, question, question.time);
      if (!agrees(kernel, right) && differences.length < 20)
        differences.push(describeDifference(own, question, kernel, right));
    }
  }
  return count * questions.length;
}

describe("the kernel in tiny universes", () => {
  for (const universe of universes) {
    it(`is right for a sample of rule sets and every packet: ${universe.name}`, async () => {
      const sets = sampleSets(universe);
      const models: Model[] = [];
      for (let begin = 0; begin < sets.length; begin += together)
        models.push(universeModel(universe, sets.slice(begin, begin + together)));
      const differences: string[] = [];
      let verdicts = 0;
      const run = await WorldRun.open(resolve(models[0] ?? universeModel(universe, []), { host: "here" }));
      try {
        for (const [turn, subject] of models.entries()) {
          await run.change(resolve(subject, { host: "here" }));
          verdicts += compareSets(
            run,
            subject,
            universe,
            Math.min(together, sets.length - turn * together),
            differences,
          );
        }
      } finally {
        run.close();
      }
      console.log(`${universe.name}: ${sets.length} rule sets, ${verdicts} verdicts of the kernel`);
      expect(differences).toEqual([]);
    });
  }
});
