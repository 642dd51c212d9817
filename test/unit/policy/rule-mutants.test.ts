import { describe, expect, it } from "vitest";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { createMemoryJudge } from "../../support/memory-judge.ts";
import { agrees } from "../../support/named-verdict.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import { largeWorld, makeWorld, usualWorld } from "../../support/world.ts";
import { aimQuestion } from "../../support/world-questions.ts";
import { targetsOf } from "../../support/world-targets.ts";
import { type Compiled, compileRight, mutants } from "./rule-mutants.ts";

/** Pairs of the million (test/kernel/rules.test.ts) within which a fault must show: two in a hundred. */
const bound = 20_000;
/** Packets for each rule set. */
const packets = 100;

/** The first pair that shows a fault; null: none does. Worlds are those of the kernel's test. */
function findDifference(compile: (model: ReturnType<typeof makeWorld>) => Compiled): number | null {
  const random = new Random(seed);
  let pairs = 0;
  for (const size of [usualWorld, largeWorld, usualWorld, usualWorld]) {
    const model = makeWorld(random, size);
    const { resolved, policies } = compile(model);
    const judge = createMemoryJudge(resolved, policies);
    for (const target of targetsOf(model)) {
      for (let packet = 0; packet < packets; packet++) {
        const { question } = aimQuestion(random, target);
        const right = evaluate(model, target.own.id, question.direction, question, question.time);
        if (!agrees(judge(target.own.id, question), right)) return pairs;
        if (++pairs === bound) return null;
      }
    }
  }
  throw new Error(`the worlds gave ${pairs} pairs only`);
}

describe("the pairs of rule sets and packets", () => {
  it("show no difference where there is no fault", () => {
    expect(findDifference(compileRight)).toBeNull();
  });

  for (const mutant of mutants) {
    it(`show a compiler's fault within ${bound}: ${mutant.name}`, () => {
      const found = findDifference((model) => mutant.compile(model));
      console.log(`seed ${seed}: ${mutant.name}: found after ${found} pairs`);
      expect(found).not.toBeNull();
    });
  }
});
