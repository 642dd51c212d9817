/** A flood at the uplink that no guest lets in: how many frames a second are dropped there. */
import { Driver } from "../../kernel/namespace.ts";
import { Links, type Place } from "../../network/links.ts";
import { ethernet, frame, ipv4, payload, toHex, udp } from "../../support/packet.ts";
import type { Bench } from "../context.ts";
import { type Goal, makeLane, makeRow, type Row, ratiosOf } from "../row.ts";
import type { Sent } from "./ends.ts";
import { addressOf, type Bed, makeBed } from "./guests.ts";
import { openRingwall } from "./ringwall.ts";
import { buildRules } from "./rules.ts";
import type { Tools } from "./tools.ts";
import { closeOnSignals, startEnds } from "./yard.ts";

const uplink = "up0";
const macs = { uplink: "02:00:00:00:00:fe", far: "02:00:00:00:00:fd" } as const;
const flows = 60_000 * 256;
const firstFrames = 20_000;
/** A table of sessions has the rules of `ringwall` to ask; the peers have one rule that drops. */
const rules = 1000;

/** To a guest's open port, from where its rules let nobody in; the host would route it. */
const flood = toHex(
  frame(
    ethernet({ source: macs.far, destination: macs.uplink }),
    ipv4({ source: "198.51.100.7", destination: addressOf(2) }),
    udp({ sourcePort: 1024, destinationPort: 40_000 }),
    payload(18),
  ),
);

interface Dropper {
  /** Frames that it has dropped. */
  dropped(): number | Promise<number>;
  close(): Promise<void>;
}

type Open = (bed: Bed, tools: Tools) => Promise<Dropper>;

/** One rule that drops, with its count, in a chain of its own. */
function openNft(table: string, hook: string): Open {
  return async ({ host }) => {
    const text = `table ${table} flood {
counter dropped {}
chain flood { type filter hook ${hook}; ip daddr ${addressOf(2)} counter name dropped drop; }
}
`;
    host.run("nft", ["-f", "-"], text);
    return {
      dropped() {
        const { nftables } = JSON.parse(host.run("nft", ["-j", "list", "counters"])) as {
          nftables: { counter?: { packets: number } }[];
        };
        return nftables.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
      },
      close: async () => {},
    };
  };
}

async function openOurs(bed: Bed, tools: Tools): Promise<Dropper> {
  const choice = { attach: "tc", forwarding: null, uplinks: [uplink] } as const;
  const lane = await openRingwall(bed, choice, tools);
  await lane.setRules(buildRules(rules));
  return { dropped: () => lane.count("drop"), close: () => lane.close() };
}

/** The lane that shows what this machine can do at most: XDP that drops and counts all that comes. */
const most = "a drop without a verdict";

async function openAll({ host }: Bed, { ends, frames }: Tools): Promise<Dropper> {
  const driver = Driver.start(host.name, ends, [frames]);
  try {
    await driver.call("tally", [uplink]);
  } catch (error) {
    await driver.kill();
    throw error;
  }
  return { dropped: () => driver.call<number>("count", uplink), close: () => driver.kill() };
}

const kinds: Readonly<Record<string, { readonly short: string; readonly open: Open }>> = {
  Ringwall: { short: "rw", open: openOurs },
  [most]: { short: "all", open: openAll },
  "nftables, netdev ingress": {
    short: "netd",
    open: openNft("netdev", `ingress device ${uplink} priority 0`),
  },
  "nftables, raw prerouting": { short: "raw", open: openNft("ip", "prerouting priority raw") },
};

function addUplink(links: Links, host: Place, ends: Place, far: string): void {
  links.connect(
    { place: host, device: uplink, mac: macs.uplink, addresses: ["192.0.2.254/24"] },
    { place: ends, device: far, mac: macs.far },
  );
  host.run("ethtool", ["-K", uplink, "gro", "on"]);
  host.forward();
}

class Flooded {
  readonly #driver: Driver;
  readonly #device: string;
  readonly #dropper: Dropper;
  #frames = firstFrames;

  constructor(driver: Driver, device: string, dropper: Dropper) {
    this.#driver = driver;
    this.#device = device;
    this.#dropper = dropper;
  }

  /** Floods for about a window's time, ms; answers frames dropped a second, in millions. */
  async measure(window: number): Promise<number> {
    const before = await this.#dropper.dropped();
    const count = this.#frames;
    const sending = { device: this.#device, to: null, frame: flood, count, first: 0, flows, back: false };
    const { sent, ns } = await this.#driver.call<Sent>("send", sending);
    const dropped = (await this.#dropper.dropped()) - before;
    if (dropped < 0.5 * count) throw new Error(`of ${count} flooding frames only ${dropped} were dropped`);
    this.#frames = Math.max(firstFrames, Math.round((sent * window * 1e6) / ns));
    return (dropped / count) * ((sent * 1e3) / ns);
  }

  close(): Promise<void> {
    return this.#dropper.close();
  }
}

async function measureLanes(bench: Bench, lanes: ReadonlyMap<string, Flooded>): Promise<Row[]> {
  const window = bench.effort.window / 2;
  // How many frames a window takes is learnt in the first round.
  for (const lane of lanes.values()) await lane.measure(window);
  const samples = await bench.interleave(
    Object.fromEntries([...lanes].map(([name, lane]) => [name, () => lane.measure(window)])),
  );
  return [...rowsOf(samples, "Ringwall", { sense: "at least", value: 3 }), ...rowsOf(samples, most, null)];
}

/** A lane by each peer; all that stood side by side is shown. */
function rowsOf(
  samples: Readonly<Record<string, readonly number[]>>,
  lane: string,
  goal: Goal | null,
): Row[] {
  const peers = Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [name, makeLane(list, "Mpps")]),
  );
  return Object.keys(samples)
    .filter((name) => name !== "Ringwall" && name !== most)
    .map((name) =>
      makeRow(
        `flood dropped at the uplink: ${lane} / ${name}`,
        { rules },
        ratiosOf(samples[lane] ?? [], samples[name] ?? []),
        { goal, peers },
      ),
    );
}

export async function measureFlood(bench: Bench, tools: Tools): Promise<Row[]> {
  bench.progress("flood at the uplink");
  const links = new Links("flood");
  const lanes = new Map<string, Flooded>();
  const ends = links.add("ends");
  const driver = startEnds(ends, tools);
  const close = async () => {
    for (const lane of lanes.values()) await lane.close();
    lanes.clear();
    await driver.kill();
    links.remove();
  };
  const release = closeOnSignals(close);
  try {
    for (const [name, { short, open }] of Object.entries(kinds)) {
      const bed = makeBed(links, short, ends, true);
      addUplink(links, bed.host, ends, `${short}-up`);
      lanes.set(name, new Flooded(driver, `${short}-up`, await open(bed, tools)));
    }
    return await measureLanes(bench, lanes);
  } finally {
    release();
    await close();
  }
}
