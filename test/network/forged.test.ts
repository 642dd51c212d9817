/**
 * What a guest may not do, and what always works, on real devices: the rows of that chapter of docs/semantics.md as frames
 * that a raw socket sends behind a guest's device, on a bridge that floods each of them to all.
 *
 *   guest (eth0) ── tap-eni-1 ─┐
 *                              br0 ── up0 ── uplink (eth0)
 *   other (eth0) ── tap-other ─┘
 */
import type { ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import type { Direction, Family } from "../../src/model/model.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { alwaysRows } from "../semantics/guest-always.ts";
import { dhcpRows } from "../semantics/guest-dhcp.ts";
import { forbiddenRows } from "../semantics/guest-forbidden.ts";
import { announce, arpIn, arpOut, dhcp6Out, dhcpOut } from "../semantics/guest-frames.ts";
import { ownRows } from "../semantics/guest-own.ts";
import type { Play, Sentences } from "../semantics/rows.ts";
import { writeRules } from "../semantics/setting.ts";
import type { Step } from "../semantics/steps.ts";
import { guestMac } from "../support/bed.ts";
import { join, number } from "../support/packet.ts";
import { buildFrames, FramePair, makeFolder, removeFolder, type SentFrame } from "./frame-pair.ts";
import { addBridge, Links, type Place, setUp, waitForCarriers, waitForPorts } from "./links.ts";
import { buildWire, makeTaps, startWire } from "./taps.ts";

type Packet = Extract<Step, { kind: "packet" }>;
/** Who hears what the guest sends, and sends what it may hear. */
type Listener = "uplink" | "other";

const own = "eni-1";
const device = `tap-${own}`;

/** A frame that carries a tag behind its end, where Ethernet pads. */
const tagged = (frame: Uint8Array, tag: number): Uint8Array =>
  join(frame, new TextEncoder().encode("RW-TAG"), number(tag, 4));

const sent = ({ direction, frame }: Packet, family: Family): SentFrame => ({
  direction,
  make: (tag) => tagged(frame(family), tag),
});

const [markOut, markIn] = [arpOut(""), arpIn("")] as [Packet, Packet];
/** What always works. */
const mark = (direction: Direction): SentFrame => sent(direction === "egress" ? markOut : markIn, 4);

/** What passes now and here: packets of this guest, in which no time goes by and nothing changes. */
function livePlays(sentences: Sentences): readonly Play[] {
  return Object.values(sentences)
    .flat()
    .filter(
      (row) =>
        row.kind === "play" &&
        Object.keys(row.settings).length === 0 &&
        row.steps.every((step) => step.kind === "packet"),
    ) as Play[];
}

const packetsOf = (play: Play): readonly Packet[] =>
  play.steps.filter((step) => step.kind === "packet").filter(({ on }) => on === own);

const isDropped = ({ expect: expected }: Packet) => expected.startsWith("drop ");
const reasonOf = ({ expect: expected }: Packet) => expected.split(" ")[1] ?? "";

/** Each of them is among what the rows forge. */
const forgedReasons = [
  "egress spoofed-mac",
  "egress spoofed-address",
  "egress dhcp",
  "egress router-advertisement",
  "egress redirect",
  "egress source-route",
  "egress neighbour-discovery",
  "ingress other-mac",
];

let links: Links;
let bundle: ReturnType<typeof bundleDriver>;
let folder: string;

beforeAll(() => {
  links = new Links("forged");
  bundle = bundleDriver("forged");
  folder = makeFolder();
});
afterAll(() => {
  links.remove();
  bundle.remove();
  removeFolder(folder);
});

/** A namespace that says nothing of its own: every frame is one of the test's. */
function addSilent(name: string): Place {
  const place = links.add(name);
  place.sysctl("ipv6.conf.default.disable_ipv6=1");
  return place;
}

class ForgedBed {
  readonly host: Place;
  readonly pairs: Readonly<Record<Listener, FramePair>>;
  readonly #wire: ChildProcess | null;

  private constructor(host: Place, pairs: ForgedBed["pairs"], wire: ChildProcess | null) {
    this.host = host;
    this.pairs = pairs;
    this.#wire = wire;
  }

  static async make(devices: "veth" | "tap"): Promise<ForgedBed> {
    const add = (name: string) => addSilent(`${devices}-${name}`);
    const [host, guest, other, uplink] = [add("host"), add("guest"), add("other"), add("uplink")];
    addBridge(host, "br0");
    host.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "0");
    const near = { place: host, device, bridge: "br0" };
    const far = { place: guest, device: "eth0", mac: guestMac };
    let wire: ChildProcess | null = null;
    if (devices === "tap") {
      makeTaps(near, far);
      for (const end of [near, far]) setUp(end);
      wire = await startWire(buildWire(folder), [near, far]);
    } else {
      links.connect(near, far);
    }
    links.connect({ place: host, device: "tap-other", bridge: "br0" }, { place: other, device: "eth0" });
    links.connect({ place: host, device: "up0", bridge: "br0" }, { place: uplink, device: "eth0" });
    // A bridge that learns would send frames for a forged source back to the forger.
    for (const port of [device, "tap-other", "up0"])
      host.ip("link", "set", port, "type", "bridge_slave", "learning", "off");
    await waitForPorts(host, "br0");
    await waitForCarriers("eth0", guest, other, uplink);
    const program = buildFrames(folder);
    const pair = (listener: Place, firstTag: number) =>
      new FramePair(
        program,
        { far: listener.path, guest: guest.path },
        (direction, tag) => mark(direction).make(tag),
        firstTag,
      );
    return new ForgedBed(host, { uplink: pair(uplink, 1), other: pair(other, 1_000_000) }, wire);
  }

  end(): void {
    for (const pair of Object.values(this.pairs)) pair.end();
    this.#wire?.kill("SIGKILL");
  }
}

async function withDriver(
  bed: ForgedBed,
  attach: "native" | "tc",
  body: (driver: Driver) => Promise<void>,
  alwaysPerSecond = defaultSettings.alwaysPerSecond,
): Promise<void> {
  await withBpffs(async (root) => {
    const driver = Driver.start(bed.host.name, bundle.path);
    try {
      const settings = { attach, eventsPerSecond: 0, alwaysPerSecond };
      await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
      await body(driver);
      await driver.call("close", { detach: true });
    } finally {
      await driver.kill();
    }
  });
}

/** Packets of the guest that were dropped, by direction and reason. */
async function countDropped(driver: Driver): Promise<Map<string, number>> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return new Map(
    counters
      .filter((one) => one.interface === own && one.verdict === "drop" && Number(one.packets) > 0)
      .map((one) => [`${one.direction} ${one.reason}`, Number(one.packets)]),
  );
}

interface Passed {
  readonly packet: Packet;
  readonly heard: boolean;
  /** The frame that was sent after it. */
  readonly markHeard: boolean;
}

/** Plays a row's packets, each with a mark behind it. */
async function play(
  driver: Driver,
  pair: FramePair,
  row: Play,
  family: Family,
  attach: "native" | "tc",
): Promise<Passed[]> {
  await driver.call("end");
  const rules = writeRules(row.setting, { family, start: 1_800_000_000 });
  const { interfaces } = await driver.call<KernelStatus>("applyRules", rules);
  expect(interfaces.find((one) => one.interface === own)).toMatchObject({ mode: attach, state: "enforcing" });
  const packets = packetsOf(row);
  const frames = packets.flatMap((packet) => [sent(packet, family), mark(packet.direction)]);
  // One after the other where it matters what went the other way before: a wire carries each way when it can.
  const portions = fresh.has(row) ? frames.map((frame) => [frame]) : [frames];
  const heard: boolean[] = [];
  for (const portion of portions) heard.push(...(await pair.pass(portion)));
  return packets.map((packet, index) => ({
    packet,
    heard: heard[2 * index] === true,
    markHeard: heard[2 * index + 1] === true,
  }));
}

/** What these packets add to what was dropped before. */
function addDropped(before: ReadonlyMap<string, number>, packets: readonly Packet[]): Map<string, number> {
  const after = new Map(before);
  for (const packet of packets.filter(isDropped)) {
    const name = `${packet.direction} ${reasonOf(packet)}`;
    after.set(name, (after.get(name) ?? 0) + 1);
  }
  return after;
}

const rows = livePlays({ ...forbiddenRows, ...ownRows, ...alwaysRows, ...dhcpRows }).filter(
  (row) => packetsOf(row).length > 0,
);
/** Their outcome hangs on what the interface has heard, or sent, before: it begins anew, with its counters. */
const fresh = new Set([...livePlays(alwaysRows), ...livePlays(dhcpRows)]);
const forged = livePlays(forbiddenRows).filter((row) =>
  forbiddenRows["Not: send from a MAC or an address that is not its own"]?.includes(row),
);

/** The device stays, and belongs to nobody. */
const nobody = JSON.stringify({ version: 1, networks: { "vpc-a": { type: "vpc" } } });
const strict = writeRules(
  { group: { defaultEgress: "drop", innerAccess: "drop" }, rules: ["egress drop all -1/-1 any"] },
  { family: 4, start: 1_800_000_000 },
);
/** What a guest would carry data in, as nobody may forbid it. */
const channels: readonly (readonly [string, Step, Family])[] = [
  ["neighbour discovery", announce("2001:db8:1::11", "accept neighbour-discovery"), 6],
  ["DHCP", dhcpOut("accept dhcp"), 4],
  ["DHCPv6", dhcp6Out("accept dhcp"), 6],
];
const framesOfChannel = 500;

type Round = readonly [attach: "native" | "tc", listener: Listener];
const rounds: Readonly<Record<"veth" | "tap", readonly Round[]>> = {
  veth: [["native", "uplink"]],
  tap: [
    ["native", "other"],
    ["tc", "uplink"],
  ],
};

describe.each(["veth", "tap"] as const)("frames that a guest behind a %s device forges", (devices) => {
  let bed: ForgedBed;
  beforeAll(async () => {
    bed = await ForgedBed.make(devices);
  });
  afterAll(() => bed?.end());

  it.each(rounds[devices])(
    "do not pass, each counted with its reason, and what is its own does (%s, heard by %s)",
    async (attach, listener) => {
      await withDriver(bed, attach, async (driver) => {
        let dropped = new Map<string, number>();
        const seen = new Set<string>();
        for (const row of rows)
          for (const family of row.families) {
            if (fresh.has(row)) {
              await driver.call("applyRules", nobody);
              dropped = new Map();
            }
            const passed = await play(driver, bed.pairs[listener], row, family, attach);
            const name = `${row.claim}, IPv${family}`;
            expect(
              passed.map(({ packet, heard, markHeard }) => [packet.expect, heard, markHeard]),
              name,
            ).toEqual(packetsOf(row).map((packet) => [packet.expect, !isDropped(packet), true]));
            dropped = addDropped(dropped, packetsOf(row));
            expect(await countDropped(driver), name).toEqual(dropped);
            for (const reason of dropped.keys()) seen.add(reason);
          }
        expect([...seen]).toEqual(expect.arrayContaining(forgedReasons));
      });
    },
  );

  /** How many of a channel's frames were heard at this rate, and in how many seconds, by channel. */
  async function carry(alwaysPerSecond: number): Promise<{ name: string; heard: number; seconds: number }[]> {
    const carried: { name: string; heard: number; seconds: number }[] = [];
    const body = async (driver: Driver) => {
      for (const [name, step, family] of channels) {
        // What it sent before counts no more.
        await driver.call("applyRules", nobody);
        await driver.call("applyRules", strict);
        const frames = Array.from({ length: framesOfChannel }, () => sent(step as Packet, family));
        const begin = performance.now();
        const heard = (await bed.pairs.uplink.pass(frames)).filter((one) => one).length;
        carried.push({ name, heard, seconds: (performance.now() - begin) / 1000 });
      }
    };
    await withDriver(bed, "native", body, alwaysPerSecond);
    return carried;
  }

  it("carry no more than their bounded rate in what always works", async () => {
    const rate = 20;
    for (const { name, heard, seconds } of await carry(rate)) {
      expect(heard, name).toBeGreaterThanOrEqual(rate);
      // A window of a second may begin and end in between; each CPU may be one packet off.
      const most = (rate + availableParallelism()) * (Math.floor(seconds) + 2);
      expect(heard, name).toBeLessThanOrEqual(most);
    }
  });

  it("control: carry all of it without that bound", async () => {
    for (const { name, heard } of await carry(1_000_000)) expect(heard, name).toBe(framesOfChannel);
  });

  it("control: come through, all of them, where its interface is without anti-spoofing", async () => {
    await withDriver(bed, "native", async (driver) => {
      for (const row of forged)
        for (const family of row.families) {
          const nic = { ...row.setting.nic, antiSpoofing: false };
          const lenient = { ...row, setting: { ...row.setting, nic } };
          const passed = await play(driver, bed.pairs.uplink, lenient, family, "native");
          expect(passed.filter(({ heard }) => !heard)).toEqual([]);
        }
    });
  });
});
