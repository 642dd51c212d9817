/** The rules of a group as they are written. */
import type { PlainMap, PlainValue } from "../../model/entry.ts";
import { contentOf } from "../rule-content.ts";

/** None where there is no list of them. */
export function rulesOf(entry: PlainValue | undefined): readonly PlainValue[] {
  if (typeof entry !== "object" || entry === null || !("rules" in entry)) return [];
  return Array.isArray(entry.rules) ? entry.rules : [];
}

/** The rules that are not among others. Ids say nothing; what need not be written is as if it were not. */
export function lacks(rules: readonly PlainValue[], among: readonly PlainValue[]): readonly PlainValue[] {
  const known = new Set(among.map(keyOf));
  return rules.filter((rule) => !known.has(keyOf(rule)));
}

function keyOf(rule: PlainValue): string {
  return isMap(rule) ? contentOf(rule) : JSON.stringify(rule);
}

function isMap(value: PlainValue): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `present` lacks of `came`, as it may stand behind it: an id is one rule's, so one that is taken is left out. */
export function mergeRules(
  present: readonly PlainValue[],
  came: readonly PlainValue[],
): { readonly added: readonly PlainValue[]; readonly notes: readonly string[] } {
  const taken = new Set(present.map(idOf));
  const notes: string[] = [];
  const added = lacks(came, present).map((rule) => {
    const id = idOf(rule);
    if (!isMap(rule) || id === null || !taken.has(id)) return rule;
    notes.push(`the id ${id} is another rule's here: the rule that came is without one`);
    const { id: _taken, ...rest } = rule;
    return rest;
  });
  return { added, notes };
}

/** As a text, also where YAML reads a number. */
function idOf(rule: PlainValue): string | null {
  return isMap(rule) && rule.id !== undefined ? String(rule.id) : null;
}
