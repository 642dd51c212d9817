/** Times of sessions are 32 bits of jiffies: what idles for weeks must not come to life when they come round. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { SessionFlag, SessionKeyStruct, SessionState, SessionStruct } from "../../src/kernel/layout.gen.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { EngineBed } from "./engine-bed.ts";

const number = 3;
const hz = 1000;
const now = 5;
const timeouts = new Array<number>(SessionState.STATES_MAX).fill(910 * hz);

let bed: EngineBed;
let tables: SessionTables;
beforeEach(async () => {
  bed = await EngineBed.open();
  const idle = createTable("rw_idle", 512);
  tables = new SessionTables(bed.maps, () => null, idle);
  await tables.prepare(new Map([[number, { established: 1024, answered: 1024, opening: 1024 }]]));
  idle.close();
});
afterEach(() => {
  tables.close();
  bed.close();
});

/** Established sessions that idle for so many jiffies, by port. */
function put(idle: number, localPort: number, flags = 0): void {
  const table = bed.maps.sessions.established.getInner(new Uint8Array(Uint32Array.of(number).buffer));
  if (table === undefined) throw new Error("the interface has no table");
  const zeros = new Uint8Array(SessionKeyStruct.SIZE);
  const key = SessionKeyStruct.encode({ ...SessionKeyStruct.decode(zeros), localPort, protocol: 6 });
  const entry = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
  const state = SessionState.STATE_TCP_ESTABLISHED;
  table.set(key, SessionStruct.encode({ ...entry, seen: (now - idle) >>> 0, state, flags }));
  table.close();
}

it("a sweep deletes what has idled for weeks, keeps what may be asked about, and counts and lists what is alive", async () => {
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
  await tables.sweep({ now, hz, timeouts });
  const left = await tables.list(number, "eni-3", {
    now,
    hz,
    timeouts: timeouts.map(() => 2 ** 32),
    generation: 0,
  });
  expect(left.map(({ localPort }) => localPort).sort()).toEqual([1, 2, 3, 4, 8, 9]);
  expect(tables.fills(number).find(({ table }) => table === "established")?.entries).toBe(4);
  const alive = await tables.list(number, "eni-3", { now, hz, timeouts, generation: 0 });
  expect(
    alive.map(({ localPort, revoked, expires_seconds: left }) => [localPort, revoked, left === null]).sort(),
  ).toEqual([
    [1, false, false],
    [2, false, false],
    [8, false, false],
    [9, true, true],
  ]);
});
