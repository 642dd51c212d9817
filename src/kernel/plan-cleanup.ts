/** What a change leaves behind: it is deleted after the grace period. */
import type { IdentityPlan } from "./plan-identities.ts";
import {
  journalSlot,
  type KnownState,
  numberOfRecord,
  recordPlaces,
  removedRecord,
  type SlotWord,
  type StoredRecord,
} from "./state.ts";

export interface Cleanup {
  readonly versions: readonly number[];
  readonly slots: readonly number[];
  readonly records: readonly number[];
  readonly identities: IdentityPlan["leftovers"];
  readonly numbers: readonly number[];
}

/** What stands after the change. */
interface After {
  /** interface number -> live record. */
  readonly live: ReadonlyMap<number, number>;
  /** Records that the change writes. */
  readonly records: ReadonlyMap<number, StoredRecord>;
  readonly wordOf: (slot: number) => SlotWord | undefined;
}

type Left = Omit<Cleanup, "identities">;

export const nothingLeft: Left = { versions: [], slots: [], records: [], numbers: [] };

export function listLeft(known: KnownState, after: After): Left {
  const numbers = [...known.numbers.values()].filter((number) => !after.live.has(number));
  const records = new Set([...known.records.keys(), ...numbers.flatMap(recordPlaces)]);
  for (const record of records) {
    if (record === removedRecord || after.live.get(numberOfRecord(record)) === record) records.delete(record);
  }
  const slotsUsed = new Set<number>();
  for (const record of after.live.values()) {
    const stored = after.records.get(record) ?? known.records.get(record);
    if (stored !== undefined) slotsUsed.add(stored.struct.slot);
  }
  const slots = [...known.slots.keys()].filter((slot) => slot !== journalSlot && !slotsUsed.has(slot));
  return { versions: listVersionsLeft(known, slotsUsed, after), slots, records: [...records], numbers };
}

/** Versions that none of these slots, all that are used, names afterwards. */
export function listVersionsLeft(
  known: KnownState,
  slotsUsed: Iterable<number>,
  { wordOf }: Pick<After, "wordOf">,
): number[] {
  const used = new Set<number>();
  for (const slot of slotsUsed) {
    const word = wordOf(slot);
    if (word !== undefined) used.add(word.version);
  }
  return [...known.policies.keys()].filter((version) => !used.has(version));
}
