/**
 * A line of numbers cut wherever a rule begins or ends: between two cuts the same rules match everywhere. Ports
 * and times are numbers, addresses bigints.
 */
import { addBits, type Bitmap, createBitmap } from "./bitmap.ts";

/** Numbers from `first` up to, but without, `end`. */
export interface Span<T> {
  readonly first: T;
  readonly end: T;
}

/** Spans, which may overlap, and the rules that match in them. Two sources never share a rule. */
export interface SpanSource<T> {
  readonly spans: readonly Span<T>[];
  readonly rules: Bitmap;
}

/** A span in which the same rules match everywhere. */
export interface Piece<T> extends Span<T> {
  readonly bits: Bitmap;
}

interface Cut<T> {
  readonly at: T;
  /** Number of the source; -1: the universe itself. */
  readonly source: number;
  readonly begins: boolean;
}

/**
 * Cuts the universe (spans in order that do not touch each other) at every end of a source's span. Neighbours
 * with equal bits stay two pieces. A sweep: n log n, and a bitmap a piece.
 */
export function cutPieces<T extends number | bigint>(
  universe: readonly Span<T>[],
  sources: readonly SpanSource<T>[],
  stride: number,
): Piece<T>[] {
  const cuts = sortCuts(universe, sources);
  const open = new Int32Array(sources.length);
  const pieces: Piece<T>[] = [];
  const bits = createBitmap(stride);
  let inside = false;
  let from: T | null = null;
  for (const cut of cuts) {
    if (inside && from !== null && from < cut.at)
      pieces.push({ first: from, end: cut.at, bits: bits.slice() });
    from = cut.at;
    if (cut.source < 0) inside = cut.begins;
    else passCut(bits, open, cut, sources);
  }
  return pieces;
}

function sortCuts<T extends number | bigint>(
  universe: readonly Span<T>[],
  sources: readonly SpanSource<T>[],
): Cut<T>[] {
  const cuts: Cut<T>[] = [];
  const add = ({ first, end }: Span<T>, source: number): void => {
    if (first >= end) return;
    cuts.push({ at: first, source, begins: true }, { at: end, source, begins: false });
  };
  for (const span of universe) add(span, -1);
  for (const [number, { spans }] of sources.entries()) for (const span of spans) add(span, number);
  return cuts.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : Number(a.begins) - Number(b.begins)));
}

/** A source matches while at least one of its spans is open. */
function passCut<T>(bits: Bitmap, open: Int32Array, cut: Cut<T>, sources: readonly SpanSource<T>[]): void {
  const before = open[cut.source] ?? 0;
  const after = before + (cut.begins ? 1 : -1);
  open[cut.source] = after;
  const rules = sources[cut.source]?.rules;
  if (rules === undefined) return;
  if (before === 0) addBits(bits, rules);
  else if (after === 0) removeBits(bits, rules);
}

function removeBits(target: Bitmap, source: Bitmap): void {
  for (let half = 0; half < target.length; half++) {
    target[half] = (target[half] ?? 0) & ~(source[half] ?? 0);
  }
}

/** What is left of a span when others, in order, are taken out. */
export function withoutSpans<T extends number | bigint>(
  whole: Span<T>,
  taken: readonly Span<T>[],
): Span<T>[] {
  const left: Span<T>[] = [];
  let first = whole.first;
  for (const hole of taken) {
    if (first < hole.first) left.push({ first, end: hole.first });
    first = hole.end;
  }
  if (first < whole.end) left.push({ first, end: whole.end });
  return left;
}
