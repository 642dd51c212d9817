/** Counts the sessions of tables where they lie, by a program (bpf/count.bpf.c): copies of them would be large. */
import { dirname, join } from "node:path";
import { SessionCountStruct, SessionState } from "./layout.gen.ts";
import { joinBytes } from "./maps.ts";
import { type BpfMap, type BpfObject, type BpfProgram, native } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import type { SessionClock } from "./session-codec.ts";
import type { SessionTableName } from "./status.ts";

export interface SessionCount {
  readonly present: number;
  /** What the programs would find. */
  readonly alive: number;
  /** Idle for so long that its time is about to come round. */
  readonly ancient: number;
}

/** A table that is counted: whose it is, and what stands there. */
export interface CountedTable {
  readonly number: number;
  readonly map: BpfMap;
}

export class SessionCounter {
  readonly #programs: Readonly<Record<SessionTableName, BpfProgram>>;

  private constructor(object: BpfObject) {
    this.#programs = {
      opening: object.program("count_opening"),
      answered: object.program("count_answered"),
      established: object.program("count_established"),
    };
  }

  /**
   * Off the event loop as far as the kernel loads it. `judging`: the file of the programs that judge; that of count.bpf.c
   * stands beside it. Throws KernelError where this kernel cannot count so (before 5.14).
   */
  static async load(judging: string, tables: ObjectMaps["sessions"]): Promise<SessionCounter> {
    const object = await native().BpfObject.loadAsync({
      path: join(dirname(judging), "count.bpf.o"),
      maps: { rw_opening: tables.opening, rw_answered: tables.answered, rw_established: tables.established },
    });
    try {
      return new SessionCounter(object);
    } finally {
      object.close();
    }
  }

  /**
   * What tables of one kind hold, on another thread. The walk takes no lock, so a count is right where nothing entered its
   * table meanwhile. Null where the kernel did not count.
   */
  async count(
    kind: SessionTableName,
    tables: readonly CountedTable[],
    clock: SessionClock,
  ): Promise<readonly SessionCount[] | null> {
    const held = tables.map(({ map }) => map);
    try {
      const asked = joinBytes(tables.map(({ number }) => encodeQuestion(number, clock)));
      const answers = await this.#programs[kind].callEachAsync(asked, SessionCountStruct.SIZE, held);
      return tables.map((_, at) => SessionCountStruct.decode(answers, at * SessionCountStruct.SIZE));
    } catch {
      return null;
    }
  }

  close(): void {
    for (const program of Object.values(this.#programs)) program.close();
  }
}

function encodeQuestion(number: number, { now, timeouts }: SessionClock): Uint8Array {
  const known = Array.from({ length: SessionState.STATES_MAX }, (_, state) => timeouts[state] ?? 0);
  return SessionCountStruct.encode({ number, now, timeouts: known, present: 0, alive: 0, ancient: 0 });
}
