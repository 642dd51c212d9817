/** What an interface is judged by: the rules of all its groups in one order, then inner access, then the default. */
import type { Direction, Model, Policy } from "../model/model.ts";
import { nameRule, type RuleName, requireInterface } from "./evaluate.ts";
import { compareRules } from "./order.ts";
import { listRuleFields } from "./rule-text.ts";
import { groupsOf, rulesOf } from "./rules.ts";

/** A rule as it is judged here. */
export interface EffectiveRule extends RuleName {
  /** Its file; null for one that no file holds. */
  readonly file: string | null;
  /** As the rules file says it: `protocol`, `portRange`, `remote`, … */
  readonly says: Readonly<Record<string, string>>;
  /** False: its group observes, so it drops nothing by itself. */
  readonly enforced: boolean;
  /** Its time is over: it matches nothing. */
  readonly expired: boolean;
}

export interface EffectiveSide {
  readonly direction: Direction;
  /** In the order in which they are judged: the first that matches decides. */
  readonly rules: readonly EffectiveRule[];
  /** Groups whose members are let in, or reached, where no rule matches. */
  readonly innerAccess: readonly string[];
  /** Where nothing else decides, and the groups that make it so (where only some do). */
  readonly default: Policy;
  readonly defaultBy: readonly string[];
}

export interface EffectivePolicy {
  readonly interface: string;
  readonly network: string;
  readonly nicType: string;
  readonly groups: readonly { readonly id: string; readonly type: string; readonly mode: string }[];
  readonly sides: readonly EffectiveSide[];
}

function describeSide(model: Model, id: string, direction: Direction, now: number): EffectiveSide {
  const own = requireInterface(model, id);
  const groups = groupsOf(model, own);
  const classic = model.networks.get(own.network)?.type === "classic";
  const seesGroups = !classic || own.nicType === "intranet";
  const rules = [...rulesOf(model, own, direction, groups)].sort(compareRules);
  const dropping = groups.filter(({ defaultEgress }) => defaultEgress === "drop");
  const inner = groups.filter(({ type, innerAccess }) => type === "basic" && innerAccess === "accept");
  return {
    direction,
    rules: rules.map((placed) => ({
      ...nameRule(placed),
      file: placed.rule.place?.file ?? null,
      says: Object.fromEntries(listRuleFields(placed.rule)),
      enforced: placed.group.mode === "enforce",
      expired: placed.rule.expires !== null && placed.rule.expires <= now,
    })),
    innerAccess: seesGroups ? inner.map((group) => group.id) : [],
    default: direction === "egress" && dropping.length === 0 ? "accept" : "drop",
    defaultBy: direction === "egress" ? dropping.map((group) => group.id) : [],
  };
}

/**
 * The merged rules of an interface, egress first. `now`: seconds of UTC.
 * Throws a RangeError for an interface that the model lacks.
 */
export function describeEffective(model: Model, interfaceId: string, now: number): EffectivePolicy {
  const own = requireInterface(model, interfaceId);
  return {
    interface: own.id,
    network: own.network,
    nicType: own.nicType,
    groups: groupsOf(model, own).map(({ id, type, mode }) => ({ id, type, mode })),
    sides: (["egress", "ingress"] as const).map((direction) => describeSide(model, own.id, direction, now)),
  };
}
