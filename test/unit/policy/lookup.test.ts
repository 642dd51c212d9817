import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Group, Model, Rule } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { matchCompiled } from "../../../src/policy/lookup.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryModel, arbitraryPacket } from "./compile-arbitrary.ts";
import { address, group, iface, model, packet, remote, type TestPacket, tcp } from "./compile-fixture.ts";
import { createJudge, firstInterface } from "./compile-judge.ts";
import { judgeByHand, type ReferenceVerdict } from "./compile-reference.ts";

console.log(`lookup.test.ts: RINGWALL_SEED=${seed}`);

describe("matchCompiled", () => {
  it("gives the verdict, reason and rule that the semantics give, for any rules and packets", () => {
    const reached = new Map<string, number>();
    const features = new Set<string>();
    const runs = 300;
    const perModel = 150;
    fc.assert(
      fc.property(
        arbitraryModel,
        fc.array(arbitraryPacket, { minLength: perModel, maxLength: perModel }),
        (subject, packets) => {
          const judge = createJudge(subject);
          const asked = [1, 3, 4].flatMap((number) => subject.interfaces.get(`eni-${number}`) ?? []);
          for (const [index, each] of packets.entries()) {
            const of = asked[index % asked.length];
            if (of === undefined) {
              throw new Error("no interface to ask");
            }
            const right = judgeByHand(subject, of, each);
            expect(judge(of, each)).toEqual(right);
            const key = `${each.direction} ${right.verdict} ${right.reason}`;
            reached.set(key, (reached.get(key) ?? 0) + 1);
            for (const feature of describeDecider(subject, right)) {
              features.add(feature);
            }
          }
        },
      ),
      { seed, numRuns: runs },
    );
    // A comparison that never met a reason has not compared it.
    expect([...reached.keys()].sort()).toEqual([
      "egress accept default-egress",
      "egress accept inner-access",
      "egress accept observed",
      "egress accept rule",
      "egress drop default-drop",
      "egress drop rule",
      "ingress accept inner-access",
      "ingress accept observed",
      "ingress accept rule",
      "ingress drop no-rule",
      "ingress drop rule",
    ]);
    expect([...features].sort()).toEqual(
      ["all", "classic", "expires", "icmp-code", "icmp-type", "icmpv6", "local", "other-protocol"]
        .concat(["ports", "source-ports", "remote group", "remote prefix", "remote prefix-list"])
        .sort(),
    );
    expect([...reached.values()].reduce((sum, count) => sum + count)).toBe(runs * perModel);
  });

  it("answers alike for every set of up to three rules of a small universe, and every packet of it", () => {
    const templates = crossRules(
      ["accept", "drop"],
      [1, 2],
      ["10.0.0.2/32", "10.0.0.2/31", "sg-2", "sg-1"],
      [
        [80, 80],
        [80, 81],
      ],
    );
    const packets = crossPackets(["10.0.0.1", "10.0.0.2", "10.0.0.3"], [80, 81]);
    let compared = 0;
    for (const rules of chooseUpTo(3, templates)) {
      const subject = smallModel([group("sg-1", rules), group("sg-2")]);
      compared += compareAll(subject, packets);
    }
    // 32 templates: C(34,3) + C(33,2) + 32 + 1 multisets.
    expect(compared).toBe((5984 + 528 + 32 + 1) * packets.length);
  });

  it("answers alike for every pair of rules in an enforcing and an observing group", () => {
    const templates = crossRules(["accept", "drop"], [1, 2], ["10.0.0.2/31", "sg-2"], [[80, 80]]);
    const packets = crossPackets(["10.0.0.1", "10.0.0.2", "10.0.0.3"], [80, 81]);
    for (const [a, b] of templates.flatMap((first) => templates.map((second) => [first, second]))) {
      for (const inner of ["accept", "drop"] as const) {
        const groups = [
          group("sg-1", a === undefined ? [] : [a], { mode: "observe", innerAccess: inner }),
          group("sg-2", b === undefined ? [] : [b], { defaultEgress: "drop" }),
        ];
        compareAll(smallModel(groups, ["sg-1", "sg-2"]), packets);
      }
    }
  });

  it("finds a rule beyond the first word, and the lowest of many", () => {
    const rules = Array.from({ length: 200 }, (_, port) =>
      tcp(port + 1, 200, { policy: port % 2 ? "drop" : "accept" }),
    );
    const subject = smallModel([group("sg-1", rules), group("sg-2")]);
    for (const port of [1, 2, 64, 65, 128, 129, 199, 200]) {
      compareAll(subject, [packet({ port })]);
    }
    // Drops come first at equal priority: 100 of them, so port 200 is decided by the first drop, port 1 by an accept.
    const resolved = resolve(subject, { host: "kvm-1" });
    const [compiled] = compileAll(resolved).values();
    if (compiled === undefined) {
      throw new Error("no policy");
    }
    const askPort = (port: number) =>
      matchCompiled(compiled, { ...packet(), identity: 0n, service: (6 << 16) | port });
    expect(askPort(200)).toEqual({ verdict: "drop", reason: "rule", rule: 0 });
    expect(askPort(1)).toEqual({ verdict: "accept", reason: "rule", rule: 100 });
    expect(askPort(201)).toEqual({ verdict: "drop", reason: "no-rule", rule: null });
  });
});

/** What the rule that decided says, so that a dimension that never decided is seen. */
function describeDecider(subject: Model, { rule: decider }: ReferenceVerdict): string[] {
  const of = subject.groups.get(decider?.group ?? "");
  const one = of?.rules[decider?.index ?? -1];
  if (of === undefined || one === undefined) {
    return [];
  }
  const said: [string, boolean][] = [
    [`remote ${one.remote.kind}`, true],
    ["all", one.protocolNumber === null],
    ["other-protocol", one.protocolNumber === 50],
    ["icmpv6", one.protocolNumber === 58],
    ["icmp-type", one.icmpType !== null],
    ["icmp-code", one.icmpCode !== null],
    ["ports", one.ports !== null],
    ["source-ports", one.sourcePorts !== null],
    ["local", one.local !== null],
    ["expires", one.expires !== null],
    ["classic", subject.networks.get(of.network)?.type === "classic"],
  ];
  return said.flatMap(([feature, isSaid]) => (isSaid ? [feature] : []));
}

function smallModel(groups: readonly Group[], own: readonly string[] = ["sg-1"]): Model {
  return model({ groups, interfaces: [iface(1, own, ["10.0.0.1"]), iface(2, ["sg-2"], ["10.0.0.2"])] });
}

function compareAll(subject: Model, packets: readonly TestPacket[]): number {
  const judge = createJudge(subject);
  const asked = firstInterface(subject);
  for (const each of packets) {
    const right = judgeByHand(subject, asked, each);
    const answer = judge(asked, each);
    // Cheaper than expect() where it is done a hundred thousand times.
    if (JSON.stringify(answer) !== JSON.stringify(right)) {
      expect(answer).toEqual(right);
    }
  }
  return packets.length;
}

function crossRules(
  policies: readonly Rule["policy"][],
  priorities: readonly number[],
  targets: readonly string[],
  ranges: readonly (readonly [number, number])[],
): Rule[] {
  return policies.flatMap((policy) =>
    priorities.flatMap((priority) =>
      targets.flatMap((target) =>
        ranges.map(([first, last]) => tcp(first, last, { policy, priority, remote: remote(target) })),
      ),
    ),
  );
}

function crossPackets(addresses: readonly string[], toPorts: readonly number[]): TestPacket[] {
  return (["egress", "ingress"] as const).flatMap((direction) =>
    addresses.flatMap((each) => toPorts.map((port) => packet({ direction, remote: address(each), port }))),
  );
}

/** All multisets of at most `count` of the items. */
function* chooseUpTo(count: number, items: readonly Rule[], from = 0): Generator<Rule[]> {
  yield [];
  if (count === 0) {
    return;
  }
  for (let index = from; index < items.length; index++) {
    const item = items[index];
    for (const rest of chooseUpTo(count - 1, items, index)) {
      yield item === undefined ? rest : [item, ...rest];
    }
  }
}
