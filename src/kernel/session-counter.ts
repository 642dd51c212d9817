/** Counts the sessions of tables where they lie, by an iterator (bpf/survey.bpf.c): copies of them would be large. */
import { SessionState } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import type { BpfMap, BpfObject, BpfProgram } from "./native.ts";
import type { SessionClock } from "./session-codec.ts";

export interface SessionCount {
  readonly present: number;
  /** What the programs would find. */
  readonly alive: number;
  /** Idle for so long that its time is about to come round. */
  readonly ancient: number;
}

/** What counts tables of proven sessions, and what opening ones. */
export const countingPrograms = { proven: "count_sessions", opening: "count_opening" } as const;
export type Counted = keyof typeof countingPrograms;

/** 32-bit words that are counted, the last of struct session_count. */
const counted = 3;

export class SessionCounter {
  readonly #programs: Readonly<Record<Counted, BpfProgram>>;
  readonly #count: BpfMap;

  constructor(object: Pick<BpfObject, "program" | "map">) {
    this.#programs = {
      proven: object.program(countingPrograms.proven),
      opening: object.program(countingPrograms.opening),
    };
    this.#count = object.map("rw_session_count");
  }

  /**
   * What each of the tables, all of one kind, holds, on another thread; one call at a time. The walk takes no lock, so a count is right
   * where nothing entered its table meanwhile. Null where the kernel did not count.
   */
  async count(
    kind: Counted,
    tables: readonly BpfMap[],
    clock: SessionClock,
  ): Promise<readonly SessionCount[] | null> {
    try {
      this.#count.set(indexKey(0), encodeClock(clock));
      const bytes = await this.#programs[kind].iterateEachAsync(tables);
      const words = new Uint32Array(bytes.slice().buffer);
      if (words.length !== tables.length * counted) return null;
      return tables.map((_, at) => {
        const [present = 0, alive = 0, ancient = 0] = words.subarray(at * counted, (at + 1) * counted);
        return { present, alive, ancient };
      });
    } catch {
      return null;
    }
  }

  close(): void {
    for (const program of Object.values(this.#programs)) program.close();
    this.#count.close();
  }
}

/** struct session_count before a count: when, and under which timeouts. */
function encodeClock({ now, timeouts }: SessionClock): Uint8Array {
  const words = new Uint32Array(1 + SessionState.STATES_MAX + counted);
  words.set([now, ...timeouts.slice(0, SessionState.STATES_MAX)]);
  return new Uint8Array(words.buffer);
}
