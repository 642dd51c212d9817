/** The rules of a group as they are written. */
import type { PlainMap, PlainValue } from "../../model/entry.ts";
import { hasPorts } from "../../model/protocol.ts";
import { templatePriority } from "../../model/rule.ts";

/** None where there is no list of them. */
export function rulesOf(entry: PlainValue | undefined): readonly PlainValue[] {
  if (typeof entry !== "object" || entry === null || !("rules" in entry)) return [];
  return Array.isArray(entry.rules) ? entry.rules : [];
}

/** Do two rules say the same? Ids apart; what need not be written is as if it were not. */
export function equalRules(a: PlainValue, b: PlainValue): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf(rule: PlainValue): string {
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return JSON.stringify(rule);
  const entries = Object.entries(rule).filter(
    ([key, value]) => key !== "id" && !isUsual(key, value, rule as PlainMap),
  );
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isUsual(key: string, value: PlainValue | undefined, { template, protocol }: PlainMap): boolean {
  switch (key) {
    case "priority":
      return value === (template === true ? templatePriority : 1);
    case "nicType":
      return value === "intranet";
    case "description":
      return value === "";
    case "template":
      return value === false;
    case "sourcePortRange":
      return value === "-1/-1";
    case "portRange":
      return value === "-1/-1" && !(typeof protocol === "string" && hasPorts(protocol));
    default:
      return value === undefined;
  }
}
