import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Address, Model, Policy } from "../../../src/model/model.ts";
import { type CheckedRow, check } from "../../../src/policy/check.ts";
import { findByAddress } from "../../../src/policy/ends.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { readExpectations } from "../../../src/policy/expectations.ts";
import { explain } from "../../../src/policy/explain.ts";
import type { Question } from "../../../src/policy/rules.ts";
import { arbitraryModel, pools } from "../../support/arbitrary.ts";
import { address, group, model, network, nic, prefix, prefixList } from "../../support/bed.ts";
import { seed } from "../../support/seed.ts";

const shop = model({
  prefixLists: [prefixList("pl-office", 4, ["203.0.113.0/24"])],
  groups: [
    group("sg-web", {
      rules: [
        { protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0", priority: 10 },
        { policy: "drop", remote: "198.51.100.0/24" },
        { protocol: "tcp", ports: "22/22", remote: "pl-office" },
      ],
    }),
    group("sg-db", { rules: [{ protocol: "tcp", ports: "5432/5432", remote: "sg-web" }] }),
    group("sg-empty", { rules: [{ protocol: "tcp", ports: "1/1", remote: "0.0.0.0/0" }] }),
  ],
  interfaces: [
    nic("eni-web-1", { mac: "02:00:00:00:01:01", addresses: ["10.0.0.11"], groups: ["sg-web"] }),
    nic("eni-web-2", { mac: "02:00:00:00:01:03", addresses: ["10.0.0.13"], groups: ["sg-web"] }),
    nic("eni-db-1", {
      mac: "02:00:00:00:01:02",
      addresses: ["10.0.0.12"],
      groups: ["sg-db"],
      hosts: ["kvm-8"],
    }),
  ],
});

const answer = (row: object, of: Model = shop): CheckedRow => {
  const [checked] = check(of, readExpectations([row]), { now: 0 });
  if (checked === undefined) throw new Error("one row has one answer");
  return checked;
};
const isMet = (row: object, of?: Model): boolean => answer(row, of).contradiction === null;

describe("check answers for everything that a row speaks of", () => {
  it("all members of a group, and one to be", () => {
    expect(isMet({ from: "sg-web", to: "sg-db", protocol: "tcp", port: 5432, expect: "accept" })).toBe(true);
    expect(isMet({ from: "sg-db", to: "sg-web", protocol: "tcp", port: 22, expect: "drop" })).toBe(true);
    const { contradiction } = answer({
      from: "198.51.100.7",
      to: "sg-empty",
      protocol: "tcp",
      port: 1,
      expect: "drop",
    });
    expect(contradiction?.packet.to.interface).toBe("a member to be of sg-empty");
  });

  it("of the groups that it names itself: what another row names changes nothing", () => {
    const six = nic("eni-six", {
      mac: "02:00:00:00:01:06",
      addresses: ["2001:db8::6"],
      groups: ["sg-empty"],
    });
    const of = { ...shop, interfaces: new Map([...shop.interfaces, [six.id, six]]) };
    const rows = readExpectations([
      { from: "sg-empty", to: "sg-db", protocol: "tcp", port: 5432, expect: "drop" },
      { from: "::/0", to: "eni-six", protocol: "tcp", port: 80, expect: "drop" },
      { from: "sg-empty", to: "eni-six", protocol: "tcp", port: 80, expect: "accept" },
    ]);
    expect(check(of, rows, { now: 0 }).map(({ contradiction }) => contradiction)).toEqual([null, null, null]);
  });

  it("members reach each other by inner access", () => {
    expect(isMet({ from: "sg-web", to: "sg-web", protocol: "tcp", port: 9, expect: "accept" })).toBe(true);
    expect(isMet({ from: "sg-empty", to: "sg-empty", protocol: "gre", expect: "accept" })).toBe(true);
  });

  it("the whole prefix, not a sample", () => {
    const row = { to: "sg-web", protocol: "tcp", port: 80 };
    expect(isMet({ ...row, from: "203.0.113.0/24", expect: "accept" })).toBe(true);
    const { contradiction } = answer({ ...row, from: "0.0.0.0/0", expect: "accept" });
    expect(contradiction?.packet.from.address).toBe("198.51.100.0");
    expect(contradiction?.decides.rule).toEqual({
      group: "sg-web",
      index: 1,
      priority: 1,
      policy: "drop",
      line: null,
      id: null,
    });
  });

  it("a member's address in the prefix has its own rules", () => {
    expect(
      isMet({ from: "198.51.0.0/16", to: "eni-db-1", protocol: "tcp", port: 5432, expect: "drop" }),
    ).toBe(true);
    const { contradiction } = answer({
      from: "10.0.0.0/8",
      to: "eni-db-1",
      protocol: "tcp",
      port: 5432,
      expect: "drop",
    });
    expect(contradiction?.packet.from).toEqual({ interface: "eni-web-1", address: "10.0.0.11" });
  });

  it("every port where none is named", () => {
    const row = { from: "192.0.2.1", to: "eni-web-1", protocol: "tcp" };
    const { contradiction } = answer({ ...row, expect: "drop" });
    expect(contradiction?.packet.port).toBe(80);
    expect(answer({ ...row, expect: "accept" }).contradiction?.packet.port).toBe(0);
  });

  it("every protocol where none is named", () => {
    const { contradiction } = answer({ from: "192.0.2.1", to: "eni-db-1", expect: "accept" });
    expect(contradiction?.verdict).toBe("drop");
    expect(isMet({ from: "192.0.2.1", to: "eni-db-1", expect: "drop" })).toBe(true);
    expect(isMet({ from: "eni-db-1", to: "192.0.2.1", expect: "accept" })).toBe(true);
  });

  it("speaks of nothing malformed: no packet comes from multicast or loopback", () => {
    const open = model({
      groups: [
        group("sg-t", { rules: [{ remote: "0.0.0.0/0" }, { policy: "drop", remote: "224.0.0.0/4" }] }),
      ],
      interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"] })],
    });
    expect(isMet({ from: "0.0.0.0/0", to: "sg-t", expect: "accept" }, open)).toBe(true);
    expect(isMet({ from: "sg-t", to: "224.0.0.0/4", expect: "accept" }, open)).toBe(true);
  });
});

describe("a row that cannot be answered says which, and what to write", () => {
  const row = { from: "sg-web", to: "sg-db", protocol: "tcp", expect: "accept" };
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["no list", row, "no list of rows"],
    ["no row", [], "no list of rows"],
    ["an unknown key", [row, { ...row, prot: "tcp" }], 'row 2: "prot" is no key: write port'],
    [
      "several rows",
      [{ ...row, expect: "yes" }, row, { ...row, port: 65536 }],
      'row 1: expect is "yes": write `accept` or `drop`\nrow 3: port is 65536: write a number from 0 to 65535',
    ],
    [
      "several groups that are not",
      [
        { ...row, from: "sg-wbe" },
        { ...row, to: "sg-dbb" },
      ],
      'row 1: "sg-wbe" is nothing that these rules know: write sg-web\nrow 2: "sg-dbb" is nothing',
    ],
    ["no expectation", [{ ...row, expect: "yes" }], 'row 1: expect is "yes": write `accept` or `drop`'],
    ["a missing end", [{ ...row, from: undefined }], "row 1: from is missing"],
    ["a port of ICMP", [{ ...row, protocol: "icmp", port: 1 }], "row 1: port: this protocol has none"],
    ["a port too large", [{ ...row, port: 65536 }], "from 0 to 65535"],
    [
      "a group that is not",
      [{ ...row, from: "sg-wbe" }],
      'row 1: "sg-wbe" is nothing that these rules know: write sg-web',
    ],
    ["a wrong prefix", [{ ...row, from: "10.0.0.0/33" }], "row 1: "],
    [
      "an address that is not its interface's",
      [{ ...row, from: "eni-db-1@10.0.0.99" }],
      "row 1: 10.0.0.99 is not eni-db-1's: write one of 10.0.0.12, fe80::ff:fe00:102",
    ],
    ["ends of two families", [{ ...row, from: "2001:db8::/32", to: "eni-db-1" }], "row 1: no packet"],
    ["one interface twice", [{ ...row, from: "eni-db-1", to: "10.0.0.12" }], "row 1: no packet"],
  ];
  it.each(cases)("%s", (_name, rows, message) => {
    expect(() => check(shop, readExpectations(rows), { now: 0 })).toThrow(message);
  });

  it("two addresses in several networks", () => {
    const many = { ...shop, networks: new Map([...shop.networks, ["vpc-b", network("vpc-b")] as const]) };
    const addresses = { from: "10.0.0.11", to: "10.0.0.12", expect: "drop" };
    expect(() => check(many, readExpectations([addresses]), { now: 0 })).toThrow("several networks");
    expect(isMet({ ...addresses, protocol: "tcp", port: 1 }, shop)).toBe(true);
  });
});

describe("exactness", () => {
  const stranger = { 4: "198.51.100.4/30", 6: "2001:db8:ffff::4/126" } as const;
  const members = { 4: "10.0.0.8/29", 6: "2001:db8::10/124" } as const;
  const nearPorts = [...new Set(pools.ports.flatMap((port) => [port - 1, port, port + 1]))].filter(
    (port) => port >= 0 && port <= 65535,
  );
  const service = fc.oneof(
    fc.record({
      protocol: fc.constantFrom("tcp", "udp"),
      port: fc.option(fc.constantFrom(...nearPorts), { nil: undefined }),
    }),
    fc.record({ protocol: fc.constantFrom("gre", "all") }),
  );
  const rowOf = fc.record({
    own: fc.nat(5),
    out: fc.boolean(),
    family: fc.constantFrom(4 as const, 6 as const),
    wide: fc.boolean(),
    service,
    expect: fc.constantFrom<Policy>("accept", "drop"),
  });

  function addressesIn(text: string): readonly Address[] {
    const { family, bits, length } = prefix(text);
    const count = 2 ** ((family === 4 ? 32 : 128) - length);
    return Array.from({ length: count }, (_, index) => ({ family, bits: bits + BigInt(index) }));
  }

  /** Every packet of a row by brute force, with ports at and beside every boundary that the model can have. */
  function contradicts(
    of: Model,
    own: string,
    out: boolean,
    row: { protocol: string; port?: number | undefined; expect: Policy },
    far: readonly Address[],
  ): boolean {
    const judged = of.interfaces.get(own);
    if (judged === undefined) throw new Error(`${own} is an interface`);
    const protocols = { tcp: [6], udp: [17], gre: [47], all: [6, 17, 47, 50, 132, 253] }[row.protocol] ?? [];
    const isAccepted = (
      remote: Address,
      local: Address,
      rest: Omit<Question, "remote" | "local">,
    ): boolean => {
      const verdicts = [evaluate(of, own, out ? "egress" : "ingress", { ...rest, remote, local }, 0).verdict];
      const other = findByAddress(of, judged.network, remote);
      if (other !== null) {
        verdicts.push(
          evaluate(of, other.id, out ? "ingress" : "egress", { ...rest, remote: local, local: remote }, 0)
            .verdict,
        );
      }
      return verdicts.every((verdict) => verdict === "accept");
    };
    return far.some((remote) =>
      judged.addresses
        .filter(
          (local) => local.family === remote.family && findByAddress(of, judged.network, remote) !== judged,
        )
        .some((local) =>
          protocols.some((protocol) => {
            const ported = protocol === 6 || protocol === 17;
            const ports = !ported ? [null] : row.port === undefined ? nearPorts : [row.port];
            const sources = ported ? nearPorts : [null];
            return ports.some((destinationPort) =>
              sources.some((sourcePort) => {
                const rest = { protocol, sourcePort, destinationPort, icmpType: null, icmpCode: null };
                return isAccepted(remote, local, rest) !== (row.expect === "accept");
              }),
            );
          }),
        ),
    );
  }

  it(`equals brute force over all packets (seed ${seed})`, () => {
    const met = { met: 0, contradicted: 0 };
    fc.assert(
      fc.property(
        arbitraryModel(),
        rowOf,
        (of, { own, out, family, wide, service: asked, expect: wanted }) => {
          const id = `eni-${own}`;
          const judged = of.interfaces.get(id);
          if (judged === undefined || !judged.addresses.some((one) => one.family === family)) return;
          const far = (wide ? members : stranger)[family];
          const ends = out ? { from: id, to: far } : { from: far, to: id };
          const row = { ...ends, ...asked, expect: wanted };
          // ICMP, which "all" speaks of too, is left to the packet that is shown.
          const { contradiction } = answer(row, of);
          const brute = contradicts(of, id, out, { ...asked, expect: wanted }, addressesIn(far));
          if (brute) expect(contradiction).not.toBeNull();
          else if (contradiction !== null)
            expect(["icmp", "icmpv6"]).toContain(contradiction.packet.protocol);
          met[contradiction === null ? "met" : "contradicted"] += 1;
        },
      ),
      { seed, numRuns: 250 },
    );
    expect(Math.min(met.met, met.contradicted)).toBeGreaterThan(30);
  });

  it(`the packet shown contradicts the row, as explain says too (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitraryModel(), rowOf, (of, { own, out, family, service: asked, expect: wanted }) => {
        const id = `eni-${own}`;
        const judged = of.interfaces.get(id);
        if (judged === undefined || !judged.addresses.some((one) => one.family === family)) return;
        const ends = out ? { from: id, to: stranger[family] } : { from: stranger[family], to: id };
        const { contradiction } = answer({ ...ends, ...asked, expect: wanted }, of);
        if (contradiction === null) return;
        const { from, to, protocol, port, sourcePort, icmpType, icmpCode } = contradiction.packet;
        const given = { port, sourcePort, icmpType, icmpCode };
        const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
        const question = { from: from.address, to: to.address, protocol, network: judged.network, ...named };
        const explained = explain(of, question, { now: 0 });
        expect(explained.verdict).not.toBe(wanted);
        expect(explained.sides).toEqual(contradiction.sides);
      }),
      { seed, numRuns: 250 },
    );
  });

  it("a member to be has an address that no prefix but the widest holds", () => {
    const { contradiction } = answer({
      from: "sg-empty",
      to: "eni-web-1",
      protocol: "tcp",
      port: 81,
      expect: "accept",
    });
    expect(contradiction?.packet.from.address).not.toBe("198.51.100.0");
    expect(address(contradiction?.packet.from.address ?? "").family).toBe(4);
  });
});
