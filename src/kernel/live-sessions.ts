/** Sessions by the interfaces of the model: listed, ended, counted. `sessions.ts` knows their tables by number alone. */
import type { SyncEngine } from "./engine.ts";
import type { InterfaceNames } from "./interface-names.ts";
import type { LiveSettings } from "./live-settings.ts";
import type { KernelObjects } from "./objects.ts";
import type { SessionClock, SessionReading } from "./session-codec.ts";
import type { Session, SessionFilter } from "./status.ts";
import type { Survey } from "./survey.ts";
import { readJiffies } from "./ticks.ts";

export interface LiveSessionsParts {
  readonly engine: SyncEngine;
  readonly names: InterfaceNames;
  readonly settings: LiveSettings;
  readonly objects: KernelObjects;
  readonly survey: Survey;
}

export class LiveSessions {
  readonly #parts: LiveSessionsParts;

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
    const { engine, survey } = this.#parts;
    const counter = await survey.prepareSessions();
    await engine.tables.sweep(this.#clock(), counter);
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
