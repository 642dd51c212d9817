/** A node against a zod shape: every fault at once, each at its place and with the right word. */
import * as z from "zod";
import type { Cursor } from "./cursor.ts";
import type { DiagnosticDetails } from "./diagnostic.ts";
import { nearestWord } from "./nearest.ts";
import { quote } from "./text.ts";
import { nodeAt, setOwn, toPlain, type YamlNode } from "./yaml/node.ts";

type Path = readonly PropertyKey[];

/**
 * The values of a map that are legal in shape. What is not has been reported and is left out (undefined in a
 * list), so that decoders find the other faults in the same run.
 */
export function readShape<T>(schema: z.ZodType<T>, cursor: Cursor): Partial<T> {
  const value: unknown = toPlain(cursor.node);
  let result = schema.safeParse(value);
  if (!result.success && takeTexts(cursor.node, value, result.error.issues)) result = schema.safeParse(value);
  if (result.success) return value as Partial<T>;
  for (const issue of result.error.issues) reportIssue(schema, cursor, issue);
  for (const issue of result.error.issues) leaveOut(value, issue);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Partial<T>) : {};
}

/** Where a text is asked for and YAML made a number or a truth value of it, the text is what was written. */
function takeTexts(root: YamlNode, value: unknown, issues: readonly z.core.$ZodIssue[]): boolean {
  let changed = false;
  for (const path of issues.flatMap((issue) => textPaths(issue, []))) {
    const node = nodeAt(root, path);
    if (node?.kind !== "scalar" || !node.plain || node.value === null) continue;
    if (typeof node.value === "string") continue;
    const parent = valueAt(value, path.slice(0, -1));
    const key = path.at(-1);
    if (typeof parent !== "object" || parent === null || key === undefined) continue;
    setOwn(parent, key, node.text);
    changed = true;
  }
  return changed;
}

/** Paths at which an issue would have taken a text. */
function textPaths(issue: z.core.$ZodIssue, base: Path): Path[] {
  const path = [...base, ...issue.path];
  if (issue.code === "invalid_type") return issue.expected === "string" ? [path] : [];
  if (issue.code === "invalid_union")
    return issue.errors.flatMap((way) => way.flatMap((inner) => textPaths(inner, path)));
  return [];
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
}

/** Takes away what an issue is about: unknown keys, a key's value; a list's item becomes undefined. */
function leaveOut(root: unknown, issue: z.core.$ZodIssue): void {
  if (issue.code === "unrecognized_keys") {
    const object = valueAt(root, issue.path);
    for (const key of issue.keys)
      if (typeof object === "object" && object !== null) Reflect.deleteProperty(object, key);
    return;
  }
  const key = issue.path.at(-1);
  const parent = valueAt(root, issue.path.slice(0, -1));
  if (key === undefined || typeof parent !== "object" || parent === null) return;
  if (Array.isArray(parent)) setOwn(parent, key, undefined);
  else Reflect.deleteProperty(parent, key);
}

/** The schema behind `optional` and the like at a path, as far as it can be followed. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType {
  let current = unwrap(schema);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = current.shape[String(step)] ?? current;
    else if (current instanceof z.ZodArray) current = current.element;
    else if (current instanceof z.ZodRecord) current = current.valueType;
    else if (current instanceof z.ZodUnion) current = current.options.find(hasParts) ?? current;
    current = unwrap(current);
  }
  return current;
}

function hasParts(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodObject || schema instanceof z.ZodArray;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let current = schema;
  while (current instanceof z.ZodOptional) current = current.unwrap();
  return current;
}

function descriptionOf(schema: z.core.$ZodType): string {
  return z.globalRegistry.get(schema)?.description ?? describeKind(schema);
}

function describeKind(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodString) return "a text";
  if (schema instanceof z.ZodBoolean) return "`true` or `false`";
  if (schema instanceof z.ZodNumber) return "a number";
  if (schema instanceof z.ZodArray) return "a list, `[...]`";
  return "a map, `{key: value}`";
}

function reportIssue(schema: z.ZodType, cursor: Cursor, issue: z.core.$ZodIssue): void {
  if (issue.code === "unrecognized_keys") {
    const at = schemaAt(schema, issue.path);
    const known = at instanceof z.ZodUnion ? at.options.find(hasParts) : at;
    const words = known instanceof z.ZodObject ? Object.keys(known.shape) : [];
    const unknown = new Set(issue.keys);
    const map = nodeAt(cursor.node, issue.path);
    for (const { key, keyAt } of map?.kind === "map" ? map.entries : [])
      if (unknown.has(key)) reportUnknownKey(cursor, key, keyAt, words);
    return;
  }
  const node = nodeAt(cursor.node, issue.path);
  const meant = issue.code === "invalid_union" && node !== undefined ? partsMeant(issue) : undefined;
  if (meant !== undefined) {
    for (const inner of meant)
      reportIssue(schema, cursor, { ...inner, path: [...issue.path, ...inner.path] });
    return;
  }
  const target = schemaAt(schema, issue.path);
  if (node === undefined) reportMissing(cursor, issue.path, target);
  else reportWrong(cursor, issue, node, target);
}

/** The way of a union whose kind was right, so that its parts can be judged. */
function partsMeant(issue: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  return issue.errors.find((way) =>
    way.every((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys"),
  );
}

function reportUnknownKey(cursor: Cursor, key: string, keyAt: number, words: readonly string[]): void {
  const place = cursor.source.placeAt(keyAt);
  const [before = "", behind] = key.split(/:(.*)/s, 2);
  if (behind !== undefined && words.includes(before)) {
    const right = `${before}: ${behind}`;
    const message = `${quote(key)} has no space behind the colon: write ${quote(right)}`;
    cursor.diagnostics.add("unknown-key", place, message, { write: right });
    return;
  }
  const near = nearestWord(key, words);
  const hint = near === null ? `the keys here are ${words.join(", ")}` : `write \`${near}\``;
  cursor.diagnostics.add("unknown-key", place, `unknown key ${quote(key)}: ${hint}`, { write: near });
}

function reportMissing(cursor: Cursor, path: Path, target: z.core.$ZodType): void {
  const parent = nodeAt(cursor.node, path.slice(0, -1));
  const at = path.length > 1 ? (parent?.at ?? cursor.keyAt) : cursor.keyAt;
  const key = String(path.at(-1) ?? "");
  const message = `\`${key}\` is missing: write \`${key}:\` and ${descriptionOf(target)}`;
  cursor.diagnostics.add("missing-key", cursor.source.placeAt(at), message);
}

function reportWrong(cursor: Cursor, issue: z.core.$ZodIssue, node: YamlNode, target: z.core.$ZodType): void {
  const place = cursor.source.placeAt(node.at);
  const key = issue.path.findLast((step) => typeof step === "string");
  const label = key === undefined ? "" : `\`${String(key)}\`: `;
  const { said, details } = describeWrong(issue, node, target);
  const code = issue.code === "invalid_type" || issue.code === "invalid_union" ? "wrong-type" : "wrong-value";
  cursor.diagnostics.add(code, place, `${label}${said}`, details);
}

function describeWrong(
  issue: z.core.$ZodIssue,
  node: YamlNode,
  target: z.core.$ZodType,
): { said: string; details: DiagnosticDetails } {
  const expected = descriptionOf(target);
  if (node.kind !== "scalar") {
    const kind = node.kind === "list" ? "a list" : "a map";
    return { said: `${kind} cannot stand here: write ${expected}`, details: {} };
  }
  if (node.plain && node.value === null)
    return { said: `nothing is written: write ${expected}`, details: {} };
  const right = guessScalar(issue, node.text, target);
  if (right !== null && right === node.text)
    return {
      said: `the quotes make ${quote(node.text)} a text: write \`${right}\``,
      details: { write: right },
    };
  if (right !== null)
    return { said: `${quote(node.text)} is not right: write \`${right}\``, details: { write: right } };
  return { said: `${quote(node.text)} is not possible: write ${expected}`, details: {} };
}

/** A number without its quotes, a word of the list, a list of one. */
function guessScalar(issue: z.core.$ZodIssue, text: string, target: z.core.$ZodType): string | null {
  if (target instanceof z.ZodArray) return /^[\w.:/-]+$/.test(text) ? `[${text}]` : null;
  if (issue.code === "invalid_value") return nearestWord(text, issue.values.map(String));
  if (issue.code === "invalid_union") return guessUnion(issue, text, target);
  if (issue.code !== "invalid_type") return null;
  if (issue.expected === "boolean") return nearestWord(text, ["true", "false"]) ?? guessTruth(text);
  const isNumber = issue.expected === "number" || issue.expected === "int";
  const isWritten = isNumber && /^(0|[1-9][0-9]{0,8}|0x[0-9a-f]{1,8})$/i.test(text);
  return isWritten && z.safeParse(target, Number(text)).success ? text : null;
}

function guessUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  text: string,
  target: z.core.$ZodType,
): string | null {
  for (const inner of issue.errors.flat()) {
    const right = inner.path.length === 0 ? guessScalar(inner, text, target) : null;
    if (right !== null) return right;
  }
  return null;
}

function guessTruth(text: string): string | null {
  if (/^(yes|on|1)$/i.test(text)) return "true";
  return /^(no|off|0)$/i.test(text) ? "false" : null;
}
