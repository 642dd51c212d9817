/**
 * Rules that never take effect, and rules that change nothing, over all interfaces that hold them. What is found
 * can be taken away together: a rule that changes nothing only as long as another one of the found stays is not
 * found with it.
 */
import type { Model, Rule } from "../../model/model.ts";
import { type Bitmap, clearBit, createBitmap, setBit, strideOf } from "../bitmap.ts";
import { findEffects } from "../effects.ts";
import { compareRules, type PlacedRule } from "../order.ts";
import { hasBit } from "../side-judge.ts";
import { type LintSide, listSides } from "./sides.ts";

/** Where a rule stands in the order of a side. */
export interface Seat {
  readonly side: LintSide;
  readonly number: number;
}

export interface IdleRule extends PlacedRule {
  /** shadowed: others decide all that it matches; redundant: it decides, but nothing would change without it. */
  readonly kind: "shadowed" | "redundant";
  /**
   * group: so it is for any member that there may be; interfaces: so it is at the interfaces that there are, and
   * not at a member of its group alone.
   */
  readonly scope: "group" | "interfaces";
  /** The sides for which this is said. */
  readonly seats: readonly Seat[];
}

export interface IdleRules {
  readonly sides: readonly LintSide[];
  readonly idle: readonly IdleRule[];
  /** False: the rules are so many, and so entangled, that not every combination was looked at. */
  readonly complete: boolean;
}

/** For each side; some seconds of work. */
export const defaultCombinations = 20_000_000;

interface Examined extends PlacedRule {
  readonly seats: readonly Seat[];
  /** On some real side, and on the side of its group alone. */
  readonly real: Found;
  readonly alone: Found;
}

interface Found {
  readonly seats: readonly Seat[];
  readonly takesEffect: boolean;
  readonly changes: boolean;
}

function allRules(side: LintSide): Bitmap {
  const bits = createBitmap(strideOf(side.side.rules.length));
  for (const { number } of side.side.rules) setBit(bits, number);
  return bits;
}

function listSeats(sides: readonly LintSide[]): ReadonlyMap<Rule, readonly Seat[]> {
  const seats = new Map<Rule, Seat[]>();
  for (const side of sides) {
    for (const { rule, number } of side.side.rules) {
      const known = seats.get(rule);
      if (known === undefined) seats.set(rule, [{ side, number }]);
      else known.push({ side, number });
    }
  }
  return seats;
}

/** A rule's whole group alone: no other group has a say. */
function isAlone({ side }: Seat): boolean {
  return side.source.groups.length === 1;
}

/** Rules of sides that could not be looked at to the end are left out. */
function examine(
  model: Model,
  sides: readonly LintSide[],
  combinations: number,
): { readonly examined: readonly Examined[]; readonly complete: boolean } {
  const effects = new Map(
    sides.map((side) => {
      const budget = { left: combinations };
      return [side, findEffects(side.side, side.spaces, allRules(side), allRules(side), budget)];
    }),
  );
  const isComplete = ({ side }: Seat): boolean => effects.get(side)?.complete === true;
  const find = (seats: readonly Seat[]): Found => ({
    seats,
    takesEffect: seats.some(({ side, number }) => hasBit(effects.get(side)?.takesEffect ?? noRules, number)),
    changes: seats.some(({ side, number }) => hasBit(effects.get(side)?.changes ?? noRules, number)),
  });
  const seatsOf = listSeats(sides);
  const examined = [...model.groups.values()].flatMap((group) =>
    group.rules.flatMap((rule) => {
      const seats = seatsOf.get(rule) ?? [];
      const real = find(seats.filter(({ side }) => side.interfaces.length > 0));
      return seats.every(isComplete)
        ? [{ group, rule, seats, real, alone: find(seats.filter(isAlone)) }]
        : [];
    }),
  );
  return { examined, complete: [...effects.values()].every(({ complete }) => complete) };
}

const noRules: Bitmap = new Uint32Array(0);

/** What is idle by itself, whatever else is found. */
function classifyRule({ group, rule, seats, real, alone }: Examined): IdleRule | null {
  const placed = { group, rule };
  if (!real.changes && !alone.changes) {
    const takesEffect = real.takesEffect || (real.seats.length === 0 && alone.takesEffect);
    const kind = takesEffect ? ("redundant" as const) : ("shadowed" as const);
    const scope = kind === "shadowed" && alone.takesEffect ? ("interfaces" as const) : ("group" as const);
    return { ...placed, kind, scope, seats };
  }
  if (real.seats.length === 0 || real.changes) return null;
  const kind = real.takesEffect ? "redundant" : "shadowed";
  return { ...placed, kind, scope: "interfaces", seats: real.seats };
}

/** Takes rules away one after the other, weakest first, as long as nothing changes. */
class Removal {
  readonly #alive: ReadonlyMap<LintSide, Bitmap>;
  readonly #combinations: number;

  constructor(sides: readonly LintSide[], combinations: number) {
    this.#alive = new Map(sides.map((side) => [side, allRules(side)]));
    this.#combinations = combinations;
  }

  take({ seats }: IdleRule): void {
    for (const { side, number } of seats) {
      const alive = this.#alive.get(side);
      if (alive !== undefined) clearBit(alive, number);
    }
  }

  /** Would anything change without this rule, among those that are left? */
  isNeeded({ seats }: IdleRule): boolean {
    return seats.some(({ side, number }) => {
      const alive = this.#alive.get(side) ?? noRules;
      const wanted = new Uint32Array(alive.length);
      setBit(wanted, number);
      const budget = { left: this.#combinations };
      const { changes, complete } = findEffects(side.side, side.spaces, alive, wanted, budget);
      return hasBit(changes, number) || !complete;
    });
  }
}

/** At the interfaces that there are, where there are any: what remains when a member alone would feel it. */
function narrow(rule: IdleRule): IdleRule[] {
  const seats = rule.seats.filter(({ side }) => side.interfaces.length > 0);
  return seats.length === 0 ? [] : [{ ...rule, scope: "interfaces", seats }];
}

/** Passes over what is redundant until nothing more can go: a rule may become idle again when another is gone. */
function keepTogether(
  sides: readonly LintSide[],
  found: readonly IdleRule[],
  combinations: number,
): IdleRule[] {
  const removal = new Removal(sides, combinations);
  const kept = found.filter(({ kind }) => kind === "shadowed");
  // The first that match are never among them: they go without a question.
  for (const rule of kept) removal.take(rule);
  const takeWhilePossible = (candidates: readonly IdleRule[]): IdleRule[] => {
    const needed = candidates.filter((rule) => {
      if (removal.isNeeded(rule)) return true;
      removal.take(rule);
      kept.push(rule);
      return false;
    });
    return needed.length === 0 || needed.length === candidates.length ? needed : takeWhilePossible(needed);
  };
  const weakestFirst = found.filter(({ kind }) => kind === "redundant").sort((a, b) => compareRules(b, a));
  const wide = takeWhilePossible(weakestFirst.filter(({ scope }) => scope === "group"));
  const rest = weakestFirst.filter(({ scope }) => scope === "interfaces");
  takeWhilePossible([...wide.flatMap(narrow), ...rest].sort((a, b) => compareRules(b, a)));
  return kept;
}

/**
 * Finds them, exactly. `now`: seconds of UTC; rules that have expired are not looked at.
 * @param combinations how many combinations of slices of a side may be looked at before its search is given up
 */
export function findIdleRules(
  model: Model,
  { now, combinations = defaultCombinations }: { readonly now: number; readonly combinations?: number },
): IdleRules {
  const sides = listSides(model, now);
  const { examined, complete } = examine(model, sides, combinations);
  const current = examined.filter(({ rule }) => rule.expires === null || rule.expires > now);
  const found = current.flatMap((one) => classifyRule(one) ?? []);
  return { sides, idle: keepTogether(sides, found, combinations), complete };
}
