/** The opening table as the agent has it, and beside CPUs that put flows into it. */
import { expect, it } from "vitest";
import {
  OpeningLimit,
  SessionFlag,
  SessionKeyStruct,
  SessionState,
  SessionStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey, joinBytes, type MapEntries } from "../../src/kernel/maps.ts";
import { hashKey, OpeningTable, placesOf, seedHash } from "../../src/kernel/opening-table.ts";
import { revokeSession } from "../../src/kernel/revoke-session.ts";
import { addressBytes } from "../support/packet.ts";
import type { FloodBed } from "./flood-bed.ts";
import { floodBeside } from "./flood-beside.ts";
import { flooder, floodNamed, stepOf } from "./flood-kinds.ts";
import type { FloodSource } from "./flood-source.ts";
import { floodEachTest } from "./flooded.ts";

let bed: FloodBed;
let source: FloodSource;
floodEachTest((made) => {
  ({ bed, source } = made);
});

const syn = stepOf(floodNamed("SYN from one guest"));

/** An empty table for so many entries becomes the flooder's; close it. */
async function place(entries: number): Promise<OpeningTable> {
  const map = OpeningTable.createMap("rw_opening", entries);
  await bed.maps.sessions.opening.setInnersAsync(indexKey(bed.numberOf(flooder.id)), [map]);
  return new OpeningTable(map, seedHash(bed.maps.hash));
}

function keysOf({ keys, count }: MapEntries): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    keys.subarray(index * SessionKeyStruct.SIZE, (index + 1) * SessionKeyStruct.SIZE),
  );
}

/**
 * What a table holds: flows of the flood of SYNs by their numbers; throws where one is no SYN's, or stands twice. One that
 * goes and comes again while it is read (`moving`) may be seen at both places.
 */
async function readFlows(
  table: OpeningTable,
  at: "rest" | "moving" = "rest",
): Promise<ReadonlyMap<number, Uint8Array>> {
  const entries = await table.entriesAsync();
  const found = new Map<number, Uint8Array>();
  for (const [index, key] of keysOf(entries).entries()) {
    const { localPort, remote, remotePort, protocol } = SessionKeyStruct.decode(key);
    const session = SessionStruct.decode(entries.values, index * SessionStruct.SIZE);
    const isOpening = session.state === SessionState.STATE_TCP_OPENING && session.packets > 0;
    const flow = ((remote[14] ?? 0) * 256 + (remote[15] ?? 0)) * 65_536 + localPort;
    const isTwice = at === "rest" && found.has(flow);
    if (remotePort !== 443 || protocol !== 6 || !isOpening || isTwice)
      throw new Error(`flow ${flow}, port ${remotePort}, protocol ${protocol}, state ${session.state}`);
    found.set(flow, key);
  }
  return found;
}

/** What the flooder's opening table counted. */
const counted = () => bed.engine.tables.readCounters().of(bed.numberOf(flooder.id), "opening");
const judged = (what: string) => bed.counts(flooder.id).get(`egress ${what}`) ?? 0;
/** Packets that were accepted, of flows that are new or not. */
const passed = () => judged("accept default-egress") + judged("accept session");
const noSession = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
const numbersOf = (flows: ReadonlyMap<number, Uint8Array>) => [...flows.keys()].sort((a, b) => a - b);
const forget = (table: OpeningTable, flows: readonly (readonly [number, Uint8Array])[]) =>
  table.deleteBatch(joinBytes(flows.map(([, key]) => key)), flows.length);
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

it.each([512, 1000, 4096, 50_000])(
  "a flow that a program put into a table for %i entries is found there by its key, and its neighbours stay",
  async (entries) => {
    const table = await place(entries);
    const flows = Math.min(entries / 2, 3000);
    expect(source.run(syn, 0, flows)).toBe(true);
    const there = await readFlows(table);
    expect(numbersOf(there)).toEqual(upTo(flows));
    const odd = [...there].filter(([flow]) => flow % 2 === 1);
    const keys = joinBytes(odd.map(([, key]) => key));
    expect(table.deleteBatch(keys, odd.length, () => false)).toBe(0);
    expect(forget(table, odd)).toBe(odd.length);
    expect(forget(table, odd)).toBe(0);
    expect(numbersOf(await readFlows(table))).toEqual(upTo(flows).filter((flow) => flow % 2 === 0));
    table.close();
  },
);

/** Does something while another thread sends flows 0 to `flows - 1` again and again; returns how many packets it sent. */
async function beside(flows: number, body: () => Promise<void>): Promise<number> {
  const flood = await floodBeside(bed, syn, flows);
  let sent = 0;
  try {
    await body();
  } finally {
    sent = await flood.stop();
  }
  return sent;
}

it("what the agent reads, revokes and forgets beside a CPU that opens flows is whole, and counted once", async () => {
  const table = await place(50_000);
  const flows = 4000;
  let deleted = 0;
  const sent = await beside(flows, async () => {
    for (let round = 0; round < 30; round++) {
      const there = [...(await readFlows(table, "moving"))];
      deleted += forget(
        table,
        there.filter(([flow]) => flow % 30 === round),
      );
      for (const [flow, key] of there)
        if (flow % 90 === round) revokeSession(table, key, noSession, bed.sessionClock.now);
    }
  });
  const { inserted, removed, refused } = counted();
  const { count } = await table.entriesAsync();
  // A SYN to a revoked session opens another one: that one is taken out.
  expect({ refused, there: inserted - removed - deleted }).toEqual({ refused: 0, there: count });
  expect(deleted).toBeGreaterThan(0);
  expect(passed()).toBe(sent);
  source.run(syn, 0, flows);
  expect(numbersOf(await readFlows(table))).toEqual(upTo(flows));
  table.close();
});

it("flows that two CPUs open at once stand once each, and are counted once", async () => {
  const table = await place(50_000);
  const flows = 4000;
  let [mine, deleted] = [0, 0];
  const sent = await beside(flows, async () => {
    for (let round = 0; round < 40; round++) {
      const there = [...(await readFlows(table, "moving"))];
      deleted += forget(
        table,
        there.filter(([flow]) => flow % 2 === round % 2),
      );
      source.run(syn, 0, flows);
      mine += flows;
    }
  });
  expect(numbersOf(await readFlows(table))).toEqual(upTo(flows));
  const { inserted, removed, refused } = counted();
  expect({ refused, there: inserted - removed - deleted }).toEqual({ refused: 0, there: flows });
  expect(passed()).toBe(sent + mine);
  table.close();
});

it("where two CPUs open more flows than there is room for, what is there stands once, and what was refused is counted", async () => {
  const table = await place(512);
  const flows = 4000;
  let mine = 0;
  const sent = await beside(flows, async () => {
    for (let round = 0; round < 40; round++) {
      await readFlows(table, "moving");
      source.run(syn, 0, flows);
      mine += flows;
    }
  });
  const there = await readFlows(table);
  const { inserted, removed, refused } = counted();
  expect(there.size).toBeLessThanOrEqual(table.maxEntries);
  expect(there.size).toBeGreaterThan(512);
  expect(inserted - removed).toBeGreaterThan(there.size);
  expect(passed() + refused).toBe(sent + mine);
  expect(judged("drop table-full")).toBe(refused);
  table.close();
});

it.each([
  ["leaves then", true],
  ["stays", false],
])(
  "a revocation stands, though a CPU that is at the session writes back what it read before, and %s",
  async (_, leaves) => {
    const table = await place(512);
    source.run(syn, 0, 1);
    const [[, key] = []] = await readFlows(table);
    if (key === undefined) throw new Error("no flow");
    const { map } = table;
    const swap = map.swap64.bind(map);
    const hash = hashKey(seedHash(bed.maps.hash), key);
    const [index] = placesOf(hash, map.maxEntries).filter((set) =>
      upTo(OpeningLimit.SET_WAYS).some((way) => map.add64(set, way, 0n) !== 0n),
    );
    const way = upTo(OpeningLimit.SET_WAYS).find((way) => map.add64(index ?? 0, way, 0n) !== 0n);
    if (index === undefined || way === undefined) throw new Error("no way");
    map.add64(index, way, 1n);
    let spoilt = 0;
    Object.defineProperty(map, "swap64", {
      value: (set: number, word: number, before: bigint, after: bigint) => {
        const isSwapped = swap(set, word, before, after);
        if (spoilt < 2) {
          swap(set, word, after, before);
          if (++spoilt === 2 && leaves) map.add64(index, way, BigInt.asUintN(64, -1n));
        }
        return isSwapped;
      },
    });
    revokeSession(table, key, noSession, bed.sessionClock.now);
    expect(spoilt).toBe(2);
    const { values } = await table.entriesAsync();
    expect(SessionStruct.decode(values).flags & SessionFlag.SESSION_REVOKED).not.toBe(0);
    expect(map.add64(index, way, 0n) & 0xffffn).toBe(leaves ? 0n : 1n);
    table.close();
  },
);

it("what an agent was killed holding is given to no other flow until the next agent frees it, and that alone", async () => {
  const table = await place(1);
  const ways = table.maxEntries;
  source.run(syn, 0, 200);
  const there = numbersOf(await readFlows(table));
  expect(there).toHaveLength(ways);
  const addToAll = (by: number) => {
    for (const place of upTo(ways))
      table.map.add64(Math.floor(place / OpeningLimit.SET_WAYS), place % OpeningLimit.SET_WAYS, BigInt(by));
  };
  addToAll(OpeningLimit.AGENT_HOLDS);
  source.run(syn, 1000, 1);
  expect(counted().refused).toBe(1);
  expect(numbersOf(await readFlows(table))).toEqual(there);
  // Nor is what a CPU holds at that moment.
  addToAll(1);
  expect(await table.releaseAsync()).toBe(ways);
  source.run(syn, 1000, 1);
  expect(counted().refused).toBe(2);
  table.map.add64(0, 0, BigInt.asUintN(64, -1n));
  table.map.add64(1, 0, BigInt.asUintN(64, -1n));
  source.run(syn, 1000, 1);
  expect((await readFlows(table)).has(1000)).toBe(true);
  expect(await table.releaseAsync()).toBe(0);
  table.close();
});

it("a flow whose packets go on stays, however many others come and go", async () => {
  const table = await place(1);
  source.run(syn, 0, 1);
  for (const other of upTo(200).slice(1)) {
    source.run(syn, other, 1);
    source.run(syn, 0, 1);
  }
  const there = await readFlows(table);
  expect(there.size).toBe(table.maxEntries);
  expect([there.has(0), there.has(1)]).toEqual([true, false]);
  expect(judged("accept session")).toBe(199);
  table.close();
});

it("a flow that was just revoked makes room for others last", async () => {
  const table = await place(1);
  source.run(syn, 0, table.maxEntries);
  const [[first, key] = [], [second] = []] = [...(await readFlows(table))].sort(([a], [b]) => a - b);
  if (first === undefined || second === undefined || key === undefined) throw new Error("no flows");
  // One after the other, so that no two of them were seen in one unit of the stamp.
  for (const flow of upTo(table.maxEntries)) source.run(syn, flow, 1);
  revokeSession(table, key, noSession, bed.sessionClock.now);
  source.run(syn, 1000, 1);
  const there = await readFlows(table);
  expect([there.has(first), there.has(second), there.has(1000)]).toEqual([true, false, true]);
  table.close();
});

/** Of a flow of the flood, as the programs make it. */
function keyOf(flow: number): Uint8Array {
  const high = Math.floor(flow / 65_536);
  const fields = {
    local: addressBytes(`::ffff:${flooder.ipv4}`),
    remote: addressBytes(`::ffff:198.18.${high >> 8}.${high & 0xff}`),
    localPort: flow % 65_536,
    remotePort: 443,
    protocol: 6,
    kind: 0,
    zero: 0,
  };
  return SessionKeyStruct.encode(fields);
}

it("who knew the seeds could throw out what stands in two sets, and nothing else; who does not, nothing where there is room", async () => {
  const table = await place(512);
  const seeds = seedHash(bed.maps.hash);
  const setsOf = (flow: number) => placesOf(hashKey(seeds, keyOf(flow)), table.map.maxEntries);
  const flows = 100;
  const victim = 0;
  source.run(syn, 0, flows);
  source.run(syn, 1_000_000, flows);
  expect((await readFlows(table)).size).toBe(2 * flows);
  const aimed = setsOf(victim);
  const meets = (flow: number) => setsOf(flow).some((set) => aimed.includes(set));
  let next = 2_000_000;
  for (let sent = 0; sent < 2 * OpeningLimit.SET_WAYS; next++) {
    if (!setsOf(next).every((set) => aimed.includes(set))) continue;
    bed.pass(0.01);
    source.run(syn, next, 1);
    sent++;
  }
  const left = await readFlows(table);
  expect(left.has(victim)).toBe(false);
  const others = [...upTo(flows), ...upTo(flows).map((flow) => flow + 1_000_000)];
  const elsewhere = others.filter((flow) => !meets(flow));
  expect(elsewhere.length).toBeGreaterThan(flows);
  expect(elsewhere.filter((flow) => !left.has(flow))).toEqual([]);
  table.close();
});
