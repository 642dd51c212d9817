/** An import of an Alibaba Cloud group, as JSON, list or CSV, allows what it allows. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ruleKeys } from "../../../src/interchange/alibaba-keys.ts";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import {
  anyPacket,
  contains,
  type ForeignPacket,
  familyOf,
  instances,
  judge,
  localOf,
  members,
  prefixes4,
  prefixes6,
} from "../../support/foreign.ts";
import { importText, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

interface Permission {
  readonly Policy: "Accept" | "Drop";
  readonly Direction: "ingress" | "egress";
  readonly IpProtocol: string;
  readonly PortRange: string;
  readonly SourcePortRange: string;
  readonly Priority: number;
  readonly far: string;
  readonly near: string;
}

const service = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      IpProtocol: fc.constantFrom("TCP", "UDP", "tcp", "Udp"),
      PortRange: fc.constantFrom("-1/-1", "1/65535", "22/22", "1/80", "80/443"),
      SourcePortRange: fc.constantFrom("", "-1/-1", "1/1023", "40000/40000"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      IpProtocol: fc.constantFrom("ALL", "GRE"),
      PortRange: fc.constant("-1/-1"),
      SourcePortRange: fc.constantFrom("", "-1/-1"),
    }),
  },
);

/** What cannot be said is seldom: one such drop refuses the whole. */
const far = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...prefixes4, ...prefixes6, "203.0.113.9", "sg-1", "sg-2") },
  { weight: 1, arbitrary: fc.constantFrom("sg-9", "pl-unknown") },
);

const permission: fc.Arbitrary<Permission> = fc
  .record({
    service,
    Policy: fc.constantFrom("Accept" as const, "Accept" as const, "Drop" as const),
    Direction: fc.constantFrom("ingress" as const, "egress" as const),
    Priority: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(1, 2, 50, 100, 110) },
      { weight: 1, arbitrary: fc.constantFrom(0, 105) },
    ),
    far,
    near: fc.constantFrom("", "", "", "10.0.0.11/32", "10.0.0.128/25", "2001:db8::/64", "2001:db8:1::/64"),
  })
  .map(({ service: said, ...rest }) => ({
    ...said,
    ...rest,
    near:
      rest.near !== "" && /^[0-9]/.test(rest.far) && familyOf(rest.far) === familyOf(rest.near)
        ? rest.near
        : "",
  }));

function keysOf(side: "Source" | "Dest", end: string): Record<string, string> {
  if (end === "") return {};
  if (end.startsWith("pl-")) return { [`${side}PrefixListId`]: end };
  if (end.startsWith("sg-")) return { [`${side}GroupId`]: end };
  return { [end.includes(":") ? `Ipv6${side}CidrIp` : `${side}CidrIp`]: end };
}

function asRecord({ far: remote, near, ...rest }: Permission): Record<string, string> {
  const [farSide, nearSide] =
    rest.Direction === "ingress" ? (["Source", "Dest"] as const) : (["Dest", "Source"] as const);
  return {
    ...Object.fromEntries(ruleKeys.map((key) => [key, ""])),
    ...rest,
    Priority: String(rest.Priority),
    NicType: "intranet",
    ...keysOf(farSide, remote),
    ...keysOf(nearSide, near),
  };
}

function groupsAt(remote: string): readonly string[] {
  const at = (id: keyof typeof members): boolean => (members[id] as readonly string[]).includes(remote);
  return at("eni-1") ? ["sg-1"] : at("eni-2") ? ["sg-2", "sg-1"] : [];
}

function holds(end: string, remote: string): boolean {
  if (end.startsWith("sg-")) return groupsAt(remote).includes(end);
  if (end.startsWith("pl-")) return false;
  return contains(end.includes("/") ? end : `${end}/${end.includes(":") ? 128 : 32}`, remote);
}

function within(range: string, port: number | null): boolean {
  if (range === "" || range === "-1/-1") return true;
  const [first = 0, last = 0] = range.split("/").map(Number);
  return port !== null && first <= port && port <= last;
}

const numbers: Readonly<Record<string, number | null>> = { ALL: null, TCP: 6, UDP: 17, GRE: 47 };

function matches(one: Permission, packet: ForeignPacket): boolean {
  const number = numbers[one.IpProtocol.toUpperCase()] ?? null;
  return (
    one.Direction === packet.direction &&
    (number === null || number === packet.protocol) &&
    within(one.PortRange, packet.port) &&
    within(one.SourcePortRange, packet.sourcePort) &&
    holds(one.far, packet.remote) &&
    (one.near === "" || holds(one.near, localOf(packet)))
  );
}

/** The cloud's rule: smallest priority, drop at equal ones; then members, then in is closed and out is open. */
function sourceAccepts(rules: readonly Permission[], inner: boolean, packet: ForeignPacket): boolean {
  const [first] = rules
    .filter((one) => matches(one, packet))
    .sort((a, b) => a.Priority - b.Priority || (a.Policy === "Drop" ? -1 : 1));
  if (first !== undefined) return first.Policy === "Accept";
  if (inner && groupsAt(packet.remote).includes("sg-1")) return true;
  return packet.direction === "egress";
}

const shapes = {
  attribute: (records: readonly Record<string, string>[], inner: boolean) =>
    JSON.stringify({
      SecurityGroupId: "sg-1",
      InnerAccessPolicy: inner ? "Accept" : "Drop",
      Permissions: { Permission: records },
    }),
  list: (records: readonly Record<string, string>[]) => JSON.stringify(records),
  csv: (records: readonly Record<string, string>[]) =>
    [
      "\uFEFF",
      [ruleKeys, ...records.map((one) => ruleKeys.map((key) => `"${one[key] ?? ""}"`))]
        .map((cells) => `${cells.join(";")}\r\n`)
        .join(""),
    ].join(""),
} as const;

describe("an import of an Alibaba Cloud group", () => {
  const reached = { refused: 0, whole: 0, partial: 0, accept: 0, drop: 0, narrower: 0 };

  it.each(["attribute", "list", "csv"] as const)(
    `as %s is never wider than its source, and equal where nothing is left out (seed ${seed})`,
    (shape) => {
      const rest = {
        groups: { "sg-2": { type: "basic", network: "vpc-a" } },
        instances: instances(["sg-1"], ["sg-1", "sg-2"]),
      };
      const packets = fc.array(anyPacket, { minLength: 40, maxLength: 40 });
      fc.assert(
        fc.property(
          fc.array(permission, { minLength: 1, maxLength: 5 }),
          fc.boolean(),
          packets,
          (rules, inner, asked) => {
            const text = shapes[shape](rules.map(asRecord), inner);
            const imported = importText(
              text,
              { groups: new Set(["sg-2"]) },
              { name: "ecs_cn-x_sg-1.json", format: "alibaba" },
            );
            if (isRefused(imported.findings)) {
              // Only what a drop says refuses.
              const bad = (one: Permission): boolean =>
                /^(sg-9|pl-)/.test(one.far) || [0, 105].includes(one.Priority);
              expect(rules.some((one) => one.Policy === "Drop" && bad(one))).toBe(true);
              reached.refused += 1;
              return;
            }
            const whole = !isPartial(imported.findings);
            reached[whole ? "whole" : "partial"] += 1;
            const model = modelOf(imported, rest);
            // A bare list does not say whether members reach each other: then they do not.
            const open = shape === "attribute" && inner;
            for (const packet of asked) {
              const verdict = judge(model, packet);
              const source = sourceAccepts(rules, open, packet) ? "accept" : "drop";
              reached[verdict] += 1;
              if (whole || verdict === "accept")
                expect({ packet, verdict }).toEqual({ packet, verdict: source });
              else if (source === "accept") reached.narrower += 1;
            }
          },
        ),
        { seed, numRuns: 250 },
      );
      for (const [what, count] of Object.entries(reached))
        expect({ what, count }).not.toEqual({ what, count: 0 });
    },
  );
});
