/** The rows of `make bench`: an established packet against the floor, a new session as rules grow. */
import { type BpfProgram, native } from "../../src/kernel/native.ts";
import { LiveRun } from "./live-run.ts";
import { measureProofs } from "./proofs.ts";
import { makeRow, medianOf, type Row } from "./row.ts";
import { buildConnection, buildModel, buildOpenings, type Family, families, interfaceId } from "./traffic.ts";

export interface Effort {
  readonly samples: number;
  /** Runs of a sample of one packet. */
  readonly repeat: number;
  /** Packets of a sample of new flows. */
  readonly flows: number;
  /** Of the host whose proof is measured. */
  readonly interfaces: number;
}

export interface Objects {
  readonly ringwall: string;
  readonly floor: string;
}

const ruleCounts = [10, 100, 1000] as const;
/** As many sessions as the floor's table holds; an interface's default too. */
const tableEntries = 16_384;

function accumulate<Key>(samples: Map<Key, number[]>, key: Key, value: number): void {
  const list = samples.get(key);
  if (list === undefined) samples.set(key, [value]);
  else list.push(value);
}

/** Throws when the packets were not what the row says: a figure of something else is worse than none. */
function requireCount(what: string, counted: number, expected: number): void {
  if (counted !== expected) throw new Error(`${what}: ${counted} packets were it, not ${expected}`);
}

/** Established packets: Ringwall, the floor and the least program in turn; all with the test run's own share. */
function timeEstablished(run: LiveRun, floor: BpfProgram, family: Family, { samples, repeat }: Effort) {
  const { opening, packet } = buildConnection(family);
  for (const { direction, data } of opening) run.send(direction, data);
  const before = run.accepted(interfaceId, "session");
  const times = { ours: [] as number[], floor: [] as number[], least: [] as number[] };
  for (let sample = 0; sample < samples; sample++) {
    times.ours.push(run.time(packet, repeat));
    times.floor.push(floor.testRun({ data: packet, repeat }).duration);
    times.least.push(run.least.testRun({ data: packet, repeat }).duration);
  }
  requireCount(`established, ${family}`, run.accepted(interfaceId, "session") - before, samples * repeat);
  return times;
}

async function measureEstablished(objects: Objects, effort: Effort): Promise<Row[]> {
  const object = native().BpfObject.load({ path: objects.floor });
  const floor = object.program("floor_xdp");
  try {
    const run = await LiveRun.open(objects.ringwall, buildModel(10), tableEntries);
    try {
      return families.flatMap((family) => {
        const times = timeEstablished(run, floor, family, effort);
        const ratios = times.ours.map((time, index) => time / (times.floor[index] ?? Number.NaN));
        return [
          makeRow("established packet / floor", { family }, ratios, { unit: "ratio", goal: 1.25 }),
          makeRow("established packet", { family }, times.ours, { unit: "ns", goal: null }),
          makeRow("floor", { family }, times.floor, { unit: "ns", goal: null }),
          makeRow("least program", { family }, times.least, { unit: "ns", goal: null }),
        ];
      });
    } finally {
      run.close();
    }
  } finally {
    floor.close();
    object.close();
  }
}

/**
 * Median time of a first packet, ns, less that of the least program on the same frames: every flow is another
 * one, so each is one run, whose time the kernel takes around the program alone.
 */
async function timeOpenings(run: LiveRun, openings: readonly Uint8Array[]): Promise<number> {
  await run.flush(interfaceId);
  const before = run.accepted(interfaceId, "rule");
  const ours = openings.map((data) => run.time(data, 1));
  requireCount("new sessions", run.accepted(interfaceId, "rule") - before, openings.length);
  const least = openings.map((data) => run.least.testRun({ data }).duration);
  return medianOf(ours) - medianOf(least);
}

async function openAll(path: string): Promise<Map<number, LiveRun>> {
  const runs = new Map<number, LiveRun>();
  try {
    for (const rules of ruleCounts)
      runs.set(rules, await LiveRun.open(path, buildModel(rules), tableEntries));
  } catch (error) {
    for (const run of runs.values()) run.close();
    throw error;
  }
  return runs;
}

/** New sessions at each number of rules in turn; a sample's ratio is to the fewest rules of the same turn. */
async function measureNew(objects: Objects, { samples, flows }: Effort): Promise<Row[]> {
  const runs = await openAll(objects.ringwall);
  try {
    const rows: Row[] = [];
    for (const family of families) {
      const openings = buildOpenings(family, flows);
      const times = new Map<number, number[]>();
      for (let sample = 0; sample < samples; sample++)
        for (const [rules, run] of runs) accumulate(times, rules, await timeOpenings(run, openings));
      const fewest = times.get(ruleCounts[0]) ?? [];
      for (const [rules, list] of times) {
        const ratios = list.map((time, index) => time / (fewest[index] ?? Number.NaN));
        const name = `new session / at ${ruleCounts[0]} rules`;
        if (rules !== ruleCounts[0])
          rows.push(makeRow(name, { family, rules }, ratios, { unit: "ratio", goal: 1.5 }));
        rows.push(makeRow("new session", { family, rules }, list, { unit: "ns", goal: null }));
      }
    }
    return rows;
  } finally {
    for (const run of runs.values()) run.close();
  }
}

/** Throws KernelError where the objects do not load, and when packets were not judged as the rows say. */
export async function measureAll(objects: Objects, effort: Effort): Promise<Row[]> {
  return [
    ...(await measureEstablished(objects, effort)),
    ...(await measureNew(objects, effort)),
    ...(await measureProofs(effort)),
  ];
}
