/** What session tables hold at a moment, and what became of what they held: counted about once a minute. */
import { SessionKeyStruct, SessionStruct } from "./layout.gen.ts";
import { joinBytes, type MapEntries } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";
import { estimateEarlyShare, type Pressure, type TableCounters } from "./pressure.ts";
import { isAlive, isAncient, type SessionClock } from "./session-codec.ts";
import type { SessionCounter } from "./session-counter.ts";
import type { SessionTableName } from "./status.ts";

export const tableNames: readonly SessionTableName[] = ["opening", "answered", "established"];

/** What is known of one table. */
export interface TableFigures {
  readonly limit: number;
  readonly pressure: Pressure;
  /** Alive at the last sweep; null: there was none. */
  entries: number | null;
  /** What had been put in when it was found empty, the last time that it was looked at; null: something was there. */
  emptyAt: number | null;
}

/** One table, as entries. */
export interface SweptTable {
  entriesAsync(): Promise<MapEntries>;
  /** Says how many were there. A table that is told `isDue` asks it of each, as it is then. */
  deleteBatch(keys: Uint8Array, count: number, isDue?: (session: DataView) => boolean): number;
}

interface Swept {
  readonly table: SweptTable;
  /** What of it stands in the kernel. */
  readonly map: BpfMap;
  readonly fill: TableFigures;
}

/** The tables that are swept; they may come and go meanwhile. */
export interface SweptTables {
  readonly numbers: () => readonly number[];
  /** Null: it is gone. */
  readonly at: (number: number, table: SessionTableName) => Swept | null;
  /** Of all numbers, or of `count` from `first` on. */
  readonly readCounters: (first?: number, count?: number) => TableCounters;
}

/** Interfaces whose tables are counted between two readings of what entered them. */
const sweptAtOnce = 128;

/**
 * Counts what is alive and what was evicted, and deletes what is dead for so long that it would come to life again. Tables
 * are counted where they lie, by `counter`; one that sessions entered meanwhile, that let go of some, or that has dead ones,
 * is copied. Returns how many were.
 */
export async function sweepTables(
  swept: SweptTables,
  clock: SessionClock,
  counter: SessionCounter | null,
): Promise<number> {
  const numbers = swept.numbers();
  let copied = 0;
  for (let next = 0; next < numbers.length; next += sweptAtOnce) {
    const some = numbers.slice(next, next + sweptAtOnce);
    for (const table of tableNames) {
      const unsaid = counter === null ? some : await countWhereTheyLie(swept, table, some, clock, counter);
      for (const number of unsaid) await sweepCopy(swept, number, table, clock);
      copied += unsaid.length;
    }
  }
  return copied;
}

/** Returns the numbers of which a count does not say all. */
async function countWhereTheyLie(
  swept: SweptTables,
  table: SessionTableName,
  numbers: readonly number[],
  clock: SessionClock,
  counter: SessionCounter,
): Promise<readonly number[]> {
  const found = numbers.flatMap((number) => {
    const held = swept.at(number, table);
    return held === null ? [] : [{ number, ...held }];
  });
  const first = Math.min(...numbers);
  const readCounters = () => swept.readCounters(first, Math.max(...numbers) - first + 1);
  const before = readCounters();
  // Most are empty, of most guests; what was, and got nothing since, still is.
  const asked = found.filter(({ number, fill }) => fill.emptyAt !== before.of(number, table).inserted);
  if (asked.length === 0) return [];
  const counts = await counter.count(table, asked, clock);
  if (counts === null) return numbers;
  const after = readCounters();
  return asked.flatMap(({ number, fill }, at) => {
    const count = counts[at];
    const counted = after.of(number, table);
    // Room for what enters is made by what is there: a walk may lose its way there.
    const isAtRest = before.of(number, table).inserted === counted.inserted;
    if (count === undefined || !isAtRest || count.ancient > 0) return [number];
    if (!fill.pressure.takeCount(counted, count.present)) return [number];
    fill.entries = count.alive;
    fill.emptyAt = count.present === 0 ? counted.inserted : null;
    return [];
  });
}

/** Looks at a copy of a table: of an LRU the kernel makes it bucket by bucket, each as it is at one moment; of sets, opening-table.ts. */
async function sweepCopy(
  swept: SweptTables,
  number: number,
  table: SessionTableName,
  clock: SessionClock,
): Promise<void> {
  const held = swept.at(number, table);
  if (held === null) return;
  const { table: entries, fill } = held;
  const { inserted } = swept.readCounters(number, 1).of(number, table);
  const { count, keys, values } = await entries.entriesAsync();
  // What was proven meanwhile was let go of by nobody; what entered is reckoned the next time.
  const { removed } = swept.readCounters(number, 1).of(number, table);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const ancient: Uint8Array[] = [];
  let alive = 0;
  for (let index = 0; index < count; index++) {
    const offset = index * SessionStruct.SIZE;
    if (!isAncient(view, offset, clock)) alive += isAlive(view, offset, clock) ? 1 : 0;
    else ancient.push(keys.subarray(index * SessionKeyStruct.SIZE, (index + 1) * SessionKeyStruct.SIZE));
  }
  fill.entries = alive;
  fill.emptyAt = null;
  fill.pressure.look({ inserted, removed }, count, () =>
    estimateEarlyShare(view, count, clock, native().possibleCpus()),
  );
  if (ancient.length === 0) return;
  const isDue = (session: DataView) => isAncient(session, 0, clock);
  fill.pressure.noteDeleted(entries.deleteBatch(joinBytes(ancient), ancient.length, isDue));
}
