/** Which places of the maps are free, and which slots are whose. */
import { Ranges } from "./allocate.ts";
import { firstNumber, journalSlot, type KnownState } from "./state.ts";

/** Places that the maps have, from their info. */
export interface Capacities {
  /** Interface numbers to give out: firstNumber up to, not including, this one. */
  readonly numbers: number;
  readonly slots: number;
  readonly policies: number;
  readonly cells: number;
  readonly words: number;
}

/**
 * What is free, counted anew from what is held, where it is asked for: a change that was refused has taken nothing, and
 * most changes take places of few maps.
 */
export class Space {
  readonly #known: KnownState;
  readonly #capacities: Capacities;
  readonly #counted = new Map<keyof Capacities, Ranges>();

  constructor(known: KnownState, capacities: Capacities) {
    this.#known = known;
    this.#capacities = capacities;
  }

  /** First place of a run that is free; throws CAPACITY. */
  take(kind: keyof Capacities, count: number): number {
    const ranges = this.#counted.get(kind) ?? this.#count(kind);
    this.#counted.set(kind, ranges);
    return ranges.take(count);
  }

  #count(kind: keyof Capacities): Ranges {
    const { map, first } = places[kind];
    const ranges = new Ranges(map, this.#capacities[kind], first);
    for (const [start, count] of heldRuns(this.#known, kind)) ranges.reserve(start, count);
    return ranges;
  }
}

const places: Readonly<Record<keyof Capacities, { readonly map: string; readonly first: number }>> = {
  numbers: { map: "rw_interfaces", first: firstNumber },
  slots: { map: "rw_slots", first: journalSlot + 1 },
  policies: { map: "rw_policies", first: 1 },
  cells: { map: "rw_cells", first: 0 },
  words: { map: "rw_words", first: 0 },
};

function* heldRuns(known: KnownState, kind: keyof Capacities): Generator<readonly [number, number]> {
  switch (kind) {
    case "numbers":
      for (const number of known.numbers.values()) yield [number, 1];
      return;
    case "slots":
      for (const slot of known.slots.keys()) yield [slot, 1];
      return;
    case "policies":
      for (const version of known.policies.keys()) yield [version, 1];
      return;
    case "cells":
      for (const { header } of known.policies.values()) yield [header.cells, header.cellsCount];
      return;
    case "words":
      for (const { header } of known.policies.values()) yield [header.words, header.wordsCount];
      return;
    default:
      kind satisfies never;
  }
}

/** PolicySource.key -> the slot that live records of it name. */
export function indexSlots(known: KnownState): ReadonlyMap<bigint, number> {
  const slots = new Map<bigint, number>();
  for (const record of known.live.values()) {
    const slot = known.records.get(record)?.struct.slot;
    const word = slot === undefined ? undefined : known.slots.get(slot);
    const policy = word === undefined ? undefined : known.policies.get(word.version);
    if (slot !== undefined && policy !== undefined) slots.set(policy.header.key, slot);
  }
  return slots;
}
