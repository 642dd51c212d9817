/** An import of OpenStack groups allows what they allow: never more, and where nothing is named, nothing less. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import {
  anyPacket,
  contains,
  type ForeignPacket,
  familyOf,
  instances,
  judge,
  members,
  prefixes4,
  prefixes6,
} from "../../support/foreign.ts";
import { importText, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

const own = "11111111-1111-4111-8111-111111111111";
const peer = "22222222-2222-4222-8222-222222222222";
const strange = "99999999-9999-4999-8999-999999999999";

interface Rule {
  readonly protocol: string | null;
  readonly ethertype: "IPv4" | "IPv6";
  readonly direction: "ingress" | "egress";
  readonly first: number | null;
  readonly last: number | null;
  readonly prefix: string | null;
  readonly group: string | null;
  readonly addressGroup: string | null;
}

const service = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("tcp", "udp", "6"),
      fc.constantFrom(0, 1, 22, 80, null),
      fc.constantFrom(80, 443, 65535),
    )
    .map(([protocol, first, last]) => ({ protocol, first, last: first === null ? null : last })),
  fc
    .tuple(
      fc.constantFrom("icmp", "ipv6-icmp", "icmpv6"),
      fc.constantFrom(null, 0, 3, 8, 128),
      fc.constantFrom(null, 0, 4),
    )
    .map(([protocol, first, last]) => ({ protocol, first, last: first === null ? null : last })),
  fc.constantFrom(
    { protocol: null, first: null, last: null },
    { protocol: "gre", first: null, last: null },
    { protocol: "50", first: null, last: null },
    { protocol: "sctp", first: 80, last: 80 },
  ),
);

const far = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...prefixes4, ...prefixes6).map((prefix) => ({ prefix, group: null })),
  },
  { weight: 2, arbitrary: fc.constantFrom(own, peer, strange).map((group) => ({ prefix: null, group })) },
  { weight: 1, arbitrary: fc.constant({ prefix: null, group: null }) },
);

const rule: fc.Arbitrary<Rule> = fc
  .record({
    service,
    far,
    ethertype: fc.constantFrom("IPv4" as const, "IPv6" as const),
    direction: fc.constantFrom("ingress" as const, "egress" as const),
    addressGroup: fc.constantFrom(null, null, null, null, "ag-1"),
  })
  .map(({ service: said, far: peerOf, ethertype, ...rest }) => ({
    ...said,
    ...peerOf,
    // A prefix of the other family is a rule that Neutron refuses.
    ethertype: peerOf.prefix === null ? ethertype : familyOf(peerOf.prefix) === 4 ? "IPv4" : "IPv6",
    ...rest,
  }));

function asColumns(one: Rule, index: number, of: string) {
  const isIcmp = one.protocol?.includes("icmp") === true;
  const code = one.last === null ? "" : `:code=${one.last}`;
  const range = one.first === null ? "" : isIcmp ? `type=${one.first}${code}` : `${one.first}:${one.last}`;
  return {
    ID: `r-${index}`,
    "IP Protocol": one.protocol,
    Ethertype: one.ethertype,
    "IP Range": one.prefix ?? "",
    "Port Range": range,
    Direction: one.direction,
    "Remote Security Group": one.group,
    "Remote Address Group": one.addressGroup,
    "Security Group": of,
  };
}

function groupsAt(remote: string): readonly string[] {
  const at = (id: keyof typeof members): boolean => (members[id] as readonly string[]).includes(remote);
  return at("eni-1") ? [own] : at("eni-2") ? [peer] : [];
}

const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, gre: 47, sctp: 132 };

function serves({ protocol, ethertype, first, last }: Rule, packet: ForeignPacket): boolean {
  if (protocol === null) return true;
  if (protocol.includes("icmp")) {
    const number = ethertype === "IPv6" ? 58 : protocol === "icmp" ? 1 : null;
    if (packet.protocol !== number) return false;
    return (first === null || first === packet.type) && (last === null || last === packet.code);
  }
  if (packet.protocol !== (numbers[protocol] ?? Number(protocol))) return false;
  if (first === null || last === null) return true;
  return packet.port !== null && first <= packet.port && packet.port <= last;
}

function sourceAccepts(rules: readonly Rule[], packet: ForeignPacket): boolean {
  return rules.some(
    (one) =>
      one.addressGroup === null &&
      one.direction === packet.direction &&
      (one.ethertype === "IPv4" ? 4 : 6) === familyOf(packet.remote) &&
      serves(one, packet) &&
      (one.prefix === null || contains(one.prefix, packet.remote)) &&
      (one.group === null || groupsAt(packet.remote).includes(one.group)),
  );
}

describe("an import of OpenStack groups", () => {
  const reached = { whole: 0, partial: 0, accept: 0, drop: 0, narrower: 0 };

  it(`is never wider than its source, and equal where nothing is left out (seed ${seed})`, () => {
    const rest = { instances: instances([`sg-${own}`], [`sg-${peer}`]) };
    const packets = fc.array(anyPacket, { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), packets, (rules, asked) => {
        const anchor = asColumns(
          {
            protocol: "tcp",
            ethertype: "IPv4",
            direction: "egress",
            first: 9,
            last: 9,
            prefix: "192.0.2.1/32",
            group: null,
            addressGroup: null,
          },
          99,
          peer,
        );
        const text = JSON.stringify([
          ...rules.map((one, index) => asColumns(one, index, own)),
          { ...anchor, "Security Group": own, ID: "r-98" },
          anchor,
        ]);
        const imported = importText(text);
        expect(isRefused(imported.findings)).toBe(false);
        const whole = !isPartial(imported.findings);
        reached[whole ? "whole" : "partial"] += 1;
        const model = modelOf(imported, rest);
        for (const packet of asked) {
          const verdict = judge(model, packet);
          const source = sourceAccepts(rules, packet) ? "accept" : "drop";
          reached[verdict] += 1;
          if (whole || verdict === "accept") expect({ packet, verdict }).toEqual({ packet, verdict: source });
          else if (source === "accept") reached.narrower += 1;
        }
      }),
      { seed, numRuns: 500 },
    );
    for (const [what, count] of Object.entries(reached))
      expect({ what, count }).not.toEqual({ what, count: 0 });
  });
});
