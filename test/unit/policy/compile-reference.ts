/**
 * "Which rule takes effect" of docs/semantics.md by plain loops over the model. It shares nothing with the
 * compiler: no order, no prefixes, no identities.
 */
import type { Address, Group, Interface, Model, Prefix, Rule } from "../../../src/model/model.ts";
import type { MatchReason } from "../../../src/policy/lookup.ts";
import type { TestPacket } from "./compile-fixture.ts";

export interface ReferenceVerdict {
  readonly verdict: "accept" | "drop";
  readonly reason: MatchReason;
  readonly rule: { readonly group: string; readonly index: number } | null;
}

export function judgeByHand(model: Model, iface: Interface, packet: TestPacket): ReferenceVerdict {
  const groups = iface.groups.flatMap((id) => model.groups.get(id) ?? []);
  const together = judgeGroups(model, iface, groups, packet);
  if (together.verdict === "accept") {
    return together;
  }
  const enforcing = groups.filter(({ mode }) => mode === "enforce");
  // "without enforcing groups nothing is dropped by rules"
  const passesAlone =
    enforcing.length === 0 || judgeGroups(model, iface, enforcing, packet).verdict === "accept";
  return passesAlone ? { ...together, verdict: "accept", reason: "observed" } : together;
}

function judgeGroups(
  model: Model,
  iface: Interface,
  groups: readonly Group[],
  packet: TestPacket,
): ReferenceVerdict {
  let best: { group: string; rule: Rule } | null = null;
  for (const { id, rules } of [...groups].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const rule of rules) {
      if (isKept(model, iface, rule, packet) && (best === null || outranks(rule, best.rule))) {
        best = { group: id, rule };
      }
    }
  }
  if (best !== null) {
    const rule = { group: best.group, index: best.rule.index };
    return { verdict: best.rule.policy, reason: "rule", rule };
  }
  const inner = groups.filter(({ type, innerAccess }) => type === "basic" && innerAccess === "accept");
  if (inner.some(({ id }) => isMember(model, iface, id, packet.remote))) {
    return { verdict: "accept", reason: "inner-access", rule: null };
  }
  if (packet.direction === "ingress") {
    return { verdict: "drop", reason: "no-rule", rule: null };
  }
  return groups.some(({ defaultEgress }) => defaultEgress === "drop")
    ? { verdict: "drop", reason: "default-drop", rule: null }
    : { verdict: "accept", reason: "default-egress", rule: null };
}

function outranks(a: Rule, b: Rule): boolean {
  return (
    a.priority < b.priority || (a.priority === b.priority && a.policy === "drop" && b.policy === "accept")
  );
}

function isKept(model: Model, iface: Interface, rule: Rule, packet: TestPacket): boolean {
  const isClassic = model.networks.get(iface.network)?.type === "classic";
  return (
    rule.direction === packet.direction &&
    (!isClassic || rule.nicType === iface.nicType) &&
    (rule.expires === null || packet.time < rule.expires) &&
    matchesProtocol(rule, packet) &&
    (rule.local === null || covers(rule.local, packet.local)) &&
    matchesRemote(model, iface, rule, packet.remote)
  );
}

function matchesProtocol(rule: Rule, packet: TestPacket): boolean {
  if (rule.protocolNumber === null) {
    return true;
  }
  if (rule.protocolNumber !== packet.protocol) {
    return false;
  }
  // ICMP is of IPv4 only, ICMPv6 of IPv6 only.
  const family = { 1: 4, 58: 6 }[packet.protocol];
  return (
    (family === undefined || family === packet.remote.family) &&
    isWithin(rule.ports, packet.port) &&
    isWithin(rule.sourcePorts, packet.sourcePort) &&
    (rule.icmpType === null || rule.icmpType === packet.icmpType) &&
    (rule.icmpCode === null || rule.icmpCode === packet.icmpCode)
  );
}

function isWithin(range: { readonly first: number; readonly last: number } | null, port: number): boolean {
  return range === null || (range.first <= port && port <= range.last);
}

function matchesRemote(model: Model, iface: Interface, { remote }: Rule, far: Address): boolean {
  switch (remote.kind) {
    case "prefix":
      return covers(remote.prefix, far);
    case "prefix-list":
      return (model.prefixLists.get(remote.list)?.entries ?? []).some((entry) => covers(entry.prefix, far));
    case "group":
      return isMember(model, iface, remote.group, far);
    default:
      return remote satisfies never;
  }
}

/** Bit by bit from the left. */
function covers(prefix: Prefix, far: Address): boolean {
  const width = prefix.family === 4 ? 32 : 128;
  const digits = (bits: bigint) => bits.toString(2).padStart(width, "0").slice(0, prefix.length);
  return prefix.family === far.family && digits(prefix.bits) === digits(far.bits);
}

/** Listed addresses of members in that network, on whatever host, and their link-local addresses. */
function isMember(model: Model, viewer: Interface, group: string, far: Address): boolean {
  const isClassic = model.networks.get(viewer.network)?.type === "classic";
  if (isClassic && viewer.nicType === "internet") {
    return false;
  }
  return [...model.interfaces.values()].some(
    (member) =>
      member.network === viewer.network &&
      member.groups.includes(group) &&
      (!isClassic || member.nicType === "intranet") &&
      [...member.addresses, fromMac(member.mac)].some(
        (own) => own.family === far.family && own.bits === far.bits,
      ),
  );
}

/** fe80::, the MAC's halves around ff:fe, the second bit of the first byte turned over. */
function fromMac(mac: bigint): Address {
  const hex = mac.toString(16).padStart(12, "0");
  const first = (Number.parseInt(hex.slice(0, 2), 16) ^ 2).toString(16).padStart(2, "0");
  return { family: 6, bits: BigInt(`0xfe80000000000000${first}${hex.slice(2, 6)}fffe${hex.slice(6)}`) };
}
