/**
 * A rule set in nftables' words, straight from docs/semantics.md: rules of all the guest's groups by priority, drop
 * first; then inner access; then the default. Sessions are conntrack's.
 */
import {
  type Direction,
  type Family,
  familyOf,
  guest,
  type PlainGroup,
  type PlainRule,
  type RuleSet,
} from "./rule-set.ts";
import { last } from "./write-yaml.ts";

/** Faults on purpose, each of which the comparison has to see. */
export const faults = [
  "accept before drop at equal priority",
  "source ports not asked",
  "local prefixes not asked",
  "groups without their IPv6 members",
  "egress accepted where one group says drop",
] as const;
export type Fault = (typeof faults)[number];

const families: readonly Family[] = ["ipv4", "ipv6"];
const keyword = { ipv4: "ip", ipv6: "ip6" } as const;
const numbers = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, gre: 47 } as const;
const setName = (id: string, family: Family) => `${id.replaceAll("-", "_")}_${family}`;
const isOf = (family: Family) => (address: string) => address.includes(":") === (family === "ipv6");

function writeSets({ groups, lists }: RuleSet, fault: Fault | null): string[] {
  const sets: string[] = [];
  const add = (name: string, family: Family, elements: readonly string[], flags: string) => {
    const held = elements.length === 0 ? "" : `elements = { ${elements.join(", ")} };`;
    sets.push(`set ${name} { type ${family}_addr; ${flags} ${held} }`);
  };
  for (const { id, family, entries } of lists)
    add(setName(id, family), family, entries, "flags interval; auto-merge;");
  for (const { id, members, holds } of groups)
    for (const family of families) {
      const own = holds ? guest[family] : [];
      const isLeftOut = fault === "groups without their IPv6 members" && family === "ipv6";
      add(setName(id, family), family, isLeftOut ? [] : [...members.filter(isOf(family)), ...own], "");
    }
  return sets;
}

function writeAddress(rule: PlainRule, family: Family, end: "saddr" | "daddr"): string | null {
  const { remote } = rule;
  const match = `${keyword[family]} ${end}`;
  switch (remote.kind) {
    case "prefix":
      return remote.family === family ? `${match} ${remote.prefix}` : null;
    case "list":
      return remote.family === family ? `${match} @${setName(remote.id, family)}` : null;
    case "group":
      return `${match} @${setName(remote.id, family)}`;
    default:
      return remote satisfies never;
  }
}

function writeService(
  { protocol, ports, sourcePorts, icmpType, icmpCode }: PlainRule,
  fault: Fault | null,
): string {
  if (protocol === "all") return "";
  const number = typeof protocol === "number" ? protocol : numbers[protocol];
  return [
    `meta l4proto ${number}`,
    ...(ports === null ? [] : [`${protocol} dport ${ports[0]}-${ports[1]}`]),
    ...(sourcePorts === null || fault === "source ports not asked"
      ? []
      : [`${protocol} sport ${sourcePorts[0]}-${sourcePorts[1]}`]),
    ...(icmpType === null ? [] : [`${protocol} type ${icmpType}`]),
    ...(icmpCode === null ? [] : [`${protocol} code ${icmpCode}`]),
  ].join(" ");
}

/** One line for each family that the rule can match. */
function writeRule(rule: PlainRule, fault: Fault | null): string[] {
  const [remoteEnd, localEnd] =
    rule.direction === "ingress" ? (["saddr", "daddr"] as const) : (["daddr", "saddr"] as const);
  return families.flatMap((family) => {
    const address = writeAddress(rule, family, remoteEnd);
    const bound = familyOf(rule.protocol);
    if (address === null || (bound !== null && bound !== family)) return [];
    if (rule.local !== null && rule.local.family !== family) return [];
    const local =
      rule.local === null || fault === "local prefixes not asked"
        ? ""
        : `${keyword[family]} ${localEnd} ${rule.local.prefix}`;
    return [[address, local, writeService(rule, fault), rule.policy].filter((part) => part !== "").join(" ")];
  });
}

function sortRules(rules: readonly PlainRule[], fault: Fault | null): PlainRule[] {
  const before = fault === "accept before drop at equal priority" ? "accept" : "drop";
  return rules.toSorted(
    (a, b) => a.priority - b.priority || Number(b.policy === before) - Number(a.policy === before),
  );
}

function writeChain({ groups }: RuleSet, direction: Direction, fault: Fault | null): string[] {
  const held = groups.filter(({ holds }) => holds);
  const rules = held.flatMap((group) => group.rules.filter((rule) => rule.direction === direction));
  const end = direction === "ingress" ? "saddr" : "daddr";
  const inner = held
    .filter(({ innerAccess }) => innerAccess === "accept")
    .flatMap(({ id }) =>
      families.map((family) => `${keyword[family]} ${end} @${setName(id, family)} accept`),
    );
  const says = ({ defaultEgress }: PlainGroup) => defaultEgress === "accept";
  const isLoose = fault === "egress accepted where one group says drop";
  const leaves = direction === "egress" && (isLoose ? held.some(says) : held.every(says));
  return [
    `chain ${direction} {`,
    `  ip ${end} ${last.ipv4} udp dport ${last.port} accept`,
    ...[...sortRules(rules, fault).flatMap((rule) => writeRule(rule, fault)), ...inner].map(
      (line) => `  ${line}`,
    ),
    `  ${leaves ? "accept" : "drop"}`,
    "}",
  ];
}

/** The text for `nft -f -`; it takes the place of what was there. */
export function writeNft(set: RuleSet, fault: Fault | null): string {
  return [
    "flush ruleset",
    "table inet twin {",
    ...writeSets(set, fault),
    ...writeChain(set, "ingress", fault),
    ...writeChain(set, "egress", fault),
    "chain forward {",
    "  type filter hook forward priority 0; policy drop;",
    "  ct state established,related accept",
    '  oifname "tap" jump ingress',
    '  iifname "tap" jump egress',
    "}",
    "}",
    "",
  ].join("\n");
}
