/**
 * Two guests on a host that routes, and a server behind its uplink:
 *
 *   the flooder ── tap0 ─┐
 *                       host ── up0 ── server (eth0)
 *   guest (eth0) ─ tap1 ─┘
 */
import type { ChildProcess } from "node:child_process";
import type { Direction } from "../../src/model/model.ts";
import { flooder } from "../kernel/flood-kinds.ts";
import { ethernet, frame, ipv4, join, number, payload, tcp, udp } from "../support/packet.ts";
import { buildFrames, FramePair, makeFolder, removeFolder, type SentFrame } from "./frame-pair.ts";
import { Links, type Place, setUp, waitForCarriers } from "./links.ts";
import { Machine } from "./machine.ts";
import { buildWire, endProcess, makeTaps, startWire } from "./taps.ts";

export type Devices = "veth" | "tap";

const guest = { mac: "02:00:00:00:01:01", address: "192.0.2.11" };
const server = { mac: "02:00:00:00:00:80", address: "203.0.113.80" };
/** The host's devices, as the frames of flood-kinds.ts address them. */
const hostMacs = { tap0: "02:00:00:00:00:01", tap1: "02:00:00:00:00:02", up0: flooder.mac };

export const rules = `version: 1
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

export class FloodBed {
  readonly host: Place;
  /** Whoever floods, with a device eth0; a guest's tap is the machine's instead. */
  readonly places: Readonly<Record<"guest" | "uplink", Place>>;
  machine: Machine | null = null;
  readonly #links = new Links("flood");
  readonly #folder = makeFolder();
  readonly #quiet: Place;
  #wire: ChildProcess | null = null;
  #frames: FramePair | null = null;

  private constructor() {
    const [guestPlace, uplink] = [this.#links.add("noisy"), this.#links.add("far")];
    this.places = { guest: guestPlace, uplink };
    this.#quiet = this.#links.add("quiet");
    this.host = this.#links.add("host");
  }

  static async build(devices: Devices): Promise<FloodBed> {
    const bed = new FloodBed();
    const { guest: noisy, uplink } = bed.places;
    if (devices === "tap") {
      await bed.#addMachine();
      await bed.#addTaps();
    } else {
      bed.#connect("tap0", noisy, flooder.mac);
      bed.#connect("tap1", bed.#quiet, guest.mac);
    }
    bed.#connect("up0", uplink, server.mac);
    setUp({ place: bed.host, device: "up0", addresses: ["203.0.113.254/32"] });
    bed.#route();
    await waitForCarriers("eth0", bed.#quiet, uplink);
    const paths = { far: uplink.path, guest: bed.#quiet.path };
    bed.#frames = new FramePair(buildFrames(bed.#folder), paths, last);
    return bed;
  }

  async remove(): Promise<void> {
    this.#frames?.end();
    if (this.machine !== null) await this.machine.end();
    if (this.#wire !== null) await endProcess(this.#wire);
    this.#links.remove();
    removeFolder(this.#folder);
  }

  /** A guest's or the uplink's device pair; the host's end takes frames without an skb (NAPI), as live frames need it. */
  #connect(device: keyof typeof hostMacs, end: Place, mac: string): void {
    this.#links.connect(
      { place: this.host, device, mac: hostMacs[device] },
      { place: end, device: "eth0", mac },
    );
    this.host.run("ethtool", ["-K", device, "gro", "on"]);
  }

  /** The flooder is a machine that writes into its tap. */
  async #addMachine(): Promise<void> {
    const near = { place: this.host, device: "tap0", mac: hostMacs.tap0 };
    this.machine = await Machine.start(this.#folder, near);
    this.#silence("tap0");
    setUp(near);
  }

  /** A pair of taps, for the guest beside it; as many frames as a batch has wait in each for the wire. */
  async #addTaps(): Promise<void> {
    const near = { place: this.host, device: "tap1", mac: hostMacs.tap1 };
    const far = { place: this.#quiet, device: "eth0", mac: guest.mac };
    makeTaps(near, far);
    this.#silence("tap1");
    for (const end of [near, far]) {
      end.place.ip("link", "set", end.device, "txqueuelen", "4096");
      setUp(end);
    }
    this.#wire = await startWire(buildWire(this.#folder), [near, far]);
  }

  /** The host sends nothing of its own there. */
  #silence(device: string): void {
    this.host.sysctl(`ipv6.conf.${device}.disable_ipv6=1`);
  }

  #route(): void {
    this.host.forward();
    for (const [address, mac, device] of [
      [flooder.ipv4, flooder.mac, "tap0"],
      [guest.address, guest.mac, "tap1"],
      [server.address, server.mac, "up0"],
    ] as const) {
      this.host.ip("route", "add", `${address}/32`, "dev", device);
      this.host.ip("neigh", "add", address, "lladdr", mac, "dev", device, "nud", "permanent");
    }
    // Where the flooder's frames go to.
    this.host.ip("route", "add", "blackhole", "198.18.0.0/16");
    this.host.ip("-6", "route", "add", "blackhole", "2001:db8:ffff::/64");
  }

  /** Frames that came in at a device of the host. */
  received(device: string): number {
    const [link]: { stats64: { rx: { packets: number } } }[] = JSON.parse(
      this.host.ip("-s", "-j", "link", "show", "dev", device),
    );
    return link?.stats64.rx.packets ?? 0;
  }

  /** A segment of each of the guest's connections from these ports; those that came out at the other end. */
  async pass(ports: readonly number[], direction: Direction, flags: string): Promise<number[]> {
    const heard = await this.#frames?.pass(ports.map((port) => segment(port, direction, flags)));
    return ports.filter((_, index) => heard?.[index]);
  }
}
