/** The group dimension: which rules of a side each identity matches, and whether inner access holds. */
import type { Direction } from "../model/model.ts";
import { type Bitmap, createBitmap, setBit, strideOf, type WordPool } from "./bitmap.ts";
import { bitsFlag } from "./layout.ts";
import type { Bits, CompiledGroup, CompiledPolicy, Identity, PolicySide, PolicySource } from "./types.ts";

/** The identities that a group is part of. */
export type IdentityIndex = ReadonlyMap<string, readonly Identity[]>;

export function indexIdentities(identities: ReadonlyMap<Identity, readonly string[]>): IdentityIndex {
  const index = new Map<string, Identity[]>();
  for (const [identity, groups] of identities) {
    for (const group of groups) {
      const known = index.get(group);
      if (known === undefined) {
        index.set(group, [identity]);
      } else {
        known.push(identity);
      }
    }
  }
  return index;
}

/** Entries in the order of identities: one for each that some rule names or that shares an inner group. */
export function compileGroups(
  source: PolicySource,
  side: PolicySide,
  index: IdentityIndex,
  pool: WordPool,
): CompiledGroup[] {
  const matches = new Map<Identity, { rules: Bitmap; flags: number }>();
  const matchOf = (identity: Identity) => {
    const known = matches.get(identity);
    if (known !== undefined) {
      return known;
    }
    const match = { rules: createBitmap(strideOf(side.rules.length)), flags: 0 };
    matches.set(identity, match);
    return match;
  };
  for (const { number, remote } of side.rules) {
    if (remote.kind === "group") {
      for (const identity of index.get(remote.group) ?? []) {
        setBit(matchOf(identity).rules, number);
      }
    }
  }
  const share = (groups: readonly string[], flag: number) => {
    for (const identity of groups.flatMap((group) => index.get(group) ?? [])) {
      matchOf(identity).flags |= flag;
    }
  };
  share(source.innerGroups, bitsFlag.innerAccess);
  share(source.innerGroupsEnforced, bitsFlag.innerAccessEnforced);
  return [...matches]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([identity, { rules, flags }]) => ({
      direction: side.direction,
      identity,
      bits: { ...pool.store(rules), flags },
    }));
}

/**
 * The bits of an identity on one side of a compiled policy; undefined where it has none. Binary search: the
 * compiler writes groups by side, then identity.
 */
export function findGroupBits(
  { groups }: CompiledPolicy,
  direction: Direction,
  identity: Identity,
): Bits | undefined {
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const group = groups[middle];
    if (group === undefined) {
      break;
    }
    if (group.direction === direction && group.identity === identity) {
      return group.bits;
    }
    const isBefore = group.direction === direction ? group.identity < identity : group.direction === "egress";
    if (isBefore) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return undefined;
}
