/**
 * Large files: their entries are found by their lines, and read when somebody asks for one. The syntax tree of
 * the whole takes a hundred times the size of the file, and a change concerns one entry.
 */
import { Diagnostics } from "../model/diagnostic.ts";
import { cutPieces, type Piece } from "../model/yaml/pieces.ts";
import { scanText } from "../model/yaml/scan.ts";
import { Source } from "../model/yaml/source.ts";
import { type EntryText, type MapText, type TextNode, Unread } from "./edit-node.ts";

/** Reads a part of the text. */
type ReadPart = (from: number, to: number) => TextNode | null;

/** The line of an entry: its id, maybe in quotes. */
const entryLine = /^(?:"([\w./-]+)"|'([\w./-]+)'|([\w./-]+)):(?=[ \r\n]|$)/;

/** null: the layout is not one whose entries show in their lines; the file has to be read whole. */
export function readLarge(text: string, read: ReadPart): MapText | null {
  const pieces = hasAnchors(text) ? null : cutPieces(text);
  if (pieces === null) return null;
  const entries: EntryText[] = [];
  for (const [place, piece] of pieces.entries()) {
    if (piece.kind === "entries") continue;
    const found =
      piece.kind === "top" ? readTop(piece, read) : readSection(text, piece, pieces.slice(place + 1), read);
    if (found === null) return null;
    entries.push(...found);
  }
  return makeMap(entries);
}

/** What begins an anchor or alias, though it may be in a comment or a text. */
const mayBeAnchor = /(?:^|[\s[{,])[&*][^\s,[\]{}]/m;

/** What stands behind an anchor may be meant elsewhere: such a file is read whole. */
function hasAnchors(text: string): boolean {
  if (!mayBeAnchor.test(text)) return false; // The scan takes a second for 5 MB.
  const scan = scanText(new Source({ path: "", text }), new Diagnostics());
  let step = scan.next();
  while (!step.done) step = scan.next();
  return step.value.whole;
}

function readTop({ from, to }: Extract<Piece, { kind: "top" }>, read: ReadPart): readonly EntryText[] | null {
  const node = read(from, to);
  return node?.kind === "map" ? node.entries : null;
}

function readSection(
  text: string,
  { key, at }: Extract<Piece, { kind: "section" }>,
  following: readonly Piece[],
  read: ReadPart,
): readonly EntryText[] | null {
  const after = text.indexOf(":", at) + 1;
  const end = following.findIndex(({ kind }) => kind !== "entries");
  const entries: EntryText[] = [];
  for (const piece of end < 0 ? following : following.slice(0, end)) {
    if (piece.kind !== "entries") continue;
    const found = findEntries(text, piece.from, piece.to, read);
    if (found === null) return null;
    entries.push(...found);
  }
  const value = makeMap(entries) ?? { kind: "empty" as const, from: after, to: after };
  return [{ key, from: at, after, value }];
}

function makeMap(entries: readonly EntryText[]): MapText | null {
  const [first] = entries;
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return null;
  return { kind: "map", flow: false, from: first.from, to: Math.max(last.after, last.value.to), entries };
}

/** Entries begin at the lines that are indented as the first one; what is indented further belongs to one. */
function findEntries(text: string, from: number, to: number, read: ReadPart): readonly EntryText[] | null {
  const starts: number[] = [];
  let column = -1;
  for (let line = from; line < to; ) {
    const next = nextLineAt(text, line, to);
    const indent = indentOf(text, line, next);
    if (indent >= 0 && column < 0) column = indent;
    if (indent >= 0 && indent === column) starts.push(line);
    line = next;
  }
  const entries: EntryText[] = [];
  for (const [place, start] of starts.entries()) {
    const entry = makeEntry(text, start, starts[place + 1] ?? to, column, read);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries;
}

function makeEntry(text: string, line: number, to: number, column: number, read: ReadPart): EntryText | null {
  const from = line + column;
  const match = entryLine.exec(text.slice(from, Math.min(to, from + 256)));
  const key = match?.[1] ?? match?.[2] ?? match?.[3];
  if (match === null || key === undefined) return null;
  const after = from + match[0].length;
  const end = endOfContent(text, line, to);
  const entry = new Unread(text.slice(from, end), () => {
    const node = read(line, to);
    const own = node?.kind === "map" ? node.entries[0] : undefined;
    return own?.value ?? { kind: "empty", from: after, to: after };
  });
  return { key, from, after, value: { kind: "unread", from: after, to: Math.max(after, end), entry } };
}

function nextLineAt(text: string, line: number, to: number): number {
  const newline = text.indexOf("\n", line);
  return newline < 0 || newline >= to ? to : newline + 1;
}

/** Spaces before the text of a line; -1: it is blank or a comment. */
function indentOf(text: string, line: number, end: number): number {
  let at = line;
  while (at < end && text[at] === " ") at += 1;
  const first = text[at];
  return at >= end || first === "#" || first === "\r" || first === "\n" ? -1 : at - line;
}

/** The end of the last line that is neither blank nor a comment. */
function endOfContent(text: string, from: number, to: number): number {
  let end = from;
  for (let line = from; line < to; ) {
    const next = nextLineAt(text, line, to);
    if (indentOf(text, line, next) >= 0) end = next;
    line = next;
  }
  return text.slice(from, end).trimEnd().length + from;
}
