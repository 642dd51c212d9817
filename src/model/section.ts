/** The top level of rules files: which ids are declared, and where. */
import * as z from "zod";
import { type Cursor, placeOf, report, take } from "./cursor.ts";
import type { Place } from "./model.ts";
import { rulesShape } from "./schema.ts";
import { readShape } from "./shape.ts";
import { checkId, type IdKind, quote } from "./text.ts";
import { findEntry, type MapEntry, type ScalarNode, type YamlNode } from "./yaml/node.ts";

export interface Declared {
  readonly cursor: Cursor;
}

export interface DeclaredInterface extends Declared {
  readonly instance: string;
}

/** In the order of the files; of an id that is given twice the first one. */
export interface Declarations {
  readonly networks: ReadonlyMap<string, Declared>;
  readonly prefixLists: ReadonlyMap<string, Declared>;
  readonly groups: ReadonlyMap<string, Declared>;
  readonly interfaces: ReadonlyMap<string, DeclaredInterface>;
}

/** Each cursor is at the root of a file. */
export function readDeclarations(roots: readonly Cursor[]): Declarations {
  const declarations = {
    networks: new Map<string, Declared>(),
    prefixLists: new Map<string, Declared>(),
    groups: new Map<string, Declared>(),
    instances: new Map<string, Declared>(),
    interfaces: new Map<string, DeclaredInterface>(),
  };
  for (const root of roots) {
    if (!checkRoot(root)) continue;
    declare("network", root, "networks", declarations.networks);
    declare("prefix list", root, "prefixLists", declarations.prefixLists);
    declare("group", root, "groups", declarations.groups);
    declare("instance", root, "instances", declarations.instances);
  }
  for (const [instance, { cursor }] of declarations.instances) {
    declareInterfaces(instance, cursor, declarations.interfaces);
  }
  return declarations;
}

/** The file's own keys; what stands below them is left to others. */
function checkRoot(root: Cursor): boolean {
  if (root.node.kind !== "map") {
    report(
      root,
      "wrong-type",
      "a rules file is a map: write `version: 1`, then `networks:`, `groups:`, `instances:`",
    );
    return false;
  }
  checkVersion(root);
  const others = root.node.entries.filter((entry) => entry.key !== "version").map(emptied);
  const version = { key: "version", keyAt: 0, value: versionOne };
  readShape(rulesShape, { ...root, node: { ...root.node, entries: [version, ...others] } });
  return true;
}

function checkVersion(root: Cursor): void {
  const version = findEntry(root.node, "version");
  if (version === undefined) {
    const message = "`version` is missing: write `version: 1` as the first line";
    report(root, "bad-version", message, { write: "version: 1" });
    return;
  }
  const { value } = version;
  if (value.kind === "scalar" && value.value === 1) return;
  const text = value.kind === "scalar" ? value.text : "";
  const what = text === "1" ? "the quotes make `1` a text" : `${quote(text)} is not known`;
  report({ ...root, keyAt: value.at }, "bad-version", `\`version\`: ${what}: write \`1\``, { write: "1" });
}

/** Stands for the version that has been judged. */
const versionOne: ScalarNode = { kind: "scalar", at: 0, value: 1, text: "1", plain: true };

/** An entry without its content: the root's shape is judged, not what is below. */
function emptied(entry: MapEntry): MapEntry {
  const { value } = entry;
  switch (value.kind) {
    case "map":
      return { ...entry, value: { ...value, entries: [] } };
    case "list":
      return { ...entry, value: { ...value, items: [] } };
    case "scalar":
      return entry;
    default:
      return value satisfies never;
  }
}

function declare(kind: IdKind, root: Cursor, section: string, into: Map<string, Declared>): void {
  const node = findEntry(root.node, section)?.value;
  if (node?.kind !== "map") return;
  for (const { key, keyAt, value } of node.entries) {
    const cursor = { ...root, node: value, keyAt };
    if (take(cursor, "", checkId(kind, key)) === null) continue;
    addDeclared(kind, key, { cursor }, into);
  }
}

function addDeclared<T extends Declared>(kind: IdKind, id: string, declared: T, into: Map<string, T>): void {
  const first = into.get(id);
  if (first === undefined) {
    into.set(id, declared);
    return;
  }
  const place: Place = placeOf(first.cursor);
  const message = `the ${kind} ${quote(id)} is declared twice: give one of them another id, or leave it out`;
  report(declared.cursor, "duplicate-id", message, { related: [{ place, message: "the first one is" }] });
}

const instanceShape = z.strictObject({
  interfaces: z.record(z.string(), z.unknown()).meta({ description: "a map of interfaces by id" }),
});

function declareInterfaces(instance: string, cursor: Cursor, into: Map<string, DeclaredInterface>): void {
  const hollow: YamlNode =
    cursor.node.kind === "map" ? { ...cursor.node, entries: cursor.node.entries.map(emptied) } : cursor.node;
  readShape(instanceShape, { ...cursor, node: hollow });
  const node = findEntry(cursor.node, "interfaces")?.value;
  if (node?.kind !== "map") return;
  if (node.entries.length === 0) {
    const message = `the instance ${quote(instance)} has no interface: declare one, or leave the instance out`;
    report({ ...cursor, keyAt: node.at }, "wrong-value", message);
  }
  for (const { key, keyAt, value } of node.entries) {
    const at = { ...cursor, node: value, keyAt };
    if (take(at, "", checkId("interface", key)) !== null)
      addDeclared("interface", key, { cursor: at, instance }, into);
  }
}
