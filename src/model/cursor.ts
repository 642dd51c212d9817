/** Where a decoder stands in a file: a node, its source, and where to report to. */
import type { DiagnosticCode, DiagnosticDetails, Diagnostics, Parsed } from "./diagnostic.ts";
import type { Place } from "./model.ts";
import { findEntry, type YamlNode } from "./yaml/node.ts";
import type { Source } from "./yaml/source.ts";

export interface Cursor {
  readonly source: Source;
  readonly node: YamlNode;
  /** Where the key stands, for a map's value; else where the node does. */
  readonly keyAt: number;
  readonly diagnostics: Diagnostics;
}

export function placeOf(cursor: Cursor): Place {
  return cursor.source.placeAt(cursor.keyAt);
}

/** The value at a key; the cursor itself where there is none. */
export function atKey(cursor: Cursor, key: string): Cursor {
  const entry = findEntry(cursor.node, key);
  return entry === undefined ? cursor : { ...cursor, node: entry.value, keyAt: entry.value.at };
}

/** The item of a list; the cursor itself where there is none. */
export function atItem(cursor: Cursor, index: number): Cursor {
  const node = cursor.node.kind === "list" ? cursor.node.items[index] : undefined;
  return node === undefined ? cursor : { ...cursor, node, keyAt: node.at };
}

export function report(
  cursor: Cursor,
  code: DiagnosticCode,
  message: string,
  details?: DiagnosticDetails,
): void {
  cursor.diagnostics.add(code, placeOf(cursor), message, details);
}

/** The value, or null and a diagnostic at the cursor. `prefix` begins the message. */
export function take<T>(cursor: Cursor, prefix: string, parsed: Parsed<T>): T | null {
  if (parsed.ok) return parsed.value;
  cursor.diagnostics.addProblem(placeOf(cursor), prefix, parsed.problem);
  return null;
}

/** Items of a list that were legal in shape, with their cursors. */
export function* itemsOf<T>(cursor: Cursor, list: readonly T[]): Generator<readonly [T, Cursor]> {
  for (const [index, item] of list.entries()) {
    if (item !== undefined) yield [item, atItem(cursor, index)];
  }
}
