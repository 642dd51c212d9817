/**
 * Floods of one guest, or from the uplink to one guest, while the sessions of others run: a million packets of each
 * kind, at a million in a second of the test's clock; `RINGWALL_TORTURE=all` sends ten.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { FloodBed } from "./flood-bed.ts";
import { type Flood, flooder, floods } from "./flood-kinds.ts";
import { buildFloodModel } from "./flood-model.ts";
import { type Guest, neighbours, Openings, Sessions } from "./flood-neighbours.ts";
import { FloodRun, FloodSource } from "./flood-source.ts";

const isWhole = process.env.RINGWALL_TORTURE === "all";
const millions = isWhole ? 10 : 1;
const packetsOfFlood = millions * 1_000_000;
/** The control loses much sooner. */
const packetsOfControl = 200_000;
const packetsPerSecond = 1_000_000;
const stepSeconds = 0.01;
const roundTrip = 0.05;
const unitsOfBatch = 500;
const timeout = millions * 60_000;

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

/** A flood of so many packets; each session of others speaks once a second of the clock meanwhile. */
function flood(kind: Flood, packets: number): Outcome {
  const run = new FloodRun(source, kind, unitsOfBatch);
  const openings = new Openings(bed);
  const steps = packets / (packetsPerSecond * stepSeconds);
  let sent = 0;
  for (let turn = 0; turn < steps; turn++) {
    const now = turn * stepSeconds;
    if (now + roundTrip < steps * stepSeconds) openings.start(now, roundTrip);
    while (sent < (turn + 1) * packetsPerSecond * stepSeconds) sent += run.send();
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
let source: FloodSource;

async function open(): Promise<() => void> {
  bed = await FloodBed.open(model);
  source = new FloodSource(bed);
  return () => {
    source.close();
    bed.close();
  };
}

describe("a flood takes nothing from the guests beside it", () => {
  beforeAll(open);

  it.each(floods)("$name", { timeout }, async (kind) => {
    await begin(bed);
    const before = countAll(bed);
    const outcome = flood(kind, packetsOfFlood);
    console.log(kind.name, JSON.stringify(outcome));
    expect(outcome).toMatchObject({ lostEstablished: 0, lostAnswered: 0 });
    expect(outcome.opened).toBeGreaterThanOrEqual(0.99);
    // Only established TCP takes the place of established TCP, of the flooded guest's own too.
    if (kind.takes !== "established") expect(outcome.lostOwn).toBe(0);
    // Each packet of the flood was judged, and counted once; so were two of each session of its own.
    expect(countAll(bed) - before).toBe(outcome.sent + 2 * own.count);
  });
});

describe("control: where all guests have one set of tables and bounds, others lose", () => {
  beforeAll(async () => {
    const close = await open();
    await bed.shareNumberOf(flooder.id);
    return close;
  });

  it.each(floods.filter(({ takes }) => takes !== "nothing"))("$takes to $name", { timeout }, async (kind) => {
    await begin(bed);
    const { lostEstablished, lostAnswered, opened } = flood(kind, packetsOfControl);
    if (kind.takes === "openings") expect(opened).toBeLessThan(0.5);
    else if (kind.takes === "answered") expect(lostAnswered).toBeGreaterThan(0);
    else expect(lostEstablished).toBeGreaterThan(0);
  });
});

describe("a session that cannot be remembered", () => {
  beforeAll(async () => {
    const close = await open();
    await begin(bed);
    bed.removeTable(flooder.id, "opening");
    return close;
  });

  it.each(floods.filter(({ takes }) => takes !== "nothing").filter(({ name }) => !/^(ARP|neigh)/.test(name)))(
    "is refused as table-full in a flood of $name, each packet counted, and none passes",
    ({ steps: [first] }) => {
      if (first === undefined) throw new Error("a flood without packets");
      const count = () => bed.counts(flooder.id).get(`${first.direction} drop table-full`) ?? 0;
      const before = count();
      for (let number = 0; number < 100; number++) expect(source.run(first, number, 1)).toBe(false);
      source.run(first, 100, 9900);
      expect(count() - before).toBe(10_000);
      expect(own.lost(bed)).toBe(0);
    },
  );
});
