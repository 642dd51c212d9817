/** How full the maps are, and whether a change fits before anything of it is written. */
import { EnforcementError } from "./errors.ts";
import { PrefixKeyStruct } from "./layout.gen.ts";
import type { SyncMaps } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import type { KnownState, StoredPolicy } from "./state.ts";
import type { MapFill } from "./status.ts";

type Counted =
  | "interfaces"
  | "owned"
  | "listed"
  | "uplinks"
  | "identities"
  | "slots"
  | "policies"
  | "cells"
  | "words"
  | "prefixes"
  | "groupBits";
export type Sizes = Readonly<Record<Counted, { readonly name: string; readonly maxEntries: number }>>;

/** Names and sizes of the maps; they do not change while a map lives. */
export function sizesOf(maps: SyncMaps): Sizes {
  return {
    interfaces: maps.interfaces.info,
    owned: maps.owned.info,
    listed: maps.listed.info,
    uplinks: maps.uplinks.info,
    identities: maps.identities.info,
    slots: maps.slots.info,
    policies: maps.policies.info,
    cells: maps.cells.info,
    words: maps.words.info,
    prefixes: maps.prefixes.info,
    groupBits: maps.groupBits.info,
  };
}

const sum = <T>(of: Iterable<T>, count: (one: T) => number): number => {
  let total = 0;
  for (const one of of) total += count(one);
  return total;
};

const prefixesOf = ({ prefixKeys }: StoredPolicy): number =>
  sum(prefixKeys, (keys) => keys.length / PrefixKeyStruct.SIZE);

const counts: Readonly<Record<Counted, (known: KnownState) => number>> = {
  interfaces: ({ records }) => records.size,
  owned: ({ records }) => sum(records.values(), ({ owned }) => owned.size),
  listed: ({ records }) => sum(records.values(), ({ listed }) => listed.size),
  uplinks: ({ uplinks }) => uplinks.size,
  identities: ({ identities }) => sum(identities.values(), ({ size }) => size),
  slots: ({ slots }) => slots.size,
  policies: ({ policies }) => policies.size,
  cells: ({ policies }) => sum(policies.values(), ({ header }) => header.cellsCount),
  words: ({ policies }) => sum(policies.values(), ({ header }) => header.wordsCount),
  prefixes: ({ policies }) => sum(policies.values(), prefixesOf),
  groupBits: ({ policies }) => sum(policies.values(), ({ groups }) => groups[0].size + groups[1].size),
};

/** Of the maps that a change of the model fills. */
export function describeFill(known: KnownState, sizes: Sizes): readonly MapFill[] {
  return Object.entries(sizes).map(([map, { name, maxEntries }]) => ({
    map: name,
    entries: counts[map as Counted](known),
    capacity: maxEntries,
  }));
}

/**
 * Throws CAPACITY where old and new together, as they stand side by side until the old is deleted, do not fit.
 * Runs of cells, words, slots and numbers were found by the plan already.
 */
export function checkCapacity(known: KnownState, plan: ChangePlan, sizes: Sizes): void {
  const records = [...plan.records.values()];
  const wanted = {
    owned: sum(records, ({ owned }) => owned.size),
    listed: sum(records, ({ listed }) => listed.size),
    identities: plan.identities.writes.filter(({ previous }) => previous === undefined).length,
    prefixes: sum(plan.policies, ({ stored }) => prefixesOf(stored)),
    groupBits: sum(plan.policies, ({ groupCount }) => groupCount),
  };
  for (const map of ["owned", "listed", "identities", "prefixes", "groupBits"] as const) {
    if (wanted[map] === 0) continue;
    const { name, maxEntries } = sizes[map];
    const inForce = counts[map](known);
    if (wanted[map] <= maxEntries - inForce) continue;
    throw new EnforcementError(
      "CAPACITY",
      `${name} is too small: the change needs ${wanted[map]} entries beside the ${inForce} in force, it has ${maxEntries}; use fewer members, prefixes or interfaces on this host, or change them in smaller steps, since old and new stand side by side for a moment`,
    );
  }
}
