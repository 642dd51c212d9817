/**
 * Sets of rules as bits: bit n is rule n of a side. The kernel reads 64-bit words; here a bitmap is 32-bit
 * halves, low half first, because V8 computes with those without allocating.
 *
 *   stride = ceil(rules / 64) words     halves:  [ w0 low | w0 high | w1 low | w1 high | … ]
 */
import type { Bits } from "./types.ts";

export type Bitmap = Uint32Array;

/** Matches no rule: it needs no words. */
export const noBits: Bits = { summary: 0n, base: 0, flags: 0 };

/** Words of one bitmap of a side with so many rules. */
export function strideOf(rules: number): number {
  return Math.ceil(rules / 64);
}

export function createBitmap(stride: number): Bitmap {
  return new Uint32Array(2 * stride);
}

export function setBit(bitmap: Bitmap, rule: number): void {
  bitmap[rule >>> 5] = (bitmap[rule >>> 5] ?? 0) | (1 << (rule & 31));
}

export function clearBit(bitmap: Bitmap, rule: number): void {
  bitmap[rule >>> 5] = (bitmap[rule >>> 5] ?? 0) & ~(1 << (rule & 31));
}

export function hasBit(bitmap: Bitmap, rule: number): boolean {
  return (((bitmap[rule >>> 5] ?? 0) >>> (rule & 31)) & 1) === 1;
}

/** The lowest rule of a bitmap; null for an empty one. */
export function findLowest(bitmap: Bitmap): number | null {
  for (let half = 0; half < bitmap.length; half++) {
    const bits = bitmap[half] ?? 0;
    if (bits !== 0) return 32 * half + (31 - Math.clz32(bits & -bits));
  }
  return null;
}

/** Adds the rules of `source` to `target`; both have the same stride. */
export function addBits(target: Bitmap, source: Bitmap): void {
  for (let half = 0; half < target.length; half++) {
    target[half] = (target[half] ?? 0) | (source[half] ?? 0);
  }
}

/** Bit w is set when word w is not zero. */
export function summarize(bitmap: Bitmap): bigint {
  let low = 0;
  let high = 0;
  for (let half = 0; half < bitmap.length; half++) {
    if (bitmap[half] !== 0) {
      const word = half >>> 1;
      if (word < 32) {
        low |= 1 << word;
      } else {
        high |= 1 << (word - 32);
      }
    }
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Equal for equal bitmaps of equal length. */
export function keyOf(bitmap: Bitmap): string {
  return Buffer.from(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength).toString("latin1");
}

/** The words as 32-bit halves, low half first. The hosts that Ringwall runs on are little-endian. */
export function viewHalves(words: BigUint64Array): Bitmap {
  return new Uint32Array(words.buffer, words.byteOffset, 2 * words.length);
}

/** Words that were stored, and a bitmap that they stand for: its words from `first` on, all others are zero. */
interface Run {
  readonly place: number;
  readonly words: number;
  readonly first: number;
  readonly bits: Bits;
}

/**
 * The words of one policy. Equal bitmaps are stored once; masks have a place of their own.
 *
 * Of a bitmap only the words from the first to the last that is not zero are stored: the kernel reads none that
 * the summary does not name. `base` is still where word 0 would stand, so masks of the full stride come first,
 * lest it be negative. Most cells of many rules match few of them: this makes 1,000 rules a tenth as large.
 */
export class WordPool {
  #halves: Bitmap = new Uint32Array(256);
  #used = 0;
  /** By the hash of their words. */
  readonly #runs = new Map<number, Run[]>();

  /** Stores the bitmap at the end. Returns its first word. */
  append(bitmap: Bitmap): number {
    const needed = this.#used + bitmap.length;
    if (needed > this.#halves.length) {
      const larger = new Uint32Array(Math.max(needed, 2 * this.#halves.length));
      larger.set(this.#halves);
      this.#halves = larger;
    }
    this.#halves.set(bitmap, this.#used);
    const first = this.#used / 2;
    this.#used = needed;
    return first;
  }

  /** The bits that stand for this bitmap: the same object for an equal bitmap, `noBits` for an empty one. */
  store(bitmap: Bitmap): Bits {
    let [from, to] = [0, bitmap.length];
    while (to > 0 && bitmap[to - 1] === 0) to--;
    while (from < to && bitmap[from] === 0) from++;
    if (from === to) return noBits;
    const first = from >>> 1;
    const run = bitmap.subarray(2 * first, to + (to & 1));
    const hash = hashOf(run);
    const alike = this.#runs.get(hash) ?? [];
    let place: number | null = null;
    for (const known of alike) {
      if (2 * known.words !== run.length || !this.#isAt(known.place, run)) continue;
      if (known.first === first) return known.bits;
      place = known.place;
    }
    place ??= this.append(run);
    const bits = { summary: summarize(bitmap), base: place - first, flags: 0 };
    alike.push({ place, words: run.length / 2, first, bits });
    this.#runs.set(hash, alike);
    return bits;
  }

  #isAt(place: number, run: Bitmap): boolean {
    for (let half = 0; half < run.length; half++)
      if (this.#halves[2 * place + half] !== run[half]) return false;
    return true;
  }

  /** All that was stored. */
  words(): BigUint64Array {
    return new BigUint64Array(this.#halves.slice(0, this.#used).buffer);
  }
}

/** FNV-1a with a shift, lest bits of the upper half of a word be lost. */
function hashOf(run: Bitmap): number {
  let hash = 0x811c9dc5;
  for (let half = 0; half < run.length; half++) {
    hash = Math.imul(hash ^ (run[half] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash;
}
