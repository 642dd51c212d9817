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

/** What is free, counted anew from what is held: a change that was refused has taken nothing. */
export function spaceOf(known: KnownState, capacities: Capacities) {
  const space = {
    numbers: new Ranges("rw_interfaces", capacities.numbers, firstNumber),
    slots: new Ranges("rw_slots", capacities.slots, journalSlot + 1),
    versions: new Ranges("rw_policies", capacities.policies, 1),
    cells: new Ranges("rw_cells", capacities.cells),
    words: new Ranges("rw_words", capacities.words),
  };
  for (const number of known.numbers.values()) space.numbers.reserve(number, 1);
  for (const slot of known.slots.keys()) space.slots.reserve(slot, 1);
  for (const [version, { header }] of known.policies) {
    space.versions.reserve(version, 1);
    space.cells.reserve(header.cells, header.cellsCount);
    space.words.reserve(header.words, header.wordsCount);
  }
  return space;
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
