/** Times of sessions are 32 bits of jiffies: what idles for weeks must not come to life when they come round. */
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  SessionFlag,
  SessionKeyStruct,
  SessionState,
  SessionStruct,
  SessionTable,
  TableCounterStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey, joinBytes } from "../../src/kernel/maps.ts";
import { native } from "../../src/kernel/native.ts";
import { gather } from "../../src/kernel/pieces.ts";
import type { SessionClock } from "../../src/kernel/session-codec.ts";
import { SessionCounter } from "../../src/kernel/session-counter.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { EngineBed } from "./engine-bed.ts";
import { putOpening } from "./put-opening.ts";

const number = 3;
const hz = 1000;
const now = 5;
const timeouts = new Array<number>(SessionState.STATES_MAX).fill(910 * hz);

let counter: SessionCounter;
let bed: EngineBed;
let tables: SessionTables;
beforeEach(async () => {
  bed = await EngineBed.open();
  counter = await SessionCounter.load("build/ringwall.bpf.o", bed.maps.sessions);
  const idle = createTable("rw_idle", 512);
  tables = new SessionTables(bed.maps, () => null, idle);
  await tables.prepare(new Map([[number, { established: 1024, answered: 1024, opening: 1024 }]]));
  idle.close();
});
afterEach(() => {
  tables.close();
  counter.close();
  bed.close();
});

const kinds = ["established", "opening"] as const;
/** The table that is filled, and asked. */
let kind: (typeof kinds)[number] = "established";

/** Sessions that idle for so many jiffies, by port. */
function put(
  idle: number,
  localPort: number,
  flags = 0,
  state: number = SessionState.STATE_TCP_ESTABLISHED,
): void {
  const table = bed.maps.sessions[kind].getInner(indexKey(number));
  if (table === undefined) throw new Error("the interface has no table");
  const zeros = new Uint8Array(SessionKeyStruct.SIZE);
  const key = SessionKeyStruct.encode({ ...SessionKeyStruct.decode(zeros), localPort, protocol: 6 });
  const blank = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
  const entry = { ...blank, seen: (now - idle) >>> 0, state, flags };
  if (kind === "opening") putOpening(table, bed.maps.hash, key, entry);
  else table.set(key, SessionStruct.encode(entry));
  table.close();
}

const list = (clock: SessionClock) =>
  gather(tables.list([{ id: "eni-3", number, generation: 0 }], () => clock));
const sweep = (by: "copies" | "counts") =>
  tables.sweep({ now, hz, timeouts }, by === "counts" ? counter : null);
const fill = () => tables.fills(number).find(({ table }) => table === kind);
const entries = () => fill()?.entries;
it.each(kinds.flatMap((table) => [{ by: "copies", table } as const, { by: "counts", table } as const]))(
  "a sweep by $by deletes what has idled for weeks of the $table table, keeps what may be asked about, and counts and lists what is alive",
  async ({ by, table }) => {
    kind = table;
    put(0, 1);
    put(909 * hz, 2);
    put(911 * hz, 3);
    put(2 ** 30 - 1, 4);
    put(2 ** 30, 5);
    put(2 ** 31 + 7, 6);
    put(2 ** 32 - 2 ** 21, 7);
    put(-3, 8);
    // Revoked for good: its time means nothing.
    put(2 ** 30 + 5, 9, SessionFlag.SESSION_REVOKED);
    await sweep(by);
    const left = await list({ now, hz, timeouts: timeouts.map(() => 2 ** 32) });
    expect(left.map(({ localPort }) => localPort).sort()).toEqual([1, 2, 3, 4, 8, 9]);
    expect(entries()).toBe(4);
    const alive = await list({ now, hz, timeouts });
    expect(
      alive
        .map(({ localPort, revoked, expires_seconds: left }) => [localPort, revoked, left === null])
        .sort(),
    ).toEqual([
      [1, false, false],
      [2, false, false],
      [8, false, false],
      [9, true, true],
    ]);
  },
);

it.each(kinds)("counts the same where they lie as in copies, of every state and age: %s", async (table) => {
  kind = table;
  const idles = [0, 909 * hz, 910 * hz - 1, 910 * hz, 911 * hz, 2 ** 30 - 1, -3, -(2 ** 20) + 1];
  let localPort = 0;
  for (let state = 0; state < SessionState.STATES_MAX; state++)
    for (const flags of [0, SessionFlag.SESSION_REVOKED])
      for (const idle of idles) put(idle, localPort++, flags, state);
  await sweep("copies");
  const copied = entries();
  expect(copied).toBeGreaterThan(localPort / 3);
  expect(copied).toBeLessThan(localPort);
  put(0, localPort);
  expect(await sweep("counts")).toBe(0);
  expect(entries()).toBe((copied ?? 0) + 1);
});

/** A counter beside which something else happens, before it counts or after. */
function countBeside({
  before = () => {},
  after = () => {},
}: Partial<Record<"before" | "after", () => void>>) {
  return Object.assign(Object.create(counter), {
    count: async (...asked: Parameters<SessionCounter["count"]>) => {
      const isAsked = asked[0] === kind;
      if (isAsked) before();
      const counts = await counter.count(...asked);
      if (isAsked) after();
      return counts;
    },
  });
}

const placeOf = { established: SessionTable.TABLE_ESTABLISHED, opening: SessionTable.TABLE_OPENING };

/** What went into the table, and what the programs took out, as they count it. */
function countInserts(inserted: bigint, removed = 0n): void {
  const place = number * SessionTable.TABLES_MAX + placeOf[kind];
  const one = TableCounterStruct.encode({ inserted, removed, refused: 0n });
  const each = Array.from({ length: native().possibleCpus() }, (_, cpu) =>
    cpu === 0 ? one : new Uint8Array(one.length),
  );
  bed.maps.tableCounters.setBatch(indexKey(place), joinBytes(each), 1);
}

it.each(kinds)(
  "copies a table that sessions entered while it was counted, or that let go of some: %s",
  async (table) => {
    kind = table;
    const clock = { now, hz, timeouts };
    put(0, 1);
    countInserts(1n);
    expect(await sweep("counts")).toBe(0);
    const enter = countBeside({ after: () => countInserts(2n) });
    expect(await tables.sweep(clock, enter)).toBe(1);
    countInserts(5n);
    expect(await sweep("counts")).toBe(1);
    expect(fill()?.evicted).toBe(4);
    expect(await sweep("counts")).toBe(0);
  },
);

it.each(kinds)("takes nothing for let go of that was proven while it was counted: %s", async (table) => {
  kind = table;
  put(0, 1);
  countInserts(2n, 1n);
  expect(await sweep("counts")).toBe(0);
  countInserts(3n, 1n);
  const prove = countBeside({ before: () => countInserts(3n, 2n) });
  expect(await tables.sweep({ now, hz, timeouts }, prove)).toBe(0);
  expect(fill()?.evicted).toBe(0);
});

it("is one for all who ask for one while it goes on", async () => {
  put(0, 80);
  let counted = 0;
  const beside = countBeside({ before: () => void counted++ });
  const asked = [tables.sweep({ now, hz, timeouts }, beside), tables.sweep({ now, hz, timeouts }, beside)];
  await Promise.all(asked);
  expect([counted, entries()]).toEqual([1, 1]);
  await tables.sweep({ now, hz, timeouts }, beside);
  expect(counted).toBe(2);
});

it.each(kinds)("asks of an empty table no more, until something was put in: %s", async (table) => {
  kind = table;
  let asked = 0;
  const recording = countBeside({ before: () => asked++ });
  const look = () => tables.sweep({ now, hz, timeouts }, recording);
  await look();
  await look();
  expect({ asked, entries: entries() }).toEqual({ asked: 1, entries: 0 });
  put(0, 1);
  countInserts(1n);
  await look();
  expect({ asked, entries: entries() }).toEqual({ asked: 2, entries: 1 });
  await look();
  expect({ asked, entries: entries() }).toEqual({ asked: 3, entries: 1 });
});
