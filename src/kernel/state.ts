/**
 * What the maps hold, as the agent knows it: read back at start, followed at every change. Plain data.
 *
 * Reserved places: record 0 is nobody's (devices that no interface holds any more: everything is dropped);
 * slot 0 has no policy, and its generation is the journal: the last change whose writes are complete (its version:
 * the last that was in force, where one was taken back). The upper
 * half of rw_slots, which no record names, holds for each slot what the change under way will make of it, so
 * that the next agent can complete one that the journal says is whole.
 */
import type { ResolvedAddress, ResolvedInterface } from "../policy/types.ts";
import { type IdentityStruct, type InterfaceStruct, Limit, type PolicyStruct } from "./layout.gen.ts";

export const removedRecord = 0;
export const journalSlot = 0;
/** The first interface number that is given out. */
export const firstNumber = 1;

export interface SlotWord {
  readonly version: number;
  readonly generation: number;
}

export interface StoredRecord {
  readonly struct: InterfaceStruct;
  /** rw_owned: key bytes as text -> enum owned_flag. */
  readonly owned: ReadonlyMap<string, number>;
  /** rw_listed: key bytes as text. */
  readonly listed: ReadonlySet<string>;
}

export interface StoredBits {
  readonly summary: bigint;
  readonly base: number;
  readonly flags: number;
}

export interface StoredPolicy {
  readonly header: PolicyStruct;
  /** Keys of rw_prefixes, end to end. */
  readonly prefixKeys: readonly Uint8Array[];
  /** rw_group_bits by side. */
  readonly groups: readonly [ReadonlyMap<bigint, StoredBits>, ReadonlyMap<bigint, StoredBits>];
}

/** network digest -> mapped address -> entry. Changed by storeIdentity alone. */
export type StoredIdentities = Map<bigint, Map<bigint, IdentityStruct>>;

/** The addresses that identities were found to say, no more and no fewer, until one of them changes. */
const said = new WeakMap<StoredIdentities, readonly ResolvedAddress[]>();

export function saysAlready(identities: StoredIdentities, addresses: readonly ResolvedAddress[]): boolean {
  return said.get(identities) === addresses;
}

export function noteSaid(identities: StoredIdentities, addresses: readonly ResolvedAddress[]): void {
  said.set(identities, addresses);
}

export interface KnownState {
  /** The last generation that was used or seen. */
  generation: number;
  /** interface number -> index of its live record. */
  readonly live: Map<number, number>;
  readonly records: Map<number, StoredRecord>;
  /** digest of an interface's id -> its number. */
  readonly numbers: Map<bigint, number>;
  /** ifindex -> record. */
  readonly devices: Map<number, number>;
  readonly slots: Map<number, SlotWord>;
  readonly policies: Map<number, StoredPolicy>;
  readonly identities: StoredIdentities;
  /** rw_uplinks: key bytes as text -> record. */
  readonly uplinks: Map<string, number>;
}

/** Interfaces of a model that live records say, and no others, each in the slot of its policy. */
export interface Placement {
  readonly interfaces: readonly ResolvedInterface[];
  /** PolicySource.key -> slot. */
  readonly slots: ReadonlyMap<bigint, number>;
}

/** What was found of records and slots, until one of them comes or goes. */
const placements = new WeakMap<KnownState, Placement>();

/** Null: they may say something else. */
export function findPlacement(known: KnownState, interfaces: Placement["interfaces"]): Placement | null {
  const placement = placements.get(known);
  if (placement?.interfaces !== interfaces) return null;
  const isWhole = [...placement.slots.values()].every((slot) =>
    known.policies.has(known.slots.get(slot)?.version ?? 0),
  );
  return isWhole ? placement : null;
}

export function notePlacement(known: KnownState, placement: Placement): void {
  placements.set(known, placement);
}

export function forgetPlacement(known: KnownState): void {
  placements.delete(known);
}

/** The state of maps that hold nothing. */
export function emptyState(): KnownState {
  return {
    generation: 0,
    live: new Map(),
    records: new Map(),
    numbers: new Map(),
    devices: new Map(),
    slots: new Map(),
    policies: new Map(),
    identities: new Map(),
    uplinks: new Map(),
  };
}

/** Slots that records may name; the word of what a slot is to become stands this much further on. */
export function slotCapacity(slots: { readonly maxEntries: number }): number {
  return Math.floor(slots.maxEntries / 2);
}

/** The two places of an interface's records. */
export function recordPlaces(number: number): readonly [number, number] {
  const first = number * Limit.RECORDS_PER_INTERFACE;
  return [first, first + 1];
}

/** The interface number that a record belongs to. */
export function numberOfRecord(record: number): number {
  return Math.floor(record / Limit.RECORDS_PER_INTERFACE);
}

/** Whether an address that goes from one identity to another meets other rules under this policy. */
export function feelsStored(policy: StoredPolicy, before: bigint, after: bigint): boolean {
  if (before === after) return false;
  return policy.groups.some((side) => {
    const left = side.get(before);
    const right = side.get(after);
    if (left === undefined || right === undefined) return left !== right;
    // Equal bitmaps of a policy are stored once.
    return left.summary !== right.summary || left.base !== right.base || left.flags !== right.flags;
  });
}

/** Identity entries one by one. */
export function* eachIdentity(
  identities: StoredIdentities,
): Generator<{ readonly network: bigint; readonly address: bigint; readonly entry: IdentityStruct }> {
  for (const [network, addresses] of identities) {
    for (const [address, entry] of addresses) yield { network, address, entry };
  }
}

export function findIdentity(
  identities: StoredIdentities,
  network: bigint,
  address: bigint,
): IdentityStruct | undefined {
  return identities.get(network)?.get(address);
}

export function storeIdentity(
  identities: StoredIdentities,
  network: bigint,
  address: bigint,
  entry: IdentityStruct | undefined,
): void {
  said.delete(identities);
  const addresses = identities.get(network);
  if (entry !== undefined) {
    if (addresses === undefined) identities.set(network, new Map([[address, entry]]));
    else addresses.set(address, entry);
    return;
  }
  addresses?.delete(address);
  if (addresses?.size === 0) identities.delete(network);
}
