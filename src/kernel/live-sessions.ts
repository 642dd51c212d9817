/** Sessions by the interfaces of the model: listed, ended, counted. `sessions.ts` knows their tables by number alone. */
import type { SyncEngine } from "./engine.ts";
import { errorCode } from "./errors.ts";
import type { InterfaceNames } from "./interface-names.ts";
import type { LiveSettings } from "./live-settings.ts";
import type { KernelObjects } from "./objects.ts";
import type { SessionClock, SessionReading } from "./session-codec.ts";
import { SessionCounter } from "./session-counter.ts";
import type { Session, SessionFilter } from "./status.ts";
import { readJiffies } from "./ticks.ts";

export interface LiveSessionsParts {
  readonly engine: SyncEngine;
  readonly names: InterfaceNames;
  readonly settings: LiveSettings;
  readonly objects: KernelObjects;
  /** The file of the programs that judge. */
  readonly object: string;
}

export class LiveSessions {
  readonly #parts: LiveSessionsParts;
  /** Of null: this kernel cannot. */
  #counter: Promise<SessionCounter | null> | null = null;
  #isClosed = false;

  constructor(parts: LiveSessionsParts) {
    this.#parts = parts;
  }

  /** Of one interface (by id) or of all, in pieces, under the rules of this moment. Throws UNKNOWN_INTERFACE. */
  list(interfaceId?: string): AsyncIterable<readonly Session[]> {
    const { engine, names } = this.#parts;
    const listed = names
      .numbers(interfaceId)
      .map(([id, number]) => ({ id, number, generation: this.#generationOf(id) }));
    return engine.tables.list(listed, () => this.#clock());
  }

  /** Revokes in place; returns how many. Throws UNKNOWN_INTERFACE. */
  async end(filter: SessionFilter): Promise<number> {
    const { engine, names } = this.#parts;
    const clock = this.#clock();
    const counts = names
      .numbers(filter.interface)
      .map(([id, number]) => engine.tables.end(number, id, filter, this.#readingOf(id, clock)));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Counts what is alive in every table. */
  async sweep(): Promise<void> {
    const counter = await this.#loadCounter();
    if (this.#isClosed) return;
    await this.#parts.engine.tables.sweep(this.#clock(), counter);
  }

  /** Loaded when it is first asked for: a start does not wait for it. */
  #loadCounter(): Promise<SessionCounter | null> {
    const { object, objects } = this.#parts;
    this.#counter ??= SessionCounter.load(object, objects.maps.sessions).catch((error: unknown) => {
      // EAGAIN: a signal came between, another time it may load.
      if (errorCode(error) === "EAGAIN") this.#counter = null;
      return null;
    });
    return this.#counter;
  }

  close(): void {
    this.#isClosed = true;
    void this.#counter?.then((counter) => counter?.close());
  }

  #readingOf(interfaceId: string, clock: SessionClock): SessionReading {
    return { ...clock, generation: this.#generationOf(interfaceId) };
  }

  #generationOf(interfaceId: string): number {
    return this.#parts.engine.policyOf(interfaceId)?.generation ?? 0;
  }

  #clock(): SessionClock {
    const { hz, programs } = this.#parts.objects;
    return { now: readJiffies(programs.clock_probe), hz, timeouts: this.#parts.settings.timeouts };
  }
}
