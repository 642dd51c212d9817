/**
 * Floods on real devices: live frames of one guest, or from the uplink to it, while another guest's connections wait
 * for their answers. Each round trip of theirs is as long as 100,000 frames of the flood take.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InterfaceStruct } from "../../src/kernel/layout.gen.ts";
import { native } from "../../src/kernel/native.ts";
import type { PacketCounter } from "../../src/kernel/status.ts";
import type { Direction } from "../../src/model/model.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { type Flood, flooder, floods } from "../kernel/flood-kinds.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { ethernet, frame, ipv4, join, number, pad, payload, tcp, toHex, udp } from "../support/packet.ts";
import { buildFrames, FramePair, makeFolder, removeFolder, type SentFrame } from "./frame-pair.ts";
import { Links, type Place, setUp } from "./links.ts";

const framesOfFlood = 100_000;
const framesOfPortion = 50_000;
/** More than the kernel keeps apart in a CPU's own lists (128), whatever becomes of the table. */
const connections = 500;
const established = 500;

const guest = { mac: "02:00:00:00:01:01", address: "192.0.2.11" };
const server = { mac: "02:00:00:00:00:80", address: "203.0.113.80" };
/** The host's devices, as the frames of flood-kinds.ts address them. */
const hostMacs = { tap0: "02:00:00:00:00:01", tap1: "02:00:00:00:00:02", up0: flooder.mac };

const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 443/443, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 5000/5000, remote: 0.0.0.0/0}
instances:
  i-0: {interfaces: {${flooder.id}: {device: tap0, network: vpc-a, mac: "${flooder.mac}", addresses: [${flooder.ipv4}, "${flooder.ipv6}"], groups: [sg-t]}}}
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "${guest.mac}", addresses: [${guest.address}], groups: [sg-t]}}}
`;

let links: Links;
let host: Place;
let places: Readonly<Record<"guest" | "uplink", Place>>;
let bundle: ReturnType<typeof bundleDriver>;
let object: ReturnType<typeof compileObject>;
let frames: FramePair;
let folder: string;

/** A guest's or the uplink's device pair; the host's end takes frames without an skb (NAPI), as live frames need it. */
function connect(device: keyof typeof hostMacs, end: Place, mac: string): void {
  links.connect({ place: host, device, mac: hostMacs[device] }, { place: end, device: "eth0", mac });
  host.run("ethtool", ["-K", device, "gro", "on"]);
}

function route(): void {
  host.forward();
  for (const [address, mac, device] of [
    [flooder.ipv4, flooder.mac, "tap0"],
    [guest.address, guest.mac, "tap1"],
    [server.address, server.mac, "up0"],
  ] as const) {
    host.ip("route", "add", `${address}/32`, "dev", device);
    host.ip("neigh", "add", address, "lladdr", mac, "dev", device, "nud", "permanent");
  }
  // Where the flooder's frames go to.
  host.ip("route", "add", "blackhole", "198.18.0.0/16");
  host.ip("-6", "route", "add", "blackhole", "2001:db8:ffff::/64");
}

beforeAll(() => {
  links = new Links("flood");
  bundle = bundleDriver("network-flood");
  object = compileObject("flood");
  folder = makeFolder();
  const [noisy, quiet, far] = ["noisy", "quiet", "far"].map((name) => links.add(name));
  host = links.add("host");
  if (noisy === undefined || quiet === undefined || far === undefined) throw new Error("no places");
  places = { guest: noisy, uplink: far };
  connect("tap0", noisy, flooder.mac);
  connect("tap1", quiet, guest.mac);
  connect("up0", far, server.mac);
  setUp({ place: host, device: "up0", addresses: ["203.0.113.254/32"] });
  route();
  frames = new FramePair(buildFrames(folder), { far: far.path, guest: quiet.path }, last);
});
afterAll(() => {
  frames?.end();
  links.remove();
  object.remove();
  bundle.remove();
  removeFolder(folder);
});

function between(direction: Direction, tag: number, transport: ReturnType<typeof tcp>): Uint8Array {
  const [from, to] = direction === "egress" ? [guest, server] : [server, guest];
  return frame(
    ethernet({ source: from.mac, destination: direction === "egress" ? hostMacs.tap1 : hostMacs.up0 }),
    ipv4({ source: from.address, destination: to.address }),
    transport,
    payload(join(new TextEncoder().encode("RW-TAG"), number(tag, 4))),
  );
}

/** What is accepted whatever was opened before. */
const last = (direction: Direction, tag: number): Uint8Array =>
  between(direction, tag, udp({ sourcePort: 1024 + (tag % 60_000), destinationPort: 5000 }));

/** A segment of the guest's connection from this port. */
function segment(port: number, direction: Direction, flags: string): SentFrame {
  const [mine, theirs] = direction === "egress" ? [1000, 5000] : [5000, 1000];
  const ports =
    direction === "egress"
      ? { sourcePort: port, destinationPort: 8443 }
      : { sourcePort: 8443, destinationPort: port };
  const sequence = flags.includes("S") ? mine - 1 : mine;
  const fields = { ...ports, flags, sequence, acknowledgement: flags === "S" ? 0 : theirs };
  return { direction, make: (tag) => between(direction, tag, tcp(fields)) };
}

const portsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index);

/** A segment of each of these connections; those that came out at the other end. */
async function pass(ports: readonly number[], direction: Direction, flags: string): Promise<number[]> {
  const heard = await frames.pass(ports.map((port) => segment(port, direction, flags)));
  return ports.filter((_, index) => heard[index]);
}

let nextNumber = 0;

/** Frames that came in at a device of the host. */
function received(device: string): number {
  const [link]: { stats64: { rx: { packets: number } } }[] = JSON.parse(
    host.ip("-s", "-j", "link", "show", "dev", device),
  );
  return link?.stats64.rx.packets ?? 0;
}

/** Portions of a flood until this is known to fail: a receiver without a CPU may lose most of one. */
const mostPortions = 20;

/** Sends frames of a flood until its size has arrived, each of which has to be judged once at the flooder's device. */
async function send(driver: Driver, kind: Flood): Promise<void> {
  const [step] = kind.steps;
  if (step === undefined) throw new Error("a flood without packets");
  const place = step.direction === "egress" ? places.guest : places.uplink;
  const sender = Driver.start(place.name, bundle.path);
  const device = step.direction === "egress" ? "tap0" : "up0";
  const before = { judged: await countFlood(driver, step.direction), received: received(device) };
  const arrived = () => received(device) - before.received;
  const judged = async () => (await countFlood(driver, step.direction)) - before.judged;
  try {
    for (let portion = 0; portion < mostPortions && arrived() < framesOfFlood; portion++) {
      await sender.call("flood", {
        object: object.path,
        device: "eth0",
        template: toHex(pad(step.template, 64)),
        low: step.low,
        // In the payload, not in an address: the host routes no packet whose header's checksum is wrong.
        high: 62,
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
  const asked = await pass(portsFrom(nextPort, connections), "egress", "S");
  nextPort += connections;
  expect(asked).toHaveLength(connections);
  await flood();
  const answered = await pass(asked, "ingress", "SA");
  const opened = await pass(await pass(answered, "egress", "A"), "ingress", "A");
  return opened.length;
}

async function withHost(body: (driver: Driver, root: string) => Promise<void>): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(host.name, bundle.path);
    try {
      const settings = { eventsPerSecond: 0, uplinks: [{ device: "up0", networks: null }] };
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      await driver.call("applyRules", rules);
      await body(driver, root);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

/** All interfaces count, remember and are bounded under one number. */
function shareNumber(root: string): void {
  const map = native().BpfMap.openPinned(`${root}/current/maps/rw_interfaces`);
  const { count, keys, values } = map.entries();
  const records = Array.from({ length: count }, (_, index) => ({
    key: keys.slice(index * 4, index * 4 + 4),
    record: InterfaceStruct.decode(values.subarray(index * InterfaceStruct.SIZE)),
  })).filter(({ record }) => record.id !== 0n);
  const [first] = records;
  for (const { key, record } of records)
    map.set(key, InterfaceStruct.encode({ ...record, number: first?.record.number ?? 0 }));
  map.close();
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
].map(named);

function named(name: string): Flood {
  const kind = floods.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no flood ${name}`);
  return kind;
}

describe("a flood of live frames", () => {
  it("takes no connection from the guest beside it, old or new, and each frame is judged once", async () => {
    await withHost(async (driver) => {
      const old = portsFrom(nextPort, established);
      nextPort += established;
      for (const [direction, flags] of [
        ["egress", "S"],
        ["ingress", "SA"],
        ["egress", "A"],
      ] as const)
        expect(await pass(old, direction, flags)).toHaveLength(established);
      for (const kind of sample) {
        expect(await openDuring(() => send(driver, kind)), kind.name).toBe(connections);
        expect(await pass(old, "ingress", "A"), kind.name).toHaveLength(established);
      }
    });
  });

  it.each(["SYN from one guest", "UDP one way from the uplink to one guest"])(
    "control: takes them in a flood of %s where both guests have one set of tables",
    async (name) => {
      await withHost(async (driver, root) => {
        shareNumber(root);
        expect(await openDuring(() => send(driver, named(name)))).toBeLessThan(connections / 2);
      });
    },
  );
});
