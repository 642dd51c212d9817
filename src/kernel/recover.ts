/**
 * What the maps of an agent that is gone say. A change whose writes were whole (the journal says so) is
 * completed; one that was cut off before is undone; what nothing names is deleted. Nothing half done is ever
 * in force, because nothing that is in force names it.
 */

import { type IdentityStruct, InterfaceFlag } from "./layout.gen.ts";
import type { RawState } from "./readback.ts";
import { buildRemovedRecord } from "./records.ts";
import {
  eachIdentity,
  emptyState,
  journalSlot,
  type KnownState,
  numberOfRecord,
  removedRecord,
  type SlotWord,
  type StoredPolicy,
  type StoredRecord,
  storeIdentity,
} from "./state.ts";

/** What is to be written so that the maps are what `known` says. Switches first, then a grace period. */
export interface Recovery {
  readonly known: KnownState;
  /** Record 0 is not there yet. */
  readonly writesRemovedRecord: boolean;
  readonly deviceSwitches: ReadonlyMap<number, number>;
  readonly slotSwitches: ReadonlyMap<number, SlotWord>;
  readonly identityWrites: readonly IdentityFix[];
  readonly identityDeletes: readonly { readonly network: bigint; readonly address: bigint }[];
  readonly deadIntents: readonly number[];
  readonly deadSlots: readonly number[];
  readonly deadPolicies: ReadonlyMap<number, StoredPolicy>;
  readonly deadRecords: ReadonlyMap<number, StoredRecord>;
  /** Keys of rw_uplinks whose record is not in force: the device judges instead. */
  readonly strayUplinks: readonly string[];
  readonly strayOwned: readonly string[];
  readonly strayListed: readonly string[];
  readonly strayNear: readonly number[];
  readonly strayFar: readonly number[];
  readonly strayPrefixes: readonly Uint8Array[];
  /** Nothing was found that has to be mended. */
  readonly clean: boolean;
}

export interface IdentityFix {
  readonly network: bigint;
  readonly address: bigint;
  readonly entry: IdentityStruct;
}

/** `journal`: the last change that counts; another than the maps say asks what an earlier one had made of them. */
export function planRecovery(
  raw: RawState,
  journal: number = raw.slots.get(journalSlot)?.generation ?? 0,
): Recovery {
  const known = emptyState();
  known.generation = lastGeneration(raw, journal);
  const word = raw.slots.get(journalSlot);
  if (word !== undefined) known.slots.set(journalSlot, word);

  const identities = recoverIdentities(raw, known, journal);
  chooseLiveRecords(raw, known, journal);
  const slotSwitches = recoverSlots(raw, known, journal);
  const deviceSwitches = recoverDevices(raw, known);
  const strayUplinks = recoverUplinks(raw, known);
  const removed = raw.records.get(removedRecord);
  known.records.set(removedRecord, removed ?? buildRemovedRecord());

  const recovery = {
    known,
    writesRemovedRecord: removed === undefined,
    deviceSwitches,
    slotSwitches,
    ...identities,
    deadIntents: [...raw.intents.keys()],
    deadSlots: [...raw.slots.keys()].filter((slot) => !known.slots.has(slot)),
    deadPolicies: deadPolicies(raw, known),
    deadRecords: new Map([...raw.records].filter(([record]) => !known.records.has(record))),
    strayUplinks,
    strayOwned: raw.strayOwned,
    strayListed: raw.strayListed,
    strayNear: raw.strayNear,
    strayFar: raw.strayFar,
    strayPrefixes: raw.strayPrefixes,
  };
  return { ...recovery, clean: isClean(recovery) };
}

function isClean(recovery: Omit<Recovery, "clean">): boolean {
  const { known: _, writesRemovedRecord, ...lists } = recovery;
  return (
    !writesRemovedRecord &&
    Object.values(lists).every((list) => ("size" in list ? list.size : list.length) === 0)
  );
}

/** Also what was begun and undone, or taken back, counts: a generation is never used twice. */
function lastGeneration(raw: RawState, journal: number): number {
  let last = Math.max(journal, raw.slots.get(journalSlot)?.version ?? 0);
  for (const { generation } of [...raw.slots.values(), ...raw.intents.values()])
    last = Math.max(last, generation);
  for (const { struct } of raw.records.values()) last = Math.max(last, struct.generation);
  for (const { entry } of eachIdentity(raw.identities)) last = Math.max(last, entry.generation);
  return last;
}

/** Nobody sees the `after` of a change that was cut off: it never was. */
function recoverIdentities(raw: RawState, known: KnownState, journal: number) {
  const identityWrites: IdentityFix[] = [];
  const identityDeletes: { network: bigint; address: bigint }[] = [];
  for (const { network, address, entry } of eachIdentity(raw.identities)) {
    if (entry.generation <= journal) {
      storeIdentity(known.identities, network, address, entry);
      continue;
    }
    if (entry.before === 0n) {
      identityDeletes.push({ network, address });
      continue;
    }
    const undone = { ...entry, after: entry.before, generation: journal };
    identityWrites.push({ network, address, entry: undone });
    storeIdentity(known.identities, network, address, undone);
  }
  return { identityWrites, identityDeletes };
}

/** Of an interface's two places, the later one that is whole and was meant to be in force. */
function chooseLiveRecords(raw: RawState, known: KnownState, journal: number): void {
  for (const [record, stored] of raw.records) {
    if (record === removedRecord) continue;
    const { id, number, generation, flags, slot } = stored.struct;
    if (generation > journal || number !== numberOfRecord(record)) continue;
    if (flags & (InterfaceFlag.INTERFACE_NOT_READY | InterfaceFlag.INTERFACE_TRACE)) continue;
    const word = raw.slots.get(slot);
    const leaves = (flags & InterfaceFlag.INTERFACE_REMOVED) !== 0;
    if (!leaves && (word === undefined || !raw.headers.has(word.version))) continue;
    const other = known.records.get(known.live.get(number) ?? -1);
    if (other !== undefined && other.struct.generation >= generation) continue;
    known.live.set(number, record);
    known.records.set(record, stored);
    known.numbers.set(id, number);
  }
  for (const [number, record] of known.live) {
    const struct = known.records.get(record)?.struct;
    if (struct === undefined || !(struct.flags & InterfaceFlag.INTERFACE_REMOVED)) continue;
    known.live.delete(number);
    known.numbers.delete(struct.id);
  }
  const live = new Set(known.live.values());
  for (const record of known.records.keys()) if (!live.has(record)) known.records.delete(record);
}

/** Completes the slots of the last change that was whole. */
function recoverSlots(raw: RawState, known: KnownState, journal: number): Map<number, SlotWord> {
  const switches = new Map<number, SlotWord>();
  for (const slot of new Set([...known.records.values()].map(({ struct }) => struct.slot))) {
    const word = raw.slots.get(slot);
    if (word === undefined) continue;
    const intent = raw.intents.get(slot);
    const isDue = intent !== undefined && intent.generation === journal && raw.headers.has(intent.version);
    const next = isDue ? intent : word;
    const header = raw.headers.get(next.version);
    if (header === undefined) continue;
    if (next.version !== word.version || next.generation !== word.generation) switches.set(slot, next);
    known.slots.set(slot, next);
    known.policies.set(next.version, storedPolicy(raw, next.version, header));
  }
  return switches;
}

function storedPolicy(raw: RawState, version: number, header: StoredPolicy["header"]): StoredPolicy {
  return {
    header,
    prefixKeys: raw.prefixKeys.get(version) ?? [],
    groups: raw.groups.get(version) ?? [new Map(), new Map()],
  };
}

/** A device follows its interface's live record; one whose attachment was cut off drops until it is attached. */
function recoverDevices(raw: RawState, known: KnownState): Map<number, number> {
  const switches = new Map<number, number>();
  for (const [ifindex, record] of raw.devices) {
    const number = numberOfRecord(record);
    const notReady = (raw.records.get(record)?.struct.flags ?? 0) & InterfaceFlag.INTERFACE_NOT_READY;
    const live = record === removedRecord || notReady ? undefined : known.live.get(number);
    const next = live ?? removedRecord;
    if (next !== record) switches.set(ifindex, next);
    known.devices.set(ifindex, next);
  }
  return switches;
}

function recoverUplinks(raw: RawState, known: KnownState): string[] {
  const strays: string[] = [];
  for (const [key, record] of raw.uplinks) {
    if (known.records.has(record)) known.uplinks.set(key, record);
    else strays.push(key);
  }
  return strays;
}

function deadPolicies(raw: RawState, known: KnownState): Map<number, StoredPolicy> {
  const dead = new Map<number, StoredPolicy>();
  const versions = new Set([...raw.headers.keys(), ...raw.prefixKeys.keys(), ...raw.groups.keys()]);
  for (const version of versions) {
    if (known.policies.has(version)) continue;
    const header = raw.headers.get(version);
    dead.set(version, storedPolicy(raw, version, header ?? emptyHeader));
  }
  return dead;
}

const emptySide = {
  flags: 0,
  rules: 0,
  service: 0,
  serviceCells: 0,
  sourcePort: 0,
  sourcePortCells: 0,
  expires: 0,
  expiresCells: 0,
  accepts: 0,
  enforced: 0,
  enforcedWords: 0,
};
/** A policy whose writing was cut off before its header. */
const emptyHeader: StoredPolicy["header"] = {
  key: 0n,
  content: [0n, 0n],
  cells: 0,
  cellsCount: 0,
  words: 0,
  wordsCount: 0,
  sides: [emptySide, emptySide],
};
