/** Sorted dimensions: which rules match in each cell of a line of numbers. */
import { type Bitmap, clearBit, createBitmap, setBit, strideOf, type WordPool } from "./bitmap.ts";
import { rulesPerSide } from "./layout.ts";
import type { Bits, Cell } from "./types.ts";

/** Numbers from first to last, both in. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

/**
 * Cells of a dimension that goes from 0 to `end` (below 2^32): rule n matches in `intervals[n]` (null: nowhere).
 * Equal neighbours are one cell, the first begins at 0, none beyond the end. A sweep over the sorted ends:
 * n log n, then the number of cells times the stride.
 */
export function compileIntervals(
  intervals: readonly (Interval | null)[],
  end: number,
  pool: WordPool,
): Cell[] {
  const events = sortEvents(intervals, end);
  const bitmap = createBitmap(strideOf(intervals.length));
  const cells: Cell[] = [];
  let position = 0;
  for (const event of events) {
    const at = Math.floor(event / eventScale);
    if (at !== position) {
      pushCell(cells, position, pool.store(bitmap));
      position = at;
    }
    applyEvent(bitmap, event - at * eventScale);
  }
  pushCell(cells, position, pool.store(bitmap));
  return cells;
}

/** A rule's number and whether it begins or ends: below this. */
const eventScale = 2 * rulesPerSide;

/** One number for each beginning and end: position × scale + rule × 2 + (begins ? 1 : 0), exact below 2^53. */
function sortEvents(intervals: readonly (Interval | null)[], end: number): Float64Array {
  const events: number[] = [];
  for (const [rule, interval] of intervals.entries()) {
    if (interval === null) {
      continue;
    }
    events.push(interval.first * eventScale + 2 * rule + 1);
    if (interval.last < end) {
      events.push((interval.last + 1) * eventScale + 2 * rule);
    }
  }
  return Float64Array.from(events).sort();
}

function applyEvent(bitmap: Bitmap, event: number): void {
  const rule = event >>> 1;
  if ((event & 1) === 1) {
    setBit(bitmap, rule);
  } else {
    clearBit(bitmap, rule);
  }
}

/** The pool gives one object for equal bitmaps, so neighbours compare by identity. */
function pushCell(cells: Cell[], first: number, bits: Bits): void {
  if (cells.at(-1)?.bits !== bits) {
    cells.push({ first, bits });
  }
}
