/** Two middles between a far side and a guest, each in namespaces of its own: nftables in one, Ringwall in the other. */
import { execFileSync, spawnSync } from "node:child_process";
import { addVeth } from "../../support/veth.ts";
import { FramePair, type SentFrame } from "../frame-pair.ts";
import { guest } from "./rule-set.ts";
import { macs, makeLast } from "./talk.ts";

const ip = (...words: string[]) => execFileSync("ip", words, { stdio: "pipe" });

/**
 * far (eth0) - out MIDDLE tap - (eth0) guest. The middle routes; the ends have no addresses, so that nobody answers
 * but the test.
 */
export class Middle {
  readonly namespace: string;
  readonly #far: string;
  readonly #guest: string;
  #frames: FramePair | null = null;

  constructor(name: string) {
    this.namespace = `rwn-${name}-${process.pid}`;
    this.#far = `${this.namespace}-far`;
    this.#guest = `${this.namespace}-guest`;
  }

  /** What it makes, `remove` takes away, also when it throws. */
  make(framesProgram: string): void {
    for (const namespace of [this.namespace, this.#far, this.#guest]) ip("netns", "add", namespace);
    this.#connect("out", macs.out, this.#far, macs.far);
    this.#connect("tap", macs.tap, this.#guest, macs.guest);
    this.#route();
    const paths = { far: `/run/netns/${this.#far}`, guest: `/run/netns/${this.#guest}` };
    this.#frames = new FramePair(framesProgram, paths, makeLast);
  }

  #connect(device: string, mac: string, end: string, endMac: string): void {
    addVeth({ namespace: this.namespace, device, mac }, { namespace: end, device: "eth0", mac: endMac });
    ip("-n", this.namespace, "link", "set", device, "addrgenmode", "none", "up");
    ip("-n", end, "link", "set", "eth0", "addrgenmode", "none", "up");
  }

  #route(): void {
    const sysctls = [
      "net.ipv4.ip_forward=1",
      "net.ipv6.conf.all.forwarding=1",
      ...["all", "out", "tap"].map((device) => `net.ipv4.conf.${device}.rp_filter=0`),
    ];
    execFileSync("ip", ["netns", "exec", this.namespace, "sysctl", "-qw", ...sysctls]);
    const own = (...words: string[]) => ip("-n", this.namespace, ...words);
    for (const [address, mac, device] of [
      ...[...guest.ipv4, ...guest.ipv6].map((one) => [one, macs.guest, "tap"] as const),
      ["192.0.2.1", macs.far, "out"] as const,
      ["fe80::1", macs.far, "out"] as const,
    ])
      own("neigh", "add", address, "lladdr", mac, "dev", device, "nud", "permanent");
    for (const address of guest.ipv4) own("route", "add", `${address}/32`, "dev", "tap");
    for (const address of guest.ipv6) own("-6", "route", "add", `${address}/128`, "dev", "tap");
    own("address", "add", "192.0.2.254/24", "dev", "out");
    own("route", "add", "default", "via", "192.0.2.1", "dev", "out", "onlink");
    own("-6", "route", "add", "default", "via", "fe80::1", "dev", "out", "onlink");
  }

  /** Runs a program on the middle; throws with what it said. */
  run(program: string, words: readonly string[], input = ""): void {
    const command = [`--net=/run/netns/${this.namespace}`, program, ...words];
    const { status, stderr } = spawnSync("nsenter", command, { input, encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}\n${input}`);
  }

  /** Sends frames in their order; for each, whether it came out at the other end. */
  pass(frames: readonly SentFrame[]): Promise<boolean[]> {
    if (this.#frames === null) throw new Error("make was not called");
    return this.#frames.pass(frames);
  }

  remove(): void {
    this.#frames?.end();
    for (const namespace of [this.namespace, this.#far, this.#guest])
      spawnSync("ip", ["netns", "del", namespace]);
  }
}
