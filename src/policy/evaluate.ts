/**
 * The oracle of the rules: docs/semantics.md, "Which rule takes effect", by plain loops over the model.
 * What the compiled maps and the kernel's programs say is compared with it. It shares nothing with them.
 */
import type { Direction, Group, Interface, Model, Policy } from "../model/model.ts";
import type { Reason } from "./reason.ts";
import { type GroupRule, groupsBehind, groupsOf, matches, type Question, rulesOf } from "./rules.ts";

/** A rule as verdicts name it. */
export interface RuleName {
  readonly group: string;
  /** Place in its group, from 0. */
  readonly index: number;
  readonly priority: number;
  readonly policy: Policy;
  /** Line of its file; null for one that no file holds. */
  readonly line: number | null;
  readonly id: string | null;
}

export interface Verdict {
  readonly verdict: Policy;
  readonly reason: Reason;
  /** The rule that decided, or null. */
  readonly rule: RuleName | null;
}

export function nameRule({ group, rule }: GroupRule): RuleName {
  const line = rule.place?.line ?? null;
  return {
    group: group.id,
    index: rule.index,
    priority: rule.priority,
    policy: rule.policy,
    line,
    id: rule.id,
  };
}

/** Which of two matching rules takes effect? Among equals the group's id and the place only name one. */
export function outranks(a: GroupRule, b: GroupRule): boolean {
  if (a.rule.priority !== b.rule.priority) return a.rule.priority < b.rule.priority;
  if (a.rule.policy !== b.rule.policy) return a.rule.policy === "drop";
  if (a.group.id !== b.group.id) return a.group.id < b.group.id;
  return a.rule.index < b.rule.index;
}

function strongest(rules: readonly GroupRule[]): GroupRule | undefined {
  let best: GroupRule | undefined;
  for (const rule of rules) {
    if (best === undefined || outranks(rule, best)) best = rule;
  }
  return best;
}

/** Do both ends share a basic group whose members reach each other? */
function sharesInnerAccess(
  model: Model,
  judged: Interface,
  groups: readonly Group[],
  question: Question,
): boolean {
  const behind = groupsBehind(model, judged, question.remote);
  return groups.some(
    (group) => group.type === "basic" && group.innerAccess === "accept" && behind.includes(group.id),
  );
}

function judgeByGroups(
  model: Model,
  judged: Interface,
  groups: readonly Group[],
  direction: Direction,
  question: Question,
  now: number,
): Verdict {
  const matching = rulesOf(model, judged, direction, groups).filter(({ rule }) =>
    matches(rule, { model, judged, question, now }),
  );
  const decisive = strongest(matching);
  if (decisive !== undefined) {
    return { verdict: decisive.rule.policy, reason: "rule", rule: nameRule(decisive) };
  }
  if (sharesInnerAccess(model, judged, groups, question)) {
    return { verdict: "accept", reason: "inner-access", rule: null };
  }
  if (direction === "ingress") return { verdict: "drop", reason: "no-rule", rule: null };
  return groups.some((group) => group.defaultEgress === "drop")
    ? { verdict: "drop", reason: "default-drop", rule: null }
    : { verdict: "accept", reason: "default-egress", rule: null };
}

/** Finds an interface; throws a RangeError for an id that the model lacks. */
export function requireInterface(model: Model, id: string): Interface {
  const found = model.interfaces.get(id);
  if (found === undefined) throw new RangeError(`the model has no interface "${id}"`);
  return found;
}

/**
 * The verdict of the rules for a packet that opens a session, at one interface, in one direction.
 *
 * `now` is seconds of UTC since 1970. Throws a RangeError for an unknown interface.
 */
export function evaluate(
  model: Model,
  interfaceId: string,
  direction: Direction,
  question: Question,
  now: number,
): Verdict {
  const judged = requireInterface(model, interfaceId);
  const groups = groupsOf(model, judged);
  const together = judgeByGroups(model, judged, groups, direction, question, now);
  if (together.verdict === "accept") return together;
  const enforcing = groups.filter((group) => group.mode === "enforce");
  if (enforcing.length === groups.length) return together;
  const passes =
    enforcing.length === 0 ||
    judgeByGroups(model, judged, enforcing, direction, question, now).verdict === "accept";
  return passes ? { verdict: "accept", reason: "observed", rule: together.rule } : together;
}
