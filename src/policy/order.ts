/** The order in which rules of one side decide. */
import type { Group, Rule } from "../model/model.ts";
import { compareIds } from "./identity.ts";

/** A rule and the group that holds it. */
export interface PlacedRule {
  readonly group: Group;
  readonly rule: Rule;
}

/**
 * Smallest priority first, at equal priority drop first: so the first rule that matches decides. Group and place
 * decide nothing; they make the numbers of rules the same on every host.
 */
export function compareRules(a: PlacedRule, b: PlacedRule): number {
  return (
    a.rule.priority - b.rule.priority ||
    rankOf(a.rule) - rankOf(b.rule) ||
    compareIds(a.group.id, b.group.id) ||
    a.rule.index - b.rule.index
  );
}

function rankOf(rule: Rule): number {
  switch (rule.policy) {
    case "drop":
      return 0;
    case "accept":
      return 1;
    default:
      return rule.policy satisfies never;
  }
}
