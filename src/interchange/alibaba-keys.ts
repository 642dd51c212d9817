/** The names that keys and values of Alibaba Cloud's rules have: in the API, in the console's files, in spreadsheets. */
import type { Direction, Policy } from "../model/model.ts";
import { nearestWord } from "../model/nearest.ts";
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";

/** Keys of a permission that decide, in the order in which an export writes them. */
export const ruleKeys = [
  "Direction",
  "Policy",
  "Priority",
  "IpProtocol",
  "PortRange",
  "SourcePortRange",
  "SourceCidrIp",
  "Ipv6SourceCidrIp",
  "SourceGroupId",
  "SourceGroupOwnerAccount",
  "SourcePrefixListId",
  "DestCidrIp",
  "Ipv6DestCidrIp",
  "DestGroupId",
  "DestGroupOwnerAccount",
  "DestPrefixListId",
  "NicType",
  "Description",
] as const;
export type RuleKey = (typeof ruleKeys)[number];

/** Keys that say nothing about packets. */
export const idleKeys = [
  "SourceGroupName",
  "SourcePrefixListName",
  "DestGroupName",
  "DestPrefixListName",
  "CreateTime",
  "SecurityGroupRuleId",
  "SecurityGroupId",
  "RegionId",
] as const;

/** Titles of the console's columns; `AuthorizationObject` is the far end, whatever its kind. */
const titles: Readonly<Record<string, readonly string[]>> = {
  Direction: ["Rule Direction", "规则方向", "方向"],
  Policy: ["Action", "Authorization Policy", "Authorization Action", "授权策略", "策略"],
  Priority: ["优先级"],
  IpProtocol: ["Protocol", "Protocol Type", "协议类型", "协议"],
  PortRange: ["Port", "Destination Port Range", "端口范围", "目的端口范围"],
  SourcePortRange: ["源端口范围"],
  AuthorizationObject: ["Authorized Object", "授权对象"],
  NicType: ["Network Type", "网卡类型"],
  Description: ["描述"],
  CreateTime: ["Creation Time", "Created At", "创建时间"],
};

const plain = (word: string): string => word.toLowerCase().replaceAll(/[\s_-]/g, "");

const canonical: ReadonlyMap<string, string> = new Map([
  ...[...ruleKeys, ...idleKeys, "PortRangeListId", "PortRangeListName"].map(
    (key) => [plain(key), key] as const,
  ),
  ...Object.entries(titles).flatMap(([key, others]) =>
    [key, ...others].map((title) => [plain(title), key] as const),
  ),
]);

/** A key as the API writes it; another one stays as it is. */
export function canonicalKey(key: string): string {
  return canonical.get(plain(key)) ?? key;
}

/** The keys of a record as the API writes them. @throws Unsayable where two of them mean one */
export function canonicalKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named = new Map<string, unknown>();
  for (const [key, value] of Object.entries(record)) {
    const name = canonicalKey(key);
    if (named.has(name)) throw new Unsayable("duplicate-key", `the key ${quote(name)} stands twice`);
    named.set(name, value);
  }
  return Object.fromEntries(named);
}

const policies: ReadonlyMap<string, Policy> = new Map([
  ["accept", "accept"],
  ["allow", "accept"],
  ["允许", "accept"],
  ["drop", "drop"],
  ["deny", "drop"],
  ["forbid", "drop"],
  ["拒绝", "drop"],
]);

const directions: ReadonlyMap<string, Direction> = new Map([
  ["ingress", "ingress"],
  ["inbound", "ingress"],
  ["入方向", "ingress"],
  ["egress", "egress"],
  ["outbound", "egress"],
  ["出方向", "egress"],
]);

function find<T>(words: ReadonlyMap<string, T>, key: string, text: string): T {
  const found = words.get(text.toLowerCase());
  if (found !== undefined) return found;
  const near = nearestWord(text, words.keys()) ?? [...words.keys()][0] ?? null;
  throw new Unsayable("bad-value", `\`${key}: ${text.slice(0, 40)}\` is not possible`, near);
}

/** @throws Unsayable for another word */
export function readPolicy(text: string): Policy {
  return find(policies, "Policy", text);
}

/** @throws Unsayable for another word */
export function readDirection(text: string): Direction {
  return find(directions, "Direction", text);
}

const protocols: ReadonlyMap<string, string> = new Map([
  ["all", "all"],
  ["全部", "all"],
  ["tcp", "tcp"],
  ["udp", "udp"],
  ["icmp", "icmp"],
  ["icmpv4", "icmp"],
  ["icmpv6", "icmpv6"],
  ["gre", "gre"],
]);

/** @throws Unsayable for another word */
export function readProtocol(text: string): string {
  return find(protocols, "IpProtocol", text.replace(/\s*\(ipv[46]\)$/i, ""));
}
