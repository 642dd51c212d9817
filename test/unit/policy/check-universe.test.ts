import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address, Interface, Model } from "../../../src/model/model.ts";
import { check } from "../../../src/policy/check.ts";
import { QuestionError } from "../../../src/policy/ends.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { type Expectation, readExpectations } from "../../../src/policy/expectations.ts";
import { explain } from "../../../src/policy/explain.ts";
import { makeMembersToBe } from "../../../src/policy/member-to-be.ts";
import { holds, isMulticast, madeLinkLocal, sameAddress } from "../../../src/policy/oracle/address.ts";
import { address, prefix } from "../../support/bed.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryLintModel, farAddresses, listServices, now } from "./lint/universe.ts";

interface Place {
  readonly interface: Interface | null;
  readonly address: Address;
}

function isOwn(own: Interface, value: Address): boolean {
  return [...own.addresses, madeLinkLocal(own.mac)].some((one) => sameAddress(one, value));
}

/** Whose an address is: its interface's, those of the pairs that hold it, or nobody's. */
function placesOf(of: Model, value: Address): Place[] {
  const all = [...of.interfaces.values()];
  const listed = all.filter((own) => isOwn(own, value));
  const paired = all.filter((own) => own.allowedAddressPairs.some((pair) => holds(pair.prefix, value)));
  const owners = listed.length > 0 ? listed : paired;
  return owners.length === 0
    ? [{ interface: null, address: value }]
    : owners.map((own) => ({ interface: own, address: value }));
}

/** Every place of the universe that a text stands for; `of` has the members to be. */
function listPlaces(of: Model, text: string): Place[] {
  if (of.groups.has(text) || of.interfaces.has(text)) {
    const meant = [...of.interfaces.values()].filter((own) => own.id === text || own.groups.includes(text));
    return meant.flatMap((own) => own.addresses.map((one) => ({ interface: own, address: one })));
  }
  const [id = "", at] = text.split("@");
  const own = of.interfaces.get(id);
  if (at !== undefined && own !== undefined) return [{ interface: own, address: address(at) }];
  const named = prefix(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
  const made = [...of.interfaces.values()].flatMap((one) => [...one.addresses, madeLinkLocal(one.mac)]);
  const points = [...farAddresses[4], ...farAddresses[6]].map(address);
  const inside = [...made, ...points].filter((one) => holds(named, one));
  return inside.flatMap((one) => placesOf(of, one));
}

/** Verdicts of every packet of the universe that the row speaks of. */
function* judgeRow(of: Model, row: Expectation): Generator<"accept" | "drop"> {
  for (const from of listPlaces(of, row.from)) {
    if (isMulticast(from.address)) continue;
    for (const to of listPlaces(of, row.to)) {
      if (from.address.family !== to.address.family || from.interface === to.interface) continue;
      for (const service of listServices(from.address.family)) {
        if (row.protocolNumber !== null && service.protocol !== row.protocolNumber) continue;
        // ICMP is of IPv4, ICMPv6 of IPv6: in the other family these numbers are no ICMP.
        if (row.protocolNumber === (from.address.family === 4 ? 58 : 1)) continue;
        if (row.port !== null && service.destinationPort !== row.port) continue;
        if (row.icmpType !== null && service.icmpType !== row.icmpType) continue;
        const out = { ...service, local: from.address, remote: to.address };
        const back = { ...service, local: to.address, remote: from.address };
        const verdicts = [
          from.interface === null ? null : evaluate(of, from.interface.id, "egress", out, now).verdict,
          to.interface === null ? null : evaluate(of, to.interface.id, "ingress", back, now).verdict,
        ];
        yield verdicts.includes("drop") ? "drop" : "accept";
      }
    }
  }
}

const ends = [
  "sg-a",
  "sg-b",
  "sg-nobody",
  "eni-1",
  "eni-2",
  "10.0.0.3",
  "eni-2@10.0.0.3",
  "eni-2@2001:db8::2",
  "10.0.0.0/30",
  "2001:db8::/126",
  "0.0.0.0/0",
  "::/0",
  "192.0.2.1",
];
const services = [
  {},
  { protocol: "tcp" },
  { protocol: "tcp", port: 80 },
  { protocol: "udp", port: 82 },
  { protocol: "icmp" },
  { protocol: "icmpv6", icmpType: 8 },
  { protocol: "gre" },
  { protocol: 50 },
];
const arbitraryRow = fc
  .record({
    from: fc.constantFrom(...ends),
    to: fc.constantFrom(...ends),
    service: fc.constantFrom(...services),
    expect: fc.constantFrom("accept", "drop"),
  })
  .map(({ service, ...rest }) => ({ ...rest, ...service }));

describe("check over a whole universe", () => {
  it(`equals every packet tried: groups, members to be, prefixes, address pairs (seed ${seed})`, () => {
    const seen = { met: 0, contradicted: 0, nothing: 0 };
    fc.assert(
      fc.property(arbitraryLintModel, fc.array(arbitraryRow, { minLength: 4, maxLength: 8 }), (of, rows) => {
        for (const row of readExpectations(rows)) {
          const named = [row.from, row.to].filter((end) => of.groups.has(end));
          const grown = makeMembersToBe(of, named)(named);
          const verdicts = new Set(judgeRow(grown, row));
          if (verdicts.size === 0) {
            seen.nothing += 1;
            expect(() => check(of, [row], { now })).toThrow(QuestionError);
            continue;
          }
          const [checked] = check(of, [row], { now });
          const contradiction = checked?.contradiction ?? null;
          const wrong = row.expect === "accept" ? "drop" : "accept";
          expect([row.from, row.to, contradiction !== null]).toEqual([row.from, row.to, verdicts.has(wrong)]);
          seen[contradiction === null ? "met" : "contradicted"] += 1;
        }
      }),
      { seed, numRuns: 150 },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10);
  });

  it(`shows a packet that explain judges alike (seed ${seed})`, () => {
    let shown = 0;
    fc.assert(
      fc.property(arbitraryLintModel, arbitraryRow, (of, written) => {
        const members = [written.from, written.to].some((end) => of.groups.has(end));
        const rows = readExpectations([written]);
        let contradiction: ReturnType<typeof check>[number]["contradiction"] = null;
        try {
          contradiction = check(of, rows, { now })[0]?.contradiction ?? null;
        } catch (error) {
          expect(error).toBeInstanceOf(QuestionError);
        }
        if (contradiction === null || members) return;
        const { from, to, protocol, port, sourcePort, icmpType, icmpCode } = contradiction.packet;
        const name = (end: typeof from): string =>
          end.interface === null ? end.address : `${end.interface}@${end.address}`;
        const values = Object.entries({ port, sourcePort, icmpType, icmpCode }).filter(
          ([, value]) => value !== null,
        );
        const question = { from: name(from), to: name(to), protocol, ...Object.fromEntries(values) };
        const explained = explain(of, question, { now });
        expect(explained.sides).toEqual(contradiction.sides);
        expect(explained.verdict).toBe(contradiction.verdict);
        shown += 1;
      }),
      { seed, numRuns: 400 },
    );
    expect(shown).toBeGreaterThan(40);
  });
});
