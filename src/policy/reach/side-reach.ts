/** What one side of an interface accepts from, or to, a given far end: a set of services. */
import type { Address, Direction, Family } from "../../model/model.ts";
import { type Bitmap, createBitmap, keyOf, setBit, strideOf } from "../bitmap.ts";
import type { Interval } from "../intervals.ts";
import { cutPieces, type Piece } from "../pieces.ts";
import { isCovered } from "../prefixes.ts";
import { serviceInterval, sourcePortInterval } from "../service.ts";
import { SideJudge } from "../side-judge.ts";
import { joinGroups, remotePieces } from "../space.ts";
import type { PolicySource } from "../types.ts";
import { serviceUniverse, sourcePortUniverse } from "../universe.ts";
import { everySource, pushPiece, type ServicePiece, type ServiceSet } from "./service-set.ts";

export class SideReach {
  readonly #source: PolicySource;
  readonly #direction: Direction;
  readonly #judge: SideJudge;
  readonly #remotes: readonly Piece<bigint>[];
  readonly #services: readonly Piece<number>[];
  readonly #sources: readonly Piece<number>[];
  /** Rules that ask for source ports. */
  readonly #particular: Bitmap;
  /** Rules that have not expired. */
  readonly #current: Bitmap;
  readonly #known = new Map<string, ServiceSet>();

  /** @param now seconds of UTC */
  constructor(source: PolicySource, direction: Direction, family: Family, now: number) {
    const side = source.sides[direction];
    const stride = strideOf(side.rules.length);
    const each = (interval: (rule: (typeof side.rules)[number]["rule"]) => Interval) =>
      side.rules.map(({ rule, number }) => {
        const { first, last } = interval(rule);
        return { spans: [{ first, end: last + 1 }], rules: bitsOf(stride, [number]) };
      });
    this.#source = source;
    this.#direction = direction;
    this.#judge = new SideJudge(side, 2 * stride);
    this.#remotes = remotePieces(side, family);
    this.#services = cutPieces(serviceUniverse(family), each(serviceInterval), stride);
    this.#sources = cutPieces(sourcePortUniverse, each(sourcePortInterval), stride);
    const numbers = (wanted: (rule: (typeof side.rules)[number]["rule"]) => boolean) =>
      bitsOf(
        stride,
        side.rules.filter(({ rule }) => wanted(rule)).map(({ number }) => number),
      );
    this.#particular = numbers(({ sourcePorts }) => sourcePorts !== null);
    this.#current = numbers(({ expires }) => expires === null || expires > now);
  }

  /** Services that are accepted between the protected address and the far one, behind which these groups stand. */
  accepted(local: Address, remote: Address, groups: readonly string[]): ServiceSet {
    const { bits, flags } = this.#candidates(local, remote, groups);
    const key = `${flags} ${keyOf(bits)}`;
    const set = this.#known.get(key) ?? this.#walk(bits, flags);
    this.#known.set(key, set);
    return set;
  }

  #candidates(local: Address, remote: Address, groups: readonly string[]): { bits: Bitmap; flags: number } {
    const side = this.#source.sides[this.#direction];
    const far = findPiece(this.#remotes, remote.bits);
    const { bits, flags } = joinGroups(
      this.#source,
      side,
      far?.bits ?? new Uint32Array(this.#current.length),
      groups,
    );
    const here = bits.map((half, index) => half & (this.#current[index] ?? 0));
    for (const { number, rule } of side.rules) {
      if (rule.local !== null && !isCovered(local, rule.local)) {
        here[number >>> 5] = (here[number >>> 5] ?? 0) & ~(1 << (number & 31));
      }
    }
    return { bits: here, flags };
  }

  #walk(bits: Bitmap, flags: number): ServiceSet {
    const set: ServicePiece[] = [];
    for (const piece of this.#services) {
      const both = and(bits, piece.bits);
      const sources = both.some((half, index) => (half & (this.#particular[index] ?? 0)) !== 0)
        ? this.#walkSources(both, flags)
        : this.#passes(both, flags)
          ? everySource
          : [];
      if (sources.length > 0) pushPiece(set, { first: piece.first, last: piece.end - 1, sources });
    }
    return set;
  }

  #walkSources(bits: Bitmap, flags: number): readonly Interval[] {
    const open: Interval[] = [];
    for (const { first, end, bits: more } of this.#sources) {
      if (!this.#passes(and(bits, more), flags)) continue;
      const before = open.at(-1);
      if (before !== undefined && before.last + 1 === first)
        open[open.length - 1] = { ...before, last: end - 1 };
      else open.push({ first, last: end - 1 });
    }
    const [only, ...more] = open;
    return more.length === 0 && only?.first === 0 && only.last === 65535 ? everySource : open;
  }

  #passes(bits: Bitmap, flags: number): boolean {
    return this.#judge.outcomeAt(bits, flags) !== "drop";
  }
}

function bitsOf(stride: number, numbers: Iterable<number>): Bitmap {
  const bits = createBitmap(stride);
  for (const number of numbers) setBit(bits, number);
  return bits;
}

function and(a: Bitmap, b: Bitmap): Bitmap {
  return a.map((half, index) => half & (b[index] ?? 0));
}

function findPiece(pieces: readonly Piece<bigint>[], bits: bigint): Piece<bigint> | undefined {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle]?.end ?? 0n) <= bits) low = middle + 1;
    else high = middle;
  }
  const piece = pieces[low];
  return piece !== undefined && piece.first <= bits ? piece : undefined;
}
