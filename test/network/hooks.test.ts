/** The same verdicts on every way to a guest, in every way of attachment; each frame judged once at each end. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApplyReport, KernelStatus, PacketEvent } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { type EndName, HooksBed, type HostName, writeRules } from "./hooks-bed.ts";
import {
  exchangeAll,
  exchanges,
  grown,
  hookOf,
  nameOf,
  readFrames,
  refusals,
  served,
} from "./hooks-round.ts";
import { Links } from "./links.ts";

const endProgram = fileURLToPath(new URL("end.mjs", import.meta.url));

let links: Links;
let bed: HooksBed;
let bundle: ReturnType<typeof bundleDriver>;
const ends = new Map<EndName, Driver>();

beforeAll(async () => {
  links = new Links("hooks");
  bundle = bundleDriver("hooks");
  bed = new HooksBed(links, (host, guest) => links.connect(host, guest));
  for (const name of [...bed.guests.keys(), "host", "wan"] as const)
    ends.set(name, Driver.start(bed.placeOf(name).name, endProgram));
  await Promise.all([...ends.values()].map((end) => end.call("listen", served)));
});

afterAll(async () => {
  for (const end of ends.values()) await end.kill();
  links.remove();
  bundle.remove();
});

type Mode = "native" | "generic" | "tc";
type Drivers = Readonly<Record<HostName, Driver>>;
const allEvents = { eventsPerSecond: 100_000 };

/** Two hosts that enforce, until `body` has ended. */
async function withDrivers(
  mode: Mode,
  body: (drivers: Drivers, roots: Readonly<Record<HostName, string>>) => Promise<void>,
): Promise<void> {
  await withBpffs((rootA) =>
    withBpffs(async (rootB) => {
      const drivers = {
        a: Driver.start(bed.hosts.a.name, bundle.path),
        b: Driver.start(bed.hosts.b.name, bundle.path),
      };
      try {
        for (const [host, root] of [["a", rootA] as const, ["b", rootB] as const]) {
          const settings = { ...allEvents, attach: mode };
          await drivers[host].call("open", { object: objectPath, root, settings, interfaces: 16 });
          const { interfaces } = await drivers[host].call<ApplyReport>("applyRules", writeRules(host));
          expect(interfaces.map((one) => one.mode)).toEqual(interfaces.map(() => mode));
          await drivers[host].call("listen");
        }
        await body(drivers, { a: rootA, b: rootB });
        for (const driver of Object.values(drivers)) await driver.call("close", { detach: true });
      } finally {
        for (const driver of Object.values(drivers)) await driver.kill();
      }
    }),
  );
}

/** Drop events of both hosts since so many, when all that the counters say have come. */
async function readEvents(drivers: Drivers, from: number, refused: number) {
  const read = async () => {
    const all = await Promise.all(Object.values(drivers).map((one) => one.call<PacketEvent[]>("events")));
    return all.flat().sort((one, other) => Number(BigInt(one.time) - BigInt(other.time)));
  };
  await expect.poll(async () => (await read()).length, { timeout: 5000 }).toBe(from + refused);
  return (await read()).slice(from);
}

async function setUplink(drivers: Drivers, mode: Mode, uplink: boolean): Promise<void> {
  const uplinks = uplink ? [{ device: "up0", networks: null }] : [];
  for (const driver of Object.values(drivers)) {
    await driver.call("configure", { ...allEvents, attach: mode, uplinks });
    const { uplinks: found } = await driver.call<KernelStatus>("status");
    const modes = found.map((one) => [one.mode, one.problem]);
    expect(modes).toEqual(uplink ? [["native", null]] : []);
  }
}

/** All exchanges once; what was answered, and the frames of each guest meanwhile. */
async function playRound(drivers: Drivers) {
  const before = await readFrames(bed, drivers);
  const heard = await exchangeAll(ends);
  const after = await readFrames(bed, drivers);
  const frames = [...after.keys()].map((guest) => ({ guest, ...grown(after.get(guest), before.get(guest)) }));
  return { heard, frames, refused: frames.reduce((sum, one) => sum + one.refused, 0) };
}

const answered = exchanges.filter(({ decider }) => decider === null);
const denied = exchanges.filter(({ decider }) => decider !== null);

/** Each denied exchange was refused where it had to be, and nothing else was. */
function expectRefusals(events: readonly PacketEvent[], mode: Mode, uplink: boolean): void {
  const found = refusals(events);
  expect([...found.keys()].sort()).toEqual(denied.map(nameOf).sort());
  for (const one of denied) {
    const hooks = found.get(nameOf(one)) ?? [];
    // A refused SYN may be sent again; a datagram and an echo are not.
    const times = one.protocol === "tcp" ? hooks.length : 1;
    const hook = hookOf(one, mode, uplink);
    expect([nameOf(one), ...hooks]).toEqual([nameOf(one), ...Array.from({ length: times }, () => hook)]);
  }
}

describe.each(["native", "generic", "tc"] as const)("attached as %s", (mode) => {
  it("judges every way alike, with an uplink program and without, each frame once at each protected end", async () => {
    await withDrivers(mode, async (drivers) => {
      let seen = 0;
      for (const uplink of [false, true]) {
        await setUplink(drivers, mode, uplink);
        const { heard, frames, refused } = await playRound(drivers);
        expect([...heard].sort()).toEqual(answered.map(nameOf).sort());
        for (const one of frames) {
          expect(one.sent).toBeGreaterThan(20);
          expect(one).toMatchObject({ judgedSent: one.sent, judgedReceived: one.received });
        }
        expectRefusals(await readEvents(drivers, seen, refused), mode, uplink);
        seen += refused;
      }
    });
  });
});

describe("control: a device whose programs somebody took away", () => {
  it("is seen by the same counts and exchanges", async () => {
    await withDrivers("tc", async (drivers, roots) => {
      const { interfaces } = await drivers.a.call<KernelStatus>("status");
      const ifindex = interfaces.find((one) => one.interface === "eni-2")?.ifindex;
      for (const hook of ["tc-egress", "tc-ingress"])
        await drivers.a.call("sabotage", join(roots.a, "links", `${ifindex}-${hook}`));
      const { heard, frames } = await playRound(drivers);
      for (const { guest, sent, judgedSent, received, judgedReceived } of frames)
        expect([guest, sent === judgedSent, received === judgedReceived]).toEqual([
          guest,
          guest !== 2,
          guest !== 2,
        ]);
      const open = denied.filter(({ decider, direction }) => decider === 2 && direction === "ingress");
      expect(open.length).toBeGreaterThan(0);
      expect(open.filter((one) => !heard.has(nameOf(one))).map(nameOf)).toEqual([]);
    });
  });
});
