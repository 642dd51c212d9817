/** How a side decides about a packet once the rules that match it are known. */
import { type Bitmap, createBitmap, setBit } from "./bitmap.ts";
import { bitsFlag } from "./layout.ts";
import type { PolicySide } from "./types.ts";

/** What becomes of a packet; `observed` passes, but would be dropped if the observing groups enforced. */
export type Outcome = "accept" | "drop" | "observed";

/** Beyond every rule. */
export const noRule = 0xffff;

/** The first two rules that match, of all groups and of the enforcing ones. */
export interface Firsts {
  first: number;
  second: number;
  enforced: number;
  enforcedSecond: number;
}

/** How a side decides once its first rules are known. */
export class SideJudge {
  readonly observes: boolean;
  readonly enforces: Bitmap;
  readonly #accepts: Bitmap;
  readonly #defaultAccept: boolean;
  readonly #defaultAcceptEnforced: boolean;

  constructor(side: PolicySide, halves: number) {
    this.observes = side.observes;
    this.enforces = createBitmap(halves / 2);
    this.#accepts = createBitmap(halves / 2);
    this.#defaultAccept = side.defaultAccept;
    this.#defaultAcceptEnforced = side.defaultAcceptEnforced;
    for (const { number, enforced, rule } of side.rules) {
      if (enforced) setBit(this.enforces, number);
      if (rule.policy === "accept") setBit(this.#accepts, number);
    }
  }

  /** The first rules that are in both bitmaps. */
  find(bits: Bitmap, slice: Bitmap, firsts: Firsts): void {
    [firsts.first, firsts.second] = firstTwo(bits, slice, null);
    if (this.observes) [firsts.enforced, firsts.enforcedSecond] = firstTwo(bits, slice, this.enforces);
    else [firsts.enforced, firsts.enforcedSecond] = [firsts.first, firsts.second];
  }

  /** What becomes of a packet that these rules match, and no other. */
  outcomeAt(bits: Bitmap, flags: number): Outcome {
    const firsts = { first: noRule, second: noRule, enforced: noRule, enforcedSecond: noRule };
    this.find(bits, bits, firsts);
    return this.outcomeOf(firsts.first, firsts.enforced, flags);
  }

  /** `flags`: bitsFlag of the far end; noRule: none matches. */
  outcomeOf(first: number, enforced: number, flags: number): Outcome {
    const inner = (flags & bitsFlag.innerAccess) !== 0;
    if (this.#accept(first, inner || this.#defaultAccept)) return "accept";
    if (!this.observes) return "drop";
    const innerEnforced = (flags & bitsFlag.innerAccessEnforced) !== 0;
    return this.#accept(enforced, innerEnforced || this.#defaultAcceptEnforced) ? "observed" : "drop";
  }

  #accept(rule: number, otherwise: boolean): boolean {
    return rule === noRule ? otherwise : hasBit(this.#accepts, rule);
  }
}

export function hasBit(bits: Bitmap, rule: number): boolean {
  return (((bits[rule >>> 5] ?? 0) >>> (rule & 31)) & 1) === 1;
}

/** The lowest two rules that are in both bitmaps, and in the third where there is one. */
export function firstTwo(a: Bitmap, b: Bitmap, c: Bitmap | null): [number, number] {
  let first = noRule;
  for (let half = 0; half < a.length; half++) {
    let bits = (a[half] ?? 0) & (b[half] ?? 0);
    if (c !== null) bits &= c[half] ?? 0;
    while (bits !== 0) {
      const rule = 32 * half + (31 - Math.clz32(bits & -bits));
      if (first !== noRule) return [first, rule];
      first = rule;
      bits &= bits - 1;
    }
  }
  return [first, noRule];
}
