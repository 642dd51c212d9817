/** What a rule says, in one form for all ways of writing it: by it commands know a rule again. */
import { formatPrefix, parsePrefix } from "../model/cidr.ts";
import type { PlainMap, PlainValue } from "../model/entry.ts";
import { formatTime, parseTime } from "../model/time.ts";

/**
 * Equal for rules that say the same. What need not be written is as if it were not, an id says nothing.
 * `apart`: keys beside that are not looked at.
 */
export function contentOf(rule: PlainMap, apart: readonly string[] = []): string {
  const said = Object.entries(rule).flatMap(([key, value]) => {
    const plain = plainValue(key, value);
    return key === "id" || apart.includes(key) || isUsual(key, plain, rule) ? [] : [[key, plain] as const];
  });
  return JSON.stringify(said.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A value of a rule as commands show it: times in UTC, prefixes without bits behind their length. */
export function plainValue(key: string, value: PlainValue | undefined): PlainValue | undefined {
  if (typeof value !== "string") return value;
  if (key === "expires") {
    const time = parseTime(value);
    return time.ok ? formatTime(time.value) : value;
  }
  if (key !== "remote" && key !== "local") return value;
  const parsed = parsePrefix(value);
  return parsed.ok ? formatPrefix(parsed.value.prefix) : value;
}

function isUsual(key: string, value: PlainValue | undefined, { template }: PlainMap): boolean {
  if (value === undefined) return true;
  switch (key) {
    // A template's priority is its group's type's own.
    case "priority":
      return value === 1 || template === true;
    case "nicType":
      return value === "intranet";
    case "description":
      return value === "";
    case "template":
      return value === false;
    // What has ports always says which, so none is said of what has none alone.
    case "portRange":
    case "sourcePortRange":
      return value === "-1/-1";
    default:
      return false;
  }
}
