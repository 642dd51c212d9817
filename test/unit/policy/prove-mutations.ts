/** A policy that uses everything, and what a compiler, a write or a memory might do to it. */
import { compile } from "../../../src/policy/compile.ts";
import { identityOf } from "../../../src/policy/identity.ts";
import { sideFlag } from "../../../src/policy/layout.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type {
  Bits,
  Cell,
  CompiledPolicy,
  CompiledSide,
  PolicySource,
  Resolved,
} from "../../../src/policy/types.ts";
import { group, iface, model, prefix, prefixList, remote, rule, tcp } from "./compile-fixture.ts";

/** 150 ingress rules (three words) that use every dimension, an observing group, inner access, nested prefixes. */
export function createSubject(): { resolved: Resolved; source: PolicySource; compiled: CompiledPolicy } {
  const many = Array.from({ length: 130 }, (_, index) =>
    tcp(1000 + 10 * index, 1005 + 10 * index, {
      priority: 50,
      policy: index % 3 === 0 ? "drop" : "accept",
      remote: remote(`10.${index}.0.0/16`),
    }),
  );
  const subject = model({
    prefixLists: [prefixList("pl-a", 4, ["198.51.100.0/24", "203.0.113.0/25"])],
    groups: [
      group("sg-a", [
        rule({ remote: remote("sg-b") }),
        rule({ remote: remote("10.0.0.0/8"), policy: "drop", priority: 3 }),
        rule({ remote: remote("2001:db8::/32"), priority: 4 }),
        tcp(22, 22, { remote: remote("pl-a"), sourcePorts: { first: 1024, last: 65535 } }),
        rule({ local: prefix("10.0.0.1/32"), expires: 5000, priority: 7 }),
        rule({ direction: "egress", policy: "drop", remote: remote("10.1.0.0/16") }),
        rule({ protocolNumber: 1, icmpType: 8, priority: 90 }),
      ]),
      group("sg-b", many, { mode: "observe" }),
      group("sg-c"),
    ],
    interfaces: [iface(1, ["sg-a", "sg-b"], ["10.0.0.1"]), iface(2, ["sg-c"], ["10.0.0.2"])],
  });
  const resolved = resolve(subject, { host: "kvm-1" });
  const source = resolved.policies.get(resolved.interfaces[0]?.policy ?? 0n);
  if (source === undefined) {
    throw new Error("eni-1 has no policy");
  }
  return { resolved, source, compiled: compile(source, resolved.identities) };
}

export type Mutation = (compiled: CompiledPolicy, source: PolicySource) => CompiledPolicy;

/** A change of one side. */
const ofSide =
  (change: (side: CompiledSide) => Partial<CompiledSide>): Mutation =>
  (compiled) => {
    const { ingress } = compiled.sides;
    return { ...compiled, sides: { ...compiled.sides, ingress: { ...ingress, ...change(ingress) } } };
  };

const ofCells = (
  dimension: "service" | "sourcePort" | "expires",
  change: (cells: Cell[]) => Cell[],
): Mutation => ofSide((side) => ({ [dimension]: change([...side[dimension]]) }));

const at = <T>(items: readonly T[], index: number): T => {
  const item = items.at(index);
  if (item === undefined) {
    throw new Error(`the subject has no item ${index}`);
  }
  return item;
};

const replaceAt = <T>(items: readonly T[], index: number, change: (item: T) => T): T[] =>
  items.map((item, place) => (place === index ? change(item) : item));

const shiftCell = (index: number, by: number): Mutation =>
  ofCells("service", (cells) => replaceAt(cells, index, (cell) => ({ ...cell, first: cell.first + by })));

const ofPrefix = (text: string, change: (bits: Bits) => Bits | null): Mutation => {
  const { bits, length } = prefix(text);
  return (compiled) => ({
    ...compiled,
    prefixes: compiled.prefixes.flatMap((entry) => {
      const isMeant =
        entry.direction === "ingress" && entry.prefix.bits === bits && entry.prefix.length === length;
      const changed = isMeant ? change(entry.bits) : entry.bits;
      return changed === null ? [] : [{ ...entry, bits: changed }];
    }),
  });
};

/** One bit of one word. */
export const flipWord =
  (word: (compiled: CompiledPolicy) => number, bit: bigint): Mutation =>
  (compiled) => ({
    ...compiled,
    words: compiled.words.map((value, place) => (place === word(compiled) ? value ^ (1n << bit) : value)),
  });

export const mutations: readonly (readonly [string, Mutation])[] = [
  ["a word with a rule more", flipWord(({ words }) => words.length - 1, 63n)],
  [
    "a word with a rule less",
    (compiled) => ({ ...compiled, words: compiled.words.map((word) => word & (word - 1n)) }),
  ],
  ["the words cut short", (compiled) => ({ ...compiled, words: compiled.words.slice(0, -1) })],
  ["a rule that drops taken for one that accepts", flipWord(({ sides }) => sides.ingress.acceptsBase, 0n)],
  ["an observing rule taken for an enforcing one", flipWord(({ sides }) => sides.ingress.enforcedBase, 60n)],
  [
    "both masks swapped",
    ofSide((side) => ({ acceptsBase: side.enforcedBase, enforcedBase: side.acceptsBase })),
  ],
  ["the mask of accepts beyond the words", ofSide(() => ({ acceptsBase: 1_000_000 }))],
  ["a mask of enforcing rules too short", ofSide((side) => ({ enforcedWords: side.enforcedWords - 1 }))],
  ["a rule too few", ofSide((side) => ({ rules: side.rules - 1 }))],
  ["a default that accepts", ofSide((side) => ({ flags: side.flags | sideFlag.defaultAccept }))],
  ["observe forgotten", ofSide((side) => ({ flags: side.flags & ~sideFlag.observes }))],
  ["prefixes that are not asked", ofSide((side) => ({ flags: side.flags & ~sideFlag.prefixes }))],
  ["groups that are not asked", ofSide((side) => ({ flags: side.flags & ~sideFlag.groups }))],
  ["local prefixes that are not asked", ofSide((side) => ({ flags: side.flags & ~sideFlag.locals }))],
  ["source ports that are not asked", ofSide((side) => ({ flags: side.flags & ~sideFlag.sourcePorts }))],
  ["expiry that is not asked", ofSide((side) => ({ flags: side.flags & ~sideFlag.expires }))],
  [
    "sides swapped",
    (compiled) => ({
      ...compiled,
      sides: { egress: compiled.sides.ingress, ingress: compiled.sides.egress },
    }),
  ],
  // Of neighbouring cells one begins where a range does, the other where one ends.
  ["a cell that begins a port late", shiftCell(5, 1)],
  ["its neighbour that begins a port late", shiftCell(6, 1)],
  ["a cell that begins a port early", shiftCell(5, -1)],
  ["its neighbour that begins a port early", shiftCell(6, -1)],
  ["a cell lost", ofCells("service", (cells) => cells.filter((_, index) => index !== 7))],
  ["the last cell lost", ofCells("service", (cells) => cells.slice(0, -1))],
  ["the first cell lost", ofCells("service", (cells) => cells.slice(1))],
  ["all cells lost", ofCells("service", () => [])],
  [
    "cells out of order",
    ofCells("service", (cells) => [at(cells, 0), at(cells, 2), at(cells, 1), ...cells.slice(3)]),
  ],
  [
    "a cell beyond the dimension",
    ofCells("service", (cells) => [...cells, { ...at(cells, -1), first: 2 ** 25 }]),
  ],
  [
    "two cells' rules swapped",
    ofCells("service", (cells) => {
      const [a, b] = [at(cells, 3), at(cells, 4)];
      return [...cells.slice(0, 3), { ...a, bits: b.bits }, { ...b, bits: a.bits }, ...cells.slice(5)];
    }),
  ],
  [
    "a summary that misses a word",
    ofCells("service", (cells) =>
      replaceAt(cells, 9, (cell) => ({
        ...cell,
        bits: { ...cell.bits, summary: cell.bits.summary & (cell.bits.summary - 1n) },
      })),
    ),
  ],
  [
    "a summary that names a word too many",
    ofCells("service", (cells) =>
      replaceAt(cells, 9, (cell) => ({ ...cell, bits: { ...cell.bits, summary: cell.bits.summary | 8n } })),
    ),
  ],
  [
    "a base one word off",
    ofCells("service", (cells) =>
      replaceAt(cells, 9, (cell) => ({ ...cell, bits: { ...cell.bits, base: cell.bits.base + 1 } })),
    ),
  ],
  [
    "a base before the policy's words",
    ofCells("service", (cells) =>
      replaceAt(cells, 9, (cell) => ({ ...cell, bits: { ...cell.bits, base: -1000 } })),
    ),
  ],
  [
    "source ports that begin a port late",
    ofCells("sourcePort", (cells) => replaceAt(cells, 1, (cell) => ({ ...cell, first: 1025 }))),
  ],
  [
    "a rule that expires a second late",
    ofCells("expires", (cells) => replaceAt(cells, 1, (cell) => ({ ...cell, first: 5001 }))),
  ],
  ["a rule that never expires", ofCells("expires", (cells) => cells.slice(0, 1))],
  ["a prefix lost", ofPrefix("10.7.0.0/16", () => null)],
  [
    "a prefix without the rules of those that cover it",
    (compiled) =>
      ofPrefix(
        "10.7.0.0/16",
        () =>
          at(
            compiled.prefixes.filter((entry) => entry.prefix.length === 32),
            0,
          ).bits,
      )(compiled, compiled.source),
  ],
  ["a wide prefix lost", ofPrefix("10.0.0.0/8", () => null)],
  ["a prefix with flags", ofPrefix("10.0.0.0/8", (bits) => ({ ...bits, flags: 1 }))],
  [
    "a prefix of the other family",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.map((entry) => ({ ...entry, prefix: { ...entry.prefix, family: 6 } })),
    }),
  ],
  [
    "a prefix one bit longer",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.map((entry) =>
        entry.prefix.length === 25 ? { ...entry, prefix: { ...entry.prefix, length: 26 } } : entry,
      ),
    }),
  ],
  [
    "a prefix with host bits",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.map((entry) =>
        entry.prefix.length === 25
          ? { ...entry, prefix: { ...entry.prefix, bits: entry.prefix.bits + 1n } }
          : entry,
      ),
    }),
  ],
  [
    "a prefix twice",
    (compiled) => ({ ...compiled, prefixes: [...compiled.prefixes, at(compiled.prefixes, -1)] }),
  ],
  [
    "a prefix of the other direction",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.map((entry) => ({ ...entry, direction: "egress" })),
    }),
  ],
  [
    "a local prefix taken for a remote one",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.map((entry) => ({ ...entry, local: false })),
    }),
  ],
  [
    "rules without a local prefix forgotten in it",
    (compiled) => ({
      ...compiled,
      prefixes: compiled.prefixes.filter((entry) => !entry.local || entry.prefix.length > 0),
    }),
  ],
  ["an identity lost", (compiled) => ({ ...compiled, groups: compiled.groups.slice(1) })],
  [
    "an identity twice",
    (compiled) => ({ ...compiled, groups: [...compiled.groups, at(compiled.groups, 0)] }),
  ],
  [
    "an identity that has no member",
    (compiled) => ({
      ...compiled,
      groups: [...compiled.groups, { ...at(compiled.groups, 0), identity: identityOf("vpc-a", ["sg-x"]) }],
    }),
  ],
  [
    "an identity taken for another",
    (compiled) => ({
      ...compiled,
      groups: compiled.groups.map((entry) => ({ ...entry, identity: identityOf("vpc-a", ["sg-c"]) })),
    }),
  ],
  [
    "an identity that no rule names given the rules of another",
    (compiled) => ({
      ...compiled,
      groups: [...compiled.groups, { ...at(compiled.groups, -1), identity: identityOf("vpc-a", ["sg-c"]) }],
    }),
  ],
  [
    "inner access forgotten",
    (compiled) => ({
      ...compiled,
      groups: compiled.groups.map((entry) => ({ ...entry, bits: { ...entry.bits, flags: 0 } })),
    }),
  ],
  [
    "inner access of an observing group taken for enforced",
    (compiled) => ({
      ...compiled,
      groups: compiled.groups.map((entry) => ({
        ...entry,
        bits: { ...entry.bits, flags: entry.bits.flags ^ 2 },
      })),
    }),
  ],
];
