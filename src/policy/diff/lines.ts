/** Dimensions that are lines of numbers (services, source ports, seconds), cut where rules begin and end. */
import type { Family } from "../../model/model.ts";
import { type Bitmap, clearBit, createBitmap, keyOf, setBit } from "../bitmap.ts";
import type { Interval } from "../intervals.ts";
import { serviceUniverse } from "../universe.ts";

/** Numbers that match the same rules. */
export interface LineClass {
  /** In order, none touching the next. */
  readonly intervals: readonly Interval[];
  readonly rules: Bitmap;
}

/** A rule's place in the union, and where on the line it matches; null: nowhere. */
export interface LineRule {
  readonly place: number;
  readonly interval: Interval | null;
}

/**
 * Classes of the numbers of `domain` (in order, disjoint): rules that are not among `rules` match everywhere
 * and stand in no bitmap.
 */
export function classifyLine(
  rules: readonly LineRule[],
  domain: readonly Interval[],
  stride: number,
): readonly LineClass[] {
  const bitmap = createBitmap(stride);
  const classes = new Map<string, { intervals: Interval[]; rules: Bitmap }>();
  const edges = listEdges(rules);
  let edge = 0;
  for (const { first, last } of domain) {
    for (let at = first; at <= last; ) {
      for (let next = edges[edge]; next !== undefined && next.at <= at; next = edges[++edge])
        (next.begins ? setBit : clearBit)(bitmap, next.place);
      const end = Math.min(last, (edges[edge]?.at ?? Number.POSITIVE_INFINITY) - 1);
      addInterval(classes, bitmap, { first: at, last: end });
      at = end + 1;
    }
  }
  return [...classes.values()];
}

function listEdges(rules: readonly LineRule[]) {
  return rules
    .flatMap(({ place, interval }) =>
      interval === null
        ? []
        : [
            { at: interval.first, begins: true, place },
            { at: interval.last + 1, begins: false, place },
          ],
    )
    .sort((a, b) => a.at - b.at || Number(a.begins) - Number(b.begins));
}

function addInterval(
  classes: Map<string, { intervals: Interval[]; rules: Bitmap }>,
  bitmap: Bitmap,
  interval: Interval,
): void {
  const key = keyOf(bitmap);
  const known = classes.get(key);
  if (known === undefined) {
    classes.set(key, { intervals: [interval], rules: bitmap.slice() });
    return;
  }
  const open = known.intervals.at(-1);
  if (open?.last === interval.first - 1)
    known.intervals.splice(-1, 1, { first: open.first, last: interval.last });
  else known.intervals.push(interval);
}

/** Intervals in order, those that touch or overlap joined. */
export function joinIntervals(intervals: readonly Interval[]): readonly Interval[] {
  const joined: { first: number; last: number }[] = [];
  for (const { first, last } of [...intervals].sort((a, b) => a.first - b.first)) {
    const open = joined.at(-1);
    if (open === undefined || first > open.last + 1) joined.push({ first, last });
    else open.last = Math.max(open.last, last);
  }
  return joined;
}

/** The service numbers that packets of a family have: ports, ICMP types and codes, or the protocol alone. */
export function serviceDomain(family: Family): readonly Interval[] {
  return serviceUniverse(family).map(({ first, end }) => ({ first, last: end - 1 }));
}
