/** What only real packets on a real host show: networks that share addresses, and time without an agent. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "../cli/host.ts";
import { inTime } from "../support/in-time.ts";
import { hear, peerProgram, startPeer } from "./peer.ts";

const count = 3;

/** Guests 1 and 2 in vpc-a, 3 and 4 in vpc-b: the same addresses, the same MACs. */
function writeRules(tcpRule: string): string {
  return `version: 1
networks: {vpc-a: {type: vpc}, vpc-b: {type: vpc}}
groups:
  sg-a:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - ${tcpRule}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: sg-a}
  sg-b:
    type: basic
    network: vpc-b
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9081/9081, remote: sg-b}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-a]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-a]}}}
  i-3: {interfaces: {eni-3: {device: tap3, network: vpc-b, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-b]}}}
  i-4: {interfaces: {eni-4: {device: tap4, network: vpc-b, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-b]}}}
`;
}

const lasting = "{direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: sg-a}";
const ending = (time: Date) =>
  lasting.replace("}", `, expires: "${time.toISOString().replace(/\.\d+Z$/, "Z")}"}`);

let host: Host;
const children: ChildProcess[] = [];

function start(guest: number, mode: string, argument: object = {}): ChildProcess {
  const child = startPeer(host.guest(guest), mode, argument);
  children.push(child);
  return child;
}

/** What a guest heard back from its neighbour 10.0.0.2, by protocol and port; `open`: from where it has to hear. */
function call(from: number, open: readonly string[]): Record<string, number> {
  const command = [`--net=/run/netns/${host.guest(from)}`, process.execPath, peerProgram, "call"];
  const question = JSON.stringify({ host: "10.0.0.2", count, open });
  return JSON.parse(execFileSync("nsenter", [...command, question], { encoding: "utf8" }));
}

beforeAll(async () => {
  host = new Host(19476, { bridges: 2 });
  host.writeRules(writeRules(lasting));
  for (const guest of [2, 4]) await hear(start(guest, "serve"));
  await host.startAgent();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await host.remove();
});

// One story: each part goes on from where the one before it ended.
describe("two networks with the same addresses and MACs on one host", () => {
  it("have rules, members and sessions of their own", () => {
    expect(call(1, ["tcp 8080", "udp 9080"])).toEqual({
      "tcp 8080": count,
      "tcp 8081": 0,
      "udp 9080": count,
      "udp 9081": 0,
    });
    expect(call(3, ["udp 9081"])).toEqual({ "tcp 8080": 0, "tcp 8081": 0, "udp 9080": 0, "udp 9081": count });
  });
});

describe("a rule that expires while no agent runs", () => {
  it("lets its flows live until then, ends them then, and leaves the others alone", async () => {
    await inTime(15, expectExpiry, async () => {
      await host.startAgent();
      const before = await revision();
      host.writeRules(writeRules(lasting));
      await expect.poll(revision).toBeGreaterThan(before);
    });
  });
});

async function revision(): Promise<number> {
  return JSON.parse((await host.ringwall("status", "--json")).stdout).policy.revision;
}

type Report = Readonly<Record<string, { readonly sent: number; readonly lost: number }>>;

async function expectExpiry(seconds: number, seen: () => void): Promise<void> {
  const before = await revision();
  const expires = new Date(Date.now() + 1000 * seconds);
  host.writeRules(writeRules(ending(expires)));
  await expect.poll(revision).toBeGreaterThan(before);
  const flows = start(1, "flow", { host: "10.0.0.2", count });
  await hear(flows);
  await host.stopAgents("SIGKILL");
  expect(call(1, ["udp 9080"])["tcp 8080"]).toBe(count);
  const heard = async () => {
    const { tcp } = JSON.parse(await hear(flows, "count")) as Report;
    return (tcp?.sent ?? 0) - (tcp?.lost ?? 0);
  };
  await expect.poll(heard).toBeGreaterThan(0);
  seen();

  await sleep(Math.max(0, expires.getTime() - Date.now()) + 1500);
  expect(call(1, ["udp 9080"])).toEqual({ "tcp 8080": 0, "tcp 8081": 0, "udp 9080": count, "udp 9081": 0 });
  const { tcp, udp } = JSON.parse(await hear(flows, "udp")) as Report;
  expect(udp).toMatchObject({ lost: 0 });
  expect(udp?.sent).toBeGreaterThan(count);
  expect(tcp?.lost).toBeGreaterThan(0);
  expect(tcp?.lost).toBeLessThan(tcp?.sent ?? 0);
}
