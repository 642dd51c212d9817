/** The bench's rules in nftables' words: rules in their order behind conntrack, sets for groups and prefix lists. */
import { type AddressSet, type BenchRule, openRemote, type RuleSet } from "./rules.ts";

const setName = (id: string): string => id.replaceAll("-", "_");

function writeSet({ id, kind, entries }: AddressSet): string {
  const flags = kind === "list" ? " flags interval;" : "";
  return `set ${setName(id)} { type ipv4_addr;${flags} elements = { ${entries.join(", ")} }; }`;
}

function writeRule({ protocol, ports: [first, last], remote }: BenchRule): string {
  const source = remote.kind === "prefix" ? remote.prefix : `@${setName(remote.id)}`;
  const from = source === "0.0.0.0/0" ? "" : `ip saddr ${source} `;
  return `${from}${protocol} dport ${first === last ? first : `${first}-${last}`} accept`;
}

/** The text for `nft -f -`; it takes the place of what was there. */
export function writeNft({ rules, sets }: RuleSet): string {
  return [
    "flush ruleset",
    "table ip bench {",
    ...sets.map(writeSet),
    "chain ingress {",
    ...rules.map((rule) => `  ${writeRule(rule)}`),
    "  drop",
    "}",
    "chain forward {",
    "  type filter hook forward priority filter; policy drop;",
    "  ct state established,related accept",
    "  ct state invalid drop",
    `  ip daddr ${openRemote} jump ingress`,
    "}",
    "}",
    "",
  ].join("\n");
}
