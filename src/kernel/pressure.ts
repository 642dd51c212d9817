/**
 * What a session table lets go of. An LRU tells nobody what it evicts, so it is reckoned: what was inserted, and
 * neither was removed nor is there, was evicted. That is exact. Which of it was alive is an estimate: the LRU takes
 * what was silent longest, so the longest silence among those left (the horizon) is about that of the last ones taken,
 * and whoever has a longer timeout than that is taken alive.
 */
import { elapsed } from "./jiffies.ts";
import { SessionFlag, SessionStruct, SessionTable, TableCounterStruct } from "./layout.gen.ts";
import { indexKeys } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";
import { readTimes, type SessionClock } from "./session-codec.ts";
import type { SessionTableName, TableFill } from "./status.ts";

const tableIndex = {
  opening: SessionTable.TABLE_OPENING,
  answered: SessionTable.TABLE_ANSWERED,
  established: SessionTable.TABLE_ESTABLISHED,
} as const satisfies Record<SessionTableName, number>;

/** LOCAL_FREE_TARGET of the kernel's LRU: what waits in a CPU's own list is passed over by evictions. */
const heldByCpu = 128;

/** What a table counted since it was made. */
export interface TableCounter {
  readonly inserted: number;
  readonly removed: number;
  readonly refused: number;
}

/** 32-bit words of a struct table_counter. */
const counterWords = TableCounterStruct.SIZE / 4;

/** What the tables of `count` numbers from `first` on count, read in one go. */
export class TableCounters {
  /** Halves of 64-bit words, the low one first: there are thousands, and a BigInt each would be dear. */
  readonly #words: Uint32Array;
  readonly #first: number;
  readonly #perTable: number;

  constructor(counters: BpfMap, first = 0, count = counters.maxEntries / SessionTable.TABLES_MAX) {
    const bytes = counters.getRun(first * SessionTable.TABLES_MAX, count * SessionTable.TABLES_MAX);
    this.#words = new Uint32Array(bytes.slice().buffer);
    this.#first = first;
    this.#perTable = this.#words.length / (count * SessionTable.TABLES_MAX);
  }

  /** The sum over the CPUs. */
  of(number: number, table: SessionTableName): TableCounter {
    const place = (number - this.#first) * SessionTable.TABLES_MAX + tableIndex[table];
    const [begin, end] = [place * this.#perTable, (place + 1) * this.#perTable];
    const sum = { inserted: 0, removed: 0, refused: 0 };
    for (let word = begin; word < end; word += counterWords) {
      sum.inserted += this.#read(word);
      sum.removed += this.#read(word + 2);
      sum.refused += this.#read(word + 4);
    }
    return sum;
  }

  #read(word: number): number {
    return (this.#words[word] ?? 0) + (this.#words[word + 1] ?? 0) * 2 ** 32;
  }
}

/** Zeroes what the tables of a number count, before they are there. */
export function clearTableCounters(counters: BpfMap, number: number): void {
  const tables = SessionTable.TABLES_MAX;
  const zeroes = new Uint8Array(tables * TableCounterStruct.SIZE * native().possibleCpus());
  counters.setBatch(indexKeys(number * tables, tables), zeroes, tables);
}

/**
 * The share, 0 to 1, of evictions that took live sessions, by the `count` entries that are left. `cpus`: possible
 * ones, whose own lists may hold older entries than the horizon.
 */
export function estimateEarlyShare(
  values: DataView,
  count: number,
  clock: SessionClock,
  cpus: number,
): number {
  if (count === 0) return 0;
  const idles = new Uint32Array(count);
  const lives = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const { seen, state, flags } = readTimes(values, index * SessionStruct.SIZE);
    idles[index] = elapsed(seen, clock.now);
    // A revoked one is meant to stay.
    lives[index] =
      flags & SessionFlag.SESSION_REVOKED ? Number.POSITIVE_INFINITY : (clock.timeouts[state] ?? 0);
  }
  idles.sort();
  const horizon = idles[Math.max(0, count - 1 - heldByCpu * cpus)] ?? 0;
  return lives.reduce((sum, life) => sum + (life > horizon ? 1 : 0), 0) / count;
}

/** One table's reckoning from sweep to sweep. */
export class Pressure {
  /** Entries that the agent deleted. */
  #deleted = 0;
  /** What was evicted before this agent began to count; null: not known before the first sweep. */
  #base: number | null;
  #evicted = 0;
  #early = 0;

  /** `fresh`: the table was made just now, so nothing was evicted yet. */
  constructor(fresh: boolean) {
    this.#base = fresh ? 0 : null;
  }

  /** The agent took entries away. */
  noteDeleted(count: number): void {
    this.#deleted += count;
  }

  #goneOf({ inserted, removed }: Pick<TableCounter, "inserted" | "removed">, present: number): number {
    return inserted - removed - this.#deleted - present;
  }

  /** `inserted` was read before the entries, `removed` after them: nothing is reckoned too early. */
  look(counter: Pick<TableCounter, "inserted" | "removed">, present: number, estimate: () => number): void {
    const gone = this.#goneOf(counter, present);
    this.#base ??= gone;
    const evicted = gone - this.#base;
    if (evicted <= this.#evicted) return;
    this.#early += Math.round((evicted - this.#evicted) * estimate());
    this.#evicted = evicted;
  }

  /**
   * Takes a count of a table that nothing entered meanwhile. False where `look` has something to reckon; the first count of
   * a table that an earlier agent left only says from where on.
   */
  takeCount(counter: Pick<TableCounter, "inserted" | "removed">, present: number): boolean {
    const gone = this.#goneOf(counter, present);
    this.#base ??= gone;
    return gone - this.#base <= this.#evicted;
  }

  get figures(): Pick<TableFill, "evicted" | "evictedEarly"> {
    return { evicted: this.#evicted, evictedEarly: this.#early };
  }
}
