/** Bounds of a model: what is counted, and how going over one is said. */
import { prefixKey } from "./cidr.ts";
import { type Cursor, placeOf } from "./cursor.ts";
import type { Diagnostics } from "./diagnostic.ts";
import type { Group, Interface, Limits, Model, Place } from "./model.ts";
import { quote } from "./text.ts";

/** How a limit is spoken of. */
const limitNames: Readonly<Record<keyof Limits, string>> = {
  rulesPerGroup: "rules per group",
  groupsPerInterface: "groups per interface",
  rulesPerInterface: "rules per interface, all its groups together",
  entriesPerPrefixList: "entries per prefix list",
  prefixesPerPolicy: "distinct prefixes per policy",
  addressesPerBasicGroup: "addresses per basic group",
  addressesPerAdvancedGroup: "addresses per advanced group",
};

/** "over the limit `rulesPerGroup` (rules per group) of 200: rules of `sg-a` are 201, …". */
export function describeLimit(limits: Limits, limit: keyof Limits, asked: number, what: string): string {
  return (
    `over the limit \`${limit}\` (${limitNames[limit]}) of ${limits[limit]}: ${what}: ${asked} asked; ` +
    `take out ${asked - limits[limit]}, or raise \`limits.${limit}\` in agent.yaml`
  );
}

export function reportLimit(
  cursor: Cursor,
  limits: Limits,
  limit: keyof Limits,
  asked: number,
  what: string,
): void {
  if (asked > limits[limit]) {
    cursor.diagnostics.add("limit", placeOf(cursor), describeLimit(limits, limit, asked, what));
  }
}

/** Limits of what belongs together across the model: members of groups, rules and prefixes of interfaces. */
export function checkModelLimits(model: Model, limits: Limits, diagnostics: Diagnostics): void {
  checkAddresses(model, limits, diagnostics);
  const sets = new Map<string, Interface>();
  for (const member of model.interfaces.values()) {
    const key = `${member.nicType} ${[...member.groups].sort().join(" ")}`;
    if (!sets.has(key)) sets.set(key, member);
  }
  const listPrefixes = new Map<string, ReadonlySet<string>>();
  for (const [id, list] of model.prefixLists) {
    listPrefixes.set(id, new Set(list.entries.map((entry) => prefixKey(entry.prefix))));
  }
  for (const member of sets.values()) checkPolicy(model, member, listPrefixes, limits, diagnostics);
}

function checkAddresses(model: Model, limits: Limits, diagnostics: Diagnostics): void {
  const counts = new Map<string, number>();
  for (const member of model.interfaces.values()) {
    for (const group of member.groups) counts.set(group, (counts.get(group) ?? 0) + member.addresses.length);
  }
  for (const [id, count] of counts) {
    const group = model.groups.get(id);
    if (group === undefined) continue;
    const limit = group.type === "basic" ? "addressesPerBasicGroup" : "addressesPerAdvancedGroup";
    if (count > limits[limit]) {
      diagnostics.add(
        "limit",
        group.place,
        describeLimit(limits, limit, count, `addresses of ${quote(id)}'s members`),
      );
    }
  }
}

function groupsOf(model: Model, member: Interface): Group[] {
  return member.groups.flatMap((id) => model.groups.get(id) ?? []);
}

function checkPolicy(
  model: Model,
  member: Interface,
  listPrefixes: ReadonlyMap<string, ReadonlySet<string>>,
  limits: Limits,
  diagnostics: Diagnostics,
): void {
  const place: Place | null = member.place;
  const rules = groupsOf(model, member).flatMap((group) => group.rules);
  if (rules.length > limits.rulesPerInterface) {
    const what = `rules of ${quote(member.id)}'s groups (${member.groups.join(", ")})`;
    diagnostics.add("limit", place, describeLimit(limits, "rulesPerInterface", rules.length, what));
  }
  const prefixes = new Set<string>();
  const lists = new Set<string>();
  for (const rule of rules) {
    if (rule.remote.kind === "prefix") prefixes.add(prefixKey(rule.remote.prefix));
    else if (rule.remote.kind === "prefix-list") lists.add(rule.remote.list);
    if (rule.local !== null) prefixes.add(prefixKey(rule.local));
  }
  for (const list of lists) for (const key of listPrefixes.get(list) ?? []) prefixes.add(key);
  if (prefixes.size > limits.prefixesPerPolicy) {
    const what = `prefixes of ${quote(member.id)}'s groups (${member.groups.join(", ")})`;
    diagnostics.add("limit", place, describeLimit(limits, "prefixesPerPolicy", prefixes.size, what));
  }
}
