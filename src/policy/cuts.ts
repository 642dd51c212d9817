/**
 * Addresses cut at the boundaries of prefixes: between two cuts all addresses lie in the same prefixes, so one
 * answer holds for all of them.
 */
import type { Address, Family, Group, Model, Prefix } from "../model/model.ts";

const widths = { 4: 32n, 6: 128n } as const;

/** First address after a prefix. */
function endOf(prefix: Prefix): bigint {
  return prefix.bits + (1n << (widths[prefix.family] - BigInt(prefix.length)));
}

/** All prefixes that the rules of these groups name, by themselves or in lists, as remote or as local. */
export function prefixesOf(model: Model, groups: Iterable<Group>): readonly Prefix[] {
  const prefixes: Prefix[] = [];
  for (const group of groups) {
    for (const { remote, local } of group.rules) {
      if (local !== null) prefixes.push(local);
      if (remote.kind === "prefix") prefixes.push(remote.prefix);
      if (remote.kind === "prefix-list") {
        prefixes.push(...(model.prefixLists.get(remote.list)?.entries.map((entry) => entry.prefix) ?? []));
      }
    }
  }
  return prefixes;
}

/** Where something begins or ends, in order, by family. */
export interface Cuts {
  readonly 4: readonly bigint[];
  readonly 6: readonly bigint[];
}

export function cutsOf(prefixes: readonly Prefix[]): Cuts {
  const list = (family: Family): readonly bigint[] => {
    const bounds = new Set<bigint>([0n, 1n << widths[family]]);
    for (const prefix of prefixes) {
      if (prefix.family === family) bounds.add(prefix.bits).add(endOf(prefix));
    }
    return [...bounds].sort((a, b) => (a < b ? -1 : 1));
  };
  return { 4: list(4), 6: list(6) };
}

/** Which piece between two cuts holds the address. */
export function pieceOf(cuts: Cuts, address: Address): number {
  const bounds = cuts[address.family];
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] ?? 0n) <= address.bits) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The pieces of a prefix: first address and the first one after. */
export function piecesOf(cuts: Cuts, prefix: Prefix): readonly (readonly [bigint, bigint])[] {
  const end = endOf(prefix);
  const inside = cuts[prefix.family].filter((bound) => bound > prefix.bits && bound < end);
  const bounds = [prefix.bits, ...inside, end];
  return bounds.slice(0, -1).map((first, index) => [first, bounds[index + 1] ?? end] as const);
}
