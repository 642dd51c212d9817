/**
 * Sets of services of one family, exactly: protocol and port, or ICMP type and code, as one number (enum service),
 * and the source ports from which each is meant.
 */
import type { Interval } from "../intervals.ts";

export interface ServicePiece extends Interval {
  /** In order, apart from each other; packets without ports count as port 0. */
  readonly sources: readonly Interval[];
}

/** In order, apart from each other; neighbours with the same sources are one piece. */
export type ServiceSet = readonly ServicePiece[];

export const everySource: readonly Interval[] = [{ first: 0, last: 65535 }];

function combineIntervals(
  a: readonly Interval[],
  b: readonly Interval[],
  keep: (inA: boolean, inB: boolean) => boolean,
): Interval[] {
  const cuts = new Set([...a, ...b].flatMap(({ first, last }) => [first, last + 1]));
  const bounds = [...cuts].sort((x, y) => x - y);
  const holds = (intervals: readonly Interval[], value: number): boolean =>
    intervals.some(({ first, last }) => first <= value && value <= last);
  const combined: Interval[] = [];
  for (const [index, first] of bounds.slice(0, -1).entries()) {
    if (!keep(holds(a, first), holds(b, first))) continue;
    const last = (bounds[index + 1] ?? first + 1) - 1;
    const before = combined.at(-1);
    if (before !== undefined && before.last + 1 === first)
      combined[combined.length - 1] = { ...before, last };
    else combined.push({ first, last });
  }
  return combined;
}

function sameIntervals(a: readonly Interval[], b: readonly Interval[]): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every(({ first, last }, index) => first === b[index]?.first && last === b[index]?.last))
  );
}

/** Adds a piece behind all others. */
export function pushPiece(set: ServicePiece[], piece: ServicePiece): void {
  const before = set.at(-1);
  const joins = before !== undefined && before.last + 1 === piece.first;
  if (joins && sameIntervals(before.sources, piece.sources)) {
    set[set.length - 1] = { ...before, last: piece.last };
  } else set.push(piece);
}

type Combine = (a: readonly Interval[], b: readonly Interval[]) => readonly Interval[];

/** Walks both sets between all their cuts. */
function combineSets(a: ServiceSet, b: ServiceSet, combine: Combine): ServiceSet {
  const cuts = new Set([...a, ...b].flatMap(({ first, last }) => [first, last + 1]));
  const bounds = [...cuts].sort((x, y) => x - y);
  const result: ServicePiece[] = [];
  let [nextA, nextB] = [0, 0];
  for (const [index, first] of bounds.slice(0, -1).entries()) {
    while ((a[nextA]?.last ?? Number.POSITIVE_INFINITY) < first) nextA++;
    while ((b[nextB]?.last ?? Number.POSITIVE_INFINITY) < first) nextB++;
    const sources = combine(sourcesAt(a[nextA], first), sourcesAt(b[nextB], first));
    if (sources.length > 0) pushPiece(result, { first, last: (bounds[index + 1] ?? first + 1) - 1, sources });
  }
  return result;
}

function sourcesAt(piece: ServicePiece | undefined, service: number): readonly Interval[] {
  return piece !== undefined && piece.first <= service ? piece.sources : [];
}

/** What is in both. */
export function intersectSets(a: ServiceSet, b: ServiceSet): ServiceSet {
  if (a === b) return a;
  return combineSets(a, b, (x, y) => (x === y ? x : combineIntervals(x, y, (inX, inY) => inX && inY)));
}

/** What is in either. */
export function uniteSets(a: ServiceSet, b: ServiceSet): ServiceSet {
  if (a === b || b.length === 0) return a;
  if (a.length === 0) return b;
  return combineSets(a, b, (x, y) => {
    if (x === y || y.length === 0) return x;
    return x.length === 0 ? y : combineIntervals(x, y, (inX, inY) => inX || inY);
  });
}

/** What is in the first, and not in the second. */
export function subtractSets(a: ServiceSet, b: ServiceSet): ServiceSet {
  return combineSets(a, b, (x, y) =>
    y.length === 0 ? x : combineIntervals(x, y, (inX, inY) => inX && !inY),
  );
}

/** Is this service, from this source port, in the set? */
export function holdsService(set: ServiceSet, service: number, sourcePort: number): boolean {
  return set.some(
    ({ first, last, sources }) =>
      first <= service &&
      service <= last &&
      sources.some((interval) => interval.first <= sourcePort && sourcePort <= interval.last),
  );
}

/** Equal for equal sets. */
export function keyOfSet(set: ServiceSet): string {
  return set
    .map(({ first, last, sources }) =>
      sources === everySource
        ? `${first}-${last}`
        : `${first}-${last}:${sources.map((one) => `${one.first}-${one.last}`).join(",")}`,
    )
    .join(" ");
}
