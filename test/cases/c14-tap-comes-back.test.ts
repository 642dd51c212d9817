/** C14: the tap goes and comes back under its name, with a real agent on veth and tap devices in namespaces. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StatusReply } from "../../src/agent/protocol.ts";
import { guestRules, Host } from "../cli/host.ts";
import { listLive } from "../support/live-tree.ts";
import { addVeth } from "../support/veth.ts";

let host: Host;
const children: ChildProcess[] = [];

beforeAll(async () => {
  host = new Host(19480);
  await host.startAgent();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await host.remove();
});

function ip(...words: string[]): string {
  return execFileSync("ip", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const onHost = (...words: string[]) => ip("-n", host.namespace, ...words);

function ifindexOf(device: string): number {
  const [link]: { ifindex: number }[] = JSON.parse(onHost("-j", "link", "show", "dev", device));
  if (link === undefined) throw new Error(`${device} is not there`);
  return link.ifindex;
}

/** A guest's device, bridged: `device` at the host, `inner` with `address` in the namespace of guest 1. */
function plug(device: string, inner: string, mac: string, address: string, index?: number): number {
  const guest = host.guest(1);
  addVeth({ namespace: host.namespace, device, index }, { namespace: guest, device: inner });
  ip("-n", guest, "link", "set", inner, "address", mac, "up");
  ip("-n", guest, "addr", "add", `${address}/24`, "dev", inner);
  onHost("link", "set", device, "master", "br0", "up");
  return ifindexOf(device);
}

const plugTap1 = () => plug("tap1", "eth0", "02:00:00:00:00:01", "10.0.0.1");
const unplug = (device: string) => onHost("link", "del", device);

/** Waits for both tc programs of a device; returns when they stood, in ms since the epoch. */
async function awaitAttached(ifindex: number): Promise<number> {
  const wanted = [`${ifindex}-tc-egress`, `${ifindex}-tc-ingress`];
  const pins = () => host.pinnedLinks.filter((pin) => wanted.includes(pin));
  await expect.poll(pins, { interval: 1 }).toEqual(wanted);
  return Date.now();
}

async function status(): Promise<StatusReply> {
  return JSON.parse((await host.ringwall("status", "--json")).stdout);
}

async function firstInterface() {
  const { interfaces, problems } = await status();
  const one = interfaces.find(({ id }) => id === "eni-1");
  if (one === undefined) throw new Error("status does not know eni-1");
  return { ifindex: one.ifindex, state: one.state, problem: one.problem, programs: one.programs, problems };
}

/**
 * Everything that this host has pinned: programs, links, maps, the sessions of its interfaces; not the mark of grace
 * periods that are expedited while devices appear.
 */
function pinned(): string[] {
  return listLive(join(host.folder, "bpf")).filter((name) => name !== "expedited");
}

async function deviceEntries(): Promise<number | undefined> {
  return (await status()).maps.find(({ map }) => map === "rw_devices")?.entries;
}

/** Packets judged for eni-1, by everything that the metrics tell apart. */
function judged(): string[] {
  const lines = host.metrics().split("\n");
  return lines.filter((line) => line.startsWith('ringwall_packets_total{interface="eni-1"')).sort();
}

/** Datagrams to a port that no rule opens, one a millisecond, each saying when it was sent. */
function startForbiddenStream(): { readonly received: number[] } {
  const received: number[] = [];
  const inGuest = (number: number, script: string) => {
    const words = [`--net=/run/netns/${host.guest(number)}`, process.execPath, "-e", script];
    const child = spawn("nsenter", words, { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    return child;
  };
  const udp = `const socket = require("dgram").createSocket("udp4");`;
  const receiver = inGuest(1, `${udp} socket.on("message", (m) => console.log(String(m))).bind(9999);`);
  receiver.stdout?.on("data", (chunk) => received.push(...String(chunk).trim().split("\n").map(Number)));
  inGuest(2, `${udp} setInterval(() => socket.send(String(Date.now()), 9999, "10.0.0.1", () => {}), 1);`);
  return { received };
}

describe("C14 the tap goes and comes back under its name", () => {
  it("ten times it is attached, and from then on passes nothing that no rule opens", async () => {
    const guest2 = ["-n", host.guest(2), "neigh", "replace", "10.0.0.1", "dev", "eth0"];
    ip(...guest2, "lladdr", "02:00:00:00:00:01", "nud", "permanent");
    const { received } = startForbiddenStream();
    const seen = new Set([ifindexOf("tap1")]);
    let afterOne: [string[], number | undefined] | undefined;
    let slowest_ms = 0;
    for (let round = 1; round <= 10; round++) {
      unplug("tap1");
      const added = Date.now();
      const ifindex = plugTap1();
      expect(seen.has(ifindex)).toBe(false);
      seen.add(ifindex);
      const attached = await awaitAttached(ifindex);
      slowest_ms = Math.max(slowest_ms, attached - added);
      await expect.poll(firstInterface).toMatchObject({
        ifindex,
        state: "enforcing",
        problem: null,
        problems: [],
      });
      expect(host.reaches(2, 1)).toBe(true);
      // A datagram may have been sent in the millisecond in which the programs were seen, and still be before them.
      expect(received.filter((sent) => sent > attached + 1)).toEqual([]);
      received.length = 0;
      const names = pinned().map((name) => name.replace(/\b\d+-tc/, "N-tc"));
      afterOne ??= [names.sort(), await deviceEntries()];
      expect([names.sort(), await deviceEntries()], `after round ${round}`).toEqual(afterOne);
    }
    console.log(`C14: unguarded at most ${slowest_ms} ms, the making of the veth included`);
    // Silence at the receiver was the programs' doing: the stream did reach them, and is heard once a rule opens it.
    await expect
      .poll(() => judged().join("\n"))
      .toMatch(/direction="ingress",verdict="drop",reason="no-rule"\} [1-9]\d\d/);
    host.writeRules(guestRules.replace("icmp, portRange: -1/-1", "udp, portRange: 9999/9999"));
    await expect.poll(() => received.length).toBeGreaterThan(0);
    host.writeRules(guestRules);
    await expect.poll(async () => (await status()).policy.revision).toBe(3);
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  it("a device that takes the old ifindex in between is not judged by its rules, nor counted for it", async () => {
    const old = ifindexOf("tap1");
    unplug("tap1");
    expect(plug("other", "eth9", "02:00:00:00:00:09", "10.0.0.9", old)).toBe(old);
    await expect.poll(() => host.pinnedLinks.filter((pin) => pin.startsWith(`${old}-`))).toEqual([]);
    await expect.poll(firstInterface).toMatchObject({ ifindex: null, state: "absent" });
    const before = judged();
    // To eni-1's rules this would be another's address.
    expect(host.reaches(2, 9)).toBe(true);
    expect(judged()).toEqual(before);
    const ifindex = plugTap1();
    expect(ifindex).not.toBe(old);
    await awaitAttached(ifindex);
    await expect.poll(firstInterface).toMatchObject({ ifindex, state: "enforcing", problem: null });
    expect(host.reaches(2, 9)).toBe(true);
    unplug("other");
  });

  it("an agent that starts afterwards finds the new one, and leaves the old ifindex alone", async () => {
    const old = ifindexOf("tap1");
    const links = host.pinnedLinks.length;
    await host.stopAgents("SIGTERM");
    unplug("tap1");
    plug("other", "eth9", "02:00:00:00:00:09", "10.0.0.9", old);
    const ifindex = plugTap1();
    await host.startAgent();
    await awaitAttached(ifindex);
    await expect.poll(firstInterface).toMatchObject({ ifindex, state: "enforcing", problem: null });
    expect(host.pinnedLinks).toHaveLength(links);
    expect(host.pinnedLinks.filter((pin) => pin.startsWith(`${old}-`))).toEqual([]);
    expect(host.reaches(2, 9)).toBe(true);
    unplug("other");
  });

  it("it comes back as a tap where it was a veth, and is guarded as taps are", async () => {
    unplug("tap1");
    onHost("tuntap", "add", "dev", "tap1", "mode", "tap");
    onHost("link", "set", "tap1", "master", "br0", "up");
    const ifindex = ifindexOf("tap1");
    await expect.poll(firstInterface).toMatchObject({ ifindex, state: "enforcing" });
    expect((await firstInterface()).programs).toMatchObject({ tcEgress: expect.any(Number) });
    unplug("tap1");
    await awaitAttached(plugTap1());
    expect(host.reaches(2, 1)).toBe(true);
  });

  it("two interfaces that name one device are refused, and what is in force stays", async () => {
    const { revision } = (await status()).policy;
    host.writeRules(guestRules.replace("device: tap2", "device: tap1"));
    const refusal = async () => (await status()).policy.refused?.messages.join("\n");
    await expect.poll(refusal).toMatch(/rules\.yaml:\d+:\d+: .*tap1/);
    expect((await status()).policy.revision).toBe(revision);
    expect(host.reaches(2, 1)).toBe(true);
  });
});
