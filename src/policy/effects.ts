/**
 * Which rules of a side take effect, and which change something: exactly, for all packets.
 *
 * A rule takes effect where it is the first that matches; it changes something where the outcome without it would
 * be another. Both are asked of every combination of slices, but hardly any combination is looked at: rules behind
 * one that matches in all dimensions that are left can decide nothing (two such rules, where one is thought away),
 * so the rest is forgotten, equal rests are visited once, and a rest in which nothing is left to be found is not
 * visited at all.
 */
import { type Bitmap, clearBit, keyOf, setBit } from "./bitmap.ts";
import { type Firsts, firstTwo, hasBit, noRule, type Outcome, SideJudge } from "./side-judge.ts";
import type { Dimension, Slice, Space } from "./space.ts";
import type { PolicySide } from "./types.ts";

/** How many combinations may be looked at, all questions together. */
export interface Budget {
  left: number;
}

export interface Effects {
  readonly takesEffect: Bitmap;
  readonly changes: Bitmap;
  /** False: the budget was used up; a bit that is not set says nothing then. */
  readonly complete: boolean;
}

class Search {
  readonly #space: Space;
  readonly #judge: SideJudge;
  readonly #alive: Bitmap;
  readonly #wanted: Bitmap;
  readonly #budget: Budget;
  /** Rules that match in every slice of this dimension and all after it. */
  readonly #universal: readonly Bitmap[];
  readonly #last: number;
  readonly #visited: readonly Set<string>[];
  readonly #firsts: Firsts = { first: noRule, second: noRule, enforced: noRule, enforcedSecond: noRule };
  readonly takesEffect: Bitmap;
  readonly changes: Bitmap;

  constructor(space: Space, judge: SideJudge, alive: Bitmap, found: SearchState) {
    this.#space = space;
    this.#judge = judge;
    this.#alive = alive;
    this.#wanted = found.wanted;
    this.#budget = found.budget;
    this.takesEffect = found.takesEffect;
    this.changes = found.changes;
    this.#universal = findUniversal(space);
    this.#last = findLastCut(space);
    this.#visited = space.dimensions.map(() => new Set());
  }

  run(): void {
    this.#visit(0, this.#alive, 0);
  }

  #visit(level: number, bits: Bitmap, flags: number): void {
    if (this.#budget.left <= 0) return;
    for (const slice of selectSlices(this.#space.dimensions[level], bits)) {
      if (!meets(this.#wanted, bits, slice.bits)) continue;
      const marks = flags | slice.flags;
      if (level === this.#last) {
        this.#look(bits, slice.bits, marks);
        continue;
      }
      const rest = intersect(bits, slice.bits);
      if (!this.#trim(level + 1, rest)) continue;
      const key = `${marks} ${keyOf(rest)}`;
      const visited = this.#visited[level];
      if (visited === undefined || visited.has(key)) continue;
      if (visited.size < visitedMax) visited.add(key);
      this.#visit(level + 1, rest, marks);
    }
  }

  /** Forgets rules that can decide nothing any more. False: nothing that is wanted can be found here. */
  #trim(level: number, bits: Bitmap): boolean {
    const universal = this.#universal[level];
    if (universal === undefined) return true;
    const { enforces, observes } = this.#judge;
    const [first, second] = firstTwo(bits, universal, null);
    const [enforced, enforcedSecond] = observes ? firstTwo(bits, universal, enforces) : [first, second];
    clearAfter(bits, Math.max(second, enforcedSecond));
    return hasUpTo(bits, this.#wanted, Math.max(first, enforced));
  }

  /** One combination: its first rules decide. */
  #look(bits: Bitmap, slice: Bitmap, flags: number): void {
    this.#budget.left -= 1;
    const firsts = this.#firsts;
    this.#judge.find(bits, slice, firsts);
    const outcome = this.#judge.outcomeOf(firsts.first, firsts.enforced, flags);
    this.#note(firsts.first, outcome, flags);
    if (outcome === "accept" || !this.#judge.observes || firsts.enforced === firsts.first) return;
    this.#note(firsts.enforced, outcome, flags);
  }

  #note(rule: number, outcome: Outcome, flags: number): void {
    if (rule === noRule) return;
    setBit(this.takesEffect, rule);
    if (!hasBit(this.#wanted, rule)) return;
    const { first, second, enforced, enforcedSecond } = this.#firsts;
    const without = this.#judge.outcomeOf(
      first === rule ? second : first,
      enforced === rule ? enforcedSecond : enforced,
      flags,
    );
    if (without === outcome) return;
    setBit(this.changes, rule);
    clearBit(this.#wanted, rule);
  }
}

interface SearchState {
  readonly wanted: Bitmap;
  readonly budget: Budget;
  readonly takesEffect: Bitmap;
  readonly changes: Bitmap;
}

/** Bounds the memory of a search; beyond it equal rests are visited again. */
const visitedMax = 50_000;

/** Do all three share a rule? */
function meets(a: Bitmap, b: Bitmap, c: Bitmap): boolean {
  for (let half = 0; half < a.length; half++) {
    if (((a[half] ?? 0) & (b[half] ?? 0) & (c[half] ?? 0)) !== 0) return true;
  }
  return false;
}

/**
 * Slices of a dimension, one at least for each that these rules tell apart. Where few rules are left, a line is cut
 * at their ends only.
 */
function selectSlices(dimension: Dimension | undefined, bits: Bitmap): readonly Slice[] {
  if (dimension === undefined || dimension.line === null) return dimension?.slices ?? [];
  const { line, slices } = dimension;
  const cuts: number[] = [0];
  for (let half = 0; half < bits.length; half++) {
    for (let word = bits[half] ?? 0; word !== 0; word &= word - 1) {
      const rule = 32 * half + (31 - Math.clz32(word & -word));
      const last = line.last[rule] ?? -1;
      if (last >= 0) cuts.push(line.first[rule] ?? 0, last + 1);
      if (cuts.length >= slices.length) return slices;
    }
  }
  return [...new Set(cuts)].flatMap((cut) => line.pieces[cut] ?? []);
}

function intersect(a: Bitmap, b: Bitmap): Bitmap {
  const both = new Uint32Array(a.length);
  for (let half = 0; half < both.length; half++) both[half] = (a[half] ?? 0) & (b[half] ?? 0);
  return both;
}

function clearAfter(bits: Bitmap, rule: number): void {
  if (rule === noRule) return;
  const half = rule >>> 5;
  const keep = (rule & 31) === 31 ? -1 : (1 << ((rule & 31) + 1)) - 1;
  bits[half] = (bits[half] ?? 0) & keep;
  bits.fill(0, half + 1);
}

/** Do the bitmaps share a rule up to this one? */
function hasUpTo(a: Bitmap, b: Bitmap, rule: number): boolean {
  for (let half = 0; half < a.length; half++) {
    const bits = (a[half] ?? 0) & (b[half] ?? 0);
    if (bits !== 0) return 32 * half + (31 - Math.clz32(bits & -bits)) <= rule;
  }
  return false;
}

function findUniversal({ dimensions, halves }: Space): Bitmap[] {
  const universal: Bitmap[] = [];
  let bits: Bitmap = new Uint32Array(halves).fill(0xffffffff);
  for (const dimension of dimensions.toReversed()) {
    for (const slice of dimension.slices) bits = intersect(bits, slice.bits);
    universal.unshift(bits);
  }
  return universal;
}

/** The last dimension that tells packets apart; the ones after it are one slice in which all rules match. */
function findLastCut({ dimensions }: Space): number {
  const isWhole = (index: number): boolean => {
    const [only, ...more] = dimensions[index]?.slices ?? [];
    return more.length === 0 && only !== undefined && only.flags === 0 && matchesAll(only.bits, dimensions);
  };
  let last = dimensions.length - 1;
  while (last > 0 && isWhole(last)) last--;
  return last;
}

/** Every rule that matches anywhere in another dimension matches here. */
function matchesAll(bits: Bitmap, dimensions: Space["dimensions"]): boolean {
  return (dimensions[0]?.slices ?? []).every((slice) =>
    slice.bits.every((half, index) => (half & ~(bits[index] ?? 0)) === 0),
  );
}

/**
 * Looks for rules of `wanted` that take effect and change something, among the rules that are `alive`, in the
 * spaces of both families. `wanted` is used up: what is left in it was found to change nothing.
 */
export function findEffects(
  side: PolicySide,
  spaces: readonly Space[],
  alive: Bitmap,
  wanted: Bitmap,
  budget: Budget,
): Effects {
  const found = {
    wanted,
    budget,
    takesEffect: new Uint32Array(alive.length),
    changes: new Uint32Array(alive.length),
  };
  const judge = new SideJudge(side, alive.length);
  for (const space of spaces) new Search(space, judge, alive, found).run();
  return { takesEffect: found.takesEffect, changes: found.changes, complete: budget.left > 0 };
}
