/** Groups: fields of a map to a `Group`, in two steps, because rules name groups that stand further down. */
import type { GroupHead, Names } from "./context.ts";
import { atItem, atKey, type Cursor, placeOf, report, take } from "./cursor.ts";
import { reportLimit } from "./limits.ts";
import type { Group, Place, Rule } from "./model.ts";
import { nearestWord } from "./nearest.ts";
import { decodeRule } from "./rule.ts";
import { type GroupFields, groupShape } from "./schema.ts";
import { readShape } from "./shape.ts";
import { checkText, quote } from "./text.ts";
import { findEntry, type YamlNode } from "./yaml/node.ts";

function scalarAt(cursor: Cursor, key: string): (YamlNode & { kind: "scalar" }) | undefined {
  const node = findEntry(cursor.node, key)?.value;
  return node?.kind === "scalar" ? node : undefined;
}

/** What others need to know of a group, without judging it: faults are reported when it is decoded. */
export function readGroupHead(id: string, cursor: Cursor): GroupHead {
  const type = scalarAt(cursor, "type")?.text;
  return {
    id,
    type: type === "basic" ? "basic" : type === "advanced" || type === "enterprise" ? "advanced" : undefined,
    network: scalarAt(cursor, "network")?.text,
    isDefault: scalarAt(cursor, "default")?.value === true,
    place: placeOf(cursor),
  };
}

/** null: it has a fault, which has been reported. */
export function decodeGroup(head: GroupHead, cursor: Cursor, names: Names): Group | null {
  const faults = cursor.diagnostics.errorCount;
  const fields = readShape(groupShape, cursor);
  checkGroup(fields, cursor, head, names);
  const rules = decodeRules(fields, cursor, head, names);
  const tags = decodeTags(atKey(cursor, "tags"), fields.tags);
  const { type, network } = head;
  if (cursor.diagnostics.errorCount > faults || type === undefined || network === undefined) return null;
  return {
    id: head.id,
    name: fields.name ?? "",
    description: fields.description ?? "",
    type,
    network,
    innerAccess: fields.innerAccess ?? (type === "basic" ? "accept" : "drop"),
    defaultEgress: fields.defaultEgress ?? "accept",
    mode: fields.mode ?? "enforce",
    isDefault: head.isDefault,
    rules,
    tags,
    place: head.place,
  };
}

function checkGroup(fields: GroupFields, cursor: Cursor, head: GroupHead, names: Names): void {
  for (const key of ["name", "description"] as const) {
    const text = fields[key];
    if (text !== undefined) take(atKey(cursor, key), `\`${key}\` `, checkText(text));
  }
  const network =
    fields.network === undefined
      ? undefined
      : checkNetworkName(fields.network, atKey(cursor, "network"), names);
  if (head.type !== "advanced") return;
  if (network?.type === "classic") {
    const message =
      "an advanced group in a classic network: make it basic, or name a network with `type: vpc`";
    report(atKey(cursor, "network"), "advanced-group", message);
  }
  if (fields.innerAccess === "accept") {
    const message =
      "`innerAccess: accept` in an advanced group, whose members reach each other by rules only: write `drop`, or leave it out";
    report(atKey(cursor, "innerAccess"), "advanced-group", message, { write: "drop" });
  }
}

/** The network of this name; undefined, with a diagnostic, where there is none. */
export function checkNetworkName(network: string, at: Cursor, names: Names) {
  const found = names.networks.get(network);
  if (found !== undefined) return found ?? undefined;
  const near = nearestWord(network, names.networks.keys());
  const hint =
    near === null ? "declare it under `networks`" : `write \`${near}\`, or declare it under \`networks\``;
  report(at, "unknown-network", `there is no network ${quote(network)}: ${hint}`, { write: near });
  return undefined;
}

function decodeRules(fields: GroupFields, cursor: Cursor, head: GroupHead, names: Names): Rule[] {
  const list = atKey(cursor, "rules");
  const written = fields.rules ?? [];
  reportLimit(list, names.limits, "rulesPerGroup", written.length, `rules of ${quote(head.id)}`);
  const home = { group: head.id, type: head.type, network: head.network, isDefault: head.isDefault };
  const ids = new Map<string, Place>();
  const rules: Rule[] = [];
  for (const [index, entry] of written.entries()) {
    if (entry === undefined) continue;
    const at = atItem(list, index);
    if (entry.id !== undefined) checkRuleId(entry.id, atKey(at, "id"), ids);
    const rule = decodeRule(entry, at, index, home, names);
    if (rule !== null) rules.push(rule);
  }
  return rules;
}

function checkRuleId(id: string, at: Cursor, ids: Map<string, Place>): void {
  const first = ids.get(id);
  if (first !== undefined) {
    const message = `the rule id ${quote(id)} is given twice in one group: write another one`;
    report(at, "duplicate-id", message, { related: [{ place: first, message: "the first one is" }] });
  }
  ids.set(id, placeOf(at));
}

/** Tags are read from the nodes: any printable text is a key, and none of them is special. */
function decodeTags(cursor: Cursor, written: GroupFields["tags"]): Map<string, string> {
  const tags = new Map<string, string>();
  if (written === undefined || cursor.node.kind !== "map") return tags;
  for (const { key, keyAt, value } of cursor.node.entries) {
    const at = { ...cursor, node: value, keyAt };
    take(at, `the tag ${quote(key)} `, checkText(key));
    if (value.kind !== "scalar") {
      // The shape has reported it already, but for `__proto__`, which it passes over.
      if (!Object.hasOwn(written, key)) continue;
      report(at, "wrong-type", `the tag ${quote(key)} is no text: write \`${key.slice(0, 40)}: text\``);
      continue;
    }
    take(at, `the tag ${quote(key)} `, checkText(value.text));
    tags.set(key, value.text);
  }
  return tags;
}
