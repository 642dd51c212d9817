/**
 * A record of an interface under another number, on the loopback device, which no program is attached to: what
 * is run there meets the interface's policy, and leaves its sessions, counters and events alone.
 */
import { clearDevice, storeDevice } from "./devices-map.ts";
import type { SyncEngine } from "./engine.ts";
import { EnforcementError } from "./errors.ts";
import { InterfaceFlag, TraceStruct } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import { moveRecord } from "./records.ts";
import type { StoredRecord } from "./state.ts";
import { eraseRecord, Undo, writeRecord } from "./write.ts";

export const loopback = 1;

/** Puts a traced copy of an interface's record at `record`, under `number`, on the loopback device. */
export function placeScratch(
  engine: SyncEngine,
  interfaceId: string,
  place: { readonly record: number; readonly number: number; readonly flags?: number },
): StoredRecord {
  const live = engine.liveRecord(interfaceId);
  const stored = live === undefined ? undefined : engine.known.records.get(live);
  if (stored === undefined) {
    throw new EnforcementError(
      "UNKNOWN_INTERFACE",
      `${interfaceId} is not an interface of this host in the model`,
    );
  }
  const flags = stored.struct.flags | InterfaceFlag.INTERFACE_TRACE | (place.flags ?? 0);
  const copy = moveRecord(stored, place.record, { number: place.number, flags });
  const undo = new Undo();
  try {
    writeRecord(engine.maps, place.record, copy, undo);
    storeDevice(engine.maps, loopback, place.record);
  } catch (error) {
    undo.run();
    throw error;
  }
  return copy;
}

export function removeScratch(engine: SyncEngine, record: number, copy: StoredRecord): void {
  clearDevice(engine.maps, loopback);
  eraseRecord(engine.maps, record, copy);
}

/** Verdicts traced until now. */
export function traceCount(engine: SyncEngine): number {
  const bytes = engine.maps.trace.get(indexKey(0));
  return bytes === undefined ? 0 : TraceStruct.decode(bytes).count;
}
