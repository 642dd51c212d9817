/** An import of AWS groups allows what they allow: never more, and where nothing is named, nothing less. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import {
  anyPacket,
  contains,
  type ForeignPacket,
  instances,
  judge,
  members,
  prefixes4,
  prefixes6,
} from "../../support/foreign.ts";
import { importText, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

interface Permission {
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly IpRanges: readonly { readonly CidrIp: string }[];
  readonly Ipv6Ranges: readonly { readonly CidrIpv6: string }[];
  readonly PrefixListIds: readonly { readonly PrefixListId: string }[];
  readonly UserIdGroupPairs: readonly { readonly GroupId: string; readonly UserId: string }[];
}

interface AwsGroup {
  readonly GroupId: string;
  readonly OwnerId: string;
  readonly VpcId: string;
  readonly IpPermissions: readonly Permission[];
  readonly IpPermissionsEgress: readonly Permission[];
}

const lists = { "pl-known": ["198.51.100.128/25", "203.0.113.9/32"] } as const;

const service = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("tcp", "udp", "6", "TCP"),
      fc.constantFrom(0, 1, 22, 80, -1),
      fc.constantFrom(0, 80, 443, 65535, -1),
    )
    .map(([IpProtocol, a, b]) =>
      a === -1 || b === -1
        ? { IpProtocol, FromPort: -1, ToPort: -1 }
        : { IpProtocol, FromPort: Math.min(a, b), ToPort: Math.max(a, b) },
    ),
  fc
    .tuple(
      fc.constantFrom("icmp", "icmpv6", "1", "58"),
      fc.constantFrom(-1, 0, 3, 8, 128),
      fc.constantFrom(-1, 0, 4),
    )
    .map(([IpProtocol, FromPort, ToPort]) => ({ IpProtocol, FromPort, ToPort })),
  fc.constantFrom({ IpProtocol: "-1" }, { IpProtocol: "47" }, { IpProtocol: "50" }),
);

const some = <T>(...values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { maxLength: 2 });

const permission: fc.Arbitrary<Permission> = fc
  .record({
    service,
    IpRanges: some(...[...prefixes4, "198.51.100.9/24"].map((CidrIp) => ({ CidrIp }))),
    Ipv6Ranges: some(...prefixes6.map((CidrIpv6) => ({ CidrIpv6 }))),
    PrefixListIds: some({ PrefixListId: "pl-known" }, { PrefixListId: "pl-unknown" }),
    UserIdGroupPairs: some(
      { GroupId: "sg-1", UserId: "1" },
      { GroupId: "sg-2", UserId: "1" },
      { GroupId: "sg-9", UserId: "9" },
    ),
  })
  .map(({ service: said, ...peers }) => ({ ...said, ...peers }));

const group = (GroupId: string): fc.Arbitrary<AwsGroup> =>
  fc.record({
    GroupId: fc.constant(GroupId),
    OwnerId: fc.constant("1"),
    VpcId: fc.constant("vpc-1"),
    IpPermissions: fc.array(permission, { maxLength: 3 }),
    IpPermissionsEgress: fc.array(permission, { maxLength: 3 }),
  });

/** Who stands behind an address: `eni-2` is in `sg-2`, `eni-1` in both. */
function groupsAt(remote: string): readonly string[] {
  const at = (id: keyof typeof members): boolean => (members[id] as readonly string[]).includes(remote);
  return at("eni-1") ? ["sg-1", "sg-2"] : at("eni-2") ? ["sg-2"] : [];
}

function serves(rule: Permission, packet: ForeignPacket): boolean {
  const { FromPort = -1, ToPort = -1 } = rule;
  const icmpMatches =
    (FromPort === -1 || FromPort === packet.type) && (ToPort === -1 || ToPort === packet.code);
  switch (rule.IpProtocol.toLowerCase()) {
    case "-1":
      return true;
    case "tcp":
    case "6":
    case "udp": {
      const protocol = rule.IpProtocol === "udp" ? 17 : 6;
      if (packet.protocol !== protocol || packet.port === null) return false;
      return FromPort === -1 || (FromPort <= packet.port && packet.port <= ToPort);
    }
    case "icmp":
    case "1":
      return packet.protocol === 1 && icmpMatches;
    case "icmpv6":
    case "58":
      return packet.protocol === 58 && icmpMatches;
    default:
      return packet.protocol === Number(rule.IpProtocol);
  }
}

/** EC2's rule: some permission of some group of the interface matches, or the packet is dropped. */
function sourceAccepts(groups: readonly AwsGroup[], packet: ForeignPacket): boolean {
  return groups
    .flatMap((one) => (packet.direction === "ingress" ? one.IpPermissions : one.IpPermissionsEgress))
    .filter((rule) => serves(rule, packet))
    .some(
      (rule) =>
        rule.IpRanges.some(({ CidrIp }) => contains(CidrIp, packet.remote)) ||
        rule.Ipv6Ranges.some(({ CidrIpv6 }) => contains(CidrIpv6, packet.remote)) ||
        rule.UserIdGroupPairs.some(({ GroupId }) => groupsAt(packet.remote).includes(GroupId)) ||
        rule.PrefixListIds.some(
          ({ PrefixListId }) =>
            PrefixListId === "pl-known" &&
            lists["pl-known"].some((prefix) => contains(prefix, packet.remote)),
        ),
    );
}

describe("an import of AWS groups", () => {
  const reached = { whole: 0, partial: 0, accept: 0, drop: 0, narrower: 0 };

  it(`is never wider than its source, and equal where nothing is left out (seed ${seed})`, () => {
    const rest = {
      prefixLists: {
        "pl-known": { family: "ipv4", entries: lists["pl-known"].map((cidr) => ({ cidr })) },
      },
      instances: instances(["sg-1", "sg-2"], ["sg-2"]),
    };
    fc.assert(
      fc.property(
        group("sg-1"),
        group("sg-2"),
        fc.array(anyPacket, { minLength: 40, maxLength: 40 }),
        (one, two, packets) => {
          const text = JSON.stringify({ SecurityGroups: [one, two] });
          const imported = importText(text, { prefixLists: new Set(["pl-known"]) });
          expect(isRefused(imported.findings)).toBe(false);
          const whole = !isPartial(imported.findings);
          reached[whole ? "whole" : "partial"] += 1;
          const model = modelOf(imported, rest);
          for (const packet of packets) {
            const verdict = judge(model, packet);
            const source = sourceAccepts([one, two], packet) ? "accept" : "drop";
            reached[verdict] += 1;
            if (whole || verdict === "accept")
              expect({ packet, verdict }).toEqual({ packet, verdict: source });
            else if (source === "accept") reached.narrower += 1;
          }
        },
      ),
      { seed, numRuns: 400 },
    );
    for (const [what, count] of Object.entries(reached))
      expect({ what, count }).not.toEqual({ what, count: 0 });
  });
});
