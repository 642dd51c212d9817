/**
 * Two guests on a bridge that asks for direct forwarding, a third end behind an uplink of it, and a count of what the
 * bridge itself has handed on:
 *
 *   wan (10.0.0.9, eth0) ── up0 ─ br0 ─┬─ tap1 ── guest 1 (10.0.0.1, eth0)
 *                                      └─ tap2 ── guest 2 (10.0.0.2, eth0)
 */
import { expect } from "vitest";
import type {
  ApplyReport,
  ForwardingStatus,
  KernelStatus,
  PacketCounter,
  PacketEvent,
} from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { bundleDriver, Driver } from "../kernel/namespace.ts";
import { takeXdpFrames } from "../support/forwarding.ts";
import { ethernet, frame, ipv4, ipv6, type Layer, payload, udp } from "../support/packet.ts";
import { buildFrames, FramePair, makeFolder, removeFolder } from "./frame-pair.ts";
import { addBridge, Links, type Place, setTagsBeside } from "./links.ts";

export type Mode = "native" | "generic" | "tc";
export const macs = { 1: "02:00:00:00:00:01", 2: "02:00:00:00:00:02", wan: "02:00:00:00:00:09" } as const;
export type End = keyof typeof macs;
const number = (end: End): number => (end === "wan" ? 9 : end);

/** Listed, and configured nowhere: nobody answers but the test. */
export const silent = (end: End) => ({
  ipv4: `10.0.0.${10 + number(end)}`,
  ipv6: `2001:db8::1${number(end)}`,
});
export const real = (end: End) => ({ ipv4: `10.0.0.${number(end)}`, ipv6: `2001:db8::${number(end)}` });

export const open = 9080;
export const closed = 9081;

const addresses = (end: End) =>
  [silent(end), real(end)].flatMap((own) => [`"${own.ipv4}"`, `"${own.ipv6}"`]).join(", ");
const accept = (protocol: string, ports: string) =>
  ["0.0.0.0/0", "::/0"].map(
    (remote) =>
      `      - {direction: ingress, policy: accept, protocol: ${protocol}, portRange: ${ports}, remote: "${remote}"}\n`,
  );
const guest = (end: 1 | 2) =>
  `  i-${end}: {interfaces: {eni-${end}: {device: tap${end}, network: vpc-a, mac: "${macs[end]}", addresses: [${addresses(end)}], groups: [sg-t]}}}\n`;

export const rules = (forwarding: "direct" | "kernel") => `version: 1
networks: {vpc-a: {type: vpc, forwarding: ${forwarding}}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
${[...accept("udp", `${open}/${open}`), ...accept("tcp", `${open}/${open}`)].join("")}\
      - {direction: ingress, policy: accept, protocol: icmp, portRange: -1/-1, remote: 0.0.0.0/0}
instances:
${guest(1)}${guest(2)}`;

/** A frame from one end to another. */
export function between(
  from: End,
  to: End,
  family: "ipv4" | "ipv6",
  ...layers: readonly Layer[]
): Uint8Array {
  const [source, destination] = [silent(from)[family], silent(to)[family]];
  const head = family === "ipv4" ? ipv4({ source, destination }) : ipv6({ source, destination });
  return frame(ethernet({ source: macs[from], destination: macs[to] }), head, ...layers);
}

export const tagged = (tag: number, size = 0): Uint8Array => {
  const bytes = Buffer.alloc(Math.max(size, 10));
  bytes.write("RW-TAG");
  bytes.writeUInt32BE(tag, 6);
  return bytes;
};

/** Frames that the bridge handed on: IP, without neighbour discovery. */
const counting = `table bridge count {
  chain f {
    type filter hook forward priority filter;
    meta protocol ip counter
    ip6 nexthdr != icmpv6 counter
  }
}
`;

export class DirectBed {
  readonly host: Place;
  readonly places: Readonly<Record<End, Place>>;
  readonly #links: Links;
  readonly #folder = makeFolder();
  readonly #bundle: ReturnType<typeof bundleDriver>;
  readonly #pairs = new Map<string, FramePair>();
  #program = "";
  #tags = 1;

  constructor(name: string) {
    this.#links = new Links(name);
    this.#bundle = bundleDriver(name);
    this.host = this.#links.add("host");
    addBridge(this.host, "br0");
    const add = (end: End, device: string): Place => {
      const place = this.#links.add(`${end}`);
      const { ipv4: first, ipv6: second } = real(end);
      this.#links.connect(
        { place: this.host, device, bridge: "br0" },
        { place, device: "eth0", mac: macs[end], addresses: [`${first}/24`, `${second}/64`] },
      );
      return place;
    };
    this.places = { 1: add(1, "tap1"), 2: add(2, "tap2"), wan: add("wan", "up0") };
    setTagsBeside(this.host, "up0", "off");
    for (const end of [1, 2] as const) takeXdpFrames(this.places[end].name, "eth0");
    this.host.run("nft", ["-f", "-"], counting);
    this.#program = buildFrames(this.#folder);
  }

  remove(): void {
    for (const pair of this.#pairs.values()) pair.end();
    this.#links.remove();
    this.#bundle.remove();
    removeFolder(this.#folder);
  }

  /** An agent that enforces, with the uplink, until `body` has ended. */
  async withDriver(
    attach: Mode,
    body: (driver: Driver, root: string) => Promise<void>,
    forwarding: "direct" | "kernel" = "direct",
  ): Promise<void> {
    await withBpffs(async (root) => {
      const driver = this.start();
      try {
        await open_(driver, root, attach);
        await driver.call<ApplyReport>("applyRules", rules(forwarding));
        await driver.call("listen");
        await body(driver, root);
        await driver.call("close", { detach: true });
      } finally {
        await driver.kill();
      }
    });
  }

  start(): Driver {
    return Driver.start(this.host.name, this.#bundle.path);
  }

  #pair(from: End, to: End): FramePair {
    const key = `${from} ${to}`;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const paths = { far: this.places[from].path, guest: this.places[to].path };
    const last = (direction: "egress" | "ingress", tag: number) => {
      const [source, target] = direction === "ingress" ? [from, to] : [to, from];
      return between(
        source,
        target,
        "ipv4",
        udp({ sourcePort: 4000, destinationPort: open }),
        payload(tagged(tag)),
      );
    };
    const made = new FramePair(this.#program, paths, last, this.#tags);
    this.#tags += 10_000_000;
    this.#pairs.set(key, made);
    return made;
  }

  /** Sends frames from one end to another, and says how many came out there, and how many the bridge handed on. */
  async send(
    [from, to]: readonly [End, End],
    frames: readonly ((tag: number) => Uint8Array)[],
  ): Promise<{ readonly heard: number; readonly bridged: number }> {
    const before = this.bridged();
    const heard = await this.#pair(from, to).pass(frames.map((make) => ({ direction: "ingress", make })));
    return { heard: heard.filter(Boolean).length, bridged: this.bridged() - before };
  }

  /** Frames that the bridge has handed on. */
  bridged(): number {
    const text = this.host.run("nft", ["list", "chain", "bridge", "count", "f"]);
    return [...text.matchAll(/packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  }
}

async function open_(driver: Driver, root: string, attach: Mode): Promise<void> {
  const settings = { attach, eventsPerSecond: 100_000, uplinks: [{ device: "up0", networks: null }] };
  await driver.call("open", { object: objectPath, root, settings, interfaces: 16 });
}

export { open_ as openDriver };

/** What is done for each interface now, looked at anew. */
export async function readForwarding(driver: Driver): Promise<readonly ForwardingStatus[]> {
  await driver.call("sweep");
  const { interfaces } = await driver.call<KernelStatus>("status");
  expect(interfaces.map((one) => [one.state, one.problem === null])).toEqual(
    interfaces.map((one) => ["enforcing", one.problem === null]),
  );
  return interfaces.map(({ forwarding }) => forwarding);
}

/** Verdicts so far of an interface's direction. */
export async function countJudged(driver: Driver, id: string, direction: string): Promise<number> {
  const counters = await driver.call<PacketCounter[]>("counters");
  return counters
    .filter((one) => one.interface === id && one.direction === direction)
    .reduce((sum, { packets }) => sum + Number(packets), 0);
}

/** Hooks at which frames were refused since the first `seen` events. */
export async function readHooks(driver: Driver, seen: number, wanted: number): Promise<readonly string[]> {
  const read = async () => (await driver.call<PacketEvent[]>("events")).slice(seen);
  await expect.poll(async () => (await read()).length).toBeGreaterThanOrEqual(wanted);
  return (await read()).map(({ hook }) => hook);
}
