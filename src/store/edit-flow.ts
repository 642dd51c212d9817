/** Changing what stands in brackets: `{a: 1, b: [2, 3]}`, on one line or several. */

import type { Matches } from "./edit-match.ts";
import {
  equalValues,
  type ListText,
  type MapText,
  readValue,
  type Scalar,
  type TextNode,
  type Value,
} from "./edit-node.ts";
import { renderFlow, renderKey, renderScalar } from "./edit-render.ts";

/** One part in brackets, with the space before it and what follows it on its line. */
interface Part {
  readonly before: string;
  readonly text: string;
  readonly behind: string;
}

export class FlowWriter {
  readonly #text: string;
  readonly #matches: Matches;

  constructor(text: string, matches: Matches) {
    this.#text = text;
    this.#matches = matches;
  }

  /** The text of a node with this value; the very text that is there where nothing changes. */
  write(node: TextNode, value: Value): string {
    switch (node.kind) {
      case "scalar":
        if (equalValues(node.value, value)) return this.#slice(node.from, node.to);
        return isScalar(value) ? renderScalar(value, node.style) : renderFlow(value);
      case "empty":
        return value === null ? "" : ` ${renderFlow(value)}`;
      case "alias":
        return this.keepsAlias(node.target, value) ? this.#slice(node.from, node.to) : renderFlow(value);
      case "map":
        return value instanceof Map ? this.#writeMap(node, value) : renderFlow(value);
      case "list":
        return Array.isArray(value) ? this.#writeList(node, value) : renderFlow(value);
      case "unread":
        return this.#slice(node.from, node.to);
      default:
        return node satisfies never;
    }
  }

  /** An alias stays where it is to say what it says, and what it names stays as it is. */
  keepsAlias(target: TextNode, value: Value): boolean {
    const said = readValue(target);
    return equalValues(said, value) && equalValues(said, this.#matches.values.get(target));
  }

  #slice(from: number, to: number): string {
    return this.#text.slice(from, to);
  }

  #writeMap(node: MapText, value: ReadonlyMap<string, Value>): string {
    const spans = node.entries.map((entry) => ({
      from: entry.from,
      to: Math.max(entry.after, entry.value.to),
    }));
    const places = new Map(node.entries.map(({ key }, place) => [key, place]));
    const kept = node.entries.filter(({ key }) => value.has(key)).map(({ key }) => key);
    const fresh = [...value.keys()].filter((key) => !places.has(key));
    // New keys follow the key that they follow in the value, the others stay in their order.
    const order = kept.length === 0 ? fresh : insertAfter(kept, fresh, [...value.keys()]);
    const parts = order.map((key) => {
      const entry = node.entries[places.get(key) ?? -1];
      const inner = value.get(key) ?? null;
      if (entry === undefined) return { place: -1, text: `${renderKey(key)}: ${renderFlow(inner)}` };
      const start = entry.value.kind === "empty" ? entry.after : entry.value.from;
      const text = this.#slice(entry.from, start) + this.write(entry.value, inner);
      return { place: places.get(key) ?? -1, text };
    });
    return this.#join(node, spans, parts);
  }

  #writeList(node: ListText, value: readonly Value[]): string {
    const spans = node.items.map((item) => ({ from: item.from, to: item.value.to }));
    const places = this.#matches.lists.get(node) ?? [];
    const parts = value.map((inner, index) => {
      const place = places[index] ?? -1;
      const item = node.items[place];
      if (item === undefined) return { place: -1, text: renderFlow(inner) };
      return { place, text: this.#slice(item.from, item.value.from) + this.write(item.value, inner) };
    });
    return this.#join(node, spans, parts);
  }

  /** Parts that stay keep the space and the comments around them; new ones stand as their neighbours do. */
  #join(
    node: MapText | ListText,
    spans: readonly { from: number; to: number }[],
    wanted: readonly { place: number; text: string }[],
  ): string {
    if (wanted.length === spans.length && wanted.every(({ place }, index) => place === index))
      return this.#replace(node, spans, wanted);
    const open = this.#slice(node.from, node.from + 1);
    const close = this.#slice(node.to - 1, node.to);
    const { head, parts, tail, trailingComma } = this.#split(
      node,
      spans,
      new Set(wanted.map(({ place }) => place)),
    );
    const lineBreak = parts
      .map(({ before }) => /\r?\n[ ]*$/.exec(before)?.[0])
      .find((found) => found !== undefined);
    const padding = parts[0]?.before ?? "";
    const written = wanted.map(({ place, text }, index): Part => {
      const old = parts[place];
      if (old === undefined) return { before: lineBreak ?? (index === 0 ? padding : " "), text, behind: "" };
      const moved = lineBreak === undefined && (index === 0) !== (place === 0);
      return { before: moved ? (index === 0 ? padding : " ") : old.before, text, behind: old.behind };
    });
    if (written.length === 0)
      return (head + tail).includes("#") ? `${open}${head}${tail}${close}` : `${open}${close}`;
    const comma = (index: number) => (index < written.length - 1 || trailingComma ? "," : "");
    const inner = written.map(
      ({ before, text, behind }, index) => `${before}${text}${comma(index)}${behind}`,
    );
    return `${open}${head}${inner.join("")}${tail}${close}`;
  }

  /** The same parts in the same order: everything between them is left alone. */
  #replace(
    node: MapText | ListText,
    spans: readonly { from: number; to: number }[],
    wanted: readonly { text: string }[],
  ): string {
    let done = node.from;
    let written = "";
    for (const [index, { from, to }] of spans.entries()) {
      written += this.#slice(done, from) + (wanted[index]?.text ?? "");
      done = to;
    }
    return written + this.#slice(done, node.to);
  }

  #split(
    node: MapText | ListText,
    spans: readonly { from: number; to: number }[],
    staying: ReadonlySet<number>,
  ) {
    const gaps = [...spans.keys(), spans.length].map((place) => {
      const from = spans[place - 1]?.to ?? node.from + 1;
      return splitGap(this.#slice(from, spans[place]?.from ?? node.to - 1));
    });
    let comments = ""; // Lines of comments above a part that goes are handed on to the next one that stays.
    const parts = spans.map((_span, place) => {
      const before = comments + (gaps[place]?.before ?? "");
      comments = staying.has(place) || !before.includes("#") ? "" : before.replace(/\r?\n[ ]*$/, "");
      return { before, behind: gaps[place + 1]?.behind ?? "" };
    });
    const last = gaps.at(-1);
    return {
      head: gaps[0]?.behind ?? "",
      parts,
      tail: comments + (last?.before ?? ""),
      trailingComma: spans.length > 0 && last?.comma === true,
    };
  }
}

/** What stands between two parts: the rest of the first one's line without its comma, and the lines after it. */
function splitGap(gap: string): { behind: string; before: string; comma: boolean } {
  const newline = gap.search(/\r?\n/);
  const line = newline < 0 ? gap : gap.slice(0, newline);
  const rest = newline < 0 ? "" : gap.slice(newline);
  const comment = line.search(/(^|\s)#/);
  const comma = (comment < 0 ? line : line.slice(0, comment)).indexOf(",");
  if (comma < 0) {
    // The comma may stand at the beginning of a later line.
    const later = rest.replace(/^(\s*),/, "$1");
    const behind = newline < 0 ? "" : line;
    return { behind, before: newline < 0 ? line : later, comma: later !== rest };
  }
  const behind = line.slice(0, comma) + line.slice(comma + 1);
  return newline < 0 ? { behind: "", before: behind, comma: true } : { behind, before: rest, comma: true };
}

/** `fresh` keys put into `kept`, each behind the one that it follows in `order`. */
export function insertAfter(
  kept: readonly string[],
  fresh: readonly string[],
  order: readonly string[],
): string[] {
  const isFresh = new Set(fresh);
  const behind = new Map<string | undefined, string[]>();
  let last: string | undefined;
  for (const key of order) {
    if (isFresh.has(key)) behind.set(last, [...(behind.get(last) ?? []), key]);
    else last = key;
  }
  return [...(behind.get(undefined) ?? []), ...kept.flatMap((key) => [key, ...(behind.get(key) ?? [])])];
}

function isScalar(value: Value): value is Scalar {
  return typeof value !== "object" || value === null;
}
