import type { Model } from "../model/model.ts";

/** Rules of all groups, as written. */
export function countRules(model: Model): number {
  return [...model.groups.values()].reduce((sum, { rules }) => sum + rules.length, 0);
}
