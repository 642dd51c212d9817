/** The list of sessions while its reader takes its time. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { SessionKeyStruct, SessionState, SessionStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import type { BpfMap } from "../../src/kernel/native.ts";
import { gather } from "../../src/kernel/pieces.ts";
import type { SessionClock } from "../../src/kernel/session-codec.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import type { Session, SessionTableName } from "../../src/kernel/status.ts";
import { EngineBed } from "./engine-bed.ts";
import { putOpening } from "./put-opening.ts";

const sizes = { established: 4096, answered: 4096, opening: 4096 };
const clock: SessionClock = {
  now: 5,
  hz: 1000,
  timeouts: new Array<number>(SessionState.STATES_MAX).fill(910_000),
};

let bed: EngineBed;
let tables: SessionTables;
let idle: BpfMap;
beforeEach(async () => {
  bed = await EngineBed.open();
  idle = createTable("rw_idle", 512);
  tables = new SessionTables(bed.maps, () => null, idle);
  await tables.prepare(
    new Map([
      [3, sizes],
      [4, sizes],
    ]),
  );
});
afterEach(() => {
  tables.close();
  idle.close();
  bed.close();
});

/** Sessions of a table, by port from 0 on. */
function put(number: number, name: SessionTableName, count: number): void {
  const table = bed.maps.sessions[name].getInner(indexKey(number));
  if (table === undefined) throw new Error("the interface has no table");
  const none = SessionKeyStruct.decode(new Uint8Array(SessionKeyStruct.SIZE));
  const entry = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
  for (let localPort = 0; localPort < count; localPort++) {
    const protocol = name === "established" ? 6 : 17;
    const key = SessionKeyStruct.encode({ ...none, localPort, protocol });
    if (name === "opening") putOpening(table, bed.maps.hash, key, entry);
    else table.set(key, SessionStruct.encode(entry));
  }
  table.close();
}

const list = () =>
  tables.list(
    [3, 4].map((number) => ({ id: `eni-${number}`, number, generation: 0 })),
    () => clock,
  );
const say = ({ interface: id, table, localPort }: Session) => `${id} ${table} ${localPort}`;

it("has every session once, interface after interface, in pieces of some hundreds", async () => {
  put(3, "established", 700);
  put(3, "answered", 1);
  put(4, "opening", 300);
  const sizesOfPieces: number[] = [];
  const said: string[] = [];
  for await (const piece of list()) {
    sizesOfPieces.push(piece.length);
    said.push(...piece.map(say));
  }
  expect(Math.max(...sizesOfPieces)).toBe(256);
  expect(said).toHaveLength(1001);
  expect(new Set(said).size).toBe(1001);
  const interfaces = said.map((text) => text.slice(0, 5));
  expect(interfaces).toEqual([...interfaces].sort());
  expect(said.filter((text) => text.startsWith("eni-3 established"))).toHaveLength(700);
});

it("leaves out an interface that went meanwhile, and takes nobody else's sessions for its", async () => {
  put(3, "established", 300);
  put(4, "established", 300);
  const pieces = list()[Symbol.asyncIterator]();
  expect((await pieces.next()).value?.[0]?.interface).toBe("eni-3");
  await tables.release([4]);
  await tables.prepare(new Map([[4, sizes]]));
  put(4, "established", 5);
  const rest = await gather({ [Symbol.asyncIterator]: () => pieces });
  expect(new Set(rest.map((session) => session.interface))).toEqual(new Set(["eni-3"]));
  const now = await gather(list());
  expect(now.filter((session) => session.interface === "eni-4")).toHaveLength(5);
});

/** A clock; `act` is done when the first table was read, and no other yet. */
function afterOpening(act: () => void): () => SessionClock {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
    return clock;
  };
}

it("has a session once that is proven, or renewed, while the tables are read", async () => {
  put(3, "opening", 300);
  const pieces = tables.list(
    [{ id: "eni-3", number: 3, generation: 0 }],
    afterOpening(() => put(3, "answered", 310)),
  );
  const said = (await gather(pieces)).map(say);
  expect(said).toHaveLength(310);
  expect(said.filter((text) => text.startsWith("eni-3 answered"))).toEqual(
    expect.arrayContaining(Array.from({ length: 10 }, (_, index) => `eni-3 answered ${300 + index}`)),
  );
});
