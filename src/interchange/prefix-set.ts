/** Sets of addresses as prefixes: ranges, and sets with exceptions. */
import { addressLength, prefixCovers, prefixKey, prefixMask } from "../model/cidr.ts";
import type { Address, Prefix } from "../model/model.ts";
import { Unsayable } from "./finding.ts";

/** More pieces, and more exceptions, than any list here may have. */
const piecesMax = 20_000;
const holesMax = 1000;

/** The fewest prefixes that hold exactly the addresses from first to last. */
export function coverRange(first: Address, last: Address): readonly Prefix[] {
  const bits = addressLength(first.family);
  const pieces: Prefix[] = [];
  let from = first.bits;
  while (from <= last.bits) {
    let length = bits as number;
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1);
      if (from % size !== 0n || from + size - 1n > last.bits) break;
      length -= 1;
    }
    pieces.push({ family: first.family, bits: from, length });
    from += 1n << BigInt(bits - length);
  }
  return pieces;
}

/** What is left of a prefix without another that lies in it. */
export function subtract(from: Prefix, hole: Prefix): readonly Prefix[] {
  if (!prefixCovers(from, hole)) return prefixCovers(hole, from) ? [] : [from];
  const pieces: Prefix[] = [];
  for (let length = from.length + 1; length <= hole.length; length += 1) {
    const bit = 1n << BigInt(addressLength(from.family) - length);
    pieces.push({ family: from.family, bits: (hole.bits & prefixMask(from.family, length)) ^ bit, length });
  }
  return pieces;
}

export interface SetEntry {
  readonly prefix: Prefix;
  /** The addresses are not of the set, unless a longer entry says so. */
  readonly except: boolean;
}

/**
 * The prefixes of a set in which the longest entry that holds an address decides.
 * @throws Unsayable where one prefix is both in and out, and where there are too many pieces
 */
export function flattenSet(entries: readonly SetEntry[]): readonly Prefix[] {
  const holes = distinct(entries.filter(({ except }) => except).map(({ prefix }) => prefix));
  const kept = distinct(entries.filter(({ except }) => !except).map(({ prefix }) => prefix));
  if (holes.length > holesMax || kept.length > piecesMax)
    throw new Unsayable("bad-value", `the set has more than ${holesMax} exceptions or ${piecesMax} entries`);
  const pieces: Prefix[] = [];
  for (const prefix of kept) {
    const inside = holes.filter((hole) => prefixCovers(prefix, hole));
    if (inside.some((hole) => hole.length === prefix.length))
      throw new Unsayable("bad-value", "an address is in the set and excepted from it", "one of the two");
    pieces.push(...inside.reduce<readonly Prefix[]>(cut, [prefix]));
    if (pieces.length > piecesMax)
      throw new Unsayable("bad-value", `the set is more than ${piecesMax} prefixes`);
  }
  return distinct(pieces);
}

function cut(pieces: readonly Prefix[], hole: Prefix): readonly Prefix[] {
  return pieces.flatMap((piece) => subtract(piece, hole));
}

function distinct(prefixes: readonly Prefix[]): readonly Prefix[] {
  return [...new Map(prefixes.map((prefix) => [prefixKey(prefix), prefix])).values()];
}
