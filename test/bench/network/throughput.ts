/**
 * Small packets through a host, from one guest to another: what comes out in a second, lane by lane in turn.
 *
 * Live XDP frames leave the sender's veth, go through the host, and are counted in XDP at the receiver's end. One CPU
 * does it all: it makes a batch of frames and then, before the next one, has them go all the way.
 */
import type { Bench } from "../context.ts";
import { type Goal, makeLane, makeRow, type Row, ratiosOf } from "../row.ts";
import { buildRules } from "./rules.ts";
import type { Stand, Yard } from "./yard.ts";

const ruleCounts = [10, 100, 1000, 4000] as const;
export const mostFlows = 100_000;
const flowCounts = [1, mostFlows] as const;
/** All that the streams can make: a run never comes to the end of them. */
const endless = 60_000 * 256;
const firstFrames = 2000;

/** Rounds that learn how many frames a window takes: the first ones find nothing in the CPU's caches. */
/** Flows that are opened at once. */
const portion = 2000;
const warming = 2;
const mostRounds = 5;

type Samples = Readonly<Record<string, readonly number[]>>;

interface Stream {
  /** How many flows the frames go through, one after the other. */
  readonly flows: number;
  /** Each was answered before. */
  readonly established: boolean;
}

/** Of each lane, the flow that comes next; so that none comes twice where each has to be new. */
type Places = Map<string, number>;

/** Sends for about a window's time; answers frames a second that came out, in millions. */
class Meter {
  readonly #yard: Yard;
  readonly #stand: Stand;
  readonly #window: number;
  readonly #stream: Stream;
  /** Frames of a window, learnt from the one before. */
  #frames = firstFrames;
  readonly #places: Places;

  /** `window`, ms. */
  constructor(yard: Yard, stand: Stand, window: number, stream: Stream, places: Places) {
    this.#yard = yard;
    this.#stand = stand;
    this.#window = window;
    this.#stream = stream;
    this.#places = places;
  }

  async measure(): Promise<number> {
    const { flows, established } = this.#stream;
    if (!established) this.#stand.lane.forget();
    const first = this.#places.get(this.#stand.name) ?? 0;
    const sending = { count: this.#frames, flows, first, back: false };
    const { sent, received, settled, ns } = await this.#yard.send(this.#stand, sending);
    if (settled === 0) throw new Error(`${this.#stand.name}: nothing of ${sending.count} frames came out`);
    this.#places.set(this.#stand.name, (first + sending.count) % flows);
    this.#frames = Math.max(firstFrames, Math.round((sent * this.#window * 1e6) / ns));
    return (received * 1e3) / ns;
  }
}

/** Each flow is sent both ways, twice: proven to every firewall. In portions that a table of unproven ones holds. */
async function openFlows(yard: Yard, stand: Stand, flows: number): Promise<void> {
  for (let first = 0; first < flows; first += portion)
    for (const back of [false, true, false, true]) {
      const count = Math.min(portion, flows - first);
      const { settled } = await yard.send(stand, { count, flows, first, back });
      if (settled < 0.99 * count)
        throw new Error(`${stand.name}: of ${count} frames only ${settled} came out`);
    }
}

/** Packets that are not what the row says: a figure of something else is worse than none. */
function requireShare({ name, lane }: Stand, { established }: Stream): void {
  const share = lane.sessionShare();
  if (share === null || (established ? share > 0.99 : share < 0.01)) return;
  throw new Error(`${name}: ${(100 * share).toFixed(1)} % of the packets were of sessions that were there`);
}

async function measureStream(bench: Bench, yard: Yard, stream: Stream, places: Places): Promise<Samples> {
  const many = stream.established && stream.flows > 1;
  const stands = yard.stands.filter(({ kind }) => !(many && kind.lossy));
  const lanes = Object.fromEntries(
    stands.map((stand) => {
      const meter = new Meter(yard, stand, bench.effort.window / 2, stream, places);
      return [stand.name, () => meter.measure()] as const;
    }),
  );
  for (let round = 0; round < warming; round++) for (const measure of Object.values(lanes)) await measure();
  for (const { lane } of stands) lane.sessionShare();
  const samples = await bench.interleave(lanes, Math.min(mostRounds, bench.effort.rounds));
  for (const stand of stands) requireShare(stand, stream);
  return samples;
}

interface Promised {
  readonly lane: string;
  readonly by: string;
  readonly goal: Goal | null;
}

const atLeast = (value: number): Goal => ({ sense: "at least", value });
const plain = ["Ringwall, native", "Ringwall, tc"];
const direct = "Ringwall, direct, native";

/** What is promised of a stream. */
function promisesOf(established: boolean, rules: number): Promised[] {
  const nftables = established ? 4 : ({ 1000: 20, 4000: 60 } as Record<number, number>)[rules];
  return [
    ...plain.map((lane) => ({ lane, by: "no firewall", goal: atLeast(0.85) })),
    { lane: "look-ups without a verdict", by: "no firewall", goal: null },
    { lane: "Ringwall, tc", by: "look-ups without a verdict", goal: null },
    { lane: "Ringwall, direct, tc", by: "no firewall", goal: null },
    { lane: direct, by: "no firewall", goal: atLeast(established ? 1.5 : 1) },
    { lane: direct, by: "redirect without a verdict", goal: atLeast(established ? 0.75 : 0.5) },
    ...(nftables === undefined ? [] : [{ lane: direct, by: "nftables", goal: atLeast(nftables) }]),
  ];
}

function describe({ flows, established }: Stream): string {
  if (!established) return "every packet a new flow";
  return `${flows === 1 ? "one flow" : `${flows.toLocaleString("en")} flows`} established`;
}

/** A row for each promise; that of direct forwarding against no firewall shows all that stood side by side. */
function rowsOf(samples: Samples, stream: Stream, rules: number): Row[] {
  const lanes = new Map(Object.entries(samples).map(([name, list]) => [name, makeLane(list, "Mpps")]));
  return promisesOf(stream.established, rules).flatMap(({ lane, by, goal }) => {
    const [ours, theirs] = [samples[lane], samples[by]];
    if (ours === undefined || theirs === undefined) return [];
    const others = lane === direct && by === "no firewall" ? lanes.keys() : [by];
    const names = [lane, ...[...others].filter((name) => name !== lane)];
    const peers = Object.fromEntries(
      names.flatMap((name) => {
        const one = lanes.get(name);
        return one === undefined ? [] : [[name, one]];
      }),
    );
    const name = `small packets, ${describe(stream)}: ${lane} / ${by}`;
    return [makeRow(name, { rules }, ratiosOf(ours, theirs), { goal, peers })];
  });
}

/** Flows that were answered first, while they are remembered; then packets that are each a new flow. */
export async function measureThroughput(bench: Bench, yard: Yard): Promise<Row[]> {
  const counts = ruleCounts.filter((rules) => rules <= bench.effort.rules);
  const rows: Row[] = [];
  const measure = async (stream: Stream, rules: number, places: Places) => {
    bench.progress(`small packets, ${describe(stream)}, ${rules} rules`);
    await yard.setRules(buildRules(rules));
    rows.push(...rowsOf(await measureStream(bench, yard, stream, places), stream, rules));
  };
  for (const flows of flowCounts.filter((flows) => flows <= bench.effort.sessions)) {
    await yard.setRules(buildRules(ruleCounts[0]));
    for (const stand of yard.stands)
      if (!(flows > 1 && stand.kind.lossy)) await openFlows(yard, stand, flows);
    for (const rules of counts) await measure({ flows, established: true }, rules, new Map());
  }
  const unused: Places = new Map(yard.stands.map(({ name }) => [name, mostFlows]));
  for (const rules of counts) await measure({ flows: endless, established: false }, rules, unused);
  return rows;
}
