/** Rows of the kernel's memory: what a session, a rule and a member take, against what the kernel takes for the like. */
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { eachMap } from "../../src/kernel/object-maps.ts";
import { OpeningTable } from "../../src/kernel/opening-table.ts";
import { tableNames } from "../../src/kernel/session-sweep.ts";
import { createTable } from "../../src/kernel/sessions.ts";
import { defaultSettings } from "../../src/kernel/settings.ts";
import type { Model } from "../../src/model/model.ts";
import { EngineBed } from "../kernel/engine-bed.ts";
import { group, iface, model, remote, tcp } from "../unit/policy/compile-fixture.ts";
import type { Bench } from "./context.ts";
import { makeLane, makeRow, type Row } from "./row.ts";

const goal = { sense: "at most", value: 1.1 } as const;
const array = 2;
const noPrealloc = 1;

function rowOf(name: string, params: Row["params"], ours: number, kernels: number): Row {
  const peers = { Ringwall: makeLane([ours], "bytes"), "the kernel's element": makeLane([kernels], "bytes") };
  return makeRow(`memory of ${name} / of the kernel's element`, params, [ours / kernels], { goal, peers });
}

/** Bytes that the kernel takes for one more element of a map like this one. */
function elementOf(like: BpfMap, keyAt: (index: number) => Uint8Array): number {
  const { type, keySize, valueSize } = like.info;
  if (type === array) return Math.ceil(valueSize / 8) * 8;
  const count = 4096;
  const map = native().BpfMap.create({
    type,
    name: "bench_like",
    keySize,
    valueSize,
    maxEntries: count,
    flags: noPrealloc,
  });
  try {
    const before = map.info.memory;
    for (let index = 0; index < count; index++) map.set(keyAt(index), new Uint8Array(valueSize));
    return (map.info.memory - before) / count;
  } finally {
    map.close();
  }
}

/** All three tables of an interface at the sizes that an agent chooses, for each session that they hold. */
function measureSessions(): Row {
  const { sessions } = defaultSettings;
  const tables = tableNames.map((name) => ({
    entries: sessions[name],
    map: (name === "opening" ? OpeningTable.createMap : createTable)(`rw_${name}`, sessions[name]),
  }));
  const sum = (of: (table: (typeof tables)[number]) => number) =>
    tables.reduce((total, table) => total + of(table), 0);
  const ours = sum(({ map }) => map.info.memory) / sum(({ entries }) => entries);
  for (const { map } of tables) map.close();
  const entries = 1 << 16;
  const like = createTable("bench_like", entries);
  const kernels = like.info.memory / entries;
  like.close();
  return rowOf("a session", {}, ours, kernels);
}

/** What the maps take more after the change; places of arrays that are used count as if they were made for it. */
async function measureGrowth(
  bed: EngineBed,
  before: Model,
  after: Model,
): Promise<{ bytes: number; elements: Map<BpfMap, number> }> {
  const look = () => new Map([...eachMap(bed.maps)].map((map) => [map, map.info.memory]));
  const fills = () => new Map(bed.engine.fill.map(({ map, entries }) => [map, entries]));
  await bed.apply(before);
  await bed.engine.settle();
  const [memory, filled] = [look(), fills()];
  await bed.apply(after);
  await bed.engine.settle();
  const [memoryAfter, filledAfter] = [look(), fills()];
  let bytes = 0;
  const elements = new Map<BpfMap, number>();
  for (const map of eachMap(bed.maps)) {
    const { name, type, valueSize } = map.info;
    const grown = (filledAfter.get(name) ?? 0) - (filled.get(name) ?? 0);
    if (grown !== 0) elements.set(map, grown);
    bytes += type === array ? grown * valueSize : (memoryAfter.get(map) ?? 0) - (memory.get(map) ?? 0);
  }
  return { bytes, elements };
}

function sumElements(
  elements: ReadonlyMap<BpfMap, number>,
  lpm: (size: number, index: number) => Uint8Array,
): number {
  return [...elements].reduce(
    (sum, [map, count]) => sum + count * elementOf(map, (index) => lpm(map.info.keySize, index)),
    0,
  );
}

/** A key of any map: different in its last bytes, and in a trie as long as it can be. */
function keyOf(size: number, index: number): Uint8Array {
  const key = new Uint8Array(size);
  const view = new DataView(key.buffer);
  view.setUint32(0, (size - 4) * 8, true);
  view.setUint32(size - 4, index, false);
  return key;
}

const rulesOf = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    tcp(1000 + index, 1000 + index, { remote: remote(`10.${index >> 8}.${index & 255}.0/24`) }),
  );

async function measureRules(bed: EngineBed, rules: number): Promise<Row> {
  const world = (count: number) =>
    model({ groups: [group("sg-t", rulesOf(count))], interfaces: [iface(1, ["sg-t"], ["10.0.0.1"])] });
  const { bytes, elements } = await measureGrowth(bed, world(0), world(rules));
  return rowOf("a rule", { rules }, bytes / rules, sumElements(elements, keyOf) / rules);
}

async function measureMembers(bed: EngineBed, members: number): Promise<Row> {
  const world = (count: number) =>
    model({
      groups: [group("sg-t", [tcp(80, 80, { remote: remote("sg-t") })])],
      interfaces: Array.from({ length: count }, (_, index) =>
        iface(
          index + 1,
          ["sg-t"],
          [`10.${index >> 8}.${index & 255}.1`],
          index === 0 ? {} : { hosts: ["elsewhere"] },
        ),
      ),
    });
  const { bytes, elements } = await measureGrowth(bed, world(1), world(members + 1));
  return rowOf("a member", { members }, bytes / members, sumElements(elements, keyOf) / members);
}

export async function measureMemory({ effort, progress }: Bench): Promise<Row[]> {
  progress("memory");
  const bed = await EngineBed.open(16, {});
  try {
    const rows = [measureSessions()];
    for (const rules of [200, 4000].filter((count) => count <= Math.max(200, effort.rules)))
      rows.push(await measureRules(bed, rules));
    rows.push(await measureMembers(bed, 10 * effort.interfaces));
    return rows;
  } finally {
    bed.close();
  }
}
