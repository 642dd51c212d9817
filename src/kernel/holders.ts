/** Whose a place of the maps is: which interfaces feel what stands there. */
import type { Resolved } from "../policy/types.ts";
import { digest64 } from "./digest.ts";
import type { KnownState } from "./state.ts";

export class Holders {
  readonly #byRecord = new Map<number, string>();
  readonly #bySlot = new Map<number, string[]>();
  readonly #byVersion = new Map<number, string[]>();

  constructor(known: KnownState, resolved: Resolved) {
    for (const { interface: source } of resolved.interfaces) {
      const record = known.live.get(known.numbers.get(digest64(source.id)) ?? -1);
      const slot = record === undefined ? undefined : known.records.get(record)?.struct.slot;
      if (record === undefined || slot === undefined) continue;
      this.#byRecord.set(record, source.id);
      append(this.#bySlot, slot, source.id);
      const version = known.slots.get(slot)?.version;
      if (version !== undefined) append(this.#byVersion, version, source.id);
    }
  }

  ofRecord(record: number): readonly string[] {
    const id = this.#byRecord.get(record);
    return id === undefined ? [] : [id];
  }

  ofSlot(slot: number): readonly string[] {
    return this.#bySlot.get(slot) ?? [];
  }

  ofVersion(version: number): readonly string[] {
    return this.#byVersion.get(version) ?? [];
  }
}

function append(lists: Map<number, string[]>, key: number, id: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [id]);
  else list.push(id);
}
