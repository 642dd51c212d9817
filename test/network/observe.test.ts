/** A rule set that is tried on live traffic before it bites: observed, reported, promoted, switched under flows. */
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObservedReply } from "../../src/agent/protocol.ts";
import { askAgent } from "../../src/cli/client.ts";
import { Host } from "../cli/host.ts";
import { hear, startPeer } from "./peer.ts";

const switches = 100;

/** Guest 2 accepts TCP 8080 and UDP 9080 by rules; TCP 8081 and UDP 9081 are what nobody thought of. */
const rules = (mode: "observe" | "enforce", more = "") => `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-asks: {type: basic, network: vpc-a, rules: []}
  sg-web:
    type: basic
    network: vpc-a
    innerAccess: drop
    mode: ${mode}
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: icmpv6, portRange: -1/-1, remote: "::/0"} # what neighbours chatter
${more}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-asks]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-web]}}}
`;

let host: Host;
const children: ChildProcess[] = [];

function start(guest: number, mode: string, open: readonly string[] = []): ChildProcess {
  const child = startPeer(host.guest(guest), mode, { host: "10.0.0.2", count: 4, open });
  children.push(child);
  return child;
}

beforeAll(async () => {
  host = new Host(19486);
  host.writeRules(rules("enforce"));
  await host.startAgent();
  await hear(start(2, "serve"));
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await host.remove();
});

/** So many of four exchanges with each port are heard. */
const call = async (wanted: Record<string, number>) => {
  const open = Object.keys(wanted).filter((port) => wanted[port]);
  expect(JSON.parse(await hear(start(1, "call", open)))).toEqual(wanted);
};
const apply = (text: string, evenSo: boolean) =>
  askAgent(host.socket, "apply", { files: [{ path: "rules.yaml", text }], promotion: { evenSo } });
const report = async (...args: string[]) => {
  const { stdout } = await host.ringwall("observed", ...args, "--json");
  return JSON.parse(stdout) as ObservedReply;
};
const promote = (...args: string[]) =>
  host.ringwall("group", "modify", "sg-web", "--mode", "enforce", ...args);

const byRules = { "tcp 8080": 4, "tcp 8081": 0, "udp 9080": 4, "udp 9081": 0 };
const everything = { "tcp 8080": 4, "tcp 8081": 4, "udp 9080": 4, "udp 9081": 4 };

describe("a group that observes", () => {
  it("lets pass what it dropped, and the report names just that", async () => {
    await call(byRules);
    expect((await host.ringwall("group", "modify", "sg-web", "--mode", "observe")).code).toBe(0);
    await call(everything);
    const { groups, hits, unlisted } = await report("sg-web");
    expect(groups).toMatchObject([{ group: "sg-web", members: 1 }]);
    expect(unlisted).toEqual([]);
    const rows = hits.map(({ interface: id, direction, remote, protocol, port, times, rule, stands }) =>
      [id, direction, remote, protocol, port, times, rule, stands].join(" "),
    );
    expect(rows.sort()).toEqual([
      "eni-2 ingress 10.0.0.1 tcp 8081 4  true",
      "eni-2 ingress 10.0.0.1 udp 9081 4  true",
    ]);
  });

  it("is shown to people with what would have been dropped, by what, and how often", async () => {
    const { stdout } = await host.ringwall("observed");
    expect(stdout).toMatch(/^sg-web +1 +since/m);
    expect(stdout).toMatch(/^eni-2 +ingress +10\.0\.0\.1 +tcp 8081 +no-rule +4 .* stands$/m);
    expect(stdout).toContain("2 rows would be dropped if everything enforced.");
  });

  it("is not promoted while such packets came within the window", async () => {
    const { code, stderr } = await promote();
    expect(code).toBe(1);
    expect(stderr).toMatch(/sg-web stays in observe: within the last 24 h this passed and would be dropped/);
    expect(stderr).toMatch(/10\.0\.0\.1 to eni-2 tcp 8081: no rule \(no-rule\), 4 times/);
    expect((await promote("--window", "1h")).code).toBe(1);
    await call(everything);
  });

  it("keeps its report over a kill of the agent and a restart", async () => {
    const before = await report();
    await host.stopAgents("SIGTERM");
    await host.startAgent();
    expect((await report()).hits).toEqual(before.hits);
    expect((await promote()).code).toBe(1);
  });

  it("is promoted when told to, and drops from then on", async () => {
    expect((await promote("--even-so")).code).toBe(0);
    await call(byRules);
    expect(host.logs).toMatch(/enforced from now on: 10\.0\.0\.1 to eni-2 tcp 8081/);
  });

  it("is promoted without a word once rules accept what passed", async () => {
    const accepted = ["tcp, portRange: 8081/8081", "udp, portRange: 9081/9081"]
      .map((what) => `      - {direction: ingress, policy: accept, protocol: ${what}, remote: 10.0.0.0/24}`)
      .join("\n");
    await apply(rules("observe"), false);
    await call(everything);
    await expect(apply(rules("enforce"), false)).rejects.toThrow(/stays in observe/);
    await apply(rules("observe", accepted), false);
    expect((await report()).hits.map(({ stands }) => stands)).toEqual([false, false]);
    await apply(rules("enforce", accepted), false);
    await call(everything);
  });

  it("is switched live: flows that the rules allow lose nothing, and nothing else passes while it enforces", async () => {
    await apply(rules("enforce"), true);
    const flows = start(1, "flow");
    expect(await hear(flows)).toContain("flowing");
    // However busy the machine is, it says something in between, and what no rule accepts is answered while it observes.
    const hasSpoken = async () => {
      const { tcp, udp, denied } = JSON.parse(await hear(flows, "count"));
      return tcp.sent > 50 && udp.sent > 20 && denied > 0;
    };
    for (let turn = 0; turn < switches || (turn < 50 * switches && !(await hasSpoken())); turn += 2)
      for (const mode of ["observe", "enforce"] as const) {
        await apply(rules(mode), true);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    const { tcp, udp, denied } = JSON.parse(await hear(flows, "end"));
    console.log(
      `${switches} switches: ${tcp.sent} and ${udp.sent} messages, ${denied} refused ports answered`,
    );
    expect(tcp.sent).toBeGreaterThan(50);
    expect(udp.sent).toBeGreaterThan(20);
    expect({ tcp: tcp.lost, broken: tcp.broken, udp: udp.lost }).toEqual({ tcp: 0, broken: 0, udp: 0 });
    // The control: while it observed, what no rule accepts was answered.
    expect(denied).toBeGreaterThan(0);
    await call(byRules);
  });
});
