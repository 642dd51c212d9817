/** Lines of a text by offsets. */

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Where the next line begins; the offset itself where it is the beginning of one already. */
export function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const newline = text.indexOf("\n", offset);
  return newline < 0 ? text.length : newline + 1;
}

/** Where the line of an offset ends, before its line end. */
export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  if (newline < 0) return text.length;
  return text[newline - 1] === "\r" ? newline - 1 : newline;
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/** Nothing but spaces stands before it on its line. */
export function beginsLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

/** Behind the comment lines that follow at once and are indented by at least `column`. */
export function skipComments(text: string, offset: number, column: number): number {
  for (let at = offset; ; ) {
    const end = nextLine(text, at + 1);
    const line = text.slice(at, end);
    const indent = line.length - line.trimStart().length;
    if (at >= text.length || indent < column || line[indent] !== "#") return at;
    at = end;
  }
}

/** One replacement: the text from `from` to `to` becomes `text`. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Makes all replacements; insertions at one offset stay in their order, before a replacement that begins there. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const width = ({ from, to }: Splice) => Number(to > from);
  const sorted = splices.toSorted((a, b) => a.from - b.from || width(a) - width(b));
  const parts: string[] = [];
  let done = 0;
  for (const splice of sorted) {
    if (splice.from < done) throw new Error(`two changes overlap at offset ${splice.from}`);
    parts.push(text.slice(done, splice.from), splice.text);
    done = splice.to;
  }
  return parts.join("") + text.slice(done);
}
