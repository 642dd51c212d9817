/** Network namespaces and what joins them: named from the test, gone with it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { ip } from "../kernel/host.ts";
import { isDirect, takeXdpFrames } from "../support/forwarding.ts";
import { turns } from "../support/turns.mjs";
import { addVeth } from "../support/veth.ts";

/** A network namespace. */
export class Place {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** `ip` here; answers what it printed. */
  ip(...words: string[]): string {
    return ip("-n", this.name, ...words);
  }

  /** Runs a program here; throws with what it said. nsenter keeps the bpffs in sight, which `ip netns exec` hides. */
  run(program: string, words: readonly string[], input = ""): string {
    const command = [`--net=${this.path}`, program, ...words];
    const { status, stdout, stderr } = spawnSync("nsenter", command, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
    return stdout;
  }

  spawn(program: string, words: readonly string[]): ChildProcess {
    return spawn("nsenter", [`--net=${this.path}`, program, ...words], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  }

  /** Sets `net.…` names; /proc/sys/net is the caller's namespace's. */
  sysctl(...settings: string[]): void {
    this.run("sysctl", ["-qw", ...settings.map((setting) => `net.${setting}`)]);
  }

  forward(): void {
    this.sysctl("ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1");
  }
}

/** One end of a veth pair, and what its namespace knows of it. */
export interface LinkEnd {
  readonly place: Place;
  readonly device: string;
  readonly mac?: string;
  /** With their lengths. */
  readonly addresses?: readonly string[];
  /** A bridge of the same place. */
  readonly bridge?: string;
}

export class Links {
  readonly #test: string;
  readonly #places: Place[] = [];

  /** `test`: its name, short; namespaces are called `rwl-TEST-PROCESS-PLACE`. */
  constructor(test: string) {
    this.#test = `rwl-${test}-${process.pid}`;
  }

  /** A namespace without duplicate address detection, routers or reports of its own. */
  add(name: string): Place {
    const place = new Place(`${this.#test}-${name}`);
    ip("netns", "add", place.name);
    this.#places.push(place);
    const quiet = ["accept_dad=0", "accept_ra=0", "router_solicitations=0"];
    place.sysctl(...quiet.map((setting) => `ipv6.conf.default.${setting}`));
    // A bridge is judged as a plain one: what netfilter would do to its frames is not what is shown here.
    const hooks = ["iptables", "ip6tables", "arptables"].map((name) => `net.bridge.bridge-nf-call-${name}=0`);
    place.sysctl("ipv4.conf.default.rp_filter=0", "ipv4.conf.all.rp_filter=0");
    // -e: a kernel that has not loaded br_netfilter has no such names, and does nothing of the kind.
    place.run("sysctl", ["-qew", ...hooks]);
    place.ip("link", "set", "lo", "up");
    return place;
  }

  /** A veth pair, up. */
  connect(near: LinkEnd, far: LinkEnd): void {
    const endOf = ({ place, device }: LinkEnd) => ({ namespace: place.name, device });
    addVeth(endOf(near), endOf(far));
    for (const end of [near, far]) setUp(end);
    if (isDirect) takeXdpFrames(far.place.name, far.device);
  }

  remove(): void {
    for (const { name } of this.#places) spawnSync("ip", ["netns", "del", name]);
  }
}

/** Sets a device that is there up, with what is said of it. */
export function setUp({ place, device, mac, addresses = [], bridge }: LinkEnd): void {
  if (mac !== undefined) place.ip("link", "set", device, "address", mac);
  if (bridge !== undefined) place.ip("link", "set", device, "master", bridge);
  place.ip("link", "set", device, "up");
  for (const address of addresses) {
    const family = address.includes(":") ? ["nodad"] : [];
    place.ip("addr", "add", address, "dev", device, ...family);
  }
}

/** How long carriers may take, ms: turns of the event loop, so that a machine that stops for a while takes no time. */
const carrierPatience = 60_000;

/** Waits until each `place`'s device has a carrier: it comes up beside what else is done; before, frames are refused. */
export async function waitForCarriers(device: string, ...places: readonly Place[]): Promise<void> {
  const isUp = (place: Place) => {
    const [link] = JSON.parse(place.ip("-j", "link", "show", device)) as { operstate: string }[];
    return link?.operstate === "UP";
  };
  await turns(carrierPatience, () => places.every(isUp));
  if (!places.every(isUp)) throw new Error(`${device} has no carrier`);
}

/** Waits until each port of a bridge forwards. */
export async function waitForPorts(place: Place, bridge: string): Promise<void> {
  type Port = { linkinfo: { info_slave_data: { state: string } } };
  const list = () => JSON.parse(place.ip("-d", "-j", "link", "show", "master", bridge)) as Port[];
  const forward = () => list().every(({ linkinfo }) => linkinfo.info_slave_data.state === "forwarding");
  await turns(carrierPatience, forward);
  if (!forward()) throw new Error(`a port of ${bridge} does not forward`);
}

/** A bridge, up. */
export function addBridge(place: Place, device: string, addresses: readonly string[] = []): void {
  place.ip("link", "add", device, "type", "bridge");
  setUp({ place, device, addresses });
}

/** Whether frames may come in here with VLAN tags beside them: of a veth, as the agent is told. */
export function setTagsBeside(place: Place, device: string, flag: "on" | "off"): void {
  place.run("ethtool", ["-K", device, "rxvlan", flag]);
}

/** Every frame by itself: a segmented or aggregated one would be counted once for many. */
export function switchOffloadsOff(place: Place, device: string): void {
  const options = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
  execFileSync("nsenter", [`--net=${place.path}`, "ethtool", "-K", device, ...options], { stdio: "ignore" });
  // What it takes from others by XDP hangs on it at the guest's end alone.
  if (isDirect && device === "eth0") takeXdpFrames(place.name, device);
}
