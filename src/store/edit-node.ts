/** A rules file as an editor sees it: what is written, and from where to where. */

import type { PlainValue } from "../model/entry.ts";

export type Scalar = string | number | boolean | null;

export type { PlainValue } from "../model/entry.ts";

/** The same while it is being edited: keys in the order of the file, `101` and `__proto__` like any other. */
export type Value = Scalar | Value[] | ValueMap | Unread;
export type ValueMap = Map<string, Value>;
export type Settled = Exclude<Value, Unread>;

/** Offsets into the text without its byte order mark. */
interface Span {
  readonly from: number;
  /** Behind the last character of the content; comments and line ends that follow are not part of it. */
  readonly to: number;
}

export type ScalarStyle = "plain" | "single" | "double" | "block";

export interface ScalarText extends Span {
  readonly kind: "scalar";
  readonly value: Scalar;
  readonly style: ScalarStyle;
}

/** A key or dash behind which nothing is written. */
export interface EmptyText extends Span {
  readonly kind: "empty";
}

export interface AliasText extends Span {
  readonly kind: "alias";
  readonly target: TextNode;
}

export interface EntryText {
  readonly key: string;
  readonly from: number;
  /** Behind the colon, or the anchor that follows it. */
  readonly after: number;
  readonly value: TextNode;
}

export interface MapText extends Span {
  readonly kind: "map";
  readonly flow: boolean;
  readonly entries: readonly EntryText[];
}

export interface ItemText {
  /** The dash, or in flow style the value (its anchor, where it has one). */
  readonly from: number;
  /** Behind the dash, or the anchor that follows it. */
  readonly after: number;
  readonly value: TextNode;
}

export interface ListText extends Span {
  readonly kind: "list";
  readonly flow: boolean;
  readonly items: readonly ItemText[];
}

/** An entry of a section in a large file. It is read when it is looked at: few are. */
export interface UnreadText extends Span {
  readonly kind: "unread";
  readonly entry: Unread;
}

export type TextNode = ScalarText | EmptyText | AliasText | MapText | ListText | UnreadText;

/** What an entry says that has not been read yet. */
export class Unread {
  /** The entry's lines, without the comments and blank lines behind it. */
  readonly text: string;
  readonly #read: () => TextNode;
  #node: TextNode | undefined;

  constructor(text: string, read: () => TextNode) {
    this.text = text;
    this.#read = read;
  }

  get node(): TextNode {
    this.#node ??= this.#read();
    return this.#node;
  }
}

/** Which node a map or list came from. */
export type Origins = WeakMap<object, TextNode>;

/** The value of a node. Each alias gets a copy of its own: changing one place changes no other. */
export function readValue(node: TextNode, origins?: Origins): Value {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "empty":
      return null;
    case "alias":
      return readValue(node.target);
    case "map": {
      const map: ValueMap = new Map();
      for (const { key, value } of node.entries) map.set(key, readValue(value, origins));
      origins?.set(map, node);
      return map;
    }
    case "list": {
      const list = node.items.map((item) => readValue(item.value, origins));
      origins?.set(list, node);
      return list;
    }
    case "unread":
      return node.entry;
    default:
      return node satisfies never;
  }
}

/** Maps are equal whatever the order of their keys. */
export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Unread || b instanceof Unread) return equalUnread(a, b);
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equalValues(value, b.get(key)));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => equalValues(value, b[index]));
  }
  return a === b;
}

/** What a value says, read where it has not been. */
export function settleValue<T extends Value | undefined>(value: T | Unread): Exclude<T, Unread> | Settled {
  return value instanceof Unread ? (readValue(value.node) as Settled) : (value as Exclude<T, Unread>);
}

/** The same text says the same: so large files are compared without being read. */
function equalUnread(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Unread && b instanceof Unread && a.text === b.text) return true;
  return equalValues(settleValue(a), settleValue(b));
}

export function fromPlain(plain: PlainValue): Value {
  if (isPlainList(plain)) return plain.map(fromPlain);
  if (typeof plain !== "object" || plain === null) return plain;
  const map: ValueMap = new Map();
  for (const [key, value] of Object.entries(plain)) if (value !== undefined) map.set(key, fromPlain(value));
  return map;
}

function isPlainList(plain: PlainValue): plain is readonly PlainValue[] {
  return Array.isArray(plain);
}

export function toPlain(value: Value): PlainValue {
  if (value instanceof Unread) return toPlain(settleValue(value));
  if (value instanceof Map) {
    const object: Record<string, PlainValue> = {};
    for (const [key, inner] of value) {
      const property = { value: toPlain(inner), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(object, key, property); // Assigning `__proto__` would change the object.
    }
    return object;
  }
  return Array.isArray(value) ? value.map(toPlain) : value;
}
