/**
 * Marks in the BPF C of what no packet can reach: a comment `unreachable: WHY` on a line of its own, above a statement. It
 * speaks of the condition and of what stands under it, up to the first line that ends with a semicolon or opens a block.
 */
export interface Mark {
  /** Of the comment, from 1. */
  readonly line: number;
  /** Last line that it speaks of. */
  readonly last: number;
  readonly why: string;
}

const beginning = /^\s*\/\* unreachable:/;

function readMark(lines: readonly string[], at: number): Mark {
  const end = lines.findIndex((line, index) => index >= at && line.includes("*/"));
  const last = lines.findIndex((line, index) => index > end && /[;{]$/.test(line));
  const text = lines.slice(at, end + 1).join(" ");
  return { line: at + 1, last: last + 1, why: /unreachable:\s*(.*?)\s*\*\//.exec(text)?.[1] ?? "" };
}

/** Every mark of a file. */
export function readMarks(text: string): readonly Mark[] {
  const lines = text.split("\n");
  return lines.flatMap((line, at) => (beginning.test(line) ? [readMark(lines, at)] : []));
}

/** The mark that speaks of a line, if there is one. */
export function markOf(marks: readonly Mark[], line: number): Mark | undefined {
  return marks.find((mark) => mark.line < line && line <= mark.last);
}
