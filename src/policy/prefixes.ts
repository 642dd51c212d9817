/** The prefix dimension: entries of a trie, each with the rules of all prefixes that cover it. */
import type { Address, Family, Prefix } from "../model/model.ts";
import { addBits, type Bitmap, createBitmap, noBits, type WordPool } from "./bitmap.ts";
import type { Bits } from "./types.ts";

/** Prefixes, and the rules that name them all. */
export interface PrefixSource {
  readonly prefixes: readonly Prefix[];
  readonly rules: Bitmap;
}

export interface PrefixEntry {
  readonly prefix: Prefix;
  readonly bits: Bits;
}

export const wholeIpv4: Prefix = { family: 4, bits: 0n, length: 0 };
export const wholeIpv6: Prefix = { family: 6, bits: 0n, length: 0 };

/** Bits of an address of the family. */
export function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** The last address of a prefix. */
export function lastOf(prefix: Prefix): bigint {
  return prefix.bits | ((1n << BigInt(widthOf(prefix.family) - prefix.length)) - 1n);
}

export function isCovered(address: Address, prefix: Prefix): boolean {
  return address.family === prefix.family && address.bits >= prefix.bits && address.bits <= lastOf(prefix);
}

/** A prefix in the order by family, first address, length: it stands before all that it covers. */
interface Placed {
  readonly prefix: Prefix;
  /** Exact for IPv4; of IPv6, behind all IPv4, the upper 48 bits. */
  readonly order: number;
  readonly rules: Bitmap;
}

const firstIpv6 = 2 ** 48;

function placePrefix(prefix: Prefix, rules: Bitmap): Placed {
  const { family, bits, length } = prefix;
  const order = family === 4 ? Number(bits) * 64 + length : firstIpv6 + Number(bits >> 80n);
  return { prefix, order, rules };
}

function comparePlaced(a: Placed, b: Placed): number {
  if (a.order !== b.order || a.prefix.family === 4) return a.order - b.order;
  if (a.prefix.bits === b.prefix.bits) return a.prefix.length - b.prefix.length;
  return a.prefix.bits < b.prefix.bits ? -1 : 1;
}

/** A prefix on the way down to the present one, with all rules that cover it. */
interface Level {
  readonly family: Family;
  readonly last: bigint;
  readonly rules: Bitmap;
  readonly bits: Bits;
}

/**
 * Entries by family, first address, length. What a shorter entry says already is left out. One sort, then one
 * pass with the covering prefixes on a stack.
 */
export function compilePrefixes(
  sources: readonly PrefixSource[],
  stride: number,
  pool: WordPool,
): PrefixEntry[] {
  const entries: PrefixEntry[] = [];
  const covering: Level[] = [];
  for (const { prefix, own } of gatherEqual(sources)) {
    dropPassed(covering, prefix);
    const above = covering.at(-1);
    const rules = above === undefined ? createBitmap(stride) : above.rules.slice();
    for (const bitmap of own) {
      addBits(rules, bitmap);
    }
    const bits = pool.store(rules);
    // The pool gives one object for equal bitmaps.
    if (bits !== (above?.bits ?? noBits)) {
      covering.push({ family: prefix.family, last: lastOf(prefix), rules, bits });
      entries.push({ prefix, bits });
    }
  }
  return entries;
}

/** Each prefix once, in order, with the rules of every source that has it. */
function gatherEqual(sources: readonly PrefixSource[]): { prefix: Prefix; own: Bitmap[] }[] {
  const placed = sources.flatMap(({ prefixes, rules }) =>
    prefixes.map((prefix) => placePrefix(prefix, rules)),
  );
  placed.sort(comparePlaced);
  const gathered: { prefix: Prefix; own: Bitmap[] }[] = [];
  let before: Placed | null = null;
  for (const each of placed) {
    const last = gathered.at(-1);
    if (before !== null && last !== undefined && comparePlaced(before, each) === 0) last.own.push(each.rules);
    else gathered.push({ prefix: each.prefix, own: [each.rules] });
    before = each;
  }
  return gathered;
}

function dropPassed(covering: Level[], prefix: Prefix): void {
  for (let top = covering.at(-1); top !== undefined; top = covering.at(-1)) {
    if (top.family === prefix.family && top.last >= prefix.bits) {
      return;
    }
    covering.pop();
  }
}
