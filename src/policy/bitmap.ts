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
  readonly #known = new Map<string, Bits>();
  readonly #runs = new Map<string, number>();

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
    const key = keyOf(bitmap);
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const summary = summarize(bitmap);
    const bits = summary === 0n ? noBits : { summary, base: this.#storeRun(bitmap), flags: 0 };
    this.#known.set(key, bits);
    return bits;
  }

  /** Where word 0 of the bitmap would stand, were it stored. */
  #storeRun(bitmap: Bitmap): number {
    const first = bitmap.findIndex((half) => half !== 0) >>> 1;
    const last = bitmap.findLastIndex((half) => half !== 0) >>> 1;
    const run = bitmap.subarray(2 * first, 2 * last + 2);
    const key = keyOf(run);
    const place = this.#runs.get(key) ?? this.append(run);
    this.#runs.set(key, place);
    return place - first;
  }

  /** All that was stored. */
  words(): BigUint64Array {
    return new BigUint64Array(this.#halves.slice(0, this.#used).buffer);
  }
}
