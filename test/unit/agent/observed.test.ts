import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askAgent } from "../../../src/cli/client.ts";
import type { PacketEvent } from "../../../src/kernel/status.ts";
import { address } from "../../support/bed.ts";
import { makeEvent } from "../../support/made-up.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";
import { type RunningAgent, runAgentOn } from "./running-agent.ts";

interface RulesFields {
  readonly mode?: "observe" | "enforce";
  readonly ports?: string;
  readonly antiSpoofing?: string;
}

const rulesWith = ({ mode = "observe", ports = "80/80", antiSpoofing = "true" }: RulesFields = {}) => ({
  path: "rules.yaml",
  text: `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    mode: ${mode}
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${ports}, remote: 0.0.0.0/0}
      - {id: no-mail, direction: egress, policy: drop, protocol: tcp, portRange: 25/25, remote: 0.0.0.0/0}
  sg-other: {type: basic, network: vpc-a, rules: []}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-web], antiSpoofing: ${antiSpoofing}}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:01:02", addresses: [10.0.0.12], groups: [sg-other]}}}
`,
});

let running: RunningAgent | null = null;
let kernel: FakeEnforcer;
beforeEach(() => {
  // Times of packets are counted from the boot, which may be a minute ago where this runs; here it is a month longer.
  const sinceBoot = process.hrtime.bigint;
  vi.spyOn(process.hrtime, "bigint").mockImplementation(() => sinceBoot() + 30n * 86_400_000_000_000n);
});
afterEach(async () => {
  await running?.stop();
  running = null;
  vi.restoreAllMocks();
});

async function start(fields: RulesFields = {}): Promise<RunningAgent> {
  kernel = new FakeEnforcer();
  running = await runAgentOn(new MemoryStore([rulesWith(fields)]), kernel);
  return running;
}

const socket = () => running?.socket ?? "";
const report = (request: { group?: string; windowSeconds?: number } = {}) =>
  askAgent(socket(), "observed", request);
const apply = (fields: RulesFields, more: { promotion?: object; dryRun?: boolean } = {}) =>
  askAgent(socket(), "apply", { files: [rulesWith(fields)], ...more });
const promote = (promotion: { windowSeconds?: number; evenSo?: boolean } = {}) =>
  apply({ mode: "enforce" }, { promotion });

/** A SYN from 192.0.2.7 to port 443 of eni-1, `ago` seconds ago. */
function pass(changes: Partial<PacketEvent> = {}, ago = 0): void {
  const event = makeEvent({
    time: process.hrtime.bigint() - BigInt(ago) * 1_000_000_000n,
    interface: "eni-1",
    verdict: "accept",
    reason: "observed",
    rule: null,
    source: address("192.0.2.7"),
    sourcePort: 40000,
    destinationPort: 443,
    ...changes,
  });
  for (const listener of kernel.listeners) listener(event);
}

const mail: Partial<PacketEvent> = {
  direction: "egress",
  source: address("10.0.0.11"),
  destination: address("192.0.2.25"),
  destinationPort: 25,
  rule: 0,
};

function count(packets: number): void {
  kernel.counterList = [
    {
      interface: "eni-1",
      direction: "ingress",
      verdict: "accept",
      reason: "observed",
      packets: BigInt(packets),
      bytes: 0n,
    },
  ];
}

describe("the report of what observing groups would have dropped", () => {
  it("adds up packets of one peer and service, with first, last and what would have dropped them", async () => {
    await start();
    pass({}, 100);
    pass({ sourcePort: 40001 }, 50);
    pass(mail);
    const { groups, hits } = await report();
    expect(groups).toMatchObject([{ group: "sg-web", members: 1 }]);
    const [latest, earlier] = hits;
    expect(latest).toMatchObject({
      interface: "eni-1",
      direction: "egress",
      remote: "192.0.2.25",
      port: 25,
      times: 1,
      rule: { group: "sg-web", id: "no-mail" },
      stands: true,
    });
    expect(earlier).toMatchObject({
      direction: "ingress",
      remote: "192.0.2.7",
      protocol: "tcp",
      port: 443,
      rule: null,
      groups: ["sg-web"],
      times: 2,
      stands: true,
    });
    const span = Date.parse(earlier?.last ?? "") - Date.parse(earlier?.first ?? "");
    expect(span).toBeGreaterThan(49_000);
    expect(span).toBeLessThan(51_000);
  });

  it("takes what was dropped, or passed for another reason, for no hit", async () => {
    await start();
    pass({ verdict: "drop", reason: "no-rule" });
    pass({ interface: "eni-2", reason: "rule" });
    pass({ interface: null });
    expect((await report()).hits).toEqual([]);
  });

  it("shows again what it hid while the clock was years ahead", async () => {
    await start();
    pass();
    const { now } = Date;
    const ahead = vi.spyOn(Date, "now").mockImplementation(() => now() + 10 * 365 * 86_400_000);
    expect((await report()).hits).toEqual([]);
    ahead.mockRestore();
    expect((await report()).hits).toHaveLength(1);
    await expect(promote()).rejects.toThrow(/192\.0\.2\.7/);
  });

  it("lists what comes in place of what is older than the longest window, and of nothing younger", async () => {
    await start();
    const day = 86_400;
    for (let port = 1; port <= 255; port++) pass({ destinationPort: port }, 6 * day);
    pass({ destinationPort: 256 }, 8 * day);
    for (const destinationPort of [443, 444]) pass({ destinationPort });
    const { hits } = await report();
    expect(hits.map(({ port }) => port)).toContain(443);
    expect(hits).toHaveLength(256);
  });

  it("narrows to a group's members and to a window, and refuses a group that is none", async () => {
    await start();
    pass({}, 100);
    expect((await report({ group: "sg-web" })).hits).toHaveLength(1);
    expect((await report({ group: "sg-other" })).hits).toEqual([]);
    expect((await report({ windowSeconds: 90 })).hits).toEqual([]);
    await expect(report({ group: "sg-none" })).rejects.toThrow(/There is no group sg-none/);
  });

  it("says of a hit that the rules accept by now that it is settled", async () => {
    await start();
    pass();
    await apply({ ports: "80/443" });
    expect((await report()).hits).toMatchObject([{ port: 443, stands: false }]);
  });

  it("is bounded for each interface, and says what it could not list", async () => {
    await start();
    await report();
    for (let port = 1000; port < 1400; port++) pass({ destinationPort: port });
    count(400);
    const { hits, unlisted } = await report();
    expect(hits).toHaveLength(256);
    expect(unlisted).toMatchObject([{ interface: "eni-1", packets: 144 }]);
    pass({ destinationPort: 1000 });
    count(401);
    expect((await report()).unlisted).toMatchObject([{ packets: 144 }]);
  });

  it("reads events only while something observes", async () => {
    await start({ mode: "enforce" });
    expect(kernel.listeners.size).toBe(0);
    await apply({ mode: "observe" });
    expect(kernel.listeners.size).toBe(1);
    await apply({ mode: "enforce" });
    expect(kernel.listeners.size).toBe(0);
  });
});

describe("a promotion from observe to enforce", () => {
  it("is refused while something within the last day would be dropped, names it, and changes nothing", async () => {
    await start();
    pass({}, 3600);
    pass(mail);
    const refusal = promote();
    await expect(refusal).rejects.toThrow(/sg-web stays in observe: within the last 24 h/);
    await expect(refusal).rejects.toThrow(/192\.0\.2\.7 to eni-1 tcp 443: no rule \(no-rule\), once/);
    await expect(refusal).rejects.toThrow(/eni-1 to 192\.0\.2\.25 tcp 25: sg-web no-mail, once/);
    expect(kernel.applies).toBe(1);
    expect(kernel.resolved?.model.groups.get("sg-web")?.mode).toBe("observe");
  });

  it("is refused in a dry run as well", async () => {
    await start();
    pass();
    await expect(apply({ mode: "enforce" }, { dryRun: true })).rejects.toThrow(/stays in observe/);
  });

  it("is refused of a change that would undo itself, too", async () => {
    await start();
    pass();
    const request = { files: [rulesWith({ mode: "enforce" })], confirmSeconds: 60 };
    await expect(askAgent(socket(), "apply", request)).rejects.toThrow(/stays in observe/);
    expect(kernel.confirmation).toBeNull();
  });

  it("takes effect where the hits are older than the window", async () => {
    await start();
    pass({}, 3600);
    expect(await promote({ windowSeconds: 1800 })).toMatchObject({ changed: true });
  });

  it("takes effect when told to, and logs what it drops", async () => {
    const { log } = await start();
    pass();
    expect(await promote({ evenSo: true })).toMatchObject({ changed: true });
    await report();
    expect(log.join("")).toMatch(/enforced from now on: 192\.0\.2\.7 to eni-1 tcp 443/);
  });

  it("takes effect together with the rule that accepts what passed", async () => {
    await start();
    pass();
    expect(await apply({ mode: "enforce", ports: "80/443" })).toMatchObject({ changed: true });
  });

  it("is refused for packets that were counted and not listed", async () => {
    await start();
    await report();
    count(5);
    await expect(promote()).rejects.toThrow(/eni-1: 5 more that were counted but not listed/);
  });

  it("of an interface's anti-spoofing is refused for what it observed, and for nothing else", async () => {
    await start({ mode: "enforce", antiSpoofing: "observe" });
    pass({ direction: "egress", source: address("10.0.0.99"), destination: address("192.0.2.25") });
    expect((await report()).hits).toMatchObject([{ observer: "anti-spoofing", stands: true }]);
    await expect(apply({ mode: "enforce" })).rejects.toThrow(/eni-1 stays in observe.*anti-spoofing/s);
    expect(await apply({ mode: "enforce", antiSpoofing: "false" })).toMatchObject({ changed: true });
  });
});

describe("an agent that starts again", () => {
  it("knows what the one before it saw, and since when groups observe", async () => {
    const agent = await start();
    pass();
    const before = await report();
    await agent.restart();
    expect(await report()).toEqual(before);
    await expect(promote()).rejects.toThrow(/tcp 443/);
  });

  it("begins anew, and says so, where the file is damaged", async () => {
    const agent = await start();
    pass();
    await agent.restart(() => writeFileSync(join(agent.folder, "state", "observed.json"), '{"hits": 3}'));
    expect((await report()).hits).toEqual([]);
    expect(agent.log.join("")).toMatch(/observed\.json is damaged/);
  });
});
