import { describe, expect, it } from "vitest";
import type { Group, Rule } from "../../../src/model/model.ts";
import { feels } from "../../../src/policy/feels.ts";
import { findGroupBits } from "../../../src/policy/groups.ts";
import { emptyIdentity, identityOf, noIdentity } from "../../../src/policy/identity.ts";
import { bitsFlag, serviceOtherFamily, sideFlag } from "../../../src/policy/layout.ts";
import type { Bits, CompiledPolicy } from "../../../src/policy/types.ts";
import { group, iface, model, prefix, prefixList, remote, rule, tcp } from "./compile-fixture.ts";
import { compileFirst } from "./compile-judge.ts";

const tcpBlock = 6 << 16;

function compileRules(rules: readonly Rule[], overrides: Partial<Group> = {}): CompiledPolicy {
  return compileFirst(
    model({ groups: [group("sg-a", rules, overrides)], interfaces: [iface(1, ["sg-a"], ["10.0.0.1"])] }),
  );
}

/** Numbers of the rules that bits stand for. */
function rulesOf({ words }: CompiledPolicy, bits: Bits): number[] {
  return Array.from({ length: 4096 }, (_, number) => number).filter((number) => {
    const word = number >> 6;
    const isNamed = (bits.summary >> BigInt(word)) & 1n;
    return isNamed && ((words[bits.base + word] ?? 0n) >> BigInt(number & 63)) & 1n;
  });
}

function serviceCells(compiled: CompiledPolicy): [number, number[]][] {
  return compiled.sides.ingress.service.map((cell) => [cell.first, rulesOf(compiled, cell.bits)]);
}

describe("the service dimension", () => {
  it("has a cell for each range, begins at 0 and lets `all` reach to the end", () => {
    const compiled = compileRules([rule(), tcp(80, 90), tcp(85, 100)]);
    expect(serviceCells(compiled)).toEqual([
      [0, [0]],
      [tcpBlock + 80, [0, 1]],
      [tcpBlock + 85, [0, 1, 2]],
      [tcpBlock + 91, [0, 2]],
      [tcpBlock + 101, [0]],
    ]);
  });

  it("matches port 0 with -1/-1, not with 1/65535", () => {
    expect(serviceCells(compileRules([tcp(1, 65535, { ports: null })]))[1]).toEqual([tcpBlock, [0]]);
    expect(serviceCells(compileRules([tcp(1, 65535)]))[1]).toEqual([tcpBlock + 1, [0]]);
  });

  it("merges neighbours that match the same rules", () => {
    const compiled = compileRules([
      rule({ protocolNumber: 1 }),
      rule({ protocolNumber: 1, icmpType: 8 }),
      rule({ protocolNumber: 1, icmpType: 8, icmpCode: 3 }),
    ]);
    const icmp = 1 << 16;
    expect(serviceCells(compiled)).toEqual([
      [0, []],
      [icmp, [0]],
      [icmp + 0x800, [0, 1]],
      [icmp + 0x803, [0, 1, 2]],
      [icmp + 0x804, [0, 1]],
      [icmp + 0x900, [0]],
      [icmp + 0x10000, []],
    ]);
    // Side by side, with one rule's bits: one cell.
    const same = compileRules(
      [tcp(80, 80), tcp(81, 81)].map((each) => ({ ...each, remote: remote("sg-a") })),
    );
    expect(serviceCells(same)).toHaveLength(4);
  });

  it("leaves ICMP of the other family to `all`", () => {
    const compiled = compileRules([rule({ protocolNumber: 1 }), rule({ protocolNumber: 58 }), rule()]);
    const [last, rules] = serviceCells(compiled).at(-1) ?? [0, []];
    expect(last).toBeLessThan(serviceOtherFamily);
    expect(rules).toEqual([2]);
  });

  it("has one empty cell for a side without rules", () => {
    const compiled = compileRules([]);
    expect(serviceCells(compiled)).toEqual([[0, []]]);
    expect(compiled.sides.ingress.rules).toBe(0);
  });
});

describe("prefixes", () => {
  const remotesOf = (compiled: CompiledPolicy, local = false) =>
    compiled.prefixes
      .filter((entry) => entry.direction === "ingress" && entry.local === local)
      .map((entry) => [
        `${entry.prefix.family}:${entry.prefix.bits.toString(16)}/${entry.prefix.length}`,
        rulesOf(compiled, entry.bits),
      ]);

  it("carry the rules of all prefixes that cover them", () => {
    const compiled = compileRules([
      rule({ remote: remote("10.1.0.0/16") }),
      rule({ remote: remote("10.0.0.0/8") }),
      rule({ remote: remote("0.0.0.0/0") }),
      rule({ remote: remote("10.1.0.0/16") }),
      rule({ remote: remote("2001:db8::/32") }),
      rule({ remote: remote("11.0.0.0/8") }),
    ]);
    expect(remotesOf(compiled)).toEqual([
      ["4:0/0", [2]],
      ["4:a000000/8", [1, 2]],
      ["4:a010000/16", [0, 1, 2, 3]],
      ["4:b000000/8", [2, 5]],
      [`6:20010db8${"0".repeat(24)}/32`, [4]],
    ]);
  });

  it("that say the same as what covers them are left out", () => {
    const subject = model({
      prefixLists: [prefixList("pl-a", 4, ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"])],
      groups: [group("sg-a", [rule({ remote: remote("pl-a") })])],
      interfaces: [iface(1, ["sg-a"], [])],
    });
    expect(remotesOf(compileFirst(subject))).toEqual([["4:a000000/8", [0]]]);
  });

  it("of the near side keep the rules that name none, for addresses that no other covers", () => {
    const compiled = compileRules([
      rule({ local: prefix("10.0.0.0/24") }),
      rule(),
      rule({ local: prefix("::/0") }),
    ]);
    expect(remotesOf(compiled, true)).toEqual([
      ["4:0/0", [1]],
      ["4:a000000/24", [0, 1]],
      ["6:0/0", [1, 2]],
    ]);
    expect(compiled.sides.ingress.flags & sideFlag.locals).not.toBe(0);
  });

  it("are many for one policy without costing more each", () => {
    const cidrs = Array.from({ length: 1000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    const lists = Array.from({ length: 20 }, (_, index) =>
      prefixList(
        `pl-${index}`,
        4,
        cidrs.map((cidr) => cidr.replace("10.", `${20 + index}.`)),
      ),
    );
    const rules = Array.from({ length: 1000 }, (_, index) =>
      tcp(index + 1, index + 1, { remote: remote(`pl-${index % 20}`) }),
    );
    const compiled = compileFirst(
      model({ prefixLists: lists, groups: [group("sg-a", rules)], interfaces: [iface(1, ["sg-a"], [])] }),
    );
    expect(compiled.prefixes).toHaveLength(20_000);
    // 20 lists: 20 bitmaps of 16 words, however many prefixes there are.
    expect(new Set(compiled.prefixes.map((entry) => entry.bits.base)).size).toBe(20);
    // 20 lists, 1,000 services of one bit each in at most 64 words, and a mask for each side's rules.
    expect(compiled.words.length).toBeLessThanOrEqual(20 * 16 + 64 + 16);
  });
});

describe("groups", () => {
  const subject = model({
    groups: [
      group("sg-a", [rule({ remote: remote("sg-b") }), rule({ remote: remote("sg-empty") })]),
      group("sg-b"),
      group("sg-c"),
      group("sg-empty"),
    ],
    interfaces: [
      iface(1, ["sg-a"], ["10.0.0.1"]),
      iface(2, ["sg-b"], ["10.0.0.2"], { hosts: ["kvm-2"] }),
      iface(3, ["sg-b", "sg-a"], ["10.0.0.3"], { hosts: ["kvm-2"] }),
      iface(4, ["sg-c"], ["10.0.0.4"], { hosts: ["kvm-2"] }),
    ],
  });
  const of = (...ids: string[]) => identityOf("vpc-a", ids);

  it("have an entry for each set that a rule names or that shares an inner group, in order", () => {
    const compiled = compileFirst(subject);
    const both = bitsFlag.innerAccess | bitsFlag.innerAccessEnforced;
    const entries = compiled.groups.map(({ direction, identity, bits }) => [
      `${direction} ${identity}`,
      { rules: rulesOf(compiled, bits), flags: bits.flags },
    ]);
    expect(new Map(entries as [string, unknown][])).toEqual(
      new Map<string, unknown>([
        [`egress ${of("sg-a")}`, { rules: [], flags: both }],
        [`egress ${of("sg-a", "sg-b")}`, { rules: [], flags: both }],
        [`ingress ${of("sg-a")}`, { rules: [], flags: both }],
        [`ingress ${of("sg-b")}`, { rules: [0], flags: 0 }],
        [`ingress ${of("sg-a", "sg-b")}`, { rules: [0], flags: both }],
      ]),
    );
    const ingress = compiled.groups.filter(({ direction }) => direction === "ingress");
    const identities = ingress.map(({ identity }) => identity);
    expect(identities).toEqual([...identities].sort((a, b) => (a < b ? -1 : 1)));
  });

  it("are found by side and identity among many, and nothing else is", () => {
    const ids = Array.from({ length: 50 }, (_, index) => `sg-${index}`);
    const compiled = compileFirst(
      model({
        groups: ids.map((id) =>
          group(id, id === "sg-0" ? ids.map((other) => rule({ remote: remote(other) })) : []),
        ),
        interfaces: ids.map((id, index) => iface(index + 1, [id], [`10.0.0.${index + 1}`])),
      }),
    );
    expect(compiled.groups).toHaveLength(51);
    for (const { direction, identity, bits } of compiled.groups) {
      expect(findGroupBits(compiled, direction, identity)).toBe(bits);
    }
    const egress = compiled.groups.filter(({ direction }) => direction === "egress");
    expect(egress.map(({ identity }) => identity)).toEqual([of("sg-0")]);
    expect(findGroupBits(compiled, "egress", of("sg-1"))).toBeUndefined();
    expect(findGroupBits(compiled, "ingress", noIdentity)).toBeUndefined();
    // Each has a rule of its own: same word, other bits.
    expect(feels(compiled, of("sg-1"), of("sg-2"))).toBe(true);
  });

  it.each([
    ["a member of a named group that becomes nobody's", of("sg-b"), noIdentity, true],
    ["a stranger that joins a named group", noIdentity, of("sg-b"), true],
    ["a member that joins an inner group, which no rule names", of("sg-c"), of("sg-a"), true],
    ["a member that joins a second group of the same rules", of("sg-b"), of("sg-a", "sg-b"), true],
    ["a member of a group that nothing names", of("sg-c"), noIdentity, false],
    ["a stranger that becomes known, but stands for no group", noIdentity, emptyIdentity, false],
    ["nobody that stays nobody", noIdentity, noIdentity, false],
    ["a member that stays", of("sg-b"), of("sg-b"), false],
  ])("feel, or do not, %s", (_name, before, after, felt) => {
    expect(feels(compileFirst(subject), before, after)).toBe(felt);
    expect(feels(compileFirst(subject), after, before)).toBe(felt);
  });
});

describe("a compiled policy", () => {
  it("says only what its rules need", () => {
    const { ingress, egress } = compileRules([rule({ remote: remote("sg-a") })], {
      innerAccess: "drop",
    }).sides;
    expect(ingress.flags).toBe(sideFlag.groups);
    expect(egress.flags).toBe(sideFlag.defaultAccept | sideFlag.defaultAcceptEnforced);
    expect([ingress.sourcePort, ingress.expires, ingress.enforcedWords]).toEqual([[], [], 0]);
  });

  it("has its masks at the head of its words", () => {
    const rules = [rule({ policy: "drop" }), rule(), rule({ direction: "egress" })];
    const compiled = compileRules(rules, { mode: "observe" });
    const { egress, ingress } = compiled.sides;
    expect([egress.acceptsBase, egress.enforcedBase, ingress.acceptsBase, ingress.enforcedBase]).toEqual([
      0, 1, 2, 3,
    ]);
    expect([...compiled.words.subarray(0, 4)]).toEqual([1n, 0n, 0b10n, 0n]);
  });

  it("stores equal bitmaps once, of whatever dimension", () => {
    const rules = Array.from({ length: 500 }, (_, index) =>
      tcp(1 + index, 1 + index, { remote: remote(`10.0.${index & 255}.0/24`) }),
    );
    const compiled = compileRules(rules);
    // One bit in one word: 64 words serve 500 services; prefixes that two rules name need a run of their own.
    expect(compiled.words.length).toBeLessThan(8 + 64 + 256 * 8);
    const bases = new Map<string, number>();
    for (const { bits } of [...compiled.sides.ingress.service, ...compiled.prefixes]) {
      const key = rulesOf(compiled, bits).join();
      expect(bases.get(key) ?? bits.base).toBe(bits.base);
      bases.set(key, bits.base);
    }
  });

  it("fits 4,096 rules a side and refuses one more, saying whose", () => {
    const rules = Array.from({ length: 4097 }, (_, index) => tcp(1 + index, 1 + index));
    expect(compileRules(rules.slice(1)).sides.ingress.rules).toBe(4096);
    expect(() => compileRules(rules)).toThrow("interfaces in sg-a have 4097 ingress rules, at most 4096 fit");
  });

  it("lets a rule expire at its second, at once before 1970, and never beyond 2106", () => {
    const compiled = compileRules([
      rule({ expires: 1000 }),
      rule({ expires: 0 }),
      rule({ expires: 2 ** 40 }),
      rule({ expires: 1000.25 }),
      rule(),
    ]);
    expect(compiled.sides.ingress.expires.map((cell) => [cell.first, rulesOf(compiled, cell.bits)])).toEqual([
      [0, [0, 2, 3, 4]],
      [1000, [2, 3, 4]],
      [1001, [2, 4]],
    ]);
  });
});
