import { type ChildProcess, execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "../cli/host.ts";
import { isDirect, takeXdpFrames } from "../support/forwarding.ts";
import { hear, peerProgram, startPeer } from "./peer.ts";

const count = 50;

const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: "2001:db8::/64"}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: "2001:db8::/64"}
      - {direction: ingress, policy: accept, protocol: icmpv6, portRange: -1/-1, remote: "::/0"}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1, "2001:db8::1"], groups: [sg-t]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2, "2001:db8::2"], groups: [sg-t]}}}
`;

let host: Host;
const servers: ChildProcess[] = [];

beforeAll(async () => {
  host = new Host(19471);
  host.writeRules(rules);
  for (const number of [1, 2]) {
    const guest = host.guest(number);
    execFileSync("ip", ["-n", guest, "addr", "add", `2001:db8::${number}/64`, "dev", "eth0", "nodad"]);
    // A GSO packet is judged once: offloads off, where packets are counted one by one.
    for (const [namespace, device] of [
      [guest, "eth0"],
      [host.namespace, `tap${number}`],
    ] as const) {
      const options = [
        "-K",
        device,
        "tx",
        "off",
        "tso",
        "off",
        "gso",
        "off",
        ...(isDirect ? [] : ["gro", "off"]),
      ];
      execFileSync("nsenter", [`--net=/run/netns/${namespace}`, "ethtool", ...options], { stdio: "ignore" });
    }
    if (isDirect) takeXdpFrames(guest, "eth0");
    const server = startPeer(guest, "serve");
    servers.push(server);
    await hear(server);
  }
  await host.startAgent();
  const { stdout } = await host.ringwall("status", "--json");
  const { interfaces } = JSON.parse(stdout) as { interfaces: { forwarding: { now: string } }[] };
  const way = isDirect ? "xdp" : "kernel";
  expect(interfaces.map(({ forwarding }) => forwarding.now)).toEqual([way, way]);
});

afterAll(async () => {
  for (const server of servers) server.kill("SIGKILL");
  await host.remove();
});

/** What one guest heard back from the other, by protocol and port. */
function call(from: number, address: string): Record<string, number> {
  const command = [`--net=/run/netns/${host.guest(from)}`, process.execPath, peerProgram, "call"];
  const text = execFileSync(
    "nsenter",
    [...command, JSON.stringify({ host: address, count, open: ["tcp 8080", "udp 9080"] })],
    {
      encoding: "utf8",
    },
  );
  return JSON.parse(text) as Record<string, number>;
}

interface Counts {
  /** Frames by the device's own statistics: from the guest (rx), to it (tx). */
  readonly devices: readonly { readonly rx: number; readonly tx: number }[];
  /** SYNs that each guest's stack sent again. */
  readonly again: readonly number[];
  /** Judged frames by "interface direction verdict", and by "interface reason". */
  readonly judged: ReadonlyMap<string, number>;
}

function readDevices(): Counts["devices"] {
  return [1, 2].map((number) => {
    const text = execFileSync("ip", ["-n", host.namespace, "-s", "-j", "link", "show", `tap${number}`], {
      encoding: "utf8",
    });
    const [link] = JSON.parse(text) as { stats64: { rx: { packets: number }; tx: { packets: number } } }[];
    return { rx: link?.stats64.rx.packets ?? 0, tx: link?.stats64.tx.packets ?? 0 };
  });
}

function readSynsAgain(): Counts["again"] {
  return [1, 2].map((number) => {
    const command = ["netns", "exec", host.guest(number), "cat", "/proc/net/netstat"];
    const [names, values] = execFileSync("ip", command, { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.startsWith("TcpExt:"))
      .map((line) => line.split(" "));
    return Number(values?.[names?.indexOf("TCPSynRetrans") ?? 0]);
  });
}

/** Both sides at one moment: the devices counted nothing while the metrics were read. */
function readCounts(): Counts {
  for (;;) {
    const devices = readDevices();
    const text = host.metrics();
    if (JSON.stringify(devices) !== JSON.stringify(readDevices())) continue;
    const judged = new Map<string, number>();
    const series =
      /^ringwall_packets_total\{interface="([^"]+)",direction="([^"]+)",verdict="([^"]+)",reason="([^"]+)"\} (\d+)$/gm;
    for (const [, id, direction, verdict, reason, value] of text.matchAll(series))
      for (const key of [`${id} ${direction} ${verdict}`, `${id} ${reason}`])
        judged.set(key, (judged.get(key) ?? 0) + Number(value));
    return { devices, again: readSynsAgain(), judged };
  }
}

describe("two guests on a bridge", () => {
  let before: Counts;

  it("reach each other by what the rules allow, 50 times of 50, and by nothing else, in both directions and families", () => {
    before = readCounts();
    for (const [from, to] of [
      [1, 2],
      [2, 1],
    ] as const)
      for (const address of [`10.0.0.${to}`, `2001:db8::${to}`])
        expect([from, address, call(from, address)]).toEqual([
          from,
          address,
          { "tcp 8080": count, "tcp 8081": 0, "udp 9080": count, "udp 9081": 0 },
        ]);
  });

  it("are counted packet by packet: what the devices counted was judged, and what was refused was sent", () => {
    const after = readCounts();
    const grown = (key: string): number => (after.judged.get(key) ?? 0) - (before.judged.get(key) ?? 0);
    for (const [place, id] of ["eni-1", "eni-2"].entries()) {
      const [old, now] = [before.devices[place], after.devices[place]];
      const sent = (now?.rx ?? 0) - (old?.rx ?? 0);
      const received = (now?.tx ?? 0) - (old?.tx ?? 0);
      expect(sent).toBeGreaterThan(8 * count);
      expect(grown(`${id} egress accept`) + grown(`${id} egress drop`)).toBe(sent);
      expect(grown(`${id} ingress accept`)).toBe(received);
      // One SYN a connection and one datagram an exchange, in two families; and each SYN that was sent again.
      const again = (after.again[1 - place] ?? 0) - (before.again[1 - place] ?? 0);
      expect(grown(`${id} no-rule`)).toBe(4 * count + again);
    }
  });
});
