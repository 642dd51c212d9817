/** The session tables of each interface: made before its record is live, found again by their pins. */
import { join } from "node:path";
import type { SessionSizes } from "../model/model.ts";
import { noteRevoked } from "./alive.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { type HashSeedsStruct, Limit, SessionKeyStruct, SessionStruct } from "./layout.gen.ts";
import { indexKey, joinBytes } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import { OpeningTable, seedHash } from "./opening-table.ts";
import { ensureDirectory, listPins, removePin } from "./pins.ts";
import { clearTableCounters, Pressure, TableCounters } from "./pressure.ts";
import { WholeDirectory } from "./repin.ts";
import { revokeSession } from "./revoke-session.ts";
import { describeSession, matchesFilter, type SessionClock, type SessionReading } from "./session-codec.ts";
import type { SessionCounter } from "./session-counter.ts";
import { type ListedInterface, listSessions } from "./session-list.ts";
import { type SweptTables, sweepTables, type TableFigures, tableNames } from "./session-sweep.ts";
import { ShownKeys } from "./shown-keys.ts";
import type { Session, SessionFilter, SessionTableName, TableFill } from "./status.ts";

/** BPF_MAP_TYPE_LRU_HASH. Never BPF_F_NO_COMMON_LRU: one CPU would fill its share only. */
const lruHash = 9;

interface Tables {
  readonly opening: OpeningTable;
  readonly answered: BpfMap;
  readonly established: BpfMap;
}

const mapOf = (tables: Tables, table: SessionTableName): BpfMap =>
  table === "opening" ? tables.opening.map : tables[table];

/** One LRU table of proven sessions; `name` is cut to what the kernel keeps. */
export function createTable(name: string, entries: number): BpfMap {
  return native().BpfMap.create({
    type: lruHash,
    name: name.slice(0, 15),
    keySize: SessionKeyStruct.SIZE,
    valueSize: SessionStruct.SIZE,
    maxEntries: entries,
    flags: 0,
  });
}

export class SessionTables {
  readonly #arrays: ObjectMaps["sessions"];
  readonly #counters: BpfMap;
  readonly #alive: BpfMap;
  readonly #directoryNow: () => string | null;
  readonly #seeds: HashSeedsStruct;
  readonly #idle: Record<SessionTableName, BpfMap>;
  readonly #whole = new WholeDirectory();
  readonly #tables = new Map<number, Tables>();
  readonly #fills = new Map<number, Record<SessionTableName, TableFigures>>();
  /** The sweep that is not over yet: what counts, and what is reckoned of a table, is for one at a time. */
  #sweeping: Promise<number> | null = null;

  /**
   * `directory`: where tables are pinned at the moment; null: nowhere (test runs). `idle`: the table of proven sessions
   * that stands where an interface has none.
   */
  constructor(
    maps: Pick<ObjectMaps, "sessions" | "tableCounters" | "alive" | "hash">,
    directory: () => string | null,
    idle: BpfMap,
  ) {
    this.#arrays = maps.sessions;
    this.#counters = maps.tableCounters;
    this.#alive = maps.alive;
    this.#directoryNow = directory;
    this.#seeds = seedHash(maps.hash);
    const opening = OpeningTable.createMap("rw_idle", Limit.SESSION_TABLE_MIN);
    this.#idle = { opening, answered: idle, established: idle };
  }

  get #directory(): string | null {
    return this.#directoryNow();
  }

  /**
   * Takes over what an earlier agent pinned, of the numbers that are in use; removes the rest. There may be thousands, so
   * they are opened on another thread.
   */
  async adopt(numbers: ReadonlySet<number>): Promise<void> {
    const directory = this.#directory;
    if (directory === null) return;
    const pinned = new Set(listPins(directory));
    const whole: number[] = [];
    for (const number of new Set([...pinned].map((name) => Number(name.split("-")[0])))) {
      const isWhole = tableNames.every((table) => pinned.has(`${number}-${table}`));
      if (numbers.has(number) && isWhole) whole.push(number);
      else this.#removePins(number);
    }
    const paths = whole.flatMap((number) => tableNames.map((table) => join(directory, `${number}-${table}`)));
    const maps = (await native().BpfMap.openPinnedAsync(paths)).values();
    const next = (): BpfMap => {
      const { value } = maps.next();
      if (value === undefined) throw new RangeError("a table was not opened");
      return value;
    };
    // In the order of tableNames, as the paths.
    const openings = whole.map((number) => {
      const opening = new OpeningTable(next(), this.#seeds);
      this.#keep(number, { opening, answered: next(), established: next() }, { fresh: false });
      return opening;
    });
    await Promise.all(openings.map((opening) => opening.releaseAsync()));
  }

  has(number: number): boolean {
    return this.#tables.has(number);
  }

  /** What the tables of a number hold at most; null: it has none. */
  limitsOf(number: number): Readonly<Record<SessionTableName, TableFigures>> | null {
    return this.#fills.get(number) ?? null;
  }

  /** Makes the tables of numbers that have none; undone where one of them cannot be made. */
  async prepare(wanted: ReadonlyMap<number, SessionSizes>): Promise<void> {
    const missing = [...wanted].filter(([number]) => !this.#tables.has(number));
    if (missing.length === 0) return;
    const numbers = missing.map(([number]) => number);
    try {
      for (const [number, sizes] of missing) this.#make(number, sizes);
      // The kernel waits for a grace period at each insertion: together they share it.
      await this.#place(numbers, (number, table) => {
        const tables = this.#tables.get(number);
        return tables && mapOf(tables, table);
      });
      for (const number of numbers) this.#pin(number);
    } catch (error) {
      await this.release(numbers);
      const text = errorText(error);
      throw new EnforcementError("KERNEL", `no session tables for ${missing.length} interfaces: ${text}`, {
        cause: error,
      });
    }
  }

  #make(number: number, sizes: SessionSizes): void {
    const made: BpfMap[] = [];
    const create = (make: (name: string, entries: number) => BpfMap, table: SessionTableName) => {
      const map = make(`rw_${table}`, sizes[table]);
      made.push(map);
      return map;
    };
    try {
      const tables = {
        opening: new OpeningTable(create(OpeningTable.createMap, "opening"), this.#seeds),
        answered: create(createTable, "answered"),
        established: create(createTable, "established"),
      };
      clearTableCounters(this.#counters, number);
      this.#keep(number, tables, { fresh: true });
    } catch (error) {
      for (const map of made) map.close();
      throw error;
    }
  }

  /** Puts a table of each kind at each number. */
  async #place(
    numbers: readonly number[],
    tableOf: (number: number, table: SessionTableName) => BpfMap | undefined,
  ): Promise<void> {
    await Promise.all(
      tableNames.map((table) => {
        const maps = numbers.map((number) => tableOf(number, table) ?? this.#idle[table]);
        return this.#arrays[table].setInnersAsync(joinBytes(numbers.map(indexKey)), maps);
      }),
    );
  }

  /** Last: a pin says that its table is in its place. */
  #pin(number: number): void {
    const tables = this.#tables.get(number);
    if (this.#directory === null || tables === undefined) return;
    ensureDirectory(this.#directory);
    this.#removePins(number);
    for (const table of tableNames) tables[table].pin(join(this.#directory, `${number}-${table}`));
  }

  #keep(number: number, tables: Tables, { fresh }: { readonly fresh: boolean }): void {
    this.#tables.set(number, tables);
    const fill = (table: SessionTableName): TableFigures => ({
      limit: tables[table].maxEntries,
      pressure: new Pressure(fresh),
      entries: null,
      emptyAt: null,
    });
    const fills = { opening: fill("opening"), answered: fill("answered"), established: fill("established") };
    this.#fills.set(number, fills);
  }

  /** Takes the sessions of interfaces away for good. A place in an array keeps a small table nobody writes. */
  async release(numbers: readonly number[]): Promise<void> {
    const held = numbers.filter((number) => this.#tables.has(number));
    for (const number of numbers) this.#removePins(number);
    await this.#place(held, () => undefined);
    for (const number of held) {
      for (const map of Object.values(this.#tables.get(number) ?? {})) map.close();
      this.#tables.delete(number);
      this.#fills.delete(number);
    }
  }

  /** Takes the sessions of all other interfaces away. */
  async retain(numbers: ReadonlySet<number>): Promise<void> {
    await this.release([...this.#tables.keys()].filter((number) => !numbers.has(number)));
  }

  /** Makes pins again that somebody took away; says how many. */
  restorePins(): number {
    if (this.#directory === null) return 0;
    return this.#whole.restore(this.#directory, () =>
      [...this.#tables].flatMap(([number, tables]) =>
        tableNames.map((table) => [`${number}-${table}`, tables[table]] as const),
      ),
    );
  }

  #removePins(number: number): void {
    if (this.#directory === null) return;
    for (const table of tableNames) removePin(join(this.#directory, `${number}-${table}`));
  }

  /**
   * Sessions that the programs would still find, each once, in pieces; revoked ones are among them. Of these interfaces as
   * they are now: one that goes while a reader takes its time ends there.
   */
  list(interfaces: readonly ListedInterface[], clock: () => SessionClock): AsyncIterable<readonly Session[]> {
    const listed = interfaces.flatMap((one) => {
      const tables = this.#tables.get(one.number);
      return tables === undefined ? [] : [{ ...one, tables }];
    });
    // The number may be another interface's by now, its tables never.
    return listSessions(listed, ({ number, tables }) => this.#tables.get(number) === tables, clock);
  }

  /**
   * Ends in place, for good, also what the rules have revoked already; returns how many. An entry that changes
   * meanwhile loses at most its last packet's count.
   */
  async end(
    number: number,
    interfaceId: string,
    filter: SessionFilter,
    clock: SessionReading,
  ): Promise<number> {
    let ended = 0;
    const tables = this.#tables.get(number);
    if (tables === undefined) return ended;
    const shown = new ShownKeys();
    for (const table of tableNames) {
      const { count, keys, values } = await tables[table].entriesAsync();
      const isNew = shown.bring(keys);
      for (let index = 0; index < count; index++) {
        const key = SessionKeyStruct.decode(keys, index * SessionKeyStruct.SIZE);
        const entry = SessionStruct.decode(values, index * SessionStruct.SIZE);
        const session = describeSession(interfaceId, table, key, entry, clock);
        if (session.ended || session.expires_seconds === 0 || !matchesFilter(session, filter)) continue;
        const bytes = SessionKeyStruct.encode(key);
        noteRevoked(this.#alive, bytes);
        revokeSession(tables[table], bytes, entry, clock.now);
        if (isNew(index)) ended++;
      }
    }
    return ended;
  }

  /** Forgets every session of an interface. */
  async flush(number: number): Promise<void> {
    const tables = this.#tables.get(number);
    if (tables === undefined) return;
    for (const table of tableNames) {
      const { count, keys } = await tables[table].entriesAsync();
      if (count === 0) continue;
      const deleted = tables[table].deleteBatch(keys, count);
      this.#fills.get(number)?.[table].pressure.noteDeleted(deleted);
    }
  }

  /**
   * Counts what is alive and what was evicted, and deletes what is dead for weeks; returns how many tables it copied
   * (sweepTables). Who asks while one goes on gets that.
   */
  sweep(clock: SessionClock, counter: SessionCounter | null): Promise<number> {
    const swept: SweptTables = {
      numbers: () => [...this.#tables.keys()],
      at: (number, table) => {
        const [tables, fills] = [this.#tables.get(number), this.#fills.get(number)];
        if (tables === undefined || fills === undefined) return null;
        return { table: tables[table], map: mapOf(tables, table), fill: fills[table] };
      },
      readCounters: (first, count) => new TableCounters(this.#counters, first, count),
    };
    this.#sweeping ??= sweepTables(swept, clock, counter).finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  /** What all tables count at this moment. */
  readCounters(): TableCounters {
    return new TableCounters(this.#counters);
  }

  fills(number: number, counters = this.readCounters()): readonly TableFill[] {
    const fills = this.#fills.get(number);
    if (fills === undefined) return [];
    return tableNames.map((table) => {
      const { limit, entries, pressure } = fills[table];
      const { inserted, refused } = counters.of(number, table);
      const { evicted, evictedEarly } = pressure.figures;
      return { table, entries, limit, inserted, refused, evicted, evictedEarly };
    });
  }

  close(): void {
    for (const tables of this.#tables.values()) for (const table of tableNames) tables[table].close();
    this.#tables.clear();
    this.#idle.opening.close();
  }
}
