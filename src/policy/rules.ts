/** Does one rule match one packet, and which groups stand behind an address: docs/semantics.md, 1 and 2. */
import type { Address, Direction, Group, Interface, Model, Rule } from "../model/model.ts";
import { addressText, holds, madeLinkLocal } from "./oracle/address.ts";

/** What a packet that opens a session asks the rules. */
export interface Question {
  /** The far end: destination of what the guest sends, source of what reaches it. */
  readonly remote: Address;
  /** The protected end. */
  readonly local: Address;
  /** IP protocol number, behind extension headers. */
  readonly protocol: number;
  /** Null where the packet has no ports. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** Null where the packet is no ICMP of its family. */
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
}

/** ICMP is a protocol of IPv4, ICMPv6 one of IPv6; in the other family only `all` matches their numbers. */
function matchesProtocol(rule: Rule, question: Question): boolean {
  if (rule.protocolNumber === null) return true;
  if (rule.protocolNumber !== question.protocol) return false;
  if (rule.protocolNumber === 1) return question.remote.family === 4;
  if (rule.protocolNumber === 58) return question.remote.family === 6;
  return true;
}

function matchesPort(range: Rule["ports"], port: number | null): boolean {
  if (range === null) return true;
  return port !== null && range.first <= port && port <= range.last;
}

/** In a classic network a group means its members' intranet interfaces, seen from an intranet interface. */
function countsAsMember(model: Model, member: Interface): boolean {
  return model.networks.get(member.network)?.type !== "classic" || member.nicType === "intranet";
}

/** Every model's members by network and address; models never change, so each is walked once. */
const membersOfModels = new WeakMap<Model, ReadonlyMap<string, readonly string[]>>();

/** A member's own addresses are the listed ones and the link-local one made from its MAC, never a pair's. */
function listMembers(model: Model): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, readonly string[]>();
  for (const member of model.interfaces.values()) {
    if (!countsAsMember(model, member)) continue;
    for (const own of [...member.addresses, madeLinkLocal(member.mac)]) {
      const key = `${member.network} ${addressText(own)}`;
      members.set(key, [...(members.get(key) ?? []), ...member.groups]);
    }
  }
  return members;
}

/**
 * The groups that stand behind an address, as seen from an interface: those of the member of its network that
 * has this address, on whatever host. None where no member has it.
 */
export function groupsBehind(model: Model, seenFrom: Interface, value: Address): readonly string[] {
  if (!countsAsMember(model, seenFrom)) return [];
  const members = membersOfModels.get(model) ?? listMembers(model);
  membersOfModels.set(model, members);
  return members.get(`${seenFrom.network} ${addressText(value)}`) ?? [];
}

function matchesRemote(model: Model, judged: Interface, rule: Rule, remote: Address): boolean {
  switch (rule.remote.kind) {
    case "prefix":
      return holds(rule.remote.prefix, remote);
    case "prefix-list": {
      const entries = model.prefixLists.get(rule.remote.list)?.entries ?? [];
      return entries.some((entry) => holds(entry.prefix, remote));
    }
    case "group":
      return groupsBehind(model, judged, remote).includes(rule.remote.group);
    default: {
      const never: never = rule.remote;
      return never;
    }
  }
}

/** A rule with its group. */
export interface GroupRule {
  readonly group: Group;
  readonly rule: Rule;
}

/** The groups of an interface that the model knows. */
export function groupsOf(model: Model, judged: Interface): readonly Group[] {
  return judged.groups.flatMap((id) => model.groups.get(id) ?? []);
}

/** The rules of one direction that concern an interface: in a classic network those of its nicType. */
export function rulesOf(
  model: Model,
  judged: Interface,
  direction: Direction,
  groups: readonly Group[],
): readonly GroupRule[] {
  const classic = model.networks.get(judged.network)?.type === "classic";
  return groups.flatMap((group) =>
    group.rules
      .filter((rule) => rule.direction === direction && (!classic || rule.nicType === judged.nicType))
      .map((rule) => ({ group, rule })),
  );
}

/** The keys of a rule by which it may fail to match. */
export type RuleField =
  | "expires"
  | "protocol"
  | "portRange"
  | "sourcePortRange"
  | "icmpType"
  | "icmpCode"
  | "local"
  | "remote";

/** A packet's question at an interface, at `now` (seconds of UTC). */
export interface Asked {
  readonly model: Model;
  readonly judged: Interface;
  readonly question: Question;
  readonly now: number;
}

const matchers: Readonly<Record<RuleField, (rule: Rule, asked: Asked) => boolean>> = {
  expires: (rule, { now }) => rule.expires === null || now < rule.expires,
  protocol: (rule, { question }) => matchesProtocol(rule, question),
  portRange: (rule, { question }) => matchesPort(rule.ports, question.destinationPort),
  sourcePortRange: (rule, { question }) => matchesPort(rule.sourcePorts, question.sourcePort),
  icmpType: (rule, { question }) => rule.icmpType === null || rule.icmpType === question.icmpType,
  icmpCode: (rule, { question }) => rule.icmpCode === null || rule.icmpCode === question.icmpCode,
  local: (rule, { question }) => rule.local === null || holds(rule.local, question.local),
  remote: (rule, { model, judged, question }) => matchesRemote(model, judged, rule, question.remote),
};

export const ruleFields = Object.keys(matchers) as readonly RuleField[];

/** Does this rule match? Direction and nicType are the caller's. */
export function matches(rule: Rule, asked: Asked): boolean {
  return ruleFields.every((field) => matchers[field](rule, asked));
}

/** Does this rule match by these fields, whatever the others say? */
export function matchesBy(rule: Rule, asked: Asked, fields: readonly RuleField[]): boolean {
  return fields.every((field) => matchers[field](rule, asked));
}

/** The fields by which this rule does not match. */
export function mismatches(rule: Rule, asked: Asked): readonly RuleField[] {
  return ruleFields.filter((field) => !matchers[field](rule, asked));
}
