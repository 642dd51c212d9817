/** Compilers with one mistake each, and a model in which every one of them is a mistake. */
import type { Model, Rule } from "../../../src/model/model.ts";
import { compile } from "../../../src/policy/compile.ts";
import { sideFlag } from "../../../src/policy/layout.ts";
import type {
  Bits,
  Cell,
  CompiledPolicy,
  CompiledPrefix,
  CompiledSide,
  Identity,
  OrderedRule,
  PolicySide,
  PolicySource,
} from "../../../src/policy/types.ts";
import { group, iface, model, prefix, prefixList, remote, rule, tcp } from "./compile-fixture.ts";

export type Compiler = (
  source: PolicySource,
  identities: ReadonlyMap<Identity, readonly string[]>,
) => CompiledPolicy;

/** Two words of ingress rules, every dimension, both families, nested prefixes, an observing group, inner access. */
export const mutantSubject: Model = model({
  prefixLists: [prefixList("pl-a", 4, ["198.51.100.0/24", "203.0.113.0/25"])],
  groups: [
    group("sg-a", [
      rule({ remote: remote("sg-b") }),
      rule({ remote: remote("10.0.0.0/8"), policy: "drop", priority: 3 }),
      tcp(8000, 8080, { remote: remote("10.0.0.0/16"), priority: 3 }),
      rule({ remote: remote("2001:db8::/32"), priority: 4 }),
      rule({ remote: remote("2001:db8:7::/48"), policy: "drop", priority: 5 }),
      tcp(22, 22, { remote: remote("pl-a"), sourcePorts: { first: 1024, last: 65535 } }),
      rule({ local: prefix("10.0.0.1/32"), remote: remote("192.0.2.0/24"), expires: 5000.5, priority: 7 }),
      rule({ direction: "egress", policy: "drop", remote: remote("10.1.0.0/16") }),
      rule({ protocol: "icmp", protocolNumber: 1, icmpType: 8, icmpCode: 3, priority: 90 }),
      rule({ priority: 91, policy: "drop" }),
    ]),
    group(
      "sg-b",
      Array.from({ length: 90 }, (_, index) =>
        tcp(1000 + 10 * index, 1005 + 10 * index, {
          priority: 50,
          policy: index % 3 === 0 ? "drop" : "accept",
          remote: remote(`10.${index}.0.0/16`),
        }),
      ),
      { mode: "observe" },
    ),
    group("sg-c"),
  ],
  interfaces: [
    iface(1, ["sg-a", "sg-b"], ["10.0.0.1"]),
    iface(2, ["sg-c"], ["10.0.0.2"]),
    iface(3, ["sg-b", "sg-c"], ["10.0.0.3"]),
  ],
});

/** Compiles rules that are not quite those that were written. */
const ofRules =
  (change: (rule: Rule) => Partial<Rule>): Compiler =>
  (source, identities) => {
    const alter = (ordered: OrderedRule): OrderedRule => {
      const altered = { ...ordered.rule, ...change(ordered.rule) };
      const isMoved = altered.remote !== ordered.rule.remote && altered.remote.kind === "prefix";
      const prefixes = altered.remote.kind === "prefix" ? [altered.remote.prefix] : [];
      return { ...ordered, rule: altered, ...(isMoved ? { remote: { kind: "prefixes", prefixes } } : {}) };
    };
    return ofSides((side) => ({ rules: side.rules.map(alter) }))(source, identities);
  };

const ofSides =
  (change: (side: PolicySide) => Partial<PolicySide>): Compiler =>
  (source, identities) => {
    const { egress, ingress } = source.sides;
    const sides = {
      egress: { ...egress, ...change(egress) },
      ingress: { ...ingress, ...change(ingress) },
    };
    return { ...compile({ ...source, sides }, identities), source };
  };

/** Does something else to what was compiled. The content says so: it is not what is in the kernel already. */
const ofOutput =
  (change: (compiled: CompiledPolicy) => Partial<CompiledPolicy>): Compiler =>
  (source, identities) => {
    const compiled = compile(source, identities);
    const [high, low] = compiled.content;
    return { ...compiled, content: [high ^ 1n, low], ...change(compiled) };
  };

const ofOutputSides = (change: (side: CompiledSide) => Partial<CompiledSide>): Compiler =>
  ofOutput(({ sides: { egress, ingress } }) => ({
    sides: { egress: { ...egress, ...change(egress) }, ingress: { ...ingress, ...change(ingress) } },
  }));

const ofCells = (change: (cells: readonly Cell[]) => Cell[]): Compiler =>
  ofOutputSides((side) => ({ service: change(side.service) }));

const ofPrefixes = (change: (prefixes: readonly CompiledPrefix[]) => CompiledPrefix[]): Compiler =>
  ofOutput(({ prefixes }) => ({ prefixes: change(prefixes) }));

/** Every entry with the rules that name it, and without those of the prefixes that cover it. */
const withoutCovering = ofOutput(({ prefixes, words, source }) => {
  const all = [...words];
  const bitsOf = (entry: CompiledPrefix): Bits => {
    const own = source.sides[entry.direction].rules.filter(({ remote: meant, rule: written }) => {
      const named = entry.local
        ? written.local === null
          ? entry.prefix.length === 0
          : written.local.bits === entry.prefix.bits && written.local.length === entry.prefix.length
        : meant.kind === "prefixes" &&
          meant.prefixes.some(
            ({ bits, length }) => bits === entry.prefix.bits && length === entry.prefix.length,
          );
      return named;
    });
    const stride = Math.ceil(source.sides[entry.direction].rules.length / 64);
    const base = all.length;
    for (let word = 0; word < stride; word++) {
      const numbers = own.map(({ number }) => number).filter((number) => number >> 6 === word);
      all.push(numbers.reduce((sum, number) => sum | (1n << BigInt(number & 63)), 0n));
    }
    const summary = all
      .slice(base)
      .reduce((sum, word, index) => sum | (word === 0n ? 0n : 1n << BigInt(index)), 0n);
    return { summary, base, flags: 0 };
  };
  const changed = prefixes.map((entry) => ({ ...entry, bits: bitsOf(entry) }));
  return { prefixes: changed, words: BigUint64Array.from(all) };
});

/** Names the mistake, and what the proof says of the policy of sg-a and sg-b. */
export const compilerMutants: readonly (readonly [string, Compiler, RegExp])[] = [
  [
    "an interval's end is one too far",
    ofRules(({ ports }) => (ports === null ? {} : { ports: { ...ports, last: ports.last + 1 } })),
    /ingress service: the cell from protocol 6, port \d+ .* rule \d+/,
  ],
  [
    "an interval's begin is left out",
    ofRules(({ ports }) =>
      ports === null ? {} : { ports: { ...ports, first: Math.min(ports.first + 1, ports.last) } },
    ),
    /ingress service: the cell from protocol 6, port \d+ .* rule \d+/,
  ],
  [
    "accepts come before drops of the same priority",
    ofSides(({ rules }) => {
      const rank = ({ rule: { priority, policy } }: OrderedRule) =>
        2 * priority + (policy === "drop" ? 1 : 0);
      const sorted = [...rules].sort((a, b) => rank(a) - rank(b));
      return { rules: sorted.map((each, number) => ({ ...each, number })) };
    }),
    /ingress fixed: the mask of accepts has rule \d+/,
  ],
  [
    "a prefix lacks the rules of those that cover it",
    withoutCovering,
    /ingress remote: 10\.[\d.]+\/\d+ has rule \d+ unset/,
  ],
  [
    "the family of a prefix is forgotten",
    ofPrefixes((prefixes) =>
      prefixes.map((entry) =>
        entry.prefix.family === 4
          ? entry
          : {
              ...entry,
              prefix: {
                family: 4,
                bits: entry.prefix.bits >> 96n,
                length: Math.min(32, entry.prefix.length),
              },
            },
      ),
    ),
    /ingress (remote|local): [\d.:]+\/\d+ has/,
  ],
  [
    "source and destination ports are swapped",
    ofRules(({ ports, sourcePorts }) => ({ ports: sourcePorts, sourcePorts: ports })),
    /ingress service: the cell from protocol \d+, /,
  ],
  [
    "a rule expires with the second that it names",
    ofRules(({ expires }) => (expires === null ? {} : { expires: Math.floor(expires) })),
    /ingress expires: the cell from second 5000 of UTC matches rule \d+ only in part/,
  ],
  [
    "the newest set of groups has no entry",
    (source, identities) => compile(source, new Map([...identities].slice(0, -1))),
    /groups: the identity of sg-b, sg-c/,
  ],
  [
    "the mask of accepts is that of drops",
    ofOutput(({ words, sides }) => {
      const turned = words.slice();
      for (const { acceptsBase, rules } of Object.values(sides)) {
        for (let word = 0; word < Math.ceil(rules / 64); word++)
          turned[acceptsBase + word] = ~(turned[acceptsBase + word] ?? 0n) & 0xffff_ffff_ffff_ffffn;
      }
      return { words: turned };
    }),
    /the mask of accepts has rule 0/,
  ],
  [
    "a summary loses its highest word",
    ofCells((cells) =>
      cells.map((cell) => {
        const { summary } = cell.bits;
        const kept = summary > 1n ? summary & ((1n << BigInt(summary.toString(2).length - 1)) - 1n) : summary;
        return { ...cell, bits: { ...cell.bits, summary: kept } };
      }),
    ),
    /ingress service: the cell from protocol \d+, .* has rule \d+ unset/,
  ],
  [
    "the default of egress is turned",
    ofOutputSides(({ flags }) => ({ flags: flags ^ sideFlag.defaultAccept })),
    /fixed: has flags \d+ instead of \d+/,
  ],
  [
    "local and remote are swapped",
    ofRules(({ local, remote: far }) =>
      local !== null && far.kind === "prefix"
        ? { local: far.prefix, remote: { kind: "prefix", prefix: local } }
        : {},
    ),
    /ingress remote: [\d.]+\/\d+ has rule \d+/,
  ],
  [
    "the IPv6 half of the prefixes is lost",
    ofPrefixes((prefixes) => prefixes.filter((entry) => entry.prefix.family === 4)),
    /ingress remote: 2001:db8::\/32 has rule \d+ unset/,
  ],
  [
    "ICMP type and code are swapped",
    ofRules(({ icmpType, icmpCode }) => ({ icmpType: icmpCode, icmpCode: icmpType })),
    /ingress service: the cell from protocol \d+, /,
  ],
  [
    "`all` ends before the other family's ICMP",
    ofCells((cells) => [
      ...cells.filter(({ first }) => first < 1 << 24),
      { first: 1 << 24, bits: { summary: 0n, base: 0, flags: 0 } },
    ]),
    /service: the cell from protocol 0 of the other family has rule \d+ unset/,
  ],
  [
    "groups that observe enforce",
    ofSides((side) => ({ rules: side.rules.map((each) => ({ ...each, enforced: true })) })),
    /ingress fixed: the mask of enforcing rules has rule \d+ set/,
  ],
  [
    "inner access is forgotten",
    (source, identities) => ({
      ...compile({ ...source, innerGroups: [], innerGroupsEnforced: [] }, identities),
      source,
    }),
    /(fixed: has flags|groups: the identity of .* has flags 0)/,
  ],
  [
    "both directions get the rules of the other",
    (source, identities) => {
      const { egress, ingress } = source.sides;
      const sides = {
        egress: { ...ingress, direction: "egress" as const },
        ingress: { ...egress, direction: "ingress" as const },
      };
      return { ...compile({ ...source, sides }, identities), source };
    },
    /egress fixed: has \d+ rules instead of \d+/,
  ],
  [
    "a prefix is one bit too long",
    ofPrefixes((prefixes) =>
      prefixes.map((entry) =>
        entry.prefix.family === 4 && entry.prefix.length === 24
          ? { ...entry, prefix: { ...entry.prefix, length: 25 } }
          : entry,
      ),
    ),
    /ingress remote: [\d.]+\/2[45] has rule \d+/,
  ],
  [
    "a rule without a local prefix matches no local address",
    ofPrefixes((prefixes) => prefixes.filter(({ local, prefix: { length } }) => !local || length > 0)),
    /ingress local: 0\.0\.0\.0\/0 has rule \d+ unset/,
  ],
];
