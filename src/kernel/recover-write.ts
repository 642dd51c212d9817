/** Carries a recovery out. It may be cut off at any point: the next one finds the rest. */
import { clearStrayDevices, storeDevice } from "./devices-map.ts";
import { InterfaceStruct } from "./layout.gen.ts";
import { indexKey, joinBytes, type SyncMaps, textKey } from "./maps.ts";
import { readState } from "./readback.ts";
import { buildRemovedRecord } from "./records.ts";
import { planRecovery, type Recovery } from "./recover.ts";
import { type KnownState, removedRecord } from "./state.ts";
import { storeIntents, storeSlot } from "./sync.ts";
import { deleteBatch, encodeIdentities, erasePolicy, eraseRecord, identityKey, writeBatch } from "./write.ts";

export interface Recovered {
  readonly known: KnownState;
  /** What the maps say of the state that waits to come back; null where none does. */
  readonly before: KnownState | null;
  /** An earlier change had to be completed or undone, or something was left over. */
  readonly mended: boolean;
}

/**
 * Reads the maps back and mends them. `grace`: settles when no program runs any more that began before. `before`:
 * the generation that a change which waits for its confirmation goes back to; what it needs for that is left.
 */
export async function recoverState(
  maps: SyncMaps,
  grace: () => Promise<void>,
  before: number | null = null,
): Promise<Recovered> {
  const raw = await readState(maps);
  const recovery = planRecovery(raw);
  const { known } = recovery;
  if (before !== null) {
    switchWords(maps, recovery);
    return { known, before: planRecovery(raw, before).known, mended: true };
  }
  if (recovery.clean) return { known, before: null, mended: false };
  switchWords(maps, recovery);
  await grace();
  deleteLeftovers(maps, recovery);
  return { known, before: null, mended: true };
}

function switchWords(maps: SyncMaps, recovery: Recovery): void {
  if (recovery.writesRemovedRecord) {
    maps.interfaces.set(indexKey(removedRecord), InterfaceStruct.encode(buildRemovedRecord().struct));
  }
  const { strayUplinks } = recovery;
  deleteBatch(maps.uplinks, joinBytes(strayUplinks.map(textKey)), strayUplinks.length);
  clearStrayDevices(maps, recovery);
  deleteBatch(maps.prefixes, joinBytes(recovery.strayPrefixes), recovery.strayPrefixes.length);
  for (const [ifindex, record] of recovery.deviceSwitches) storeDevice(maps, ifindex, record);
  for (const [slot, word] of recovery.slotSwitches) storeSlot(maps, slot, word);
  const { keys, values } = encodeIdentities(recovery.identityWrites);
  writeBatch(maps.identities, keys, values, recovery.identityWrites.length);
}

function deleteLeftovers(maps: SyncMaps, recovery: Recovery): void {
  const { identityDeletes, strayOwned, strayListed } = recovery;
  deleteBatch(maps.identities, joinBytes(identityDeletes.map(identityKey)), identityDeletes.length);
  storeIntents(maps, recovery.deadIntents, () => undefined);
  for (const slot of recovery.deadSlots) maps.slots.store64(slot, 0n);
  for (const [version, policy] of recovery.deadPolicies) erasePolicy(maps, version, policy);
  for (const [record, stored] of recovery.deadRecords) eraseRecord(maps, record, stored);
  deleteBatch(maps.owned, joinBytes(strayOwned.map(textKey)), strayOwned.length);
  deleteBatch(maps.listed, joinBytes(strayListed.map(textKey)), strayListed.length);
}
