/**
 * Floods on real devices: live frames of one guest, or from the uplink to it, while another guest's connections wait
 * for their answers. Each round trip of theirs is as long as 100,000 frames of the flood take. A guest's frames come out
 * of a veth, or are written into a tap, as those of a virtual machine are.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InterfaceStruct } from "../../src/kernel/layout.gen.ts";
import { native } from "../../src/kernel/native.ts";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import type { Direction } from "../../src/model/model.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { type Flood, flooder, floodNamed } from "../kernel/flood-kinds.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { shareTables } from "../kernel/share-tables.ts";
import { pad, toHex } from "../support/packet.ts";
import { FloodBed, rules } from "./flood-bed.ts";
import type { Machine, MachineFlood } from "./machine.ts";

/** `RINGWALL_TORTURE=all` sends ten times as many. */
const framesOfFlood = process.env.RINGWALL_TORTURE === "all" ? 1_000_000 : 100_000;
const framesOfPortion = framesOfFlood / 2;
/** More than the kernel keeps apart in a CPU's own lists (128), whatever becomes of the table. */
const connections = 500;
const established = 500;

let bed: FloodBed;
let bundle: ReturnType<typeof bundleDriver>;
let object: ReturnType<typeof compileObject>;

beforeAll(() => {
  bundle = bundleDriver("network-flood");
  object = compileObject("flood");
});
afterAll(() => {
  object.remove();
  bundle.remove();
});

const portsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index);

/** Of the next frame of a flood. */
let nextNumber = 0;

/** Portions of a flood until this is known to fail: a receiver without a CPU may lose most of one. */
const mostPortions = 20;

/** Sends frames of a flood, each of which has to be judged once at the flooder's device. */
async function send(driver: Driver, kind: Flood): Promise<void> {
  const [step] = kind.steps;
  if (step === undefined) throw new Error("a flood without packets");
  const before = await countFlood(driver, step.direction);
  const judged = async () => (await countFlood(driver, step.direction)) - before;
  // In the payload, not in an address: the host routes no packet whose header's checksum is wrong.
  const flood = { low: step.low, high: 62, template: pad(step.template, 64) };
  if (step.direction === "egress" && bed.machine !== null) await sendByMachine(bed.machine, flood, judged);
  else await sendLive(step.direction, flood, judged);
}

type Numbered = Omit<MachineFlood, "first" | "packets">;

/** Nothing else is behind a machine's device, and nothing is lost on the way. */
async function sendByMachine(
  machine: Machine,
  flood: Numbered,
  judged: () => Promise<number>,
): Promise<void> {
  const packets = framesOfFlood;
  expect(await machine.flood({ ...flood, first: nextNumber, packets })).toBe(packets);
  nextNumber += packets;
  await expect.poll(judged).toBe(packets);
}

/** By the kernel at the other end of a veth, until the flood's size has arrived. */
async function sendLive(direction: Direction, flood: Numbered, judged: () => Promise<number>): Promise<void> {
  const [from, device] =
    direction === "egress" ? [bed.places.guest, "tap0"] : ([bed.places.uplink, "up0"] as const);
  const before = bed.received(device);
  const arrived = () => bed.received(device) - before;
  const sender = Driver.start(from.name, bundle.path);
  try {
    for (let portion = 0; portion < mostPortions && arrived() < framesOfFlood; portion++) {
      await sender.call("flood", {
        ...flood,
        object: object.path,
        device: "eth0",
        template: toHex(flood.template),
        first: nextNumber,
        packets: framesOfPortion,
      });
      nextNumber += framesOfPortion;
    }
  } finally {
    await sender.kill();
  }
  // The namespaces say a word or two of their own.
  await expect.poll(async () => arrived() - (await judged())).toBeLessThan(20);
  expect(await judged()).toBeLessThanOrEqual(arrived());
  expect(arrived()).toBeGreaterThanOrEqual(framesOfFlood);
}

async function countFlood(driver: Driver, direction: Direction): Promise<number> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return counters
    .filter((one) => one.interface === flooder.id && one.direction === direction)
    .reduce((sum, { packets }) => sum + Number(packets), 0);
}

let nextPort = 20_000;

/** New connections of the neighbour, each of which waits for its answer during the flood; how many came about. */
async function openDuring(flood: () => Promise<void>): Promise<number> {
  const asked = await bed.pass(portsFrom(nextPort, connections), "egress", "S");
  nextPort += connections;
  expect(asked).toHaveLength(connections);
  await flood();
  const answered = await bed.pass(asked, "ingress", "SA");
  const opened = await bed.pass(await bed.pass(answered, "egress", "A"), "ingress", "A");
  return opened.length;
}

async function withHost(
  attach: "native" | "tc",
  body: (driver: Driver, root: string) => Promise<void>,
): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(bed.host.name, bundle.path);
    try {
      const settings = { attach, eventsPerSecond: 0, uplinks: [{ device: "up0", networks: null }] };
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      const { interfaces } = await driver.call<KernelStatus>("applyRules", rules);
      expect(interfaces.map(({ mode }) => mode)).toEqual([attach, attach]);
      await body(driver, root);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

/** All interfaces remember in one set of tables, and are bounded under one number. */
async function shareNumber(root: string): Promise<void> {
  const open = (name: string) => native().BpfMap.openPinned(`${root}/current/maps/${name}`);
  const map = open("rw_interfaces");
  const { count, keys, values } = map.entries();
  const records = Array.from({ length: count }, (_, index) => ({
    key: keys.slice(index * 4, index * 4 + 4),
    record: InterfaceStruct.decode(values.subarray(index * InterfaceStruct.SIZE)),
  })).filter(({ record }) => record.id !== 0n);
  const [first] = records;
  for (const { key, record } of records)
    map.set(key, InterfaceStruct.encode({ ...record, number: first?.record.number ?? 0 }));
  map.close();
  const arrays = ["rw_opening", "rw_answered", "rw_established"].map(open);
  const numbers = new Set(records.map(({ record }) => record.number));
  await shareTables(arrays, first?.record.number ?? 0, [...numbers]);
  for (const array of arrays) array.close();
}

/** Of those from the uplink what the host routes: IPv4 whose header holds no number. */
const sample = [
  "SYN from one guest",
  "SYN over IPv6 from one guest",
  "UDP one way from one guest",
  "first fragments from one guest",
  "ARP from one guest",
  "SYN from the uplink to one guest",
  "UDP one way from the uplink to one guest",
  "SYN to a closed port from the uplink to one guest",
].map(floodNamed);

const oneOfEach = ["SYN from one guest", "UDP one way from the uplink to one guest"].map(floodNamed);
const fromGuests = sample.filter(({ steps }) => steps[0]?.direction === "egress");

describe.each([
  { devices: "veth", attach: "native", kinds: sample, controls: oneOfEach },
  { devices: "tap", attach: "native", kinds: fromGuests, controls: oneOfEach.slice(0, 1) },
  { devices: "tap", attach: "tc", kinds: oneOfEach, controls: oneOfEach.slice(0, 1) },
] as const)("a flood of live frames, where guests have $devices devices ($attach)", (row) => {
  const { devices, attach, kinds, controls } = row;
  beforeAll(async () => {
    bed = await FloodBed.build(devices);
  });
  afterAll(() => bed?.remove());

  it("takes no connection from the guest beside it, old or new, and each frame is judged once", async () => {
    await withHost(attach, async (driver) => {
      const old = portsFrom(nextPort, established);
      nextPort += established;
      for (const [direction, flags] of [
        ["egress", "S"],
        ["ingress", "SA"],
        ["egress", "A"],
      ] as const)
        expect(await bed.pass(old, direction, flags)).toHaveLength(established);
      for (const kind of kinds) {
        expect(await openDuring(() => send(driver, kind)), kind.name).toBe(connections);
        expect(await bed.pass(old, "ingress", "A"), kind.name).toHaveLength(established);
      }
    });
  });

  for (const kind of controls)
    it(`control: takes them in a flood of ${kind.name} where both guests have one set of tables`, async () => {
      await withHost(attach, async (driver, root) => {
        await shareNumber(root);
        expect(await openDuring(() => send(driver, kind))).toBeLessThan(connections / 2);
      });
    });
});
