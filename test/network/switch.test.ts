import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askAgent } from "../../src/cli/client.ts";
import { Host } from "../cli/host.ts";
import { askForwarding } from "../support/forwarding.ts";
import { hear, startPeer } from "./peer.ts";

const switches = 1000;

/**
 * Two rule sets in which guest 1 is a member of sg-a, or of sg-b. Whole, each accepts its port 5000 and refuses its
 * port 5001. New rules with old members, or old rules with new ones, would do the opposite, for both ports.
 */
const rules = (member: "sg-a" | "sg-b"): string => {
  const other = member === "sg-a" ? "sg-b" : "sg-a";
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-a: {type: basic, network: vpc-a, innerAccess: drop, rules: []}
  sg-b: {type: basic, network: vpc-a, innerAccess: drop, rules: []}
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: udp, portRange: 5000/5000, remote: ${member}}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 5001/5001, remote: ${other}}
      - {direction: ingress, policy: drop, protocol: udp, portRange: 5001/5001, remote: ${member}}
      - {direction: ingress, policy: accept, protocol: icmpv6, portRange: -1/-1, remote: "::/0"}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [${member}]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-t]}}}
`;
};

let host: Host;
let sink: ChildProcess;

beforeAll(async () => {
  host = new Host(19473);
  host.writeRules(rules("sg-a"));
  await host.startAgent();
  sink = startPeer(host.guest(2), "sink");
  await hear(sink);
});

afterAll(async () => {
  sink.kill("SIGKILL");
  await host.remove();
});

/** Packets at guest 2 by verdict and reason. */
function readReasons(): Map<string, number> {
  const series =
    /^ringwall_packets_total\{interface="eni-2",direction="ingress",verdict="([^"]+)",reason="([^"]+)"\} (\d+)$/gm;
  return new Map(
    [...host.metrics().matchAll(series)].map((match) => [`${match[1]} ${match[2]}`, Number(match[3])]),
  );
}

/** What became of packets; `wrong`: heard at port 5001. */
type Fates = Readonly<Record<"accepted" | "refused" | "unmatched" | "wrong", number>>;

/** Sends new flows from guest 1 to guest 2 while `meanwhile` happens; what became of them. */
async function sprayWhile(meanwhile: (now: () => Promise<Fates>) => Promise<void>) {
  // Before the sender begins: what it sent by then would be missing from the sums.
  const [before, silent] = [readReasons(), Number(await hear(sink, "count"))];
  const child = startPeer(host.guest(1), "spray", { host: "10.0.0.2" });
  try {
    await hear(child);
    const now = async (): Promise<Fates> => {
      const [after, heard] = [readReasons(), Number(await hear(sink, "count"))];
      const grown = (reason: string): number => (after.get(reason) ?? 0) - (before.get(reason) ?? 0);
      const accepted = grown("accept rule") + grown("accept session");
      return {
        accepted,
        refused: grown("drop rule"),
        unmatched: grown("drop no-rule"),
        wrong: heard - silent,
      };
    };
    await meanwhile(now);
    const { sent } = JSON.parse(await hear(child, "end")) as { sent: number };
    await sleep(500); // what is under way arrives, or is not counted
    return { sent, ...(await now()) };
  } finally {
    child.kill("SIGKILL");
  }
}

const apply = (member: "sg-a" | "sg-b") =>
  askAgent(host.socket, "apply", { files: [{ path: "rules.yaml", text: askForwarding(rules(member)) }] });

describe("two rule sets that differ in rules and members", () => {
  it("are switched 1,000 times under traffic, and no packet meets a mixture", async () => {
    const { sent, accepted, refused, unmatched, wrong } = await sprayWhile(async (now) => {
      // A sender that had no CPU meanwhile gets more of them.
      const isEnough = ({ accepted, refused }: Fates) => accepted > switches && refused > switches;
      for (let round = 0; round < 20 && !isEnough(await now()); round++)
        for (let turn = 0; turn < switches; turn++) await apply(turn % 2 === 0 ? "sg-b" : "sg-a");
    });
    console.log(`${switches} switches under ${sent} datagrams: ${accepted} accepted, ${refused} refused`);
    expect(accepted).toBeGreaterThan(switches);
    expect(refused).toBeGreaterThan(switches);
    // A mixture would find no rule for port 5000, and would accept port 5001.
    expect({ unmatched, wrong }).toEqual({ unmatched: 0, wrong: 0 });
  }, 3_600_000);

  it("control: a rule set that is such a mixture is seen by the same count", async () => {
    const mixture = rules("sg-a").replace("groups: [sg-a]", "groups: [sg-b]");
    const { unmatched, wrong } = await sprayWhile(async (now) => {
      await askAgent(host.socket, "apply", { files: [{ path: "rules.yaml", text: askForwarding(mixture) }] });
      const isSeen = ({ unmatched, wrong }: Fates) => unmatched > 0 && wrong > 0;
      await expect.poll(async () => isSeen(await now())).toBe(true);
    });
    expect(unmatched).toBeGreaterThan(0);
    expect(wrong).toBeGreaterThan(0);
  });
});
