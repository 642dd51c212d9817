/** From the text of a rules file to the nodes that an editor needs. */
import {
  isAlias,
  isMap,
  isScalar,
  type ParsedNode,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { wholeTextMax } from "../model/yaml/pieces.ts";
import { EditError } from "./edit-error.ts";
import type { EntryText, ItemText, ListText, MapText, ScalarStyle, TextNode } from "./edit-node.ts";
import { readLarge } from "./edit-read-large.ts";

/**
 * The nodes of a file without its byte order mark; null where it holds nothing. The file has passed the
 * parser of the model: size, depth, tags and merge keys are not judged again.
 * @throws EditError where it is no YAML map
 */
export function readText(path: string, text: string): MapText | null {
  const large =
    text.length > wholeTextMax ? readLarge(text, (from, to) => readSlice(path, text, from, to)) : null;
  const node = large ?? readSlice(path, text, 0, text.length);
  if (node === null || node.kind === "map") return node;
  throw new EditError(
    `${path}: a rules file is a map: write \`version: 1\`, then \`groups:\` and the others.`,
  );
}

function readSlice(path: string, text: string, from: number, to: number): TextNode | null {
  const document = parseDocument(text.slice(from, to), {
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    keepSourceTokens: false,
    logLevel: "error",
  });
  const [error] = document.errors;
  if (error !== undefined) throw new EditError(`${path}: ${error.message}: mend the file first.`);
  return document.contents === null ? null : new TextReader(text, from).read(document.contents);
}

/** Behind an entry or item with its value. */
export function endOf({ after, value }: EntryText | ItemText): number {
  return Math.max(after, value.to);
}

class TextReader {
  readonly #text: string;
  readonly #base: number;
  readonly #anchors = new Map<string, TextNode>();

  constructor(text: string, base: number) {
    this.#text = text;
    this.#base = base;
  }

  read(node: ParsedNode): TextNode {
    if (isAlias(node)) {
      const [from, to] = this.#span(node.range);
      return {
        kind: "alias",
        from,
        to,
        target: this.#anchors.get(node.source) ?? { kind: "empty", from, to },
      };
    }
    const read = isScalar(node)
      ? this.#readScalar(node)
      : isMap(node)
        ? this.#readMap(node)
        : this.#readList(node);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, read);
    return read;
  }

  #span([from, to]: readonly [number, number, number]): [number, number] {
    return [this.#base + from, this.#base + to];
  }

  #readScalar(node: Scalar.Parsed): TextNode {
    const [from, to] = this.#span(node.range);
    if (node.type === Scalar.PLAIN && node.source === "") return { kind: "empty", from, to };
    const { value } = node;
    const known =
      value === null || typeof value === "number" || typeof value === "boolean" || typeof value === "string";
    return { kind: "scalar", from, to, value: known ? value : node.source, style: styleOf(node) };
  }

  #readMap(node: YAMLMap.Parsed): MapText {
    const entries = node.items.flatMap(({ key, value }) => this.#readPair(key, value));
    return { kind: "map", flow: node.flow === true, ...this.#extent(node, entries), entries };
  }

  #readPair(key: ParsedNode | null, value: ParsedNode | null): EntryText[] {
    if (!isScalar(key)) return [];
    const [from, to] = this.#span(key.range);
    const name = key.type === Scalar.PLAIN ? key.source : String(key.value);
    if (value === null) return [{ key: name, from, after: to, value: { kind: "empty", from: to, to } }];
    const colon = this.#text.indexOf(":", to) + 1;
    const { after, read } = this.#readBehind(colon, value);
    return [{ key: name, from, after, value: read }];
  }

  /** A value behind a colon or dash: where its own text begins, and what it is. */
  #readBehind(sign: number, value: ParsedNode): { after: number; read: TextNode } {
    const read = this.read(value);
    const anchor = isAlias(value) ? undefined : value.anchor;
    const after = anchor === undefined ? sign : this.#anchorAt(anchor, read.from) + 1 + anchor.length;
    return { after, read: read.kind === "empty" ? { kind: "empty", from: after, to: after } : read };
  }

  #anchorAt(anchor: string, before: number): number {
    return this.#text.lastIndexOf(`&${anchor}`, before);
  }

  #readList(node: YAMLSeq.Parsed): ListText {
    const flow = node.flow === true;
    const [start] = this.#span(node.range);
    const column = start - (this.#text.lastIndexOf("\n", start - 1) + 1);
    const items = node.items.map((item): ItemText => {
      if (!flow) {
        const dash = this.#dashBefore(this.#base + item.range[0], start, column);
        const { after, read } = this.#readBehind(dash + 1, item);
        return { from: dash, after, value: read };
      }
      const read = this.read(item);
      const anchored = !isAlias(item) && item.anchor !== undefined;
      const from = anchored ? this.#anchorAt(item.anchor ?? "", read.from) : read.from;
      return { from, after: from, value: read };
    });
    return { kind: "list", flow, ...this.#extent(node, items), items };
  }

  /** The dash of an item: in the list's column, on the item's line or on the last one that begins with a dash there. */
  #dashBefore(item: number, first: number, column: number): number {
    for (let line = this.#lineStart(item); line > first; line = this.#lineStart(line - 1)) {
      const at = line + column;
      if (this.#text[at] === "-" && this.#text.slice(line, at).trim() === "") return at;
    }
    return first;
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf("\n", offset - 1) + 1;
  }

  /** Of a block what is written in it, without what the parser counts to it behind. */
  #extent(
    node: YAMLMap.Parsed | YAMLSeq.Parsed,
    parts: readonly (EntryText | ItemText)[],
  ): { from: number; to: number } {
    const [from, to] = this.#span(node.range);
    const last = parts.at(-1);
    return node.flow === true || last === undefined ? { from, to } : { from, to: endOf(last) };
  }
}

function styleOf(node: Scalar.Parsed): ScalarStyle {
  switch (node.type) {
    case Scalar.QUOTE_SINGLE:
      return "single";
    case Scalar.QUOTE_DOUBLE:
      return "double";
    case Scalar.BLOCK_FOLDED:
    case Scalar.BLOCK_LITERAL:
      return "block";
    default:
      return "plain";
  }
}
