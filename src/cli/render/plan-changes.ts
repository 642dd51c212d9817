/** What two rule sets say otherwise, a line for each change: + added, - removed, ~ modified. */
import type { PlanReply } from "../../agent/protocol.ts";
import { cleanText } from "../../model/printable.ts";
import { formatCount } from "./format.ts";
import { style } from "./style.ts";

type Changes = PlanReply["changes"];
type Entry = Changes["groups"][number];
type Rule = Changes["rules"][number];
type Member = Changes["members"][number];
type Written = NonNullable<Rule["after"]>;

/** Lines of a part that are shown; JSON has the rest. */
const shown = 50;

/** Parts with nothing in them are left out. */
export function renderChanges(changes: Changes): string {
  const parts = [
    renderPart("Networks", changes.networks, renderEntry),
    renderPart("Prefix lists", changes.prefixLists, renderEntry),
    renderPart("Groups", changes.groups, renderEntry),
    renderPart("Rules", changes.rules, renderRule),
    renderPart("Members", changes.members, renderMember),
    renderPart("Interfaces of all hosts", changes.interfaces, renderEntry),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function renderPart<T>(
  title: string,
  changes: readonly T[],
  render: (change: T) => readonly string[],
): string {
  if (changes.length === 0) return "";
  const lines = changes.slice(0, shown).flatMap(render);
  const left = changes.length - shown;
  const rest = left > 0 ? [style.aside(`  … and ${formatCount(left)} more (-o json has them)`)] : [];
  return [style.title(title), ...lines, ...rest].join("\n");
}

function renderEntry({ change, id, place, fields }: Entry): readonly string[] {
  return [signed(change, `${id}${at(place)}`), ...fields.map(renderField)];
}

function renderField({ field, before, after }: Entry["fields"][number]): string {
  return cleanText(`      ${field}: ${before ?? "-"} → ${after ?? "-"}`);
}

function renderRule({ change, group, before, after, fields }: Rule): readonly string[] {
  const written = after ?? before;
  if (written === null) return [];
  const name = `${group} ${nameRule(written)}${at(written.place)}`;
  return change === "modified"
    ? [signed(change, name), ...fields.map(renderField)]
    : [signed(change, `${name} ${written.text}`)];
}

function nameRule({ id, index }: Written): string {
  return id ?? `rule ${index}`;
}

function renderMember({ group, entered, left }: Member): readonly string[] {
  return [
    ...entered.map((id) => signed("added", `${id} enters ${group}`)),
    ...left.map((id) => signed("removed", `${id} leaves ${group}`)),
  ];
}

function at(place: string | null): string {
  return place === null ? "" : ` (${place})`;
}

function signed(change: Entry["change"], text: string): string {
  const clean = cleanText(text);
  switch (change) {
    case "added":
      return style.good(`  + ${clean}`);
    case "removed":
      return style.bad(`  - ${clean}`);
    case "modified":
      return style.warning(`  ~ ${clean}`);
    default:
      return change satisfies never;
  }
}
