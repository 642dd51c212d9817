/** Advice on rules that never take effect or change nothing: who decides in their place, and why. */
import { writeRemote } from "../../model/entry.ts";
import type { Model, Rule } from "../../model/model.ts";
import { type Deciders, findDeciders } from "../deciders.ts";
import type { PlacedRule } from "../order.ts";
import {
  type Finding,
  keepRule,
  makeRuleFinding,
  type RelatedRule,
  relateRule,
  removeRule,
} from "./finding.ts";
import type { IdleRule, Seat } from "./idle-rules.ts";

/** More than these are counted, not named. */
const namedMax = 4;

/** The seat that shows it best: where the fewest other groups have a say. */
function plainestSeat(seats: readonly Seat[]): Seat | undefined {
  return [...seats].sort((a, b) => a.side.source.groups.length - b.side.source.groups.length)[0];
}

function placedAt(model: Model, seat: Seat, number: number): PlacedRule[] {
  const ordered = seat.side.side.rules[number];
  const group = ordered === undefined ? undefined : model.groups.get(ordered.group);
  return ordered === undefined || group === undefined ? [] : [{ group, rule: ordered.rule }];
}

function nameRules(own: PlacedRule, others: readonly PlacedRule[], complete = true): string {
  const names = others.slice(0, namedMax).map(({ group, rule }) => {
    const name = rule.id ?? `rule ${rule.index}`;
    const line = rule.place === null ? "" : ` (line ${rule.place.line})`;
    return `${group === own.group ? "" : `${group.id} `}${name}${line}`;
  });
  const more = others.length - names.length;
  return `${names.join(", ")}${more > 0 || !complete ? " and others" : ""}`;
}

function where({ scope, seats }: IdleRule): string {
  if (scope === "group") return "";
  const ids = seats.flatMap(({ side }) => side.interfaces.map(({ id }) => id));
  const named = ids.slice(0, namedMax).join(", ");
  return `, on the interfaces that there are (${named}${ids.length > namedMax ? ", …" : ""})`;
}

/** Why no packet at all matches the rule. */
function adviseUnmatched(model: Model, placed: PlacedRule): Finding {
  const { rule } = placed;
  const away = removeRule(placed, "take it out, or name who is meant");
  if (rule.remote.kind === "prefix") {
    return makeRuleFinding("never-judged", placed, {
      message:
        "never takes effect: what it speaks of (multicast, loopback or IPv4-mapped senders, extension headers as " +
        "protocols) is dropped, or read past, before any rule is asked",
      better: removeRule(placed, "take it out"),
    });
  }
  const remote = writeRemote(rule.remote);
  if (isEmpty(model, rule)) {
    const what =
      rule.remote.kind === "group" ? `group ${remote} has no members` : `list ${remote} has no entries`;
    return makeRuleFinding("empty-remote", placed, {
      severity: rule.policy === "drop" ? "warning" : "note",
      message: `never takes effect: ${what}${rule.policy === "drop" ? ", so nothing is dropped" : ""}`,
      better: away,
    });
  }
  return makeRuleFinding("other-family", placed, {
    message: `never takes effect: ${describeFamily(rule)}, and ${remote} has no address that goes with it`,
    better: removeRule(placed, "take it out, or name a list or group of the same family"),
  });
}

function isEmpty(model: Model, { remote }: Rule): boolean {
  if (remote.kind === "prefix-list") return (model.prefixLists.get(remote.list)?.entries.length ?? 0) === 0;
  if (remote.kind === "prefix") return false;
  return ![...model.interfaces.values()].some(
    ({ groups, network, nicType }) =>
      groups.includes(remote.group) &&
      (model.networks.get(network)?.type !== "classic" || nicType === "intranet"),
  );
}

function describeFamily({ protocol, protocolNumber, local }: Rule): string {
  if (protocolNumber === 1 || protocolNumber === 58) {
    return `${protocol} is of IPv${protocolNumber === 1 ? 4 : 6}`;
  }
  if (local !== null) return `its local prefix is of IPv${local.family}`;
  return "it is seen by internet interfaces, from which no group has members";
}

function explainShadow(idle: IdleRule, deciders: Deciders, others: readonly PlacedRule[]): Finding {
  const related: RelatedRule[] = others
    .slice(0, namedMax)
    .map((other) => relateRule(other, `${other.rule.policy}s what it matches first`));
  const policies = new Set(others.map(({ rule }) => rule.policy));
  const opposite = policies.size === 1 && !policies.has(idle.rule.policy);
  const verb = policies.size === 1 ? `${others[0]?.rule.policy ?? "accept"}` : "decide";
  const wide = findTooWide(idle, others);
  const single = others.length === 1 && deciders.complete;
  const plural = single && policies.size === 1 ? `${verb}s` : verb;
  return makeRuleFinding("shadowed", idle, {
    message: `never takes effect${where(idle)}: ${nameRules(idle, others, deciders.complete)} ${plural} all that it matches first`,
    better:
      wide === undefined
        ? removeRule(
            idle,
            opposite
              ? "take it out, or give it a smaller priority number if it is meant to win"
              : "take it out",
          )
        : keepRule(`keep it, and narrow ${nameRules(idle, [wide])}, which accepts everything`),
    severity: idle.scope === "group" && wide === undefined ? "warning" : "note",
    interfaces: idle.scope === "group" ? [] : interfacesOf(idle),
    related: deciders.rules.length === 0 ? [] : related,
  });
}

/** Rules that accept everything make all others idle: it is they that are wrong. */
function findTooWide(idle: IdleRule, others: readonly PlacedRule[]): PlacedRule | undefined {
  if (idle.rule.policy === "drop" || idle.rule.protocolNumber === null) return undefined;
  return others.find(({ rule }) => rule.policy === "accept" && rule.protocolNumber === null);
}

function interfacesOf({ seats }: IdleRule): string[] {
  return [...new Set(seats.flatMap(({ side }) => side.interfaces.map(({ id }) => id)))];
}

function explainRedundant(idle: IdleRule, deciders: Deciders, others: readonly PlacedRule[]): Finding {
  const { rule } = idle;
  const same = others.filter((other) => other.rule.policy === rule.policy);
  const instead = [
    ...(same.length > 0 ? [nameRules(idle, same, deciders.complete)] : []),
    ...(deciders.innerAccess && rule.policy === "accept" ? ["inner access"] : []),
    ...(deciders.byDefault ? [`the default of ${rule.direction}`] : []),
  ];
  const by = instead.length === 0 ? "the rules after it" : instead.join(" and ");
  const wide = findTooWide(idle, same);
  return makeRuleFinding("redundant", idle, {
    message: `changes nothing${where(idle)}: without it ${by} would ${rule.policy} the same packets`,
    better:
      wide === undefined
        ? removeRule(idle, "take it out")
        : keepRule(`keep it, and narrow ${nameRules(idle, [wide])}, which accepts everything`),
    severity: idle.scope === "group" && wide === undefined ? "warning" : "note",
    interfaces: idle.scope === "group" ? [] : interfacesOf(idle),
    related: same
      .slice(0, namedMax)
      .map((other) => relateRule(other, `would ${other.rule.policy} the same packets`)),
  });
}

/** The finding for one idle rule. */
export function adviseIdle(model: Model, idle: IdleRule): Finding {
  const seat = plainestSeat(idle.seats);
  if (seat === undefined) return adviseUnmatched(model, idle);
  const deciders = findDeciders(seat.side.side, seat.side.spaces, seat.number);
  if (!deciders.matches) return adviseUnmatched(model, idle);
  const others = deciders.rules.flatMap((number) => placedAt(model, seat, number));
  switch (idle.kind) {
    case "shadowed":
      return explainShadow(idle, deciders, others);
    case "redundant":
      return explainRedundant(idle, deciders, others);
    default:
      return idle.kind satisfies never;
  }
}
