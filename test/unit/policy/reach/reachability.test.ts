import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address, Direction, Interface, Model } from "../../../../src/model/model.ts";
import { evaluate } from "../../../../src/policy/evaluate.ts";
import { holds, isMulticast, madeLinkLocal, sameAddress } from "../../../../src/policy/oracle/address.ts";
import { formatServices, type ServiceEntry } from "../../../../src/policy/reach/format.ts";
import {
  type FamilyReach,
  findReachability,
  internet,
  type ReachCell,
} from "../../../../src/policy/reach/reachability.ts";
import type { Question } from "../../../../src/policy/rules.ts";
import { address, group, model, network, nic, prefix } from "../../../support/bed.ts";
import { seed } from "../../../support/seed.ts";
import { arbitraryLintModel, farAddresses, listServices, now } from "../lint/universe.ts";

type Service = Omit<Question, "remote" | "local">;

const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, gre: 47 };

function inRange(text: string | undefined, value: number | null): boolean {
  if (text === undefined) return true;
  const [first = 0, last = 0] = text.split("/").map(Number);
  return value !== null && first <= value && value <= last;
}

/** Do the words of an answer hold a service? Read as a user would. */
function saysEntry(entry: ServiceEntry, service: Service): boolean {
  const plain = service.destinationPort === null && service.icmpType === null;
  if (entry.protocol === "all") return true;
  if (entry.protocol === "others") return plain;
  if ((numbers[entry.protocol] ?? entry.protocol) !== service.protocol) return false;
  if (plain !== (service.icmpType === null && service.destinationPort === null)) return false;
  const sources = entry.sourcePorts ?? ["0/65535"];
  return (
    inRange(entry.ports, service.destinationPort) &&
    inRange(entry.icmpTypes, service.icmpType) &&
    inRange(entry.icmpCodes, service.icmpCode) &&
    (service.sourcePort === null || sources.some((range) => inRange(range, service.sourcePort)))
  );
}

const says = (entries: readonly ServiceEntry[], service: Service): boolean =>
  entries.some((entry) => saysEntry(entry, service));

interface End {
  readonly own: Interface | null;
  readonly address: Address;
}

function membersOf(of: Model, id: string): End[] {
  return [...of.interfaces.values()]
    .filter(({ groups }) => groups.includes(id))
    .flatMap((own) => own.addresses.map((one) => ({ own, address: one })));
}

function strangersOf(of: Model): End[] {
  const all = [...farAddresses[4], ...farAddresses[6], "2001:db8:9::1"].map(address);
  const interfaces = [...of.interfaces.values()];
  return all
    .filter(
      (one) =>
        !isMulticast(one) &&
        !interfaces.some(
          (own) =>
            [...own.addresses, madeLinkLocal(own.mac)].some((mine) => sameAddress(mine, one)) ||
            own.allowedAddressPairs.some((pair) => holds(pair.prefix, one)),
        ),
    )
    .map((one) => ({ own: null, address: one }));
}

function passes(of: Model, from: End, to: End, service: Service): boolean {
  const judge = (end: End, far: End, direction: Direction): boolean =>
    end.own === null ||
    evaluate(of, end.own.id, direction, { ...service, local: end.address, remote: far.address }, now)
      .verdict === "accept";
  return judge(from, to, "egress") && judge(to, from, "ingress");
}

function endsOf(of: Model, id: string): End[] {
  return id === internet ? strangersOf(of) : membersOf(of, id);
}

/** Holds what is said of one cell and family against every packet of the universe. */
function checkCell(of: Model, { from, to }: ReachCell, family: 4 | 6, said: FamilyReach | null): number {
  const pairs = endsOf(of, from)
    .filter((end) => end.address.family === family)
    .flatMap((source) =>
      endsOf(of, to)
        .filter((end) => end.address.family === family && (end.own === null || end.own !== source.own))
        .map((target) => [source, target] as const),
    );
  expect(said === null, `${from} ${to} ${family}`).toBe(pairs.length === 0);
  if (said === null) return 0;
  for (const service of listServices(family)) {
    const verdicts = pairs.map(([source, target]) => passes(of, source, target, service));
    const right = { all: verdicts.every(Boolean), some: verdicts.some(Boolean) };
    expect(
      { all: says(said.all, service), some: says(said.some, service) },
      JSON.stringify({ from, to, service }),
    ).toEqual(right);
    for (const [index, [source, target]] of pairs.entries()) {
      const outer = [source, target].find(({ own }) => own === null);
      if (outer === undefined) continue;
      const part = said.outside?.find((one) =>
        "prefixes" in one
          ? one.prefixes.some((text) => holds(prefix(text), outer.address))
          : !one.except.some((text) => holds(prefix(text), outer.address)),
      );
      if (verdicts[index] === true) expect(says(part?.some ?? [], service)).toBe(true);
      if (verdicts[index] === false) expect(says(part?.all ?? [], service)).toBe(false);
    }
  }
  return pairs.length;
}

describe("reachability equals every packet tried", () => {
  it(`between groups and with the outside (seed ${seed})`, () => {
    const seen = { cells: 0, pairs: 0, partly: 0 };
    fc.assert(
      fc.property(arbitraryLintModel, (of) => {
        for (const { cells } of findReachability(of, { now })) {
          for (const one of cells) {
            seen.cells += 1;
            seen.pairs += checkCell(of, one, 4, one.ipv4) + checkCell(of, one, 6, one.ipv6);
            const { ipv4 } = one;
            if (ipv4 !== null && JSON.stringify(ipv4.all) !== JSON.stringify(ipv4.some)) seen.partly += 1;
          }
        }
      }),
      { seed, numRuns: 100 },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(20);
  });
});

describe("reachability", () => {
  const tcp = (ports: string, remote: string) => ({ protocol: "tcp", ports, remote });
  const shop = model({
    networks: [network("vpc-a"), network("vpc-b")],
    groups: [
      group("sg-web", {
        innerAccess: "drop",
        rules: [tcp("80/80", "0.0.0.0/0"), tcp("443/443", "0.0.0.0/0"), tcp("22/22", "203.0.113.0/24")],
      }),
      group("sg-db", {
        innerAccess: "drop",
        rules: [tcp("5432/5432", "sg-web"), { protocol: "icmp", remote: "10.0.0.11/32" }],
      }),
      group("sg-none", {}),
      group("sg-far", { network: "vpc-b" }),
    ],
    interfaces: [
      nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.11"], groups: ["sg-web"] }),
      nic("eni-2", { mac: "02:00:00:00:00:02", addresses: ["10.0.0.12"], groups: ["sg-web"] }),
      nic("eni-3", { mac: "02:00:00:00:00:03", addresses: ["10.0.0.13"], groups: ["sg-db"] }),
    ],
  });
  const cellOf = (from: string, to: string): ReachCell | undefined =>
    findReachability(shop, { now, network: "vpc-a" })[0]?.cells.find(
      (one) => one.from === from && one.to === to,
    );

  it("tells what all members reach, and what only some do", () => {
    const reach = cellOf("sg-web", "sg-db")?.ipv4;
    expect(formatServices(reach?.all ?? [])).toBe("tcp 5432");
    expect(formatServices(reach?.some ?? [])).toBe("tcp 5432; icmp");
    expect(cellOf("sg-db", "sg-web")?.ipv4?.some.map((one) => one.ports)).toEqual(["80/80", "443/443"]);
  });

  it("has nothing to say of one member with itself, of no members, and of a family that nobody has", () => {
    expect(cellOf("sg-db", "sg-db")).toEqual({ from: "sg-db", to: "sg-db", ipv4: null, ipv6: null });
    expect(cellOf("sg-none", "sg-web")?.ipv4).toBeNull();
    expect(cellOf("sg-web", "sg-db")?.ipv6).toBeNull();
  });

  it("names outside addresses in the fewest prefixes", () => {
    const reach = cellOf(internet, "sg-web")?.ipv4;
    expect(formatServices(reach?.all ?? [])).toBe("tcp 80,443");
    expect(reach?.outside?.map((part) => [part, formatServices(part.some)])).toMatchObject([
      [{ except: ["203.0.113.0/24"] }, "tcp 80,443"],
      [{ prefixes: ["203.0.113.0/24"] }, "tcp 22,80,443"],
    ]);
    expect(cellOf("sg-web", internet)?.ipv4?.outside).toMatchObject([
      { prefixes: ["0.0.0.0/0"], all: [{ protocol: "all" }] },
    ]);
  });

  it("never mixes networks, and narrows to groups", () => {
    const all = findReachability(shop, { now });
    expect(all.map(({ network: id, groups }) => [id, groups.length])).toEqual([
      ["vpc-a", 3],
      ["vpc-b", 1],
    ]);
    const [narrow] = findReachability(shop, { now, groups: ["sg-db"] });
    expect(narrow?.cells.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "sg-db sg-db",
      "sg-db internet",
      "internet sg-db",
    ]);
  });
});
