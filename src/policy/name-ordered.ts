import type { Model } from "../model/model.ts";
import { nameRule, type RuleName } from "./evaluate.ts";
import type { OrderedRule } from "./types.ts";

/** A rule of a policy's side as verdicts name it; null where there is none, or its group is gone. */
export function nameOrdered(model: Model, ordered: OrderedRule | undefined): RuleName | null {
  const group = ordered === undefined ? undefined : model.groups.get(ordered.group);
  return ordered === undefined || group === undefined ? null : nameRule({ group, rule: ordered.rule });
}
