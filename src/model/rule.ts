/** One rule: fields of a map to a `Rule`. */
import { formatPrefix, parsePrefix } from "./cidr.ts";
import type { Names } from "./context.ts";
import { atKey, type Cursor, placeOf, report, take } from "./cursor.ts";
import type { Parsed } from "./diagnostic.ts";
import type { Family, PortRange, Prefix, Remote, Rule } from "./model.ts";
import { nearestWord } from "./nearest.ts";
import { formatPortRange, parsePortRange } from "./ports.ts";
import { hasPorts, type Protocol, parseProtocol } from "./protocol.ts";
import type { RuleFields } from "./schema.ts";
import { checkId, checkText, isGroupId, isPrefixListId, quote } from "./text.ts";
import { parseTime } from "./time.ts";
import { findEntry } from "./yaml/node.ts";

/** The group that a rule stands in. */
export interface RuleHome {
  readonly group: string;
  readonly type: "basic" | "advanced" | undefined;
  readonly network: string | undefined;
  readonly isDefault: boolean;
}

export const priorityMax = 100;
/** Rules of templates and default groups come after every custom rule. */
export const templatePriority = 110;

/** null: the rule has a fault, which has been reported. */
export function decodeRule(
  fields: RuleFields,
  cursor: Cursor,
  index: number,
  home: RuleHome,
  names: Names,
): Rule | null {
  const faults = cursor.diagnostics.errorCount;
  const protocol =
    fields.protocol === undefined
      ? null
      : take(atKey(cursor, "protocol"), "", parseProtocol(fields.protocol));
  const ports = decodePorts(fields, cursor, protocol);
  const icmp = decodeIcmp(fields, cursor, protocol);
  const remote = decodeRemote(fields, cursor, home, names);
  const local = decodePrefix(fields.local, atKey(cursor, "local"));
  checkFamilies(cursor, protocol, remote, local);
  const priority = decodePriority(fields, cursor, home);
  checkAdvanced(fields, cursor, home, remote);
  checkNicType(fields, cursor, home, names);
  const expires =
    fields.expires === undefined ? null : take(atKey(cursor, "expires"), "", parseTime(fields.expires));
  checkTexts(fields, cursor);
  const { direction, policy } = fields;
  if (cursor.diagnostics.errorCount > faults || protocol === null || remote === null) return null;
  if (direction === undefined || policy === undefined) return null;
  return {
    id: fields.id ?? null,
    direction,
    policy,
    protocol: protocol.protocol,
    protocolNumber: protocol.number,
    ...ports,
    ...icmp,
    priority,
    remote,
    local,
    nicType: fields.nicType ?? "intranet",
    description: fields.description ?? "",
    expires,
    template: fields.template ?? false,
    index,
    place: placeOf(cursor),
  };
}

function decodePorts(
  fields: RuleFields,
  cursor: Cursor,
  protocol: Protocol | null,
): { ports: PortRange | null; sourcePorts: PortRange | null } {
  const read = (key: "portRange" | "sourcePortRange"): PortRange | null => {
    const text = fields[key];
    if (text === undefined) return null;
    const at = atKey(cursor, key);
    if (protocol === null || hasPorts(protocol.protocol)) return take(at, "", parsePortRange(text));
    if (text !== "-1/-1") take(at, "", refusePorts(key, text, protocol));
    return null;
  };
  if (findEntry(cursor.node, "portRange") === undefined && protocol !== null && hasPorts(protocol.protocol)) {
    const message = "`portRange` is missing: write `portRange: 80/80`, or `portRange: -1/-1` for every port";
    report(cursor, "missing-key", message);
  }
  return { ports: read("portRange"), sourcePorts: read("sourcePortRange") };
}

function refusePorts(key: string, text: string, { protocol }: Protocol): Parsed<never> {
  const isIcmp = protocol === "icmp" || protocol === "icmpv6";
  const type = isIcmp ? /^([0-9]{1,3})\//.exec(text)?.[1] : undefined;
  const hint = type === undefined ? "" : `; a type is \`icmpType: ${type}\``;
  const ways = protocol === "all" ? "; or name `tcp` or `udp`" : hint;
  const message = `${quote(`${key}: ${text}`)}: \`${protocol}\` has no ports, write \`-1/-1\`${ways}`;
  return { ok: false, problem: { code: "bad-ports", message, write: "-1/-1" } };
}

function decodeIcmp(
  fields: RuleFields,
  cursor: Cursor,
  protocol: Protocol | null,
): { icmpType: number | null; icmpCode: number | null } {
  const { icmpType, icmpCode } = fields;
  if (icmpCode !== undefined && findEntry(cursor.node, "icmpType") === undefined) {
    report(atKey(cursor, "icmpCode"), "bad-icmp", "`icmpCode` needs its type: write `icmpType` too");
  }
  const isIcmp = protocol === null || protocol.protocol === "icmp" || protocol.protocol === "icmpv6";
  if (!isIcmp && (icmpType !== undefined || icmpCode !== undefined)) {
    const key = icmpType === undefined ? "icmpCode" : "icmpType";
    const message = `\`${key}\` with \`${protocol.protocol}\`: leave it out, or write \`protocol: icmp\` or \`icmpv6\``;
    report(atKey(cursor, key), "bad-icmp", message);
  }
  return { icmpType: icmpType ?? null, icmpCode: icmpCode ?? null };
}

/** A prefix; that host bits were cleared is said. */
export function decodePrefix(text: string | undefined, at: Cursor): Prefix | null {
  if (text === undefined) return null;
  const written = take(at, "", parsePrefix(text));
  if (written?.cleared) {
    const right = formatPrefix(written.prefix);
    report(at, "host-bits", `${quote(text)} is taken as ${right}: write \`${right}\``, { write: right });
  }
  return written?.prefix ?? null;
}

function looksLikePrefix(text: string): boolean {
  return text.includes(":") || /^[0-9]+\.[0-9.]*(\/.*)?$/.test(text);
}

function decodeRemote(fields: RuleFields, cursor: Cursor, home: RuleHome, names: Names): Remote | null {
  const text = fields.remote;
  if (text === undefined) return null;
  const at = atKey(cursor, "remote");
  if (looksLikePrefix(text)) {
    const prefix = decodePrefix(text, at);
    return prefix === null ? null : { kind: "prefix", prefix };
  }
  if (isPrefixListId(text)) return decodeListRemote(text, at, names);
  if (isGroupId(text)) return decodeGroupRemote(text, at, home, names);
  const everywhere = /^(any|all|\*|0|everywhere|internet)$/i.test(text) ? "0.0.0.0/0" : null;
  const near = everywhere ?? nearestWord(text, [...names.groups.keys(), ...names.prefixLists.keys()]);
  const hint =
    near === null
      ? "write a prefix (`203.0.113.0/24`), a group (`sg-...`) or a prefix list (`pl-...`)"
      : `write \`${near}\``;
  report(at, "bad-remote", `${quote(text)} is no authorization object: ${hint}`, { write: near });
  return null;
}

function decodeListRemote(list: string, at: Cursor, names: Names): Remote | null {
  if (names.prefixLists.has(list)) return { kind: "prefix-list", list };
  const near = nearestWord(list, names.prefixLists.keys());
  const hint =
    near === null
      ? "declare it under `prefixLists`"
      : `write \`${near}\`, or declare it under \`prefixLists\``;
  report(at, "unknown-prefix-list", `there is no prefix list ${quote(list)}: ${hint}`, { write: near });
  return null;
}

function decodeGroupRemote(group: string, at: Cursor, home: RuleHome, names: Names): Remote | null {
  const found = names.groups.get(group);
  if (found === undefined) {
    const near = nearestWord(group, names.groups.keys());
    const hint =
      near === null ? "declare it under `groups`" : `write \`${near}\`, or declare it under \`groups\``;
    report(at, "unknown-group", `there is no group ${quote(group)}: ${hint}`, { write: near });
    return null;
  }
  if (found.network !== undefined && home.network !== undefined && found.network !== home.network) {
    const message =
      `${quote(group)} is a group of network ${quote(found.network)}, this one of ${quote(home.network)}: ` +
      "name a group of the same network, or write its addresses as a prefix";
    report(at, "other-network", message, { related: [{ place: found.place, message: "the group is" }] });
    return null;
  }
  return { kind: "group", group };
}

const icmpFamilies: ReadonlyMap<string | number, { family: Family; other: string }> = new Map([
  ["icmp", { family: 4, other: "icmpv6" }],
  ["icmpv6", { family: 6, other: "icmp" }],
]);

function checkFamilies(
  cursor: Cursor,
  protocol: Protocol | null,
  remote: Remote | null,
  local: Prefix | null,
): void {
  const far = remote?.kind === "prefix" ? remote.prefix : null;
  const icmp = icmpFamilies.get(protocol?.protocol ?? "");
  for (const [key, prefix] of [
    ["remote", far],
    ["local", local],
  ] as const) {
    if (icmp === undefined || prefix === null || prefix.family === icmp.family) continue;
    const message = `\`${protocol?.protocol}\` never has an IPv${prefix.family} ${key}: write \`protocol: ${icmp.other}\``;
    report(atKey(cursor, key), "bad-family", message, { write: icmp.other });
  }
  if (far !== null && local !== null && far.family !== local.family) {
    const message = `\`local\` is IPv${local.family}, \`remote\` IPv${far.family}: write prefixes of one family`;
    report(atKey(cursor, "local"), "bad-family", message);
  }
}

function decodePriority(fields: RuleFields, cursor: Cursor, home: RuleHome): number {
  const template = fields.template === true;
  const written = fields.priority;
  if (home.type === "advanced") {
    if (written !== undefined && written !== 1) {
      const message = `\`priority: ${written}\` in an advanced group, whose rules all have 1: write \`1\`, or leave it out`;
      report(atKey(cursor, "priority"), "advanced-group", message, { write: "1" });
    }
    return 1;
  }
  if (written === undefined) return template ? templatePriority : 1;
  if (template && written !== templatePriority) {
    const message = `\`priority: ${written}\` in a template rule: write \`${templatePriority}\`, or leave \`template\` out`;
    report(atKey(cursor, "priority"), "bad-priority", message, { write: String(templatePriority) });
  }
  const legal = Number.isInteger(written) && written >= 1 && written <= priorityMax;
  const isDefaultRule = written === templatePriority && (template || home.isDefault);
  if (!template && !legal && !isDefaultRule) {
    const message = `\`priority: ${written}\` is not possible: write a whole number from 1 (first) to ${priorityMax}`;
    report(atKey(cursor, "priority"), "bad-priority", message);
  }
  return written;
}

function checkAdvanced(fields: RuleFields, cursor: Cursor, home: RuleHome, remote: Remote | null): void {
  if (home.type !== "advanced") return;
  if (fields.policy === "drop") {
    const message =
      "`policy: drop` in an advanced group, whose rules only accept: leave the rule out, or make the group basic";
    report(atKey(cursor, "policy"), "advanced-group", message);
  }
  if (remote?.kind === "group") {
    const message = `the group ${quote(remote.group)} as remote in an advanced group: write prefixes or a prefix list`;
    report(atKey(cursor, "remote"), "advanced-group", message);
  }
}

function checkNicType(fields: RuleFields, cursor: Cursor, home: RuleHome, names: Names): void {
  if (fields.nicType !== "internet" || home.network === undefined) return;
  if (names.networks.get(home.network)?.type !== "vpc") return;
  const message =
    "`nicType: internet` in a VPC, whose rules judge internet and intranet alike: write `intranet`, or leave it out";
  report(atKey(cursor, "nicType"), "nic-type", message, { write: "intranet" });
}

function checkTexts(fields: RuleFields, cursor: Cursor): void {
  if (fields.description !== undefined)
    take(atKey(cursor, "description"), "`description` ", checkText(fields.description));
  if (fields.id !== undefined) take(atKey(cursor, "id"), "", checkId("rule", fields.id));
}

/** One line for people: `ingress accept tcp 80/80 from sg-web`. */
export function describeRule(rule: Rule): string {
  const { remote } = rule;
  const far =
    remote.kind === "prefix"
      ? formatPrefix(remote.prefix)
      : remote.kind === "group"
        ? remote.group
        : remote.list;
  const ports = rule.ports === null ? "" : ` ${formatPortRange(rule.ports)}`;
  return `${rule.direction} ${rule.policy} ${rule.protocol}${ports} ${rule.direction === "ingress" ? "from" : "to"} ${far}`;
}
