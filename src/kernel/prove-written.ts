/**
 * Reads back what a change wrote beside what is in force, before anything of it is switched to. Policies are
 * proven against their rules; records, identities and words, on which the proof rests, have to be there as they
 * were meant, byte for byte.
 */
import { decodeAddress } from "./addresses.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { IdentityKeyStruct, IdentityStruct, InterfaceStruct, PolicyStruct } from "./layout.gen.ts";
import { indexKey, joinBytes, packWord, type SyncMaps, type TableMap, textKey } from "./maps.ts";
import type { ChangePlan } from "./plan.ts";
import type { EncodedPolicy } from "./policy-entries.ts";
import { type Identities, proveHeld } from "./proof.ts";
import { readPolicy } from "./read-policy.ts";
import { createPauses } from "./slices.ts";
import { type SlotWord, type StoredRecord, slotCapacity } from "./state.ts";
import { encodeIdentities } from "./write.ts";

/** Told of each version that was proven. */
export type OnProven = (version: number) => void;

/**
 * Settles when all of it is proven; the event loop goes on meanwhile.
 * @throws EnforcementError UNPROVEN naming the map or the policy, the place, and what was meant
 */
export async function proveWritten(
  maps: SyncMaps,
  plan: ChangePlan,
  identities: Identities,
  onProven: OnProven,
): Promise<void> {
  const pause = createPauses();
  for (const policy of plan.policies) {
    proveNew(maps, policy, identities);
    onProven(policy.version);
    await pause();
  }
  compareIdentities(maps, plan);
  await pause();
  for (const [record, stored] of plan.records) {
    compareRecord(maps, record, stored);
    await pause();
  }
  compareWords(maps, plan);
}

function refuse(what: string, cause?: unknown): EnforcementError {
  const text = `what was written was read back and is not what was meant: ${what}. This is a fault of Ringwall or of the memory; nothing was changed`;
  return new EnforcementError("UNPROVEN", text, cause === undefined ? undefined : { cause });
}

function proveNew(maps: SyncMaps, { version, source, stored }: EncodedPolicy, identities: Identities): void {
  // The header first: it says which places are read.
  const header = maps.policies.get(indexKey(version));
  if (!isEqual(header, PolicyStruct.encode(stored.header)))
    throw refuse(`rw_policies[${version}], the header of the policy of ${source.groups.join(", ")}, differs`);
  let problem: string | null;
  try {
    problem = proveHeld(source, identities, readPolicy(maps, version, stored));
  } catch (error) {
    throw refuse(`the policy of ${source.groups.join(", ")} cannot be read: ${errorText(error)}`, error);
  }
  if (problem !== null) throw refuse(problem);
}

function compareIdentities(maps: SyncMaps, { identities: { writes } }: ChangePlan): void {
  const { keys, values } = encodeIdentities(writes);
  const wrong = findDifference(maps.identities, keys, values, writes.length);
  if (wrong === null) return;
  const { address } = IdentityKeyStruct.decode(keys, wrong * IdentityKeyStruct.SIZE);
  const { family, bits } = decodeAddress(address);
  const { after } = IdentityStruct.decode(values, wrong * IdentityStruct.SIZE);
  throw refuse(`rw_identities has not identity ${after.toString(16)} for IPv${family} ${bits.toString(16)}`);
}

function compareRecord(maps: SyncMaps, record: number, { struct, owned, listed }: StoredRecord): void {
  if (!isEqual(maps.interfaces.get(indexKey(record)), InterfaceStruct.encode(struct)))
    throw refuse(`rw_interfaces[${record}] is not the record of interface ${struct.id.toString(16)}`);
  const lists = [
    [maps.owned, [...owned.keys()], [...owned.values()]],
    [maps.listed, [...listed], [...listed].map(() => 1)],
  ] as const;
  for (const [map, texts, numbers] of lists) {
    const values = new Uint8Array(Uint32Array.from(numbers).buffer);
    const wrong = findDifference(map, joinBytes(texts.map(textKey)), values, texts.length);
    if (wrong !== null)
      throw refuse(`${map.info.name} differs in entry ${wrong} of rw_interfaces[${record}]`);
  }
}

function compareWords(maps: SyncMaps, plan: ChangePlan): void {
  const capacity = slotCapacity(maps.slots);
  const compare = (slot: number, { version, generation }: SlotWord) => {
    if (maps.slots.load64(slot) !== packWord(version, generation)) throw refuse(`rw_slots[${slot}] differs`);
  };
  for (const [slot, word] of plan.freshSlots) compare(slot, word);
  for (const [slot, word] of plan.slotSwitches) compare(capacity + slot, word);
}

/** The first of `count` entries that the map does not have with this value; null: it has them all. */
function findDifference(map: TableMap, keys: Uint8Array, values: Uint8Array, count: number): number | null {
  if (count === 0) return null;
  const held = map.getBatch(keys, count);
  const size = values.length / count;
  for (let index = 0; index < count; index++) {
    const [start, end] = [index * size, (index + 1) * size];
    if (held.found[index] !== 1) return index;
    if (!isEqual(held.values.subarray(start, end), values.subarray(start, end))) return index;
  }
  return null;
}

function isEqual(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && Buffer.compare(left, right) === 0;
}
