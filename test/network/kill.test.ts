import { type ChildProcess, execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "../cli/host.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { hear, startPeer } from "./peer.ts";

const kills = 50;
const flows = 100;

/** Both allow the flows; the rule at the end comes and goes. */
const rules = (turn: number): string => `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: 10.0.0.0/24}
${turn % 2 === 0 ? "" : "      - {direction: ingress, policy: accept, protocol: tcp, portRange: 7000/7000, remote: 10.0.0.0/24}\n"}instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-t]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-t]}}}
`;

interface Report {
  readonly tcp: { readonly sent: number; readonly lost: number; readonly broken: number };
  readonly udp: { readonly sent: number; readonly lost: number; readonly broken: number };
  /** Connections to the port that the rules deny: tried, and made. */
  readonly attempts: number;
  readonly denied: number;
}

let host: Host;
let server: ChildProcess;

/** Flows from guest 1 to guest 2 while `meanwhile` happens. */
async function flowWhile(count: number, meanwhile: (flow: ChildProcess) => Promise<void>): Promise<Report> {
  const child = startPeer(host.guest(1), "flow", { host: "10.0.0.2", count });
  try {
    await hear(child);
    await meanwhile(child);
    return JSON.parse(await hear(child, "end")) as Report;
  } finally {
    child.kill("SIGKILL");
  }
}

/** The pinned links by name with their kernel ids: one that was made anew has another id. */
function readLinks(): [string, number][] {
  return host.pinnedLinks.map((name) => {
    const path = join(host.folder, "bpf", "links", name);
    const text = execFileSync("bpftool", ["-j", "link", "show", "pinned", path], { encoding: "utf8" });
    return [name, (JSON.parse(text) as { id: number }).id];
  });
}

/** What an agent that came as far as enforcing said of adoption; nothing for one that was killed before. */
function readAdoption(log: string | undefined): boolean[] {
  const words = log?.match(/"adopted":(?:true|false)/g) ?? [];
  return words.map((word) => word.endsWith("true"));
}

beforeAll(async () => {
  host = new Host(19472);
  host.writeRules(rules(0));
  server = startPeer(host.guest(2), "serve");
  await hear(server);
  await host.startAgent();
});

afterAll(async () => {
  server.kill("SIGKILL");
  await host.remove();
});

describe("an agent that is killed", () => {
  it("at 50 random moments loses no session of 200, lets nothing through that is denied, and is adopted each time", async () => {
    const random = new Random(seed);
    const links = readLinks();
    expect(links.length).toBeGreaterThan(0);
    await host.stopAgents("SIGKILL");
    const adopted: boolean[] = [];
    const report = await flowWhile(flows, async () => {
      for (let turn = 1; turn <= kills; turn++) {
        host.writeRules(rules(turn));
        const starting = host.startAgent();
        // However slow the machine is, some come to enforce before they are killed.
        if (turn % 5 === 0) await starting;
        await sleep(random.between(100, 1200));
        adopted.push(...readAdoption((await host.stopAgents("SIGKILL"))?.stdout));
        await starting;
      }
      await host.startAgent();
      adopted.push(...readAdoption(host.logs));
    });
    console.log(`seed ${seed}: ${kills} kills, ${adopted.length} adoptions, ${JSON.stringify(report)}`);
    expect(report.tcp.sent).toBeGreaterThan(10 * flows);
    expect(report.tcp).toMatchObject({ lost: 0, broken: 0 });
    expect(report.udp).toMatchObject({ lost: 0, broken: 0 });
    expect(report.attempts).toBeGreaterThan(10);
    expect(report.denied).toBe(0);
    // Some were killed before they enforced, some after; whoever enforced had taken over what was there.
    expect(adopted.length).toBeGreaterThan(1);
    expect(adopted.length).toBeLessThanOrEqual(kills);
    expect(new Set(adopted)).toEqual(new Set([true]));
    // The links are the first agent's: nothing was detached and attached again.
    expect(readLinks()).toEqual(links);
    const status = JSON.parse((await host.ringwall("status", "--json")).stdout) as {
      interfaces: { state: string }[];
    };
    expect(status.interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
  });

  it("control: with its pins gone it protects nothing any more", async () => {
    const report = await flowWhile(2, async (flow) => {
      await host.stopAgents("SIGKILL");
      await host.ringwall("detach", "--yes", ...host.paths);
      const denied = async () => (JSON.parse(await hear(flow, "count")) as Report).denied;
      await expect.poll(denied).toBeGreaterThan(0);
    });
    expect(report.denied).toBeGreaterThan(0);
  });
});
