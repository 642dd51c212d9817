/** How full the maps are, and whether a change fits before anything of it is written. */
import { EnforcementError } from "./errors.ts";
import { PrefixKeyStruct } from "./layout.gen.ts";
import type { SyncMaps } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import type { KnownState } from "./state.ts";
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

function countEntries(known: KnownState): Record<Counted, number> {
  const counts: Record<Counted, number> = {
    interfaces: known.records.size,
    owned: 0,
    listed: 0,
    uplinks: known.uplinks.size,
    identities: 0,
    slots: known.slots.size,
    policies: known.policies.size,
    cells: 0,
    words: 0,
    prefixes: 0,
    groupBits: 0,
  };
  for (const { owned, listed } of known.records.values()) {
    counts.owned += owned.size;
    counts.listed += listed.size;
  }
  for (const addresses of known.identities.values()) counts.identities += addresses.size;
  for (const { header, prefixKeys, groups } of known.policies.values()) {
    counts.cells += header.cellsCount;
    counts.words += header.wordsCount;
    counts.prefixes += prefixKeys.reduce((sum, keys) => sum + keys.length / PrefixKeyStruct.SIZE, 0);
    counts.groupBits += groups[0].size + groups[1].size;
  }
  return counts;
}

/** Of the maps that a change of the model fills. */
export function describeFill(known: KnownState, sizes: Sizes): readonly MapFill[] {
  const counts = countEntries(known);
  return Object.entries(sizes).map(([map, { name, maxEntries }]) => ({
    map: name,
    entries: counts[map as Counted],
    capacity: maxEntries,
  }));
}

/**
 * Throws CAPACITY where old and new together, as they stand side by side until the old is deleted, do not fit.
 * Runs of cells, words, slots and numbers were found by the plan already.
 */
export function checkCapacity(known: KnownState, plan: ChangePlan, sizes: Sizes): void {
  const counts = countEntries(known);
  const records = [...plan.records.values()];
  const wanted = {
    owned: records.reduce((sum, { owned }) => sum + owned.size, 0),
    listed: records.reduce((sum, { listed }) => sum + listed.size, 0),
    identities: plan.identities.writes.filter(({ previous }) => previous === undefined).length,
    prefixes: plan.policies.reduce(
      (sum, { prefixKeys }) => sum + prefixKeys.length / PrefixKeyStruct.SIZE,
      0,
    ),
    groupBits: plan.policies.reduce((sum, { groupCount }) => sum + groupCount, 0),
  };
  for (const map of ["owned", "listed", "identities", "prefixes", "groupBits"] as const) {
    const { name, maxEntries } = sizes[map];
    const free = maxEntries - counts[map];
    if (wanted[map] <= free) continue;
    throw new EnforcementError(
      "CAPACITY",
      `${name} is too small: the change needs ${wanted[map]} entries beside the ${counts[map]} in force, it has ${maxEntries}; use fewer members, prefixes or interfaces on this host, or change them in smaller steps, since old and new stand side by side for a moment`,
    );
  }
}
