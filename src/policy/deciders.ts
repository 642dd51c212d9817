/** Who decides the packets that a rule matches: the reason for calling it idle. */
import { type Bitmap, keyOf } from "./bitmap.ts";
import type { Budget } from "./effects.ts";
import { bitsFlag } from "./layout.ts";
import { hasBit } from "./side-judge.ts";
import type { Space } from "./space.ts";
import type { PolicySide } from "./types.ts";

export interface Deciders {
  /** Some packet matches the rule. */
  readonly matches: boolean;
  /** Numbers of the rules that decide in its place, strongest first. */
  readonly rules: readonly number[];
  /** Where no other rule matches: inner access, or the default. */
  readonly innerAccess: boolean;
  readonly byDefault: boolean;
  /** False: there may be others. */
  readonly complete: boolean;
}

interface Walk {
  readonly space: Space;
  readonly rule: number;
  readonly seen: Set<string>;
  readonly found: Set<number>;
  matches: boolean;
  innerAccess: boolean;
  byDefault: boolean;
}

/** More names than anybody reads need not be looked for. */
const namesMax = 8;
const combinationsMax = 5_000;
/** For a question that is yes or no. */
const combinationsEnough = 1_000_000;

function lowestBeside(bits: Bitmap, rule: number): number | null {
  for (let half = 0; half < bits.length; half++) {
    let word = bits[half] ?? 0;
    while (word !== 0) {
      const lowest = 32 * half + (31 - Math.clz32(word & -word));
      if (lowest !== rule) return lowest;
      word &= word - 1;
    }
  }
  return null;
}

function note(walk: Walk, bits: Bitmap, flags: number): void {
  walk.matches = true;
  const beside = lowestBeside(bits, walk.rule);
  if (beside !== null) walk.found.add(beside);
  else if ((flags & bitsFlag.innerAccess) !== 0) walk.innerAccess = true;
  else walk.byDefault = true;
}

function visit(walk: Walk, level: number, bits: Bitmap, flags: number, budget: Budget): void {
  const dimension = walk.space.dimensions[level];
  if (dimension === undefined) {
    note(walk, bits, flags);
    return;
  }
  for (const slice of dimension.slices) {
    if (!hasBit(slice.bits, walk.rule)) continue;
    if (budget.left <= 0 || walk.found.size >= namesMax) return;
    budget.left -= 1;
    const rest = bits.map((half, index) => half & (slice.bits[index] ?? 0));
    const key = `${level} ${flags | slice.flags} ${keyOf(rest)}`;
    if (walk.seen.has(key)) continue;
    walk.seen.add(key);
    visit(walk, level + 1, rest, flags | slice.flags, budget);
  }
}

/**
 * The rules that would decide, or do decide, packets that rule number `rule` matches, if it were not there: all of
 * them, or as many as one reads.
 */
export function findDeciders(side: PolicySide, spaces: readonly Space[], rule: number): Deciders {
  const found = new Set<number>();
  const result = { matches: false, innerAccess: false, byDefault: false, complete: true };
  for (const space of spaces) {
    const walk: Walk = { space, rule, seen: new Set(), found, ...result };
    const all = new Uint32Array(space.halves).fill(0xffffffff);
    const budget = { left: combinationsMax };
    visit(walk, 0, all, 0, budget);
    result.complete &&= budget.left > 0 && found.size < namesMax;
    result.matches ||= walk.matches;
    result.innerAccess ||= walk.innerAccess;
    result.byDefault ||= walk.byDefault;
  }
  const rules = [...found].filter((number) => number < side.rules.length).sort((a, b) => a - b);
  return { ...result, rules };
}

/** Is there a packet that no rule matches? */
export function leavesUnmatched(spaces: readonly Space[], combinations = combinationsEnough): boolean {
  const budget = { left: combinations };
  const look = (space: Space, level: number, bits: Bitmap, seen: Set<string>): boolean => {
    if (bits.every((half) => half === 0)) return true;
    return (space.dimensions[level]?.slices ?? []).some((slice) => {
      if (budget.left-- <= 0) return false;
      const rest = bits.map((half, index) => half & (slice.bits[index] ?? 0));
      const key = `${level} ${keyOf(rest)}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return look(space, level + 1, rest, seen);
    });
  };
  return spaces.some((space) => look(space, 0, new Uint32Array(space.halves).fill(0xffffffff), new Set()));
}
