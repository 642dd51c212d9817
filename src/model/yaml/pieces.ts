/**
 * Large files are parsed in pieces: the syntax tree of 20 MB takes 1.2 GB, that of a piece next to nothing,
 * and between two pieces others may run.
 *
 * A piece begins where YAML itself must see a new key: in a block map of indentation n, a line that is
 * indented by exactly n and is no comment begins an entry, because whatever goes on from the line before
 * (scalars, brackets, blocks) has to be indented further. Where the layout is any other, where anchors,
 * tags or directives occur, the whole is parsed at once; likewise where a piece of a smaller text does not parse.
 */

/** Text shorter than this is never cut. */
export const wholeTextMax = 256 * 1024;
const pieceLength = 64 * 1024;

export type Piece =
  /** Top-level entries. */
  | { readonly kind: "top"; readonly from: number; readonly to: number }
  /** `key:` alone on its line; what follows are entries of its map. */
  | { readonly kind: "section"; readonly key: string; readonly at: number }
  /** Some of the section's entries. */
  | { readonly kind: "entries"; readonly from: number; readonly to: number };

const sectionLine = /^([A-Za-z][A-Za-z0-9]*):[ \t]*(?:#.*)?\r?$/;
const topLine = /^[A-Za-z]/;
const entryLine = /^[A-Za-z0-9]/;

interface Line {
  readonly from: number;
  readonly to: number;
  /** -1: blank or comment. */
  readonly indent: number;
  readonly text: string;
}

function* linesOf(text: string): Generator<Line> {
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf("\n", from);
    const end = newline < 0 ? text.length : newline;
    let start = from;
    while (text.charCodeAt(start) === 0x20) start += 1;
    const first = text[start];
    const blank = start >= end || first === "#" || first === "\r";
    // A long line's content is not needed: the beginning says what it is.
    yield {
      from,
      to: end + 1,
      indent: blank ? -1 : start - from,
      text: text.slice(start, Math.min(end, start + 256)),
    };
    from = end + 1;
  }
}

/** The pieces of a text in their order, without gaps, or null where it has to be parsed whole. */
export function cutPieces(text: string): readonly Piece[] | null {
  const cutter = new Cutter();
  for (const line of linesOf(text)) {
    if (line.indent < 0) continue;
    if (!cutter.take(line)) return null;
  }
  return cutter.finish(text.length);
}

class Cutter {
  readonly #pieces: Piece[] = [];
  /** The section whose entries are read; `indent` -1 before the first. */
  #section: { key: string; at: number; indent: number } | null = null;
  /** Where the piece begins that is being gathered, -1: none. */
  #from = -1;
  #began = false;

  /** False: the layout is not one that can be cut. */
  take(line: Line): boolean {
    if (line.indent === 0) return this.#takeTop(line);
    if (this.#section === null) return this.#from >= 0;
    if (this.#section.indent < 0) {
      if (!entryLine.test(line.text)) return false;
      this.#section.indent = line.indent;
      this.#from = line.from;
      return true;
    }
    if (line.indent < this.#section.indent) return false;
    if (line.indent > this.#section.indent) return true;
    if (!entryLine.test(line.text)) return false;
    if (line.from - this.#from < pieceLength) return true;
    this.#close(line.from);
    this.#from = line.from;
    return true;
  }

  #takeTop(line: Line): boolean {
    if (!this.#began && line.text.trimEnd() === "---") return true;
    this.#began = true;
    if (!topLine.test(line.text)) return false;
    this.#close(line.from);
    this.#section = null;
    const key = sectionLine.exec(line.text)?.[1];
    if (key === undefined) {
      this.#from = line.from;
    } else {
      this.#section = { key, at: line.from, indent: -1 };
      this.#pieces.push({ kind: "section", key, at: line.from });
    }
    return true;
  }

  #close(to: number): void {
    if (this.#from >= 0) {
      this.#pieces.push({ kind: this.#section === null ? "top" : "entries", from: this.#from, to });
    }
    this.#from = -1;
  }

  finish(length: number): readonly Piece[] {
    this.#close(length);
    return this.#pieces;
  }
}
