/** What a hostile guest tries on the maps behind the verdict, by the names of the attacks. */
import { afterEach, describe, expect, it } from "vitest";
import { readLost } from "../../src/kernel/counters.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { EventReader } from "../../src/kernel/events.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { eachMap } from "../../src/kernel/object-maps.ts";
import type { PacketEvent } from "../../src/kernel/status.ts";
import { FloodBed } from "../kernel/flood-bed.ts";
import { flooder, floods } from "../kernel/flood-kinds.ts";
import { buildFloodModel } from "../kernel/flood-model.ts";
import { neighbours } from "../kernel/flood-neighbours.ts";
import { FloodSource } from "../kernel/flood-source.ts";
import { ethernet, frame, ipv4, tcp } from "../support/packet.ts";

const packets = process.env.RINGWALL_TORTURE === "all" ? 10_000_000 : 1_000_000;
/** BPF_F_ZERO_SEED, "only for testing", and BPF_F_NO_COMMON_LRU, which gives a flood on one CPU its share only. */
const zeroSeed = 1 << 6;
const noCommonLru = 1 << 1;

const [refused] = floods
  .filter(({ name }) => name.startsWith("SYN to a closed port"))
  .flatMap(({ steps }) => steps);
if (refused === undefined) throw new Error("no flood is refused");

describe("hash collisions in the maps", () => {
  it("cannot be aimed: every hash has a random seed of the kernel's", async () => {
    const bed = await FloodBed.open(buildFloodModel());
    try {
      const flags = [...eachMap(bed.maps)].map(({ info: { name, flags } }) => ({ name, flags }));
      expect(flags.length).toBeGreaterThan(20);
      expect(flags.filter((one) => (one.flags & zeroSeed) !== 0)).toEqual([]);
      const place = indexKey(bed.numberOf(flooder.id));
      const tables = Object.values(bed.maps.sessions).map((outer) => outer.getInner(place));
      expect(tables.map((table) => (table?.info.flags ?? zeroSeed) & (zeroSeed | noCommonLru))).toEqual([
        0, 0, 0,
      ]);
      for (const table of tables) table?.close();
    } finally {
      bed.close();
    }
  });
});

/** A drop at another guest: nobody asked for this. */
const [neighbour] = neighbours;
if (neighbour === undefined) throw new Error("no neighbour");
const alone = frame(
  ethernet({ source: "02:00:00:00:00:01", destination: neighbour.mac }),
  ipv4({ source: "203.0.113.7", destination: neighbour.address }),
  tcp({ sourcePort: 4711, destinationPort: 22, flags: "S" }),
);

describe("a flood of drops that is to hide one event", () => {
  let bed: FloodBed;
  let source: FloodSource;

  async function begin(eventsPerSecond: number): Promise<void> {
    bed = await FloodBed.open(buildFloodModel(), { eventsPerSecond });
    source = new FloodSource(bed);
  }
  afterEach(() => {
    source.close();
    bed.close();
  });

  /** What the ring holds. */
  async function readEvents(): Promise<{ of(interfaceId: string): PacketEvent[] }> {
    const names = new Map([flooder.id, neighbour?.id ?? ""].map((id) => [digest64(id), id]));
    const events: PacketEvent[] = [];
    const reader = new EventReader(bed.maps.events, (digest) => names.get(digest) ?? null);
    const stop = reader.listen((event) => events.push(event));
    try {
      for (let before = -1; before !== events.length; ) {
        before = events.length;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    } finally {
      stop();
    }
    return { of: (id) => events.filter((event) => event.interface === id) };
  }

  it("hides nothing: the neighbour's is in the log, and what is not there is counted", async () => {
    await begin(100);
    source.run(refused, 0, packets / 2);
    expect(bed.run(neighbour.id, "ingress", [alone])).toBe(0);
    source.run(refused, packets / 2, packets / 2);
    const events = await readEvents();
    expect(events.of(neighbour.id)).toMatchObject([{ reason: "no-rule", sourcePort: 4711 }]);
    expect(events.of(flooder.id)).toHaveLength(100);
    expect(readLost(bed.maps.lost)).toEqual({ full: 0n, rate: BigInt(packets - 100) });
  });

  it("fills the ring where no rate holds it, and each event that had no room is counted", async () => {
    await begin(2 ** 31);
    source.run(refused, 0, 100_000);
    const events = await readEvents();
    const { full, rate } = readLost(bed.maps.lost);
    expect(rate).toBe(0n);
    expect(full).toBeGreaterThan(0n);
    expect(events.of(flooder.id).length + Number(full)).toBe(100_000);
  });
});
