/**
 * Carries a plan out: everything is written beside what is in force and proven on what the kernel then holds, the
 * journal says that it is whole, and the words are switched. An error before the journal is undone; after it, the
 * change is completed from the maps themselves (recover.ts), by this agent or by the next.
 */
import { clearDevice, storeDevice } from "./devices-map.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { ListedKind } from "./layout.gen.ts";
import { joinBytes, packWord, type SyncMaps, textKey } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import { buildRemovedRecord, listedKey } from "./records.ts";
import { createPauses } from "./slices.ts";
import {
  forgetPlacement,
  journalSlot,
  type KnownState,
  removedRecord,
  type SlotWord,
  slotCapacity,
  storeIdentity,
} from "./state.ts";
import type { UplinkPlan } from "./uplinks.ts";
import {
  deleteBatch,
  erasePolicy,
  eraseRecord,
  identityKey,
  Undo,
  writeBatch,
  writeIdentities,
  writePolicy,
  writeRecord,
} from "./write.ts";

export interface SyncReport {
  readonly entriesWritten: number;
  readonly slotsSwitched: number;
  readonly recordsSwitched: number;
}

/** Thrown where the maps may hold something else than the agent knows: it has to read them back. */
export class UnsettledError extends EnforcementError {
  /** The change is whole in the maps, and not everywhere switched to: reading back completes it. */
  get isDue(): boolean {
    return this.code === "PARTLY";
  }
}

/** What a change needs beside its plan. */
export interface ChangeSteps {
  /** Zeroes what an interface number counts, before it comes into use. */
  readonly clearNumber: (number: number) => void;
  /** Reads back what was written, before anything is switched; throws where it is not what was meant. */
  readonly prove: (plan: ChangePlan) => Promise<void>;
  /** Switches journal, devices and slots at one stroke, or throws with none switched; null: one by one. */
  readonly switchAll: (() => void) | null;
}

/** Throws EnforcementError with nothing changed, or UnsettledError. `known` follows what was done. */
export async function executeChange(
  maps: SyncMaps,
  known: KnownState,
  plan: ChangePlan,
  steps: ChangeSteps,
): Promise<SyncReport> {
  if (!plan.changes) {
    steps.switchAll?.();
    return { entriesWritten: 0, slotsSwitched: 0, recordsSwitched: 0 };
  }
  // A generation that was begun is never used again, undone or not.
  known.generation = plan.generation;
  const entriesWritten = await writeProven(maps, plan, steps);
  try {
    if (steps.switchAll === null) switchWords(maps, plan);
  } catch (error) {
    const text = `the change is only partly in force, and is completed as soon as the maps can be read: ${errorText(error)}`;
    throw new UnsettledError("PARTLY", text, { cause: error });
  }
  follow(known, plan);
  return { entriesWritten, ...countSwitches(plan) };
}

export function countSwitches(plan: ChangePlan): Pick<SyncReport, "slotsSwitched" | "recordsSwitched"> {
  return {
    slotsSwitched: plan.slotSwitches.size + plan.freshSlots.size,
    recordsSwitched: plan.records.size,
  };
}

function switchWords(maps: SyncMaps, plan: ChangePlan): void {
  storeSlot(maps, journalSlot, { version: 0, generation: plan.generation });
  for (const [ifindex, record] of plan.deviceSwitches) storeDevice(maps, ifindex, record);
  for (const [slot, word] of plan.slotSwitches) storeSlot(maps, slot, word);
}

/** Writes beside what is in force, and proves it; returns the number of entries. What fails is undone. */
async function writeProven(maps: SyncMaps, plan: ChangePlan, steps: ChangeSteps): Promise<number> {
  const undo = new Undo();
  try {
    const written = await writeBeside(maps, plan, steps, undo);
    await steps.prove(plan);
    steps.switchAll?.();
    return written;
  } catch (error) {
    const errors = undo.run();
    if (errors.length === 0) throw error;
    const text = `${errorText(error)}; and undoing it: ${errors.map(errorText).join("; ")}`;
    throw new UnsettledError("KERNEL", text, { cause: error });
  }
}

/** In pieces: a host's first policies and records take seconds, for which nobody else has to wait. */
async function writeBeside(
  maps: SyncMaps,
  plan: ChangePlan,
  { clearNumber }: ChangeSteps,
  undo: Undo,
): Promise<number> {
  const pause = createPauses();
  let written = 0;
  for (const { number } of plan.numbers) {
    clearNumber(number);
    await pause();
  }
  for (const policy of plan.policies) {
    written += writePolicy(maps, policy, undo);
    await pause();
  }
  written += writeIdentities(maps, plan.identities.writes, undo);
  for (const [record, stored] of plan.records) {
    written += writeRecord(maps, record, stored, undo);
    await pause();
  }
  undo.add(() => storeIntents(maps, plan.slotSwitches.keys(), () => undefined));
  storeIntents(maps, plan.slotSwitches.keys(), (slot) => plan.slotSwitches.get(slot));
  for (const [slot, word] of plan.freshSlots) {
    undo.add(() => maps.slots.store64(slot, 0n));
    storeSlot(maps, slot, word);
  }
  return written;
}

/** One store: the slot's version and generation. */
export function storeSlot(maps: Pick<SyncMaps, "slots">, slot: number, word: SlotWord): void {
  maps.slots.store64(slot, packWord(word.version, word.generation));
}

/** What slots are to become, for the agent that has to complete the change; undefined: they have become so. */
export function storeIntents(
  maps: Pick<SyncMaps, "slots">,
  slots: Iterable<number>,
  wordOf: (slot: number) => SlotWord | undefined,
): void {
  const capacity = slotCapacity(maps.slots);
  for (const slot of slots) storeSlot(maps, capacity + slot, wordOf(slot) ?? { version: 0, generation: 0 });
}

/** Follows the host's uplinks, and the live records. Throws with what lags behind where the kernel refuses. */
export function writeUplinks(maps: SyncMaps, known: KnownState, plan: UplinkPlan): number {
  try {
    return putUplinks(maps, known, plan);
  } catch (error) {
    const code = error instanceof EnforcementError ? error.code : "KERNEL";
    const text = `uplinks do not judge by the rules in force yet: ${errorText(error)}`;
    throw new EnforcementError(code, text, { cause: error });
  }
}

function putUplinks(maps: SyncMaps, known: KnownState, plan: UplinkPlan): number {
  const upserts = [...plan.upserts];
  const values = new Uint8Array(Uint32Array.from(upserts, ([, record]) => record).buffer);
  deleteBatch(maps.uplinks, joinBytes(plan.deletes.map(textKey)), plan.deletes.length);
  for (const key of plan.deletes) known.uplinks.delete(key);
  writeBatch(maps.uplinks, joinBytes(upserts.map(([key]) => textKey(key))), values, upserts.length);
  for (const [key, record] of upserts) known.uplinks.set(key, record);
  return upserts.length;
}

/**
 * Follows the MACs under which the host itself is sent what it routes to guests. Asked each minute, and mostly nothing is
 * another: then what is known of them stays the same object (listKnown).
 */
export function writeHostMacs(maps: SyncMaps, known: KnownState, macs: readonly Uint8Array[]): void {
  const before = known.records.get(removedRecord);
  const stored = before ?? buildRemovedRecord();
  const wanted = new Set(macs.map((mac) => listedKey(removedRecord, ListedKind.LISTED_HOST_MAC, mac)));
  const added = [...wanted].filter((key) => !stored.listed.has(key));
  const gone = [...stored.listed].filter((key) => !wanted.has(key));
  if (before !== undefined && added.length === 0 && gone.length === 0) return;
  const values = new Uint8Array(new Uint32Array(added.length).fill(1).buffer);
  writeBatch(maps.listed, joinBytes(added.map(textKey)), values, added.length);
  deleteBatch(maps.listed, joinBytes(gone.map(textKey)), gone.length);
  known.records.set(removedRecord, { ...stored, listed: wanted });
}

function follow(known: KnownState, plan: ChangePlan): void {
  for (const { version, stored } of plan.policies) known.policies.set(version, stored);
  for (const { network, address, entry } of plan.identities.writes)
    storeIdentity(known.identities, network, address, entry);
  for (const [record, stored] of plan.records) known.records.set(record, stored);
  if (plan.records.size + plan.freshSlots.size + plan.cleanup.numbers.length > 0) forgetPlacement(known);
  for (const [number, record] of plan.moves) {
    const stored = known.records.get(record);
    known.live.set(number, record);
    if (stored !== undefined) known.numbers.set(stored.struct.id, number);
  }
  for (const number of plan.cleanup.numbers) known.live.delete(number);
  for (const [slot, word] of [...plan.freshSlots, ...plan.slotSwitches]) known.slots.set(slot, word);
  known.slots.set(journalSlot, { version: 0, generation: plan.generation });
  for (const [ifindex, record] of plan.deviceSwitches) known.devices.set(ifindex, record);
}

/** Deletes what nothing names any more. The caller has waited for a grace period, and releases the numbers. */
export function cleanUp(maps: SyncMaps, known: KnownState, plan: ChangePlan): void {
  const { cleanup } = plan;
  storeIntents(maps, plan.slotSwitches.keys(), () => undefined);
  for (const slot of cleanup.slots) {
    maps.slots.store64(slot, 0n);
    known.slots.delete(slot);
  }
  for (const version of cleanup.versions) {
    const policy = known.policies.get(version);
    if (policy !== undefined) erasePolicy(maps, version, policy);
    known.policies.delete(version);
  }
  for (const record of cleanup.records) {
    const stored = known.records.get(record);
    if (stored !== undefined) eraseRecord(maps, record, stored);
    known.records.delete(record);
  }
  deleteBatch(maps.identities, joinBytes(cleanup.identities.map(identityKey)), cleanup.identities.length);
  for (const { network, address } of cleanup.identities)
    storeIdentity(known.identities, network, address, undefined);
  for (const number of cleanup.numbers) {
    for (const [id, held] of known.numbers) if (held === number) known.numbers.delete(id);
  }
}

/** Points a device at a record outside a change of the model (attachment), and knows it. */
export function switchDevice(maps: SyncMaps, known: KnownState, ifindex: number, record: number): void {
  storeDevice(maps, ifindex, record);
  known.devices.set(ifindex, record);
}

export function forgetDevice(maps: SyncMaps, known: KnownState, ifindex: number): void {
  clearDevice(maps, ifindex);
  known.devices.delete(ifindex);
}
