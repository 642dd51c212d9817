/** A unified diff of two texts, as `diff -u` prints it and `patch` reads it. */
import { cleanText } from "../../model/printable.ts";
import { style } from "./style.ts";

export interface DiffedFile {
  readonly path: string;
  /** Empty for a file that is new. */
  readonly before: string;
  readonly after: string;
}

/** A line of the old text, the new one, or both. */
interface Step {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

const contextLines = 3;
/** Lines between which no better way is looked for: what differs is shown as a whole. */
const searchedLines = 1000;

/** Without colour: for JSON, and for `patch`. Empty where the texts are equal. */
export function unifiedDiff({ path, before, after }: DiffedFile): string {
  if (before === after) return "";
  const hunks = cutHunks(compareLines(splitLines(before), splitLines(after)));
  const old = before === "" ? "/dev/null" : path;
  return [`--- ${old}`, `+++ ${path}`, ...hunks.flat()].join("\n");
}

/** The same for a terminal: coloured, and with nothing in it that a terminal would act on. */
export function renderDiff(diff: string): string {
  return diff.split("\n").map(renderLine).join("\n");
}

function renderLine(line: string): string {
  const clean = cleanText(line.replace(/\r$/, ""));
  if (/^(---|\+\+\+) /.test(line)) return style.title(clean);
  if (line.startsWith("@@")) return style.aside(clean);
  if (line.startsWith("+")) return style.good(clean);
  return line.startsWith("-") ? style.bad(clean) : clean;
}

function splitLines(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) !== "") return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
  return lines.slice(0, -1);
}

function compareLines(old: readonly string[], now: readonly string[]): Step[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  const rest = Math.min(old.length, now.length) - head;
  while (tail < rest && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const same = (text: string): Step => ({ sign: " ", text });
  return [
    ...old.slice(0, head).map(same),
    ...compareMiddle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...old.slice(old.length - tail).map(same),
  ];
}

/** Myers' shortest edit script, found forwards; `trace` keeps the furthest points of each round. */
function compareMiddle(old: readonly string[], now: readonly string[]): Step[] {
  const whole = (): Step[] => [
    ...old.map((text): Step => ({ sign: "-", text })),
    ...now.map((text): Step => ({ sign: "+", text })),
  ];
  if (old.length === 0 || now.length === 0 || old.length + now.length > searchedLines) return whole();
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= old.length + now.length; edits += 1) {
    trace.push(furthest);
    furthest = new Map(furthest);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = nextX(furthest, diagonal, edits);
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= old.length && x - diagonal >= now.length) return walkBack(trace, old, now);
    }
  }
  return whole();
}

/** Where a diagonal begins in a round: a line put in below the diagonal above, or taken out of the one below. */
function nextX(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): number {
  return comesDown(furthest, diagonal, edits)
    ? (furthest.get(diagonal + 1) ?? -1)
    : (furthest.get(diagonal - 1) ?? -1) + 1;
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  old: readonly string[],
  now: readonly string[],
): Step[] {
  const steps: Step[] = [];
  let x = old.length;
  let y = now.length;
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const furthest = trace[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const start = nextX(furthest, diagonal, edits);
    while (x > start) steps.push({ sign: " ", text: old[--x] ?? "" });
    y = x - diagonal;
    if (edits === 0) break;
    if (comesDown(furthest, diagonal, edits)) steps.push({ sign: "+", text: now[--y] ?? "" });
    else steps.push({ sign: "-", text: old[--x] ?? "" });
  }
  return steps.reverse();
}

function comesDown(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  const down = furthest.get(diagonal + 1) ?? -1;
  const right = furthest.get(diagonal - 1) ?? -1;
  return diagonal === -edits || (diagonal !== edits && right < down);
}

/** What changed with three lines around it; hunks that would touch are one. */
function cutHunks(steps: readonly Step[]): string[][] {
  const changed = steps.flatMap(({ sign }, index) => (sign === " " ? [] : [index]));
  const spans: { from: number; to: number }[] = [];
  for (const index of changed) {
    const from = Math.max(0, index - contextLines);
    const to = Math.min(steps.length, index + 1 + contextLines);
    const last = spans.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else spans.push({ from, to });
  }
  const count = (part: readonly Step[], sign: string) => part.filter((step) => step.sign !== sign).length;
  return spans.map(({ from, to }) => {
    const [before, part] = [steps.slice(0, from), steps.slice(from, to)];
    const range = (sign: string) => {
      const lines = count(part, sign);
      const first = count(before, sign) + (lines === 0 ? 0 : 1);
      return lines === 1 ? String(first) : `${first},${lines}`;
    };
    return [`@@ -${range("+")} +${range("-")} @@`, ...part.map(({ sign, text }) => `${sign}${text}`)];
  });
}
