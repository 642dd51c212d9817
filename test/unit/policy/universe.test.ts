import { describe, expect, it } from "vitest";
import { compileAll } from "../../../src/policy/compile.ts";
import { evaluate, requireInterface } from "../../../src/policy/evaluate.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { createMemoryJudge } from "../../support/memory-judge.ts";
import { agrees, describeDifference } from "../../support/named-verdict.ts";
import {
  askedId,
  questionsOf,
  type RuleSet,
  ruleSetsOf,
  type Universe,
  universeModel,
} from "../../support/universe.ts";
import { universes } from "../../support/universes.ts";

/** Rule sets that are compiled at once. */
const together = 200;

/** Differences, and the number of verdicts. */
function compareSets(universe: Universe, sets: readonly RuleSet[], differences: string[]): number {
  const resolved = resolve(universeModel(universe, sets), { host: "here" });
  const judge = createMemoryJudge(resolved, compileAll(resolved));
  const questions = questionsOf(universe);
  for (let at = 0; at < sets.length; at++) {
    const own = requireInterface(resolved.model, askedId(at));
    for (const question of questions) {
      const said = judge(own.id, question);
      const right = evaluate(resolved.model, own.id, question.direction, question, question.time);
      if (!agrees(said, right) && differences.length < 20)
        differences.push(describeDifference(own, question, said, right));
    }
  }
  return sets.length * questions.length;
}

describe("compiled rules of tiny universes", () => {
  for (const universe of universes) {
    it(`are right for every set of up to ${universe.most} rules and every packet: ${universe.name}`, () => {
      const sets = ruleSetsOf(universe);
      const differences: string[] = [];
      let verdicts = 0;
      for (let begin = 0; begin < sets.length; begin += together)
        verdicts += compareSets(universe, sets.slice(begin, begin + together), differences);
      console.log(`${universe.name}: ${sets.length} rule sets, ${verdicts} verdicts`);
      expect(differences).toEqual([]);
    });
  }
});
