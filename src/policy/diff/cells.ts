/**
 * The cells of two policies' side in which verdicts differ. Remote addresses and services are cut for all rules
 * at once; source ports, local addresses and time only in cells where a rule that matches asks about them. A
 * cell in which both policies have the same rules is left at once: no packet of it can differ.
 */
import { type Bitmap, createBitmap, findLowest, setBit, strideOf } from "../bitmap.ts";
import type { Interval } from "../intervals.ts";
import { widthOf } from "../prefixes.ts";
import {
  expiryInterval,
  secondsEnd,
  serviceInterval,
  sourcePortEnd,
  sourcePortInterval,
} from "../service.ts";
import { classifyLine, type LineClass, serviceDomain } from "./lines.ts";
import { type AddressRange, joinPrefixes, type RemoteClass } from "./remotes.ts";
import { type Decision, decideCell, type Era, type UnionSide } from "./union.ts";

/** A cell beside remote and service; null: the dimension makes no difference here. */
export interface Rest {
  readonly sourcePorts: readonly Interval[] | null;
  readonly locals: readonly AddressRange[] | null;
  readonly times: readonly Interval[] | null;
}

/** Packets whose verdict differs: everything in it has the same decision before, and the same after. */
export interface Cell extends Rest {
  readonly remote: RemoteClass;
  readonly service: LineClass;
  readonly before: Decision;
  readonly after: Decision;
}

/** The service classes of a family, as the rules of both policies cut them. */
export function classifyServices(side: UnionSide, family: RemoteClass["family"]): readonly LineClass[] {
  const rules = side.rules.map(({ rule }, place) => ({ place, interval: serviceInterval(rule) }));
  return classifyLine(rules, serviceDomain(family), strideOf(side.rules.length));
}

type Bits = Readonly<Record<Era, Bitmap>>;
type Dimension = keyof Rest;
const dimensions: readonly Dimension[] = ["sourcePorts", "locals", "times"];
const everywhere: Rest = { sourcePorts: null, locals: null, times: null };

/** A class of a dimension beside remote and service: what it adds to a cell, and the rules that match in it. */
interface Part {
  readonly rest: Partial<Rest>;
  readonly rules: Bitmap;
}

type Decided = Readonly<Record<Era, Decision>>;
type OnLeaf = (rest: Rest, decided: Decided) => void;

/** What stays the same while a cell is cut. */
interface Search {
  readonly remote: RemoteClass;
  readonly alike: boolean;
  readonly budget: Budget;
  readonly onLeaf: OnLeaf;
}

/**
 * Pieces that may still be looked at beside remote and service. Rules that overlap in every dimension at once
 * have as many as the product of their boundaries: who writes such rules must not keep others waiting.
 */
export interface Budget {
  left: number;
}

const stepsPerYield = 256;

export class CellFinder {
  readonly #side: UnionSide;
  /** Whole seconds of UTC: what expired before plays no part. */
  readonly #now: number;
  readonly #stride: number;
  /** Rules that ask about a dimension. */
  readonly #asks: Readonly<Record<Dimension, Bitmap>>;

  constructor(side: UnionSide, now: number) {
    this.#side = side;
    this.#now = Math.floor(now);
    this.#stride = strideOf(side.rules.length);
    this.#asks = {
      sourcePorts: this.#mark(({ sourcePorts }) => sourcePorts !== null),
      locals: this.#mark(({ local }) => local !== null),
      times: this.#mark(({ expires }) => expires !== null),
    };
  }

  #mark(picks: (rule: UnionSide["rules"][number]["rule"]) => boolean): Bitmap {
    const bitmap = createBitmap(this.#stride);
    for (const [place, { rule }] of this.#side.rules.entries()) if (picks(rule)) setBit(bitmap, place);
    return bitmap;
  }

  /**
   * Calls back with every cell of a remote class in which the verdicts differ. Yields between slices of work.
   * Spends the budget; false where it ran out, and cells may be missing.
   */
  *findIn(
    remote: RemoteClass,
    services: readonly LineClass[],
    budget: Budget,
    onCell: (cell: Cell) => void,
  ): Generator<void, boolean> {
    const [before, after] = [remote.before.rules, remote.after.rules];
    const alike = this.#side.sameDefaults && isSameInner(remote);
    const differing = before.map((half, place) => half ^ (after[place] ?? 0));
    if (alike && findLowest(differing) === null) return true;
    for (const service of services) {
      if (alike && !meets(differing, service.rules)) continue;
      const bits = { before: and(before, service.rules), after: and(after, service.rules) };
      const onLeaf = (rest: Rest, decided: Decided) => onCell({ remote, service, ...rest, ...decided });
      const found = this.#nextDimension(bits, 0) === undefined;
      if (found) this.#decide(remote, bits, everywhere, onLeaf);
      else if (!(yield* this.#cut({ remote, alike, budget, onLeaf }, bits, 0, everywhere))) return false;
    }
    return true;
  }

  /** The first dimension from this place on that some matching rule asks about. */
  #nextDimension(bits: Bits, place: number): number | undefined {
    for (let next = place; next < dimensions.length; next++) {
      const asks = this.#asks[dimensions[next] ?? "times"];
      if (meets(asks, bits.before) || meets(asks, bits.after)) return next;
    }
    return undefined;
  }

  #decide({ before: old, after: fresh }: RemoteClass, bits: Bits, rest: Rest, onLeaf: OnLeaf): void {
    const before = decideCell(this.#side, "before", bits.before, old.inner);
    const after = decideCell(this.#side, "after", bits.after, fresh.inner);
    if (before.verdict !== after.verdict) onLeaf(rest, { before, after });
  }

  /** Cuts a cell in one dimension after the other. False where the budget ran out. */
  *#cut(search: Search, bits: Bits, place: number, rest: Rest): Generator<void, boolean> {
    const { remote, alike, budget, onLeaf } = search;
    const next = this.#nextDimension(bits, place);
    const dimension = next === undefined ? undefined : dimensions[next];
    if (next === undefined || dimension === undefined) {
      this.#decide(remote, bits, rest, onLeaf);
      return true;
    }
    const asks = this.#asks[dimension];
    for (const part of this.#partsOf(dimension, bits, remote.family)) {
      if (budget.left-- <= 0) return false;
      if (budget.left % stepsPerYield === 0) yield;
      const free = part.rules.map((half, index) => half | ~(asks[index] ?? 0));
      const inside = { before: and(bits.before, free), after: and(bits.after, free) };
      if (alike && inside.before.every((half, index) => half === inside.after[index])) continue;
      if (!(yield* this.#cut(search, inside, next + 1, { ...rest, ...part.rest }))) return false;
    }
    return true;
  }

  /** The rules that match and ask about the dimension, by place. */
  #askers(dimension: Dimension, bits: Bits) {
    const asks = this.#asks[dimension];
    return this.#side.rules.flatMap(({ rule }, place) => {
      const half = place >>> 5;
      const both = ((bits.before[half] ?? 0) | (bits.after[half] ?? 0)) & (asks[half] ?? 0);
      return ((both >>> (place & 31)) & 1) === 1 ? [{ place, rule }] : [];
    });
  }

  #partsOf(dimension: Dimension, bits: Bits, family: RemoteClass["family"]): readonly Part[] {
    const askers = this.#askers(dimension, bits);
    switch (dimension) {
      case "sourcePorts": {
        const rules = askers.map(({ place, rule }) => ({ place, interval: sourcePortInterval(rule) }));
        return classifyLine(rules, [{ first: 0, last: sourcePortEnd }], this.#stride).map((one) => ({
          rest: { sourcePorts: one.intervals },
          rules: one.rules,
        }));
      }
      case "times": {
        const rules = askers.map(({ place, rule }) => ({ place, interval: expiryInterval(rule) }));
        return classifyLine(rules, [{ first: this.#now, last: secondsEnd }], this.#stride).map((one) => ({
          rest: { times: one.intervals },
          rules: one.rules,
        }));
      }
      case "locals":
        return this.#localParts(askers, family);
      default:
        return dimension satisfies never;
    }
  }

  /** Prefixes nest or are apart, so pieces between their ends match the same rules. */
  #localParts(askers: readonly { place: number; rule: UnionSide["rules"][number]["rule"] }[], family: 4 | 6) {
    const ends = new Set<bigint>([0n, 1n << BigInt(widthOf(family))]);
    const ranges = askers.map(({ place, rule }) => {
      const [range] = rule.local === null ? [] : joinPrefixes([rule.local], family);
      if (range !== undefined) ends.add(range.first).add(range.last + 1n);
      return { place, range };
    });
    const cuts = [...ends].sort((a, b) => (a < b ? -1 : 1));
    return cuts.slice(0, -1).map((first, index): Part => {
      const rules = createBitmap(this.#stride);
      for (const { place, range } of ranges)
        if (range !== undefined && range.first <= first && first <= range.last) setBit(rules, place);
      return { rest: { locals: [{ first, last: (cuts[index + 1] ?? 0n) - 1n }] }, rules };
    });
  }
}

function isSameInner({ before, after }: RemoteClass): boolean {
  return before.inner.all === after.inner.all && before.inner.enforced === after.inner.enforced;
}

function and(a: Bitmap, b: Bitmap): Bitmap {
  const both = a.slice();
  for (let half = 0; half < both.length; half++) both[half] = (both[half] ?? 0) & (b[half] ?? 0);
  return both;
}

function meets(a: Bitmap, b: Bitmap): boolean {
  for (let half = 0; half < a.length; half++) if (((a[half] ?? 0) & (b[half] ?? 0)) !== 0) return true;
  return false;
}
