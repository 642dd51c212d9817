import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultLimits, type Model } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { explain } from "../../../src/policy/explain.ts";
import type { SmallestRule } from "../../../src/policy/near.ts";
import { findPacket, type PacketQuestion } from "../../../src/policy/question.ts";
import type { Question } from "../../../src/policy/rules.ts";
import { group, model, network, nic } from "../../support/bed.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryLintModel, listPackets, now } from "./lint/universe.ts";

/** The model with the smallest rule put where it is told to, read by the product's own reader. */
function withSmallest(of: Model, { group: id, yaml }: SmallestRule): Model {
  const old = of.groups.get(id);
  if (old === undefined) throw new Error(`there is no group ${id}`);
  const type = of.networks.get(old.network)?.type ?? "vpc";
  const text = `version: 1\nnetworks: {n: {type: ${type}}}\ngroups:\n  ${id}:\n    type: ${old.type}\n    network: n\n    rules:\n      - ${yaml}\n`;
  const read = parseModel([{ path: "near.yaml", text }], { limits: defaultLimits });
  const added = read.model?.groups.get(id)?.rules[0];
  if (added === undefined) throw new Error(JSON.stringify(read.diagnostics));
  const grown = { ...old, rules: [...old.rules, { ...added, index: old.rules.length }] };
  return { ...of, groups: new Map([...of.groups, [id, grown]]) };
}

/** Groups of the advanced type only accept, name no groups and know one priority. */
function makeAdvanced(of: Model): Model {
  const groups = [...of.groups.values()].map((one) => ({
    ...one,
    type: "advanced" as const,
    rules: one.rules
      .filter(({ policy, remote }) => policy === "accept" && remote.kind !== "group")
      .map((rule, index) => ({ ...rule, priority: 1, index })),
  }));
  return { ...of, groups: new Map(groups.map((one) => [one.id, one])) };
}

const ends = [
  ...["eni-1", "eni-2", "10.0.0.1", "2001:db8::1", "eni-1@10.0.0.3", "eni-2@2001:db8::2"],
  ...["10.0.0.0", "192.0.2.1", "9.0.0.1", "2001:db8::", "224.0.0.1"],
];
const service: fc.Arbitrary<
  Pick<PacketQuestion, "protocol" | "port" | "sourcePort" | "icmpType" | "icmpCode">
> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      protocol: fc.constantFrom("tcp", "udp"),
      port: fc.constantFrom(79, 80, 81, 82),
      sourcePort: fc.constantFrom(undefined, undefined, 1, 5000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      protocol: fc.constantFrom("icmp", "icmpv6"),
      icmpType: fc.constantFrom(8, 3),
      icmpCode: fc.constantFrom(0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ protocol: fc.constantFrom("gre", "50") }) },
);
const question: fc.Arbitrary<PacketQuestion> = fc
  .record({ from: fc.constantFrom(...ends), to: fc.constantFrom(...ends), service })
  .map(({ service: asked, ...rest }) => ({ ...rest, ...asked }));

/** Is this the packet that was asked about, from whatever source port where none was named? */
function isAsked(packet: Question, asked: Question, sourceNamed: boolean): boolean {
  const same = (key: "protocol" | "destinationPort" | "icmpType" | "icmpCode"): boolean =>
    packet[key] === asked[key];
  return (
    packet.remote.family === asked.remote.family &&
    packet.remote.bits === asked.remote.bits &&
    packet.local.bits === asked.local.bits &&
    same("protocol") &&
    same("destinationPort") &&
    same("icmpType") &&
    same("icmpCode") &&
    (!sourceNamed || packet.sourcePort === asked.sourcePort)
  );
}

function tryExplain(of: Model, asked: PacketQuestion): ReturnType<typeof explain> | null {
  try {
    return explain(of, asked, { now });
  } catch {
    return null;
  }
}

describe("the smallest rule", () => {
  it(`lets exactly the packet pass, and no other verdict changes (seed ${seed})`, () => {
    const met = new Map<string, number>();
    const count = (...keys: string[]): void => {
      for (const key of keys) met.set(key, (met.get(key) ?? 0) + 1);
    };
    fc.assert(
      fc.property(arbitraryLintModel, question, fc.boolean(), (basic, asked, advanced) => {
        const of = advanced && basic.networks.get("vpc-a")?.type === "vpc" ? makeAdvanced(basic) : basic;
        const near = tryExplain(of, asked)?.near;
        if (near === undefined) return;
        const side = findPacket(of, asked).sides.find(({ direction }) => direction === near.direction);
        if (side === undefined) throw new Error("the side that dropped");
        const grown = withSmallest(of, near.smallest);
        expect(near.smallest.exact).toBe(true);
        const after = evaluate(grown, near.interface, near.direction, side.question, now);
        expect(after).toMatchObject({ verdict: "accept", reason: "rule" });
        for (const own of of.interfaces.keys()) {
          for (const direction of ["egress", "ingress"] as const) {
            for (const { question: packet, time } of listPackets(of, direction)) {
              const before = evaluate(of, own, direction, packet, time);
              const later = evaluate(grown, own, direction, packet, time);
              const meant =
                direction === near.direction &&
                isAsked(packet, side.question, asked.sourcePort !== undefined);
              // What a rule decides for another source port stays as it is, too. A drop of an observing group
              // decides nothing: there it was the default of the others that dropped.
              if (meant && later.reason === "observed") continue;
              if (!meant || before.rule !== null || before.verdict === "accept")
                expect(later.verdict).toBe(before.verdict);
              else if (own === near.interface) expect(later.verdict).toBe("accept");
            }
          }
        }
        const { family } = side.question.remote;
        const network = of.networks.get("vpc-a")?.type ?? "";
        const type = of.groups.get(near.smallest.group)?.type ?? "";
        const sort = asked.sourcePort === undefined ? String(asked.protocol) : "source port named";
        count(near.direction, `IPv${family}`, network, type, sort);
      }),
      { seed, numRuns: 1500 },
    );
    const wanted = ["egress", "ingress", "IPv4", "IPv6", "vpc", "classic", "basic", "advanced"];
    const protocols = ["tcp", "udp", "icmp", "icmpv6", "gre", "50", "source port named"];
    for (const key of [...wanted, ...protocols]) expect(met.get(key) ?? 0, key).toBeGreaterThan(0);
  });

  const twins = (sourcePorts: string, priority: number): Model =>
    model({
      networks: [network("vpc-a")],
      groups: [
        group("sg-t", {
          innerAccess: "drop",
          rules: [
            { policy: "drop", protocol: "tcp", ports: "80/80", sourcePorts, remote: "0.0.0.0/0", priority },
          ],
        }),
      ],
      interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"] })],
    });
  const smallest = (of: Model, port: number): SmallestRule | undefined =>
    explain(of, { from: "192.0.2.1", to: "eni-1", protocol: "tcp", port }, { now }).near?.smallest;

  it("leaves to a drop of other source ports what is its own", () => {
    expect(smallest(twins("1/1023", 5), 80)?.yaml).toContain("priority: 100");
    expect(smallest(twins("1/1023", 110), 80)?.yaml).toContain("sourcePortRange: 49152/49152");
    expect(smallest(twins("1/1023", 5), 81)?.yaml).not.toContain("priority");
  });

  it("says that port 0 goes with every port only", () => {
    expect(smallest(twins("1/1023", 5), 0)).toMatchObject({ exact: false });
  });
});
