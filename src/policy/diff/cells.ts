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

  /** Calls back with every cell of a remote class in which the verdicts differ. */
  findIn(remote: RemoteClass, services: readonly LineClass[], onCell: (cell: Cell) => void): void {
    const { sameDefaults } = this.#side;
    const before = remote.before.rules;
    const after = remote.after.rules;
    const sameInner =
      remote.before.inner.all === remote.after.inner.all &&
      remote.before.inner.enforced === remote.after.inner.enforced;
    const alike = sameDefaults && sameInner;
    const differing = before.map((half, place) => half ^ (after[place] ?? 0));
    if (alike && findLowest(differing) === null) return;
    for (const service of services) {
      if (alike && !meets(differing, service.rules)) continue;
      const bits = { before: and(before, service.rules), after: and(after, service.rules) };
      this.#refine(remote, bits, alike, 0, everywhere, (rest, decided) =>
        onCell({ remote, service, ...rest, ...decided }),
      );
    }
  }

  #refine(
    remote: RemoteClass,
    bits: Bits,
    alike: boolean,
    level: number,
    rest: Rest,
    onLeaf: (rest: Rest, decided: Readonly<Record<Era, Decision>>) => void,
  ): void {
    if (alike && bits.before.every((half, place) => half === bits.after[place])) return;
    const dimension = dimensions[level];
    if (dimension === undefined) {
      const before = decideCell(this.#side, "before", bits.before, remote.before.inner);
      const after = decideCell(this.#side, "after", bits.after, remote.after.inner);
      if (before.verdict !== after.verdict) onLeaf(rest, { before, after });
      return;
    }
    const asks = this.#asks[dimension];
    if (!meets(asks, bits.before) && !meets(asks, bits.after)) {
      this.#refine(remote, bits, alike, level + 1, rest, onLeaf);
      return;
    }
    for (const part of this.#partsOf(dimension, bits, remote.family)) {
      const free = part.rules.map((half, place) => half | ~(asks[place] ?? 0));
      const inside = { before: and(bits.before, free), after: and(bits.after, free) };
      this.#refine(remote, inside, alike, level + 1, { ...rest, ...part.rest }, onLeaf);
    }
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

function and(a: Bitmap, b: Bitmap): Bitmap {
  const both = a.slice();
  for (let half = 0; half < both.length; half++) both[half] = (both[half] ?? 0) & (b[half] ?? 0);
  return both;
}

function meets(a: Bitmap, b: Bitmap): boolean {
  for (let half = 0; half < a.length; half++) if (((a[half] ?? 0) & (b[half] ?? 0)) !== 0) return true;
  return false;
}
