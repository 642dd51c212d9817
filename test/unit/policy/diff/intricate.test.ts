/** Rules that overlap in every dimension at once: the work is bounded, and what is not known is said. */
import { describe, expect, it } from "vitest";
import { findDifferences } from "../../../../src/policy/diff/diff.ts";
import { planChange } from "../../../../src/policy/diff/plan.ts";
import { group, model, nic, type RuleText } from "../../../support/bed.ts";
import { Random } from "../../../support/random.ts";
import { drain, enforceable } from "./support.ts";

const seed = 7;

function intricate(random: Random, count: number) {
  const range = () => {
    const [a, b] = [random.between(1, 65535), random.between(1, 65535)];
    return `${Math.min(a, b)}/${Math.max(a, b)}`;
  };
  const prefix = () => `${random.below(256)}.0.0.0/${random.below(5)}`;
  const rules = Array.from(
    { length: count },
    (): RuleText => ({
      policy: random.pick(["accept", "drop"] as const),
      protocol: "tcp",
      ports: range(),
      sourcePorts: range(),
      remote: prefix(),
      local: prefix(),
      priority: random.between(1, 100),
      expires: random.between(2000, 9000),
    }),
  );
  const interfaces = [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"], groups: ["sg-0"] })];
  return enforceable(model({ groups: [group("sg-0", { rules })], interfaces }));
}

describe(`the comparison of intricate rules (seed ${seed})`, () => {
  const random = new Random(seed);
  const [before, after] = [intricate(random, 40), intricate(random, 40)];

  it("ends where its budget does, and says of which interface not every difference is known", () => {
    const { found, notCompared } = drain(findDifferences(before, after, 1000, 2000));
    expect(notCompared).toEqual([{ interfaces: ["eni-1"], direction: "ingress" }]);
    expect(found.length).toBeGreaterThan(0);
  });

  it("is whole where the budget is enough, and tells differences that the oracle confirms either way", () => {
    const all = drain(planChange(before, after, 1000));
    expect(all.notCompared).toEqual([]);
    expect(all.interfaces).toMatchObject([{ id: "eni-1", differs: true }]);
    const some = drain(findDifferences(before, after, 1000, 2000));
    expect(some.found.length).toBeLessThan(all.differences.length + all.moreDifferences);
  });
});
