/**
 * Floods of one guest, or to one guest, while the sessions of others run. `RINGWALL_TORTURE=all` sends ten million
 * packets of each; otherwise as many as turn the flooded guest's tables over several times.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { FloodBed } from "./flood-bed.ts";
import { type Flood, FloodSource, flooder, floods } from "./flood-kinds.ts";
import { buildFloodModel } from "./flood-model.ts";
import { type Guest, neighbours, Openings, Sessions } from "./flood-neighbours.ts";

const isWhole = process.env.RINGWALL_TORTURE === "all";
/** Packets of a flood, and how many of them in a second of the test's clock. */
interface Effort {
  readonly packets: number;
  readonly rate: number;
}
const short: Effort = { packets: 60_000, rate: 200_000 };
const effort: Effort = isWhole ? { packets: 10_000_000, rate: 1_000_000 } : short;
const stepSeconds = 0.01;
const roundTrip = 0.05;
const unitsOfBatch = 250;
const timeout = isWhole ? 900_000 : 60_000;

const flooded: Guest = { id: flooder.id, mac: flooder.mac, address: flooder.ipv4 };

const model = buildFloodModel();
/** 10,000 established sessions of others, and answered ones. */
const theirs = neighbours.flatMap((guest) => [
  new Sessions(guest, "tcp", 2500),
  new Sessions(guest, "udp", 1000),
]);
const own = new Sessions(flooded, "tcp", 1000);

/** What a flood did. */
interface Outcome {
  readonly sent: number;
  readonly lostEstablished: number;
  readonly lostAnswered: number;
  readonly lostOwn: number;
  /** Share of the others' new connections that came about. */
  readonly opened: number;
}

/** Floods for `packets / rate` seconds of the clock; each session of others speaks once a second meanwhile. */
function flood(bed: FloodBed, kind: Flood, { packets, rate }: Effort): Outcome {
  const source = new FloodSource(kind, unitsOfBatch);
  const openings = new Openings(bed);
  let sent = 0;
  const steps = Math.ceil(packets / (rate * stepSeconds));
  for (let turn = 0; turn < steps; turn++) {
    const now = turn * stepSeconds;
    if (now + roundTrip < steps * stepSeconds) openings.start(now, roundTrip);
    while (sent < (turn + 1) * rate * stepSeconds) {
      sent += source.send((direction, frames) => bed.run(flooder.id, direction, frames));
    }
    for (const sessions of theirs) sessions.speak(bed, turn % 100, 100);
    bed.pass(stepSeconds);
    openings.answer(now + stepSeconds);
  }
  const lost = (kind: "tcp" | "udp") =>
    theirs.filter((one) => one.kind === kind).reduce((sum, sessions) => sum + sessions.lost(bed), 0);
  return {
    sent,
    lostEstablished: lost("tcp"),
    lostAnswered: lost("udp"),
    lostOwn: own.lost(bed),
    opened: openings.succeeded / openings.tried,
  };
}

/** Afresh: all sessions are open, nothing else is remembered, every bound is whole. */
async function begin(bed: FloodBed): Promise<void> {
  await bed.flush();
  bed.pass(2);
  for (const sessions of [...theirs, own]) sessions.open(bed);
}

const countAll = (bed: FloodBed): number =>
  [...bed.counts(flooder.id).values()].reduce((sum, packets) => sum + packets, 0);

let bed: FloodBed;

describe("a flood takes nothing from the guests beside it", () => {
  beforeAll(async () => {
    bed = await FloodBed.open(model);
    return () => bed.close();
  });

  it.each(floods)("$name", { timeout }, async (kind) => {
    await begin(bed);
    const before = countAll(bed);
    const outcome = flood(bed, kind, effort);
    console.log(kind.name, JSON.stringify(outcome));
    expect(outcome).toMatchObject({ lostEstablished: 0, lostAnswered: 0 });
    expect(outcome.opened).toBeGreaterThanOrEqual(0.99);
    if (kind.takes !== "established") expect(outcome.lostOwn).toBe(0);
    // Each packet of the flood was judged, and counted once; so were two of each session of its own.
    expect(countAll(bed) - before).toBe(outcome.sent + 2 * own.count);
  });
});

describe("control: where all guests have one set of tables and bounds, others lose", () => {
  beforeAll(async () => {
    bed = await FloodBed.open(model);
    bed.shareNumberOf(flooder.id);
    return () => bed.close();
  });

  it.each(floods.filter(({ takes }) => takes !== "nothing"))("$takes to $name", { timeout }, async (kind) => {
    await begin(bed);
    const { lostEstablished, lostAnswered, opened } = flood(bed, kind, short);
    if (kind.takes === "openings") expect(opened).toBeLessThan(0.5);
    else if (kind.takes === "answered") expect(lostAnswered).toBeGreaterThan(0);
    else expect(lostEstablished).toBeGreaterThan(0);
  });
});

describe("a session that cannot be remembered", () => {
  it("is refused as table-full, each packet counted, and none passes", async () => {
    bed = await FloodBed.open(model);
    try {
      await begin(bed);
      bed.removeTable(flooder.id, "opening");
      const before = bed.counts(flooder.id);
      const opening = floods.filter(({ name }) => /^(SYN|UDP|first|answered)/.test(name));
      const refused = { egress: 0, ingress: 0 };
      for (const kind of opening) {
        const [first] = kind.steps;
        if (first === undefined) continue;
        const one = new FloodSource({ ...kind, steps: [first] }, unitsOfBatch);
        refused[first.direction] += one.send((direction, packets) => {
          expect(bed.run(flooder.id, direction, packets)).toBe(0);
        });
      }
      const after = bed.counts(flooder.id);
      for (const direction of ["egress", "ingress"] as const) {
        const reason = `${direction} drop table-full`;
        expect((after.get(reason) ?? 0) - (before.get(reason) ?? 0)).toBe(refused[direction]);
      }
      expect(own.lost(bed)).toBe(0);
    } finally {
      bed.close();
    }
  });
});
