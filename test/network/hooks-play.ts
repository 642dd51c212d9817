/** Plays rounds on the bed of hooks-bed.ts, with a driver on each host. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { KernelStatus, PacketEvent } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { isDirect } from "../support/forwarding.ts";
import { makeFolder, removeFolder } from "./frame-pair.ts";
import { type EndName, HooksBed, type HostName, hostOf, writeRules } from "./hooks-bed.ts";
import {
  answered,
  denied,
  exchangeAll,
  type Frames,
  grown,
  hooksOf,
  isAnswered,
  nameOf,
  readFrames,
  refusals,
  served,
} from "./hooks-round.ts";
import { Links } from "./links.ts";
import { buildWire, makeTaps, startWire } from "./taps.ts";

const endProgram = fileURLToPath(new URL("end.mjs", import.meta.url));

export type Mode = "native" | "generic" | "tc";
export type Drivers = Readonly<Record<HostName, Driver>>;
const allEvents = { eventsPerSecond: 100_000 };

const startHooksWire = ({ guests, hosts }: HooksBed, folder: string): Promise<ChildProcess> =>
  startWire(
    buildWire(folder),
    ...[...guests].map(
      ([guest, place]) =>
        [
          { place: hosts[hostOf(guest)], device: `tap${guest}` },
          { place, device: "eth0" },
        ] as const,
    ),
  );

export interface Round {
  /** Names of the exchanges that were answered. */
  readonly heard: ReadonlySet<string>;
  readonly frames: readonly (Frames & { readonly guest: number })[];
  readonly refused: number;
}

export class HooksPlay {
  readonly #links: Links;
  readonly #bundle: ReturnType<typeof bundleDriver>;
  readonly #ends = new Map<EndName, Driver>();
  readonly #bed: HooksBed;
  readonly #folder = makeFolder();
  #wire: ChildProcess | null = null;

  private constructor(name: string, devices: "veth" | "tap") {
    this.#links = new Links(name);
    this.#bundle = bundleDriver(name);
    const links = this.#links;
    this.#bed = new HooksBed(
      links,
      devices === "tap" ? makeTaps : (host, guest) => links.connect(host, guest),
    );
  }

  /** `name`: the test's. */
  static async start(name: string, devices: "veth" | "tap"): Promise<HooksPlay> {
    const play = new HooksPlay(name, devices);
    const bed = play.#bed;
    if (devices === "tap") play.#wire = await startHooksWire(bed, play.#folder);
    for (const end of [...bed.guests.keys(), "host", "wan"] as const)
      play.#ends.set(end, Driver.start(bed.placeOf(end).name, endProgram));
    await Promise.all([...play.#ends.values()].map((end) => end.call("listen", served)));
    return play;
  }

  async remove(): Promise<void> {
    for (const end of this.#ends.values()) await end.kill();
    this.#wire?.kill("SIGKILL");
    this.#links.remove();
    this.#bundle.remove();
    removeFolder(this.#folder);
  }

  /** Two hosts that enforce, until `body` has ended. `blind`: they look at nothing by themselves. */
  async withDrivers(
    mode: Mode,
    body: (drivers: Drivers, roots: Readonly<Record<HostName, string>>) => Promise<void>,
    blind = false,
  ): Promise<void> {
    await withBpffs((a) =>
      withBpffs(async (b) => {
        const roots = { a, b };
        const { hosts } = this.#bed;
        const start = (host: HostName) => Driver.start(hosts[host].name, this.#bundle.path);
        const drivers = { a: start("a"), b: start("b") };
        try {
          for (const host of ["a", "b"] as const)
            await beginEnforcing(drivers[host], host, roots[host], mode, blind);
          await body(drivers, roots);
          for (const driver of Object.values(drivers)) await driver.call("close", { detach: true });
        } finally {
          for (const driver of Object.values(drivers)) await driver.kill();
        }
      }),
    );
  }

  /** All exchanges once; what was answered, and the frames of each guest meanwhile. `isDue`: it has to be answered. */
  async playRound(drivers: Drivers, mode: Mode, isDue = isAnswered): Promise<Round> {
    // A tap does not count as received what its native program dropped.
    const droppedApart = this.#wire !== null && mode === "native";
    const before = await readFrames(this.#bed, drivers, droppedApart);
    const heard = await exchangeAll(this.#ends, isDue);
    const after = await readFrames(this.#bed, drivers, droppedApart);
    const frames = [...after.keys()].map((guest) => ({
      guest,
      ...grown(after.get(guest), before.get(guest)),
    }));
    return { heard, frames, refused: frames.reduce((sum, one) => sum + one.refused, 0) };
  }
}

async function beginEnforcing(
  driver: Driver,
  host: HostName,
  root: string,
  mode: Mode,
  blind: boolean,
): Promise<void> {
  const settings = { ...allEvents, attach: mode };
  await driver.call("open", { object: objectPath, root, settings, interfaces: 16, blind });
  const { interfaces } = await driver.call<KernelStatus>("applyRules", writeRules(host));
  expect(interfaces.map((one) => one.mode)).toEqual(interfaces.map(() => mode));
  const bridged = interfaces.filter(({ device }) => ["tap1", "tap2", "tap5"].includes(device));
  expect(bridged.map(({ forwarding }) => forwarding.now)).toEqual(
    bridged.map(() => (isDirect ? "xdp" : "kernel")),
  );
  await driver.call("listen");
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

/** Drop events of both hosts beyond the first `seen`, when all that the counters say have come. */
async function readEvents(drivers: Drivers, seen: number, refused: number): Promise<PacketEvent[]> {
  const read = async () => {
    const all = await Promise.all(Object.values(drivers).map((one) => one.call<PacketEvent[]>("events")));
    return all.flat().sort((one, other) => Number(BigInt(one.time) - BigInt(other.time)));
  };
  await expect.poll(async () => (await read()).length).toBe(seen + refused);
  return (await read()).slice(seen);
}

/** Each denied exchange was refused where it had to be, and nothing else was. */
function expectRefusals(events: readonly PacketEvent[], mode: Mode, uplink: boolean): void {
  const found = refusals(events);
  expect([...found.keys()].sort()).toEqual(denied.map(nameOf).sort());
  for (const one of denied) {
    const hooks = found.get(nameOf(one)) ?? [];
    // A refused SYN may be sent again, and an echo where the host's own stack said that it was not sent.
    const again = one.protocol === "tcp" || (one.protocol === "icmp" && one.from === "host");
    const times = again ? hooks.length : 1;
    expect([nameOf(one), hooks.length]).toEqual([nameOf(one), times]);
    const possible: readonly string[] = hooksOf(one, mode, uplink);
    expect([nameOf(one), ...hooks.filter((hook) => !possible.includes(hook))]).toEqual([nameOf(one)]);
  }
}

/** Two rounds, without an uplink program and with one. */
export async function expectSameVerdicts(play: HooksPlay, mode: Mode): Promise<void> {
  await play.withDrivers(mode, async (drivers) => {
    let seen = 0;
    for (const uplink of [false, true]) {
      await setUplink(drivers, mode, uplink);
      const { heard, frames, refused } = await play.playRound(drivers, mode);
      expect([...heard].sort()).toEqual(answered.map(nameOf).sort());
      for (const one of frames) {
        expect(one.sent).toBeGreaterThan(20);
        expect(one).toMatchObject({ judgedSent: one.sent, judgedReceived: one.received });
      }
      expectRefusals(await readEvents(drivers, seen, refused), mode, uplink);
      seen += refused;
    }
  });
}
