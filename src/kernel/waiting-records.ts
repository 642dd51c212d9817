/**
 * Records that devices have until their programs stand: each is its interface's, not ready, and lies beside the live one.
 * They are erased when no packet reads them any more, which nobody waits for: the next device would, open.
 */
import type { SyncEngine } from "./engine.ts";
import { InterfaceFlag } from "./layout.gen.ts";
import { moveRecord } from "./records.ts";
import type { StoredRecord } from "./state.ts";
import { eraseRecord, Undo, writeRecord } from "./write.ts";

export class WaitingRecords {
  readonly #engine: SyncEngine;
  /** Those in use, by their places. */
  #written = new Map<number, StoredRecord>();
  /** Places that packets may still read. */
  readonly #erasing = new Set<number>();
  #erased: Promise<void> = Promise.resolve();

  constructor(engine: SyncEngine) {
    this.#engine = engine;
  }

  /**
   * Writes that of a live record; says where. Null where what lies there has to stay: what a change that waits goes back to,
   * or what is being erased.
   */
  write(live: StoredRecord): number | null {
    const place = this.#engine.sparePlace(live.struct.number);
    if (this.#engine.hold?.needsRecord(place) || this.#erasing.has(place)) return null;
    const flags = live.struct.flags | InterfaceFlag.INTERFACE_NOT_READY;
    const waiting = moveRecord(live, place, { flags });
    writeRecord(this.#engine.maps, place, waiting, new Undo());
    this.#written.set(place, waiting);
    return place;
  }

  /** No device has any of them by now. */
  eraseLater(): void {
    const written = this.#written;
    if (written.size === 0) return;
    this.#written = new Map();
    for (const place of written.keys()) this.#erasing.add(place);
    this.#erased = this.#erased.then(() =>
      this.#engine.clean(async () => {
        try {
          await this.#engine.grace();
          for (const [place, stored] of written) eraseRecord(this.#engine.maps, place, stored);
        } finally {
          for (const place of written.keys()) this.#erasing.delete(place);
        }
      }),
    );
  }

  /** Settles when all are erased. Before anything else is done to the maps. */
  settle(): Promise<void> {
    return this.#erased;
  }
}
