import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { laws } from "../../support/laws.ts";
import { createMemoryJudge, type MemoryJudge } from "../../support/memory-judge.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";
import { ipv4Half, ipv6Twin, twinQuestion } from "../../support/twins.ts";
import { makeWorld, usualWorld } from "../../support/world.ts";
import { aimQuestion } from "../../support/world-questions.ts";
import { targetsOf } from "../../support/world-targets.ts";

const worlds = 3;
/** For each rule set. */
const packets = 100;

function judgeOf(model: Model): MemoryJudge {
  const resolved = resolve(model, { host: "here" });
  return createMemoryJudge(resolved, compileAll(resolved));
}

const say = ({ verdict, reason }: { verdict: string; reason: string }): string => `${verdict} ${reason}`;

describe("compiled rules", () => {
  for (const law of laws) {
    it(`obey: ${law.name}`, () => {
      const random = new Random(seed);
      const broken: string[] = [];
      const reasons = new Set<string>();
      for (let world = 0; world < worlds; world++) {
        const model = makeWorld(random, usualWorld);
        const [before, after] = [judgeOf(model), judgeOf(law.change(model, random))];
        for (const target of targetsOf(model)) {
          for (let packet = 0; packet < packets; packet++) {
            const { question } = aimQuestion(random, target);
            const { id } = target.own;
            const [first, second] = [before(id, question), after(law.renamed?.(id) ?? id, question)];
            reasons.add(first.reason);
            if (!law.holds(first, second)) broken.push(`${id}: ${say(first)}, then ${say(second)}`);
          }
        }
      }
      expect(broken.slice(0, 10), `seed ${seed}`).toEqual([]);
      expect(reasons.size, "reasons reached").toBe(6);
    });
  }

  it("obey: IPv4 and IPv6 twins agree", () => {
    const random = new Random(seed);
    const broken: string[] = [];
    let asked = 0;
    for (let world = 0; world < worlds; world++) {
      const model = ipv4Half(makeWorld(random, usualWorld));
      const [four, six] = [judgeOf(model), judgeOf(ipv6Twin(model))];
      for (const target of targetsOf(model)) {
        for (let packet = 0; packet < packets; packet++) {
          const { question } = aimQuestion(random, target);
          const twin = twinQuestion(question);
          if (twin === null) continue;
          asked++;
          const [first, second] = [four(target.own.id, question), six(target.own.id, twin)];
          if (JSON.stringify(first) !== JSON.stringify(second))
            broken.push(`${target.own.id}: ${say(first)}, its twin ${say(second)}`);
        }
      }
    }
    expect(broken.slice(0, 10), `seed ${seed}`).toEqual([]);
    expect(asked).toBeGreaterThan((worlds * usualWorld.interfaces * packets) / 2);
  });
});
