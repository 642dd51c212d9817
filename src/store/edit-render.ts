/** Values that are new in a file, as YAML in the manner of their neighbours. */
import { type Scalar, type ScalarStyle, settleValue, type Value, type ValueMap } from "./edit-node.ts";

/** How the file at hand is laid out. */
export interface Layout {
  readonly eol: string;
  /** Spaces by which a map stands further in than its key. */
  readonly step: number;
  /** The same of a list's dashes. */
  readonly listStep: number;
  /**
   * Whether maps and lists of this kind stand in brackets where the file has any: by the keys that lead there,
   * `*` for an id or a place in a list; undefined where the file has none.
   */
  readonly flowAt: (kind: Kind) => boolean | undefined;
}

export type Kind = readonly string[];

/** Longer ones with maps in them are written over several lines. */
const flowLength = 240;

/** Words, numbers with signs, prefixes, ports: what no reader of YAML 1.1 or 1.2 takes for anything else. */
const plainText = /^[\p{L}\p{N}_./+-](?:[\p{L}\p{N}_./+@()= -]*[\p{L}\p{N}_./+@()=-])?$/u;
const notText =
  /^(?:null|true|false|yes|no|on|off|y|n|[-+]?(?:(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?|0[xob][0-9a-f_]+|\.inf)|\.nan|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|-{1,3}|\.{3}|- .*)$/iu;

function isPlainText(text: string): boolean {
  return plainText.test(text) && !notText.test(text);
}

/** In the style of what stood there before, where that can hold it. */
export function renderScalar(value: Scalar, style?: ScalarStyle): string {
  if (typeof value !== "string") return String(value);
  if (style === "single" && !/[^\P{C}]|'/u.test(value)) return `'${value}'`;
  if (style !== "double" && isPlainText(value)) return value;
  // JSON leaves these as they are; YAML takes some for line ends, and terminals act on others.
  return JSON.stringify(value).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A key is a text whatever it looks like: `101` needs no quotes. */
export function renderKey(key: string): string {
  return key !== "<<" && (/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(key) || isPlainText(key))
    ? key
    : renderScalar(key, "double");
}

/** On one line, in brackets. */
export function renderFlow(written: Value): string {
  const value = settleValue(written);
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(", ")}]`;
  if (!(value instanceof Map)) return renderScalar(value);
  return `{${[...value].map(([key, inner]) => `${renderKey(key)}: ${renderFlow(inner)}`).join(", ")}}`;
}

function isFlat(value: Value): boolean {
  if (Array.isArray(value)) return value.every((item) => !Array.isArray(item) && !(item instanceof Map));
  if (value instanceof Map)
    return [...value.values()].every((inner) => !(inner instanceof Map) && isFlat(inner));
  return true;
}

/** Sections whose entries get a line a key, so that rules and interfaces can follow. */
const blockKinds = new Set([
  "groups",
  "groups *",
  "prefixLists",
  "prefixLists *",
  "instances",
  "instances *",
  "instances * interfaces",
  "networks",
]);

function standsInBrackets(value: Value, kind: Kind, layout: Layout): boolean {
  if (!(value instanceof Map) && !Array.isArray(value)) return true;
  if ((value instanceof Map ? value.size : value.length) === 0) return true;
  const flat = isFlat(value);
  const found = layout.flowAt(kind);
  if (found === undefined) return flat && !blockKinds.has(kind.join(" "));
  return found && (flat || renderFlow(value).length <= flowLength);
}

/** `key: value` and what follows, a line each, indented by `column`. */
export function renderEntry(key: string, value: Value, column: number, kind: Kind, layout: Layout): string[] {
  const head = `${" ".repeat(column)}${renderKey(key)}:`;
  if (standsInBrackets(value, kind, layout)) return [`${head} ${renderFlow(value)}`];
  return [head, ...renderBelow(value, column, kind, layout)];
}

/** What stands in the lines below a key in `column`. */
export function renderBelow(value: Value, column: number, kind: Kind, layout: Layout): string[] {
  if (value instanceof Map) return renderEntries(value, column + layout.step, kind, layout);
  if (!Array.isArray(value)) return [`${" ".repeat(column + layout.step)}${renderFlow(value)}`];
  return value.flatMap((item) => renderItem(item, column + layout.listStep, [...kind, "*"], layout));
}

export function renderEntries(map: ValueMap, column: number, kind: Kind, layout: Layout): string[] {
  return [...map].flatMap(([key, value]) => renderEntry(key, value, column, kindBelow(kind, key), layout));
}

/** `- value` and what follows, a line each, the dash in `column`. */
export function renderItem(value: Value, column: number, kind: Kind, layout: Layout): string[] {
  const dash = `${" ".repeat(column)}- `;
  if (standsInBrackets(value, kind, layout)) return [`${dash}${renderFlow(value)}`];
  const lines =
    value instanceof Map
      ? renderEntries(value, column + 2, kind, layout)
      : renderBelow(value, column + 2 - layout.listStep, kind, layout);
  return lines.map((line, index) => (index === 0 ? `${dash}${line.slice(column + 2)}` : line));
}

/** Ids are all of one kind, keys are not. */
export function kindBelow(kind: Kind, key: string): Kind {
  const isId = kind.length === 1 || (kind.length === 3 && kind[0] === "instances");
  return [...kind, isId ? "*" : key];
}
