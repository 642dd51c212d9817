/** Rows of the established packet: guest_xdp against the floor, as sessions and tables grow. */

import { model } from "../unit/policy/compile-fixture.ts";
import type { Bench } from "./context.ts";
import { Floor } from "./floor.ts";
import { countOf, type Flows, type IpFamily, ipFamilies, portsMax, type Target } from "./flows.ts";
import { GuestBed } from "./guest-bed.ts";
import { makeLane, makeRow, type Row, ratiosOf } from "./row.ts";
import { addressOf, macOf, openGroup, openGuest } from "./worlds.ts";

const counts = [1, 1000, 10_000, 100_000, 1_000_000] as const;
const goal = { sense: "at most", value: 1.25 } as const;
const small = { established: 1024, answered: 1024, opening: 1024 };

/** An LRU that is to hold `sessions` wants room for what waits in its free lists. */
const entriesFor = (sessions: number): number => Math.max(1024, Math.ceil(sessions * 1.1) + 512);

function targetOf(family: IpFamily, guest: number, peer: number, table: number): Target {
  return {
    mac: macOf(guest),
    local: addressOf(family, 1, guest),
    remote: addressOf(family, 90, peer),
    remotePort: 443,
    interface: `eni-${guest}`,
    table,
  };
}

/** All of one guest. */
function flowsOfOne(family: IpFamily, guest: number, sessions: number): Flows {
  const peers = Math.ceil(sessions / portsMax);
  const targets = Array.from({ length: peers }, (_, peer) => targetOf(family, guest, peer, 0));
  return { family, targets, localPorts: Math.floor(sessions / peers) };
}

/** As many of each of the guests `first`, `first` + 1, … */
function flowsOfMany(family: IpFamily, first: number, guests: number, sessions: number): Flows {
  const targets = Array.from({ length: guests }, (_, index) => targetOf(family, first + index, 0, index));
  return { family, targets, localPorts: Math.max(1, Math.floor(sessions / guests)) };
}

interface Case {
  readonly flows: Flows;
  readonly params: Row["params"];
}

async function measureCase(bench: Bench, bed: GuestBed, floor: Floor, { flows, params }: Case): Promise<Row> {
  const { repeat } = bench.effort;
  await bed.fill(flows);
  await floor.fill(flows);
  bed.use(flows);
  const times = await bench.interleave({
    Ringwall: () => bed.timePass(flows, repeat),
    floor: () => floor.timePass(flows, repeat),
    "no program": () => floor.timeNothing(flows, repeat),
  });
  const peers = Object.fromEntries(
    Object.entries(times).map(([name, samples]) => [name, makeLane(samples, "ns")]),
  );
  return makeRow("established packet / floor", params, ratiosOf(times.Ringwall, times.floor), {
    goal,
    peers,
  });
}

/** A guest, and a table of the floor, that no other flows have been in. */
async function measureOne(bench: Bench, bed: GuestBed, flows: Flows): Promise<Row> {
  const sessions = countOf(flows);
  const floor = await Floor.open(bench.objects.floor, entriesFor(sessions));
  try {
    const params = { family: flows.family, tables: "one table", sessions };
    return await measureCase(bench, bed, floor, { flows, params });
  } finally {
    floor.close();
  }
}

/** Ever more flows of the same guests: those before are among them. */
async function measureSpread(bench: Bench, bed: GuestBed, family: IpFamily, first: number): Promise<Row[]> {
  const { interfaces, sessions } = bench.effort;
  const floor = await Floor.open(bench.objects.floor, entriesFor(sessions / interfaces), interfaces);
  try {
    const rows: Row[] = [];
    let flows: Flows | null = null;
    for (const wanted of counts.filter((count) => count >= interfaces && count <= sessions)) {
      flows = flowsOfMany(family, first, interfaces, wanted);
      const params = { family, tables: `${interfaces} tables`, sessions: countOf(flows) };
      rows.push(await measureCase(bench, bed, floor, { flows, params }));
    }
    if (flows !== null) await bed.flush(flows);
    return rows;
  } finally {
    floor.close();
  }
}

export async function measureEstablished(bench: Bench): Promise<Row[]> {
  const { sessions, interfaces } = bench.effort;
  const cases = ipFamilies.flatMap((family) =>
    counts.filter((count) => count <= sessions).map((count) => ({ family, count })),
  );
  const alone = cases.map(({ count }, guest) =>
    openGuest(guest, { ...small, established: entriesFor(count) }),
  );
  const each = { ...small, established: entriesFor(sessions / interfaces) };
  const many = Array.from({ length: interfaces }, (_, index) => openGuest(cases.length + index, each));
  const world = model({ groups: [openGroup], interfaces: [...alone, ...many] });
  const bed = await GuestBed.open(bench.objects.varied, world, small);
  try {
    const rows: Row[] = [];
    for (const [guest, { family, count }] of cases.entries()) {
      bench.progress(`established packet, ${family}, ${count} sessions in one table`);
      rows.push(await measureOne(bench, bed, flowsOfOne(family, guest, count)));
    }
    for (const family of ipFamilies) {
      bench.progress(`established packet, ${family}, sessions in ${interfaces} tables`);
      rows.push(...(await measureSpread(bench, bed, family, cases.length)));
    }
    return rows;
  } finally {
    bed.close();
  }
}
