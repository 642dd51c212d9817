import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeEffective } from "../../../src/policy/effective.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { groupsOf, matches, rulesOf } from "../../../src/policy/rules.ts";
import { group, model, network, nic } from "../../support/bed.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryLintModel, listPackets } from "./lint/universe.ts";

describe("the merged rules of an interface", () => {
  it("stand in the order in which they are judged, with what follows them", () => {
    const web = { protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" };
    const of = model({
      groups: [
        group("sg-a", { rules: [web, { ...web, policy: "drop" }, { ...web, direction: "egress" }] }),
        group("sg-b", {
          rules: [
            { ...web, priority: 9, id: "r-1" },
            { ...web, icmpType: null, expires: 5 },
          ],
          innerAccess: "drop",
          defaultEgress: "drop",
          mode: "observe",
        }),
      ],
      interfaces: [
        nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"], groups: ["sg-b", "sg-a"] }),
      ],
    });
    const { sides, groups } = describeEffective(of, "eni-1", 10);
    expect(groups.map(({ id, mode }) => `${id} ${mode}`)).toEqual(["sg-b observe", "sg-a enforce"]);
    const [egress, ingress] = sides;
    expect(
      ingress?.rules.map(({ group: id, index, policy, enforced, expired }) => [
        id,
        index,
        policy,
        enforced,
        expired,
      ]),
    ).toEqual([
      ["sg-a", 1, "drop", true, false],
      ["sg-a", 0, "accept", true, false],
      ["sg-b", 1, "accept", false, true],
      ["sg-b", 0, "accept", false, false],
    ]);
    expect(ingress).toMatchObject({ innerAccess: ["sg-a"], default: "drop", defaultBy: [] });
    expect(egress).toMatchObject({ innerAccess: ["sg-a"], default: "drop", defaultBy: ["sg-b"] });
    expect(egress?.rules[0]?.says).toEqual({
      direction: "egress",
      policy: "accept",
      protocol: "tcp",
      portRange: "80/80",
      remote: "0.0.0.0/0",
    });
  });

  it("are those of its nic type in a classic network, where internet interfaces see no members", () => {
    const of = model({
      networks: [network("vpc-a", { type: "classic" })],
      groups: [group("sg-t", { rules: [{ remote: "0.0.0.0/0" }, { remote: "::/0", nicType: "internet" }] })],
      interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"], nicType: "internet" })],
    });
    const [, ingress] = describeEffective(of, "eni-1", 0).sides;
    expect(ingress).toMatchObject({ rules: [{ index: 1 }], innerAccess: [] });
    expect(() => describeEffective(of, "eni-9", 0)).toThrow(RangeError);
  });

  it(`the first that matches decides (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitraryLintModel, fc.nat(), (of, pick) => {
        for (const judged of of.interfaces.values()) {
          for (const { direction, rules } of describeEffective(of, judged.id, 0).sides) {
            const packets = listPackets(of, direction);
            const asked = packets[pick % packets.length];
            if (asked === undefined) throw new Error("a packet of the universe");
            const { question, time } = asked;
            const { rule, reason } = evaluate(of, judged.id, direction, question, time);
            const all = rulesOf(of, judged, direction, groupsOf(of, judged));
            const first = rules.find(({ group: id, index }) =>
              all.some(
                (one) =>
                  one.group.id === id &&
                  one.rule.index === index &&
                  matches(one.rule, { model: of, judged, question, now: time }),
              ),
            );
            if (reason === "rule") expect([first?.group, first?.index]).toEqual([rule?.group, rule?.index]);
            else if (reason !== "observed") expect(first).toBeUndefined();
          }
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});
