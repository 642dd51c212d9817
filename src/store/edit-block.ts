/** Changing what stands in lines: whole lines come and go, values change where they stand. */
import { FlowWriter } from "./edit-flow.ts";
import { layoutLike } from "./edit-layout.ts";
import {
  applySplices,
  beginsLine,
  columnOf,
  lineEnd,
  lineStart,
  nextLine,
  type Splice,
  skipComments,
} from "./edit-lines.ts";
import type { Matches } from "./edit-match.ts";
import {
  equalValues,
  type ItemText,
  type ListText,
  type MapText,
  type TextNode,
  type Value,
  type ValueMap,
} from "./edit-node.ts";
import {
  type Kind,
  kindBelow,
  type Layout,
  renderBelow,
  renderEntry,
  renderFlow,
  renderItem,
} from "./edit-render.ts";

/** An entry of a map or an item of a list in block style. */
type Part = Pick<ItemText, "from" | "after" | "value">;

/** Lines to be written behind a part that stays; `behind` null: before all of them. */
interface Insertion {
  readonly behind: Part | null;
  readonly lines: readonly string[];
}

/** The text of a file with another value; what does not change keeps its bytes. */
export function writeText(
  text: string,
  root: MapText,
  value: ValueMap,
  matches: Matches,
  layout: Layout,
): string {
  const flow = new FlowWriter(text, matches);
  if (root.flow) return applySplices(text, [{ ...root, text: flow.write(root, value) }]);
  const writer = new BlockWriter(text, flow, matches, layout);
  writer.writeMap(root, value, []);
  return applySplices(text, writer.splices);
}

class BlockWriter {
  readonly splices: Splice[] = [];
  readonly #text: string;
  readonly #flow: FlowWriter;
  readonly #matches: Matches;
  readonly #layout: Layout;

  constructor(text: string, flow: FlowWriter, matches: Matches, layout: Layout) {
    this.#text = text;
    this.#flow = flow;
    this.#matches = matches;
    this.#layout = layout;
  }

  writeMap(node: MapText, value: ValueMap, kind: Kind): void {
    const column = columnOf(this.#text, node.from);
    const known = new Map(node.entries.map((entry) => [entry.key, entry]));
    const staying = node.entries.filter(({ key }) => value.has(key));
    for (const entry of staying) {
      const wanted = value.get(entry.key) ?? null;
      this.#writeValue(entry, columnOf(this.#text, entry.from), wanted, kindBelow(kind, entry.key));
    }
    const insertions: Insertion[] = [];
    let behind: Part | null = null;
    for (const [key, wanted] of value) {
      const entry = known.get(key);
      if (entry !== undefined) behind = entry;
      else
        insertions.push({
          behind,
          lines: this.#renderEntry(node, key, wanted, column, kindBelow(kind, key)),
        });
    }
    this.#writeParts(node.entries, staying, insertions, column);
  }

  /** Ids stand beside their like; the keys of one entry have nothing in common. */
  #renderEntry(node: MapText, key: string, wanted: Value, column: number, kind: Kind): string[] {
    const sibling = kind.at(-1) === "*" ? node.entries.at(-1)?.value : undefined;
    return renderEntry(key, wanted, column, kind, layoutLike(this.#layout, kind, sibling));
  }

  #writeList(node: ListText, value: readonly Value[], kind: Kind): void {
    const column = columnOf(this.#text, node.from);
    const places = this.#matches.lists.get(node) ?? [];
    const inner = [...kind, "*"];
    const insertions: Insertion[] = [];
    const staying: Part[] = [];
    for (const [index, wanted] of value.entries()) {
      const item = node.items[places[index] ?? -1];
      if (item === undefined) {
        const layout = layoutLike(this.#layout, inner, node.items.at(-1)?.value);
        insertions.push({ behind: staying.at(-1) ?? null, lines: renderItem(wanted, column, inner, layout) });
      } else {
        this.#writeValue(item, column, wanted, inner);
        staying.push(item);
      }
    }
    this.#writeParts(node.items, staying, insertions, column);
  }

  /** Takes out what does not stay, and puts in what is new; something stays or is new. */
  #writeParts(
    all: readonly Part[],
    staying: readonly Part[],
    insertions: readonly Insertion[],
    column: number,
  ): void {
    const [first] = all;
    if (first === undefined) return;
    const kept = new Set(staying);
    const rest = this.#takeHead(all, kept, insertions, column);
    for (const part of rest) if (!kept.has(part)) this.#takeLines(part);
    if (rest.length === 0) return;
    const spaced = isSpaced(this.#text, all);
    for (const insertion of insertions) {
      const { behind } = insertion;
      const lines = spaced
        ? behind === null
          ? [...insertion.lines, ""]
          : ["", ...insertion.lines]
        : insertion.lines;
      if (behind !== null)
        this.#insertLines(this.#endOfPart(behind, behind === all.at(-1) ? column : null), lines);
      else if (beginsLine(this.#text, first.from))
        this.#insertLines(lineStart(this.#text, first.from), lines);
      else this.#insertBefore(staying[0] ?? first, lines, column);
    }
  }

  /**
   * A map's first keys may stand behind a dash. Where they go, the first one that stays takes their place.
   * Returns the parts that are still to be looked at; none where all is done.
   */
  #takeHead(
    all: readonly Part[],
    kept: ReadonlySet<Part>,
    insertions: readonly Insertion[],
    column: number,
  ): readonly Part[] {
    const [first] = all;
    if (first === undefined || kept.has(first) || beginsLine(this.#text, first.from)) return all;
    const next = all.findIndex((part) => kept.has(part));
    const follower = all[next];
    if (follower === undefined) {
      const to = Math.max(...all.map(({ after, value }) => Math.max(after, value.to)));
      const lines = insertions.flatMap((insertion) => insertion.lines);
      this.splices.push({ from: first.from, to, text: lines.join(this.#layout.eol).slice(column) });
      return [];
    }
    const gap = this.#text.slice(endOf(all[next - 1] ?? first), follower.from);
    const hasComments = gap
      .split("\n")
      .slice(1)
      .some((line) => line.trimStart().startsWith("#"));
    // The comments above the one that stays stay above it: the dash is then alone on its line.
    const to = hasComments ? lineEnd(this.#text, endOf(all[next - 1] ?? first)) : follower.from;
    this.splices.push({ from: first.from, to, text: "" });
    return all.slice(next);
  }

  #takeLines(part: Part): void {
    const from = lineStart(this.#text, part.from);
    this.splices.push({ from, to: Math.max(from, nextLine(this.#text, endOf(part))), text: "" });
  }

  /** Behind the line on which a part ends; behind the comments too that close a collection of this column. */
  #endOfPart(part: Part, column: number | null): number {
    const end = nextLine(this.#text, endOf(part));
    return column === null ? end : skipComments(this.#text, end, column);
  }

  /** Whole lines at the beginning of a line, or behind a last line that has no end. */
  #insertLines(at: number, lines: readonly string[]): void {
    const { eol } = this.#layout;
    const open = at > 0 && this.#text[at - 1] !== "\n";
    const joined = lines.join(eol);
    this.splices.push({ from: at, to: at, text: open ? eol + joined : joined + eol });
  }

  /** Before a part that stands behind a dash. */
  #insertBefore(part: Part, lines: readonly string[], column: number): void {
    const { eol } = this.#layout;
    const text = `${lines.join(eol).slice(column)}${eol}${" ".repeat(column)}`;
    this.splices.push({ from: part.from, to: part.from, text });
  }

  /** The value of a part: changed where it stands, or written anew. */
  #writeValue(part: Part, column: number, wanted: Value, kind: Kind): void {
    const { value: node } = part;
    if (node.kind === "unread") return;
    if (node.kind === "map" && !node.flow && wanted instanceof Map && wanted.size > 0) {
      this.writeMap(node, wanted, kind);
    } else if (node.kind === "list" && !node.flow && Array.isArray(wanted) && wanted.length > 0) {
      this.#writeList(node, wanted, kind);
    } else if (isBlock(node)) {
      this.#foldBlock(part, wanted);
    } else if (!this.#writeInline(part, wanted)) {
      this.#writeAnew(part, column, wanted, kind);
    }
  }

  /** Where the value can stay on its line: scalars, aliases, brackets that are not empty. */
  #writeInline({ value: node }: Part, wanted: Value): boolean {
    if (
      node.kind === "alias"
        ? this.#flow.keepsAlias(node.target, wanted)
        : node.kind === "empty" && wanted === null
    )
      return true;
    const flow =
      (node.kind === "map" && node.entries.length > 0) || (node.kind === "list" && node.items.length > 0);
    const scalar = node.kind === "scalar" && (typeof wanted !== "object" || wanted === null);
    const empty = isEmpty(node) && isEmptyValue(wanted);
    if (!flow && !scalar && !empty) return false;
    const text = this.#flow.write(node, wanted);
    if (text === this.#text.slice(node.from, node.to)) return true;
    // A block scalar ends with its line's end.
    const lineEnd = node.kind === "scalar" && node.style === "block" && !equalValues(node.value, wanted);
    this.splices.push({ from: node.from, to: node.to, text: lineEnd ? text + this.#layout.eol : text });
    return true;
  }

  /** A block whose content goes: `{}` or `[]`, or what stands there instead, behind its key. */
  #foldBlock({ after, value: node }: Part, wanted: Value): void {
    const parts: readonly Part[] =
      node.kind === "map" ? node.entries : node.kind === "list" ? node.items : [];
    const [first] = parts;
    if (first === undefined) return;
    if (!beginsLine(this.#text, first.from)) {
      this.splices.push({ from: first.from, to: node.to, text: renderFlow(wanted) });
      return;
    }
    this.splices.push({ from: after, to: after, text: ` ${renderFlow(wanted)}` });
    for (const part of parts) this.#takeLines(part);
  }

  #writeAnew({ after, value: node }: Part, column: number, wanted: Value, kind: Kind): void {
    const [head = "", ...lines] = renderEntry("", wanted, column, kind, this.#layout);
    if (lines.length === 0) {
      const text = head.slice(head.indexOf(": ") + 1);
      this.splices.push({ from: after, to: Math.max(after, node.to), text });
      return;
    }
    const end = Math.max(after, node.to);
    this.splices.push({ from: after, to: end, text: "" });
    this.#insertLines(nextLine(this.#text, end), renderBelow(wanted, column, kind, this.#layout));
  }
}

function endOf({ after, value }: Part): number {
  return Math.max(after, value.to);
}

/** A blank line stands between the last two: the next one gets one too. */
function isSpaced(text: string, all: readonly Part[]): boolean {
  const [before, last] = all.slice(-2);
  if (before === undefined || last === undefined) return false;
  return /\n[ \t]*\r?\n/.test(text.slice(endOf(before), last.from));
}

function isBlock(node: TextNode): boolean {
  return (node.kind === "map" || node.kind === "list") && !node.flow;
}

function isEmpty(node: TextNode): boolean {
  return (
    (node.kind === "map" && node.entries.length === 0) || (node.kind === "list" && node.items.length === 0)
  );
}

function isEmptyValue(value: Value): boolean {
  return (value instanceof Map && value.size === 0) || (Array.isArray(value) && value.length === 0);
}
