/** Rows of changes: from the model in memory until the kernel judges by it, proof included, against `nft -f`. */
import type { Model } from "../../src/model/model.ts";
import { ChangeBed } from "./change-bed.ts";
import { buildHost, buildLargeGroup, buildNamed } from "./change-worlds.ts";
import type { Bench } from "./context.ts";
import { Nft } from "./nft.ts";
import { makeLane, makeRow, type Row, type RowParts, ratiosOf } from "./row.ts";

const atMost = (value: number) => ({ sense: "at most", value }) as const;
const atLeast = (value: number) => ({ sense: "at least", value }) as const;
/** The compiler of JavaScript has seen the way by then, as in an agent that runs. */
const warmUps = 5;

interface Beds {
  readonly bench: Bench;
  readonly bed: ChangeBed;
  readonly nft: Nft;
}

/** Models that take turns, so that each is a change of the one before. */
async function alternate({ bench, bed, nft }: Beds, models: readonly Model[], rounds: number) {
  const entries: number[] = [];
  let [turn, loaded] = [0, 0];
  const take = async () => {
    const next = models[turn++ % models.length];
    if (next === undefined) throw new Error("no models");
    const { time, report } = await bed.apply(next);
    entries.push(report.entriesWritten);
    return time;
  };
  for (let warm = 0; warm <= warmUps; warm++) await take();
  const nftLane = () => {
    const next = models[loaded++ % models.length];
    return next === undefined ? Number.NaN : nft.load(next);
  };
  entries.length = 0;
  const times = await bench.interleave({ Ringwall: take, "nft -f": nftLane }, rounds);
  return { ...times, entries };
}

type Times = Awaited<ReturnType<typeof alternate>>;

function rowsOf(name: string, params: Row["params"], times: Times, goal: RowParts["goal"]): Row[] {
  const peers = { Ringwall: makeLane(times.Ringwall, "ms"), "nft -f": makeLane(times["nft -f"], "ms") };
  return [
    makeRow(name, params, times.Ringwall, { unit: "ms", goal: goal ?? null, peers }),
    makeRow(`nft -f / ${name}`, params, ratiosOf(times["nft -f"], times.Ringwall), {
      goal: atLeast(10),
      peers,
    }),
  ];
}

/** One rule of a large group, and of a small one: what is written is the same. */
async function measureRule(beds: Beds): Promise<Row[]> {
  const { bench, bed } = beds;
  const members = 2 * bench.effort.interfaces;
  bench.progress(`one rule of a group of ${members}`);
  const models = (count: number) => [9001, 9002].map((port) => buildLargeGroup(count, port));
  const large = await alternate(beds, models(members), 3 * bench.effort.rounds);
  await bed.clear();
  const small = await alternate(beds, models(2), bench.effort.rounds);
  await bed.clear();
  return [
    ...rowsOf("change of one rule", { members }, large, atMost(10)),
    makeRow(
      "entries written by one rule / in a group of 2",
      { members },
      [(large.entries[0] ?? Number.NaN) / (small.entries[0] ?? Number.NaN)],
      { goal: atMost(1.05), peers: { Ringwall: makeLane(large.entries, "entries") } },
    ),
  ];
}

/** A member joins a group that many rules name; its set of groups is one that is there already, or a new one. */
async function measureJoin(beds: Beds): Promise<Row[]> {
  const { bench, bed } = beds;
  const rules = Math.min(500, bench.effort.interfaces);
  bench.progress(`one member joins a group that ${rules} rules name`);
  const others = Array.from({ length: 20 }, () => ["sg-named"]);
  const world = (sets: readonly string[]) =>
    buildNamed(rules, bench.effort.interfaces, [["sg-other"], sets, ...others]);
  const known = await alternate(beds, [world(["sg-other"]), world(["sg-named"])], 2 * bench.effort.rounds);
  await bed.clear();
  const name = "one member joins a group that rules name";
  return [
    ...rowsOf(name, { rules }, known, null),
    makeRow("entries written by one member", { rules }, [Math.max(...known.entries)], {
      unit: "entries",
      // Its address and the link-local one of its MAC.
      goal: atMost(2),
    }),
  ];
}

async function measureNothing({ bench, bed, nft }: Beds, policies: number, goal: number): Promise<Row[]> {
  const { interfaces, rounds } = bench.effort;
  bench.progress(`${interfaces} interfaces from nothing, ${policies} policies`);
  const world = buildHost(interfaces, policies);
  const tables: number[] = [];
  const entries: number[] = [];
  const apply = async () => {
    await bed.clear();
    tables.push(await bed.makeTables());
    const { time, report } = await bed.apply(world);
    entries.push(report.entriesWritten);
    return time / 1000;
  };
  // A large one is long enough for its spread to be small.
  const some = policies > 100 ? Math.min(rounds, 3) : rounds;
  const times = await bench.interleave(
    { Ringwall: apply, "nft -f": async () => (await nft.load(world)) / 1000 },
    some,
  );
  await bed.clear();
  const peers = {
    Ringwall: makeLane(times.Ringwall, "s"),
    "nft -f": makeLane(times["nft -f"], "s"),
    entries: makeLane(entries, "entries"),
  };
  const params = { interfaces, policies };
  return [
    makeRow("200 rules an interface from nothing", params, times.Ringwall, {
      unit: "s",
      goal: atMost(goal),
      peers,
    }),
    makeRow("session tables made", { ...params, tables: 3 * interfaces }, tables, { unit: "ms" }),
  ];
}

export async function measureChanges(bench: Bench): Promise<Row[]> {
  const { interfaces } = bench.effort;
  const nft = new Nft();
  const bed = await ChangeBed.open(interfaces);
  const beds = { bench, bed, nft };
  try {
    return [
      ...(await measureRule(beds)),
      ...(await measureJoin(beds)),
      ...(await measureNothing(beds, Math.min(20, interfaces), 2)),
      ...(interfaces < 1000 ? [] : await measureNothing(beds, interfaces, 5)),
    ];
  } finally {
    bed.close();
    nft.close();
  }
}
