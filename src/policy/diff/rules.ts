/** Rules added, removed and modified: known by id, and without one by what they say, never by their place. */
import type { Group, Rule } from "../../model/model.ts";
import { formatRuleLine, listRuleFields } from "../rule-text.ts";
import { diffFields, type FieldChange, formatPlace } from "./fields.ts";

/** A rule as it is written. */
export interface WrittenRule {
  readonly id: string | null;
  /** Place in its group, from 0. */
  readonly index: number;
  /** `file:line`; null for one that no file holds. */
  readonly place: string | null;
  /** The line of a rules file. */
  readonly text: string;
}

export interface RuleChange {
  readonly group: string;
  readonly change: "added" | "removed" | "modified";
  readonly before: WrittenRule | null;
  readonly after: WrittenRule | null;
  /** What is otherwise in a modified one. */
  readonly fields: readonly FieldChange[];
}

export function diffRules(
  before: ReadonlyMap<string, Group>,
  after: ReadonlyMap<string, Group>,
): readonly RuleChange[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort();
  return ids.flatMap((id) => diffGroup(id, before.get(id)?.rules ?? [], after.get(id)?.rules ?? []));
}

function diffGroup(group: string, before: readonly Rule[], after: readonly Rule[]): readonly RuleChange[] {
  const fresh = new Pool(after);
  const removed: Rule[] = [];
  const modified: RuleChange[] = [];
  for (const rule of before) {
    const match = fresh.takeById(rule.id);
    if (match === undefined) removed.push(rule);
    else modified.push(...describeModified(group, rule, match));
  }
  const gone = removed.filter((rule) => fresh.takeByContent(rule) === undefined);
  return [
    ...gone.map((rule) => describeChange(group, "removed", rule, null)),
    ...modified,
    ...fresh.rest().map((rule) => describeChange(group, "added", null, rule)),
  ];
}

/** Rules that wait for their match. */
class Pool {
  readonly #byId = new Map<string, Rule>();
  readonly #byContent = new Map<string, Rule[]>();
  readonly #left: Set<Rule>;

  constructor(rules: readonly Rule[]) {
    this.#left = new Set(rules);
    for (const rule of rules) {
      if (rule.id !== null) this.#byId.set(rule.id, rule);
      const key = nameContent(rule);
      const same = this.#byContent.get(key);
      if (same === undefined) this.#byContent.set(key, [rule]);
      else same.push(rule);
    }
  }

  takeById(id: string | null): Rule | undefined {
    const rule = id === null ? undefined : this.#byId.get(id);
    if (rule !== undefined) this.#left.delete(rule);
    return rule;
  }

  /** One that says the same and that no id has matched. */
  takeByContent(rule: Rule): Rule | undefined {
    const match = this.#byContent.get(nameContent(rule))?.find((one) => this.#left.has(one));
    if (match !== undefined) this.#left.delete(match);
    return match;
  }

  rest(): readonly Rule[] {
    return [...this.#left];
  }
}

/** All that it says but its id: one that was given an id, or another one, is the same rule. */
function nameContent(rule: Rule): string {
  return JSON.stringify(listRuleFields({ ...rule, id: null }));
}

function describeModified(group: string, before: Rule, after: Rule): readonly RuleChange[] {
  const fields = diffFields(
    Object.fromEntries(listRuleFields(before)),
    Object.fromEntries(listRuleFields(after)),
  );
  return fields.length === 0 ? [] : [{ ...describeChange(group, "modified", before, after), fields }];
}

function describeChange(
  group: string,
  change: RuleChange["change"],
  before: Rule | null,
  after: Rule | null,
): RuleChange {
  return {
    group,
    change,
    before: before === null ? null : writeRule(before),
    after: after === null ? null : writeRule(after),
    fields: [],
  };
}

function writeRule(rule: Rule): WrittenRule {
  const { id, index, place } = rule;
  return { id, index, place: formatPlace(place), text: formatRuleLine(listRuleFields(rule)) };
}
