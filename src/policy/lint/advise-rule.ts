/** Advice on a rule by itself: what it opens, and to whom. */
import { formatPrefix, prefixCovers } from "../../model/cidr.ts";
import { writeRemote } from "../../model/entry.ts";
import type { Family, PortRange, Prefix, Rule } from "../../model/model.ts";
import type { PlacedRule } from "../order.ts";
import { widthOf } from "../prefixes.ts";
import { describeService, formatRuleLine, listRuleFields } from "../rule-text.ts";
import { spanOf } from "../universe.ts";
import { type Better, type Finding, type LintSeverity, makeRuleFinding, ruleHandle } from "./finding.ts";

/** Wider ranges are more than a note; 1,024 ports are a service's dynamic range, not a port. */
const wideRange = 100;

/** Services that nobody means to show to everyone. */
const privatePorts: ReadonlyMap<number, string> = new Map([
  [21, "FTP"],
  [22, "SSH"],
  [23, "Telnet"],
  [445, "SMB"],
  [1433, "SQL Server"],
  [1521, "Oracle"],
  [2375, "Docker"],
  [2379, "etcd"],
  [3306, "MySQL"],
  [3389, "Remote Desktop"],
  [5432, "PostgreSQL"],
  [5900, "VNC"],
  [6379, "Redis"],
  [9200, "Elasticsearch"],
  [11211, "memcached"],
  [27017, "MongoDB"],
]);

/** Addresses for documentation (RFC 5737, RFC 3849): a place to put one's own. */
const examples: Readonly<Record<Family, Prefix>> = {
  4: { family: 4, bits: 0xcb007100n, length: 24 },
  6: { family: 6, bits: 0x20010db8n << 96n, length: 32 },
};

function exampleFor({ remote }: Rule): Prefix {
  return examples[remote.kind === "prefix" ? remote.prefix.family : 4];
}

/** RFC 1918, RFC 6598, RFC 4193: nobody's world. */
const privateNetworks: readonly Prefix[] = [
  { family: 4, bits: 0x0a000000n, length: 8 },
  { family: 4, bits: 0xac100000n, length: 12 },
  { family: 4, bits: 0xc0a80000n, length: 16 },
  { family: 4, bits: 0x64400000n, length: 10 },
  { family: 6, bits: 0xfcn << 120n, length: 7 },
];

function isPrivate(prefix: Prefix): boolean {
  return privateNetworks.some((outer) => prefixCovers(outer, prefix));
}

/** Is this everybody, or nearly? Public prefixes that hold more than 1/256 of a family's addresses are. */
export function isWorld(prefixes: readonly Prefix[]): boolean {
  return ([4, 6] as const).some((family) => {
    const spans = prefixes
      .filter((prefix) => prefix.family === family && !isPrivate(prefix))
      .map(spanOf)
      .sort((a, b) => (a.first < b.first ? -1 : 1));
    let covered = 0n;
    let from = 0n;
    for (const { first, end } of spans) {
      const begin = first > from ? first : from;
      if (end <= begin) continue;
      covered += end - begin;
      from = end;
    }
    return covered > 1n << BigInt(widthOf(family) - 8);
  });
}

function widthOfRange({ first, last }: PortRange): number {
  return last - first + 1;
}

function isPorted(rule: Rule): boolean {
  return rule.protocolNumber === 6 || rule.protocolNumber === 17;
}

/** The web, and ICMP: public by nature, and part of the templates. */
function isPublicByNature(rule: Rule): boolean {
  if (rule.protocolNumber === 1 || rule.protocolNumber === 58) return true;
  const { ports } = rule;
  if (ports === null || ports.first !== ports.last) return false;
  if (rule.protocolNumber === 6) return ports.first === 80 || ports.first === 443;
  return rule.protocolNumber === 17 && ports.first === 443;
}

/** The line as it would be, and the command that makes it so. */
function changeRule({ group, rule }: PlacedRule, changes: Partial<Rule>): Better {
  const before = new Map(listRuleFields(rule));
  const after = listRuleFields({ ...rule, ...changes });
  const flags = after
    .filter(([key, value]) => before.get(key) !== value)
    .map(([key, value]) => `--${flagOf(key)} ${value}`);
  return {
    text: "",
    yaml: formatRuleLine(after),
    command: `ringwall rule modify ${group.id} ${ruleHandle(rule)} ${flags.join(" ")}`,
  };
}

function flagOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function adviseEverything(placed: PlacedRule, world: boolean): Finding {
  const { rule } = placed;
  const outward = rule.direction === "egress";
  const whom = `${outward ? "to" : "from"} ${writeRemote(rule.remote)}`;
  const severity: LintSeverity = world && !outward ? "warning" : "note";
  const changes: Partial<Rule> = {
    protocol: "tcp",
    protocolNumber: 6,
    ports: { first: 443, last: 443 },
    ...(world && !outward ? { remote: { kind: "prefix", prefix: exampleFor(rule) } } : {}),
  };
  const each = "a rule for each service, with the addresses that need it; for example";
  const named =
    outward && placed.group.defaultEgress === "accept" ? `defaultEgress: drop, and ${each}` : each;
  return makeRuleFinding("accept-everything", placed, {
    severity,
    message:
      `accepts every protocol and port ${whom}: ` +
      (outward
        ? "whoever takes over a guest can send anything out"
        : "whatever listens, now or later, is open"),
    better: { ...changeRule(placed, changes), text: named },
  });
}

function adviseWorld(placed: PlacedRule): Finding {
  const { rule } = placed;
  const known = rule.ports === null ? undefined : findPrivate(rule.ports);
  const isPublic = isPublicByNature(rule);
  const what = `${describeService(rule)}${known === undefined ? "" : ` (${known})`}`;
  const example = exampleFor(rule);
  return makeRuleFinding("open-to-world", placed, {
    severity: isPublic ? "note" : "warning",
    message: `opens ${what} to ${writeRemote(rule.remote)}${isPublic ? ": right for what is meant to be public" : ""}`,
    better: {
      ...changeRule(placed, { remote: { kind: "prefix", prefix: example } }),
      text: `the addresses that need it, or a prefix list of them; with ${formatPrefix(example)} in their place`,
    },
  });
}

function findPrivate(ports: PortRange): string | undefined {
  const names = [...privatePorts].filter(([port]) => ports.first <= port && port <= ports.last);
  return names.length === 0
    ? undefined
    : names
        .slice(0, 3)
        .map(([, name]) => name)
        .join(", ");
}

function adviseRange(placed: PlacedRule, world: boolean): Finding {
  const { rule } = placed;
  const width = rule.ports === null ? 65536 : widthOfRange(rule.ports);
  const severity = width > wideRange && (world || rule.ports === null) ? "warning" : "note";
  const port = rule.ports === null ? 443 : rule.ports.first;
  const known = rule.ports === null ? undefined : findPrivate(rule.ports);
  return makeRuleFinding("port-range", placed, {
    severity,
    message:
      `opens ${rule.ports === null ? `every ${rule.protocol} port` : `${width} ${rule.protocol} ports, ${rule.ports.first} to ${rule.ports.last}`}` +
      `${known === undefined ? "" : ` (${known} among them)`}, whether anything listens there or not`,
    better: {
      ...changeRule(placed, { ports: { first: port, last: port } }),
      text: "a rule for each port that is served; for example",
    },
  });
}

/** Advice on a rule that takes effect and accepts; none for one that is as it should be. */
export function adviseRule(placed: PlacedRule, prefixes: readonly Prefix[]): readonly Finding[] {
  const { rule } = placed;
  if (rule.policy === "drop") return [];
  const world = isWorld(prefixes);
  if (rule.protocolNumber === null && rule.local === null) return [adviseEverything(placed, world)];
  if (rule.direction === "egress") return [];
  const findings: Finding[] = [];
  if (world) findings.push(adviseWorld(placed));
  if (isPorted(rule) && (rule.ports === null || widthOfRange(rule.ports) > 1)) {
    findings.push(adviseRange(placed, world));
  }
  return findings;
}
