/** After a default drop: the rule that came nearest, and the smallest one that would let the packet pass. */
import { formatAddress, formatPrefix, hostPrefix } from "../model/cidr.ts";
import { writeRemote } from "../model/entry.ts";
import type { Interface, Model, Rule } from "../model/model.ts";
import { formatPortRange } from "../model/ports.ts";
import { protocolNames, protocolNumbers } from "../model/protocol.ts";
import { nameRule, outranks, type RuleName } from "./evaluate.ts";
import type { PacketSide } from "./question.ts";
import { type Asked, type GroupRule, groupsOf, mismatches, type RuleField, rulesOf } from "./rules.ts";

/** What a rule says, and what the packet is. */
export interface Difference {
  readonly field: RuleField;
  readonly rule: string;
  readonly packet: string;
}

/**
 * The smallest rule that would let exactly this packet pass, from whatever source port where none was named: in
 * which group, as YAML and as a command.
 */
export interface SmallestRule {
  readonly group: string;
  /** False for port 0, which only a rule about every port holds. */
  readonly exact: boolean;
  readonly yaml: string;
  readonly command: string;
}

export interface Near {
  readonly interface: string;
  readonly direction: PacketSide["direction"];
  /** Null where no rule of this direction accepts anything. */
  readonly rule: RuleName | null;
  /** The field that differs; the first of several. */
  readonly field: RuleField | null;
  readonly differs: readonly Difference[];
  readonly smallest: SmallestRule;
}

/** How far a field that differs takes a rule away: a port is nearer than another remote. */
const weights: Readonly<Record<RuleField, number>> = {
  expires: 1,
  sourcePortRange: 2,
  icmpCode: 2,
  icmpType: 3,
  portRange: 4,
  local: 5,
  remote: 6,
  protocol: 12,
};

function weigh(fields: readonly RuleField[]): number {
  return fields.reduce((sum, field) => sum + weights[field], 0);
}

function findNearest(asked: Asked, side: PacketSide): GroupRule | null {
  const groups = groupsOf(asked.model, side.interface);
  const accepting = rulesOf(asked.model, side.interface, side.direction, groups).filter(
    ({ rule }) => rule.policy === "accept",
  );
  let best: { readonly rule: GroupRule; readonly weight: number } | null = null;
  for (const rule of accepting) {
    const weight = weigh(mismatches(rule.rule, asked));
    const nearer =
      best === null || weight < best.weight || (weight === best.weight && outranks(rule, best.rule));
    if (nearer) best = { rule, weight };
  }
  return best?.rule ?? null;
}

/** A protocol's name, or its number. */
export function formatProtocol(number: number): string {
  return protocolNames.find((name) => protocolNumbers[name] === number) ?? String(number);
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function ruleText(rule: Rule, field: RuleField): string {
  const texts: Readonly<Record<RuleField, () => string>> = {
    expires: () => (rule.expires === null ? "never" : formatTime(rule.expires)),
    protocol: () => String(rule.protocol),
    portRange: () => formatPortRange(rule.ports),
    sourcePortRange: () => formatPortRange(rule.sourcePorts),
    icmpType: () => String(rule.icmpType ?? "any"),
    icmpCode: () => String(rule.icmpCode ?? "any"),
    local: () => (rule.local === null ? "any" : formatPrefix(rule.local)),
    remote: () => writeRemote(rule.remote),
  };
  return texts[field]();
}

function packetText({ question, now }: Asked, field: RuleField): string {
  const texts: Readonly<Record<RuleField, () => string>> = {
    expires: () => formatTime(now),
    protocol: () => formatProtocol(question.protocol),
    portRange: () => String(question.destinationPort ?? "no port"),
    sourcePortRange: () => String(question.sourcePort ?? "no port"),
    icmpType: () => String(question.icmpType ?? "no ICMP"),
    icmpCode: () => String(question.icmpCode ?? "no ICMP"),
    local: () => formatAddress(question.local),
    remote: () => formatAddress(question.remote),
  };
  return texts[field]();
}

/** Port 0 cannot be written: only every port holds it. */
function portText(port: number): string {
  return port === 0 ? "-1/-1" : `${port}/${port}`;
}

/** The weakest priority that a rule can be given: whatever another rule decides, it goes on deciding. */
const weakest = 100;

/**
 * Drops that the smallest rule must not outrank: of the packet from another source port, where it is for all of them,
 * and of the same packet at another member (a VIP that several have).
 */
function findDropsBeside(asked: Asked, side: PacketSide, group: string, sourceNamed: boolean): Rule[] {
  const { model, question, now } = asked;
  const { nicType } = side.interface;
  const members = [...model.interfaces.values()].filter(
    (own) => own.groups.includes(group) && own.nicType === nicType,
  );
  const alike = new Map(members.map((own) => [[...own.groups].sort().join(" "), own]));
  return [...alike.values()].flatMap((judged) =>
    rulesOf(model, judged, side.direction, groupsOf(model, judged))
      .map(({ rule }) => rule)
      .filter(
        (rule) =>
          rule.policy === "drop" &&
          mismatches(rule, { model, judged, question, now }).every(
            (field) => field === "sourcePortRange" && !sourceNamed,
          ),
      ),
  );
}

/** Keys and values of the smallest rule, in the order of the files. */
function smallestFields(
  asked: Asked,
  side: PacketSide,
  group: string,
  sourceNamed: boolean,
): readonly (readonly [string, string])[] {
  const { question, interface: own } = side;
  const others = findDropsBeside(asked, side, group, sourceNamed);
  const exactSource = sourceNamed || others.some(({ priority }) => priority > weakest);
  const fields: (readonly [string, string])[] = [
    ["direction", side.direction],
    ["policy", "accept"],
    ["protocol", formatProtocol(question.protocol)],
    ["portRange", question.destinationPort === null ? "-1/-1" : portText(question.destinationPort)],
  ];
  if (exactSource && question.sourcePort !== null)
    fields.push(["sourcePortRange", portText(question.sourcePort)]);
  if (question.icmpType !== null) fields.push(["icmpType", String(question.icmpType)]);
  if (question.icmpCode !== null) fields.push(["icmpCode", String(question.icmpCode)]);
  fields.push(["remote", formatPrefix(hostPrefix(question.remote))]);
  // Other members of the group, and other addresses of this one, are not meant.
  fields.push(["local", formatPrefix(hostPrefix(question.local))]);
  if (others.some(({ priority }) => priority <= weakest)) fields.push(["priority", String(weakest)]);
  const classic = asked.model.networks.get(own.network)?.type === "classic";
  if (classic && own.nicType === "internet") fields.push(["nicType", "internet"]);
  return fields;
}

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function findGroup(model: Model, own: Interface): string {
  const groups = groupsOf(model, own);
  return (groups.find((group) => group.mode === "enforce") ?? groups[0])?.id ?? own.groups[0] ?? "";
}

function smallestRule(asked: Asked, side: PacketSide, sourceNamed: boolean): SmallestRule {
  const group = findGroup(asked.model, side.interface);
  const fields = smallestFields(asked, side, group, sourceNamed);
  const exact = side.question.destinationPort !== 0 && !(sourceNamed && side.question.sourcePort === 0);
  const quoted = (value: string): string => (value.includes(":") ? `"${value}"` : value);
  const yaml = `{${fields.map(([key, value]) => `${key}: ${quoted(value)}`).join(", ")}}`;
  const flags = fields.map(([key, value]) => `--${kebab(key)}${value.startsWith("-") ? "=" : " "}${value}`);
  return { group, exact, yaml, command: `ringwall rule add ${group} ${flags.join(" ")}` };
}

/**
 * The rule nearest to a packet that no rule matched, and the smallest rule that would let it pass.
 * `sourceNamed`: the question named a source port, so the smallest rule names it too.
 */
export function findNear(model: Model, side: PacketSide, now: number, sourceNamed: boolean): Near {
  const asked = { model, judged: side.interface, question: side.question, now };
  const nearest = findNearest(asked, side);
  const fields = nearest === null ? [] : mismatches(nearest.rule, asked);
  return {
    interface: side.interface.id,
    direction: side.direction,
    rule: nearest === null ? null : nameRule(nearest),
    field: fields[0] ?? null,
    differs: fields.map((field) => ({
      field,
      rule: nearest === null ? "" : ruleText(nearest.rule, field),
      packet: packetText(asked, field),
    })),
    smallest: smallestRule(asked, side, sourceNamed),
  };
}
