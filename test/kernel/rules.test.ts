import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/policy/evaluate.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { agrees, describeDifference } from "../support/named-verdict.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { largeWorld, makeWorld, usualWorld, type WorldSize } from "../support/world.ts";
import { allFeatures, allVerdicts, FeatureTally } from "../support/world-features.ts";
import { aimQuestion, type Target } from "../support/world-questions.ts";
import { targetsOf } from "../support/world-targets.ts";
import { WorldRun } from "./world-run.ts";

/** Pairs of a rule set and a packet. */
const wanted = 1_000_000;
/** Packets for each rule set. */
const packets = 200;

class Comparison {
  readonly tally = new FeatureTally();
  readonly differences: string[] = [];
  readonly #random: Random;
  compared = 0;
  ruleSets = 0;
  #worlds = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** So many pairs more. All worlds are of one size, so that the interfaces' session tables stay. */
  async run(size: WorldSize, pairs: number): Promise<void> {
    const end = this.compared + pairs;
    const first = this.#makeWorld(size);
    const run = await WorldRun.open(first);
    try {
      for (let now = first; ; ) {
        for (const target of targetsOf(now.model)) this.#compare(run, target);
        if (this.compared >= end) return;
        now = this.#makeWorld(size);
        await run.change(now);
      }
    } finally {
      run.close();
    }
  }

  #makeWorld(size: WorldSize): Resolved {
    const resolved = resolve(makeWorld(this.#random, size), { host: "here" });
    this.#worlds++;
    this.ruleSets += resolved.policies.size;
    return resolved;
  }

  #compare(run: WorldRun, target: Target): void {
    const questions = Array.from({ length: packets }, () => aimQuestion(this.#random, target));
    const verdicts = run.ask(
      target.own,
      questions.map(({ question }) => question),
    );
    for (const [index, asked] of questions.entries()) {
      const { question } = asked;
      const right = evaluate(target.model, target.own.id, question.direction, question, question.time);
      const kernel = verdicts[index];
      this.compared++;
      this.tally.add(target, asked, right);
      if ((kernel === undefined || !agrees(kernel, right)) && this.differences.length < 20)
        this.differences.push(
          `world ${this.#worlds}: ${describeDifference(target.own, question, kernel, right)}`,
        );
    }
  }
}

describe("the rules in the kernel and the oracle", () => {
  it("agree in verdict, reason and rule over 1,000,000 pairs of rule set and packet, each feature reached", async () => {
    const comparison = new Comparison(new Random(seed));
    await comparison.run(usualWorld, 0.95 * wanted);
    await comparison.run(largeWorld, 0.05 * wanted);
    const { compared, ruleSets, tally, differences } = comparison;
    console.log(`seed ${seed}: ${compared} pairs, ${ruleSets} rule sets\n${tally.describe()}`);
    expect(differences).toEqual([]);
    expect(ruleSets).toBeGreaterThan(2000);
    expect(allFeatures.filter((name) => !tally.isReached(name))).toEqual([]);
    expect(allVerdicts.filter((name) => (tally.verdicts.get(name) ?? 0) === 0)).toEqual([]);
  }, 3_600_000);
});
