/**
 * The rules of two policies' same side in one order, each once: what both have, what one alone has. Sets of
 * them are bitmaps, so that two rule sets are compared cell by cell with a few ANDs.
 */
import type { Direction, Policy, Rule } from "../../model/model.ts";
import { type Bitmap, createBitmap, findLowest, hasBit, setBit, strideOf } from "../bitmap.ts";
import { describeRuleContent } from "../content.ts";
import type { OrderedRule, PolicySide, PolicySource } from "../types.ts";

/** Which of the two policies. */
export type Era = "before" | "after";
export const eras = ["before", "after"] as const;

/** A rule of one policy or of both. */
export interface UnionRule {
  /** What both say. */
  readonly rule: Rule;
  readonly before: OrderedRule | null;
  readonly after: OrderedRule | null;
}

export interface UnionSide {
  readonly direction: Direction;
  /** By priority, drop first. */
  readonly rules: readonly UnionRule[];
  readonly accepts: Bitmap;
  /** Rules of groups that enforce. */
  readonly enforced: Bitmap;
  readonly before: PolicySide;
  readonly after: PolicySide;
  /** What stands behind the rules is the same in both. */
  readonly sameDefaults: boolean;
}

/** The decision of one policy in one cell. `rule`: place in the union; null where a default decides. */
export interface Decision {
  readonly verdict: Policy;
  readonly reason: "rule" | "inner-access" | "default-egress" | "no-rule" | "default-drop" | "observed";
  readonly rule: number | null;
}

/** Joins the same side of two policies. Rules that say the same are one, whatever their groups and ids. */
export function uniteSides(before: PolicySource, after: PolicySource, direction: Direction): UnionSide {
  const [first, second] = [before.sides[direction], after.sides[direction]];
  const waiting = new Map<string, OrderedRule[]>();
  for (const ordered of second.rules) {
    const key = keyOf(ordered);
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [ordered]);
    else same.push(ordered);
  }
  const rules: UnionRule[] = first.rules.map((ordered) => {
    const match = waiting.get(keyOf(ordered))?.shift() ?? null;
    return { rule: ordered.rule, before: ordered, after: match };
  });
  for (const ordered of [...waiting.values()].flat())
    rules.push({ rule: ordered.rule, before: null, after: ordered });
  rules.sort((a, b) => a.rule.priority - b.rule.priority || rankOf(a.rule.policy) - rankOf(b.rule.policy));
  const mark = (picks: (one: UnionRule) => boolean): Bitmap => {
    const bitmap = createBitmap(strideOf(rules.length));
    for (const [place, one] of rules.entries()) if (picks(one)) setBit(bitmap, place);
    return bitmap;
  };
  return {
    direction,
    rules,
    accepts: mark(({ rule }) => rule.policy === "accept"),
    enforced: mark(({ before: old, after: fresh }) => (old ?? fresh)?.enforced === true),
    before: first,
    after: second,
    sameDefaults:
      first.defaultAccept === second.defaultAccept &&
      first.defaultAcceptEnforced === second.defaultAcceptEnforced &&
      first.observes === second.observes,
  };
}

function keyOf({ rule, enforced }: OrderedRule): string {
  return JSON.stringify([enforced, ...describeRuleContent(rule)]);
}

function rankOf(policy: Policy): number {
  return policy === "drop" ? 0 : 1;
}

/** Inner access of a cell's remote in one policy: among all groups, and among those that enforce. */
export interface Inner {
  readonly all: boolean;
  readonly enforced: boolean;
}

/** What one policy decides about packets that these of its rules match. */
export function decideCell(side: UnionSide, era: Era, candidates: Bitmap, inner: Inner): Decision {
  const { defaultAccept, defaultAcceptEnforced, observes } = side[era];
  const together = decideAmong(side, era, candidates, inner.all, defaultAccept);
  if (together.verdict === "accept" || !observes) return together;
  const enforced = candidates.map((half, place) => half & (side.enforced[place] ?? 0));
  const alone = decideAmong(side, era, enforced, inner.enforced, defaultAcceptEnforced);
  return alone.verdict === "drop" ? together : { verdict: "accept", reason: "observed", rule: together.rule };
}

function decideAmong(
  side: UnionSide,
  era: Era,
  candidates: Bitmap,
  inner: boolean,
  defaultAccept: boolean,
): Decision {
  const lowest = findLowest(candidates);
  if (lowest !== null) {
    const rule = nameAmongEquals(side, era, candidates, lowest);
    return { verdict: side.rules[lowest]?.rule.policy ?? "drop", reason: "rule", rule };
  }
  if (inner) return { verdict: "accept", reason: "inner-access", rule: null };
  if (defaultAccept) return { verdict: "accept", reason: "default-egress", rule: null };
  return { verdict: "drop", reason: side.direction === "egress" ? "default-drop" : "no-rule", rule: null };
}

/** Among rules of one priority and policy the policy's own order names the one that decides. */
function nameAmongEquals(side: UnionSide, era: Era, candidates: Bitmap, lowest: number): number {
  const { priority, policy } = side.rules[lowest]?.rule ?? {};
  let named = lowest;
  for (let place = lowest + 1; place < side.rules.length; place++) {
    const one = side.rules[place];
    if (one === undefined || one.rule.priority !== priority || one.rule.policy !== policy) break;
    if (!hasBit(candidates, place)) continue;
    const number = one[era]?.number ?? Number.POSITIVE_INFINITY;
    if (number < (side.rules[named]?.[era]?.number ?? Number.POSITIVE_INFINITY)) named = place;
  }
  return named;
}
