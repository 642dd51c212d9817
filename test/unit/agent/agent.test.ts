import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Agent } from "../../../src/agent/agent.ts";
import type { RuleFile } from "../../../src/agent/applied.ts";
import { type AgentConfig, defaultConfig } from "../../../src/agent/config.ts";
import { createLog } from "../../../src/agent/log.ts";
import type { RulesStore } from "../../../src/agent/rules-store.ts";
import { askAgent } from "../../../src/cli/client.ts";
import { turns } from "../../support/turns.mjs";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";

const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-web]}}}
  i-2: {interfaces: {eni-2: {host: elsewhere, device: tap1, network: vpc-a, mac: "02:00:00:00:01:02", addresses: [10.0.0.12], groups: [sg-web]}}}
`;
const good: RuleFile = { path: "rules.yaml", text: rules };
const other: RuleFile = { path: "rules.yaml", text: rules.replace("80/80", "443/443") };
const wrong: RuleFile = { path: "rules.yaml", text: rules.replace("80/80", "80-80") };

let folder: string;
let socket: string;
let log: string[];
let agents: Agent[];
let kernel: FakeEnforcer;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-agent-"));
  socket = join(folder, "run", "ringwall.sock");
  log = [];
  agents = [];
  kernel = new FakeEnforcer();
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop({ detach: false })));
  rmSync(folder, { recursive: true, force: true });
});

function configure(changes: Partial<AgentConfig> = {}): AgentConfig {
  const defaults = defaultConfig();
  return {
    ...defaults,
    host: "kvm-1",
    socket: { path: socket, group: "no-such-group" },
    metrics: { listen: "127.0.0.1:0" },
    ...changes,
  };
}

async function start(store: RulesStore, config = configure()): Promise<Agent> {
  const agent = await Agent.start({
    paths: { config: undefined, bpffs: "", state: join(folder, "state"), lock: join(folder, "lock") },
    config,
    version: "1.2.3",
    log: createLog({ level: "debug", format: "json" }, { write: (line: string) => log.push(line) }),
    openStore: () => store,
    openEnforcer: async () => kernel,
  });
  agents.push(agent);
  return agent;
}

async function stop(agent: Agent): Promise<void> {
  agents = agents.filter((one) => one !== agent);
  await agent.stop({ detach: false });
}

describe("an agent", () => {
  it("brings the store's rules into force and says so", async () => {
    await start(new MemoryStore([good]));
    const status = await askAgent(socket, "status", {});
    expect(status.policy).toMatchObject({ revision: 1, groups: 1, rules: 1, interfaces: 2, refused: null });
    expect(status.interfaces).toMatchObject([
      { id: "eni-1", instance: "i-1", groups: ["sg-web"], state: "enforcing" },
    ]);
    expect(status.agent).toMatchObject({ host: "kvm-1", version: "1.2.3", pid: process.pid });
    expect(status.problems).toEqual([]);
  });

  it("leaves enforcement in place when it stops, and takes its socket away", async () => {
    await stop(await start(new MemoryStore([good])));
    expect(kernel.closed).toEqual({ detach: false });
    expect(existsSync(socket)).toBe(false);
  });

  it("opens everything at its end only when told to", async () => {
    const agent = await start(new MemoryStore([good]));
    agents = [];
    await agent.stop({ detach: true });
    expect(kernel.closed).toEqual({ detach: true });
  });

  it("does not start beside another one, and names it", async () => {
    await start(new MemoryStore([good]));
    await expect(start(new MemoryStore([good]))).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining(`Another agent (pid ${process.pid}) holds`),
    });
    expect((await askAgent(socket, "status", {})).policy.revision).toBe(1);
  });

  it("starts again after one that failed to start", async () => {
    kernel.refuses = "rw_cells is too small";
    await expect(start(new MemoryStore([good]))).rejects.toMatchObject({ code: "kernel" });
    expect(kernel.closed).toEqual({ detach: false });
    kernel.refuses = null;
    await start(new MemoryStore([good]));
  });

  it("follows edits, and refuses a wrong one as a whole with its place", async () => {
    const store = new MemoryStore([good]);
    await start(store);
    store.edit([other]);
    await expect.poll(async () => (await askAgent(socket, "status", {})).policy.revision).toBe(2);
    store.edit([wrong]);
    await expect.poll(async () => (await askAgent(socket, "status", {})).policy.refused).not.toBeNull();
    const { policy } = await askAgent(socket, "status", {});
    expect(policy.revision).toBe(2);
    expect(policy.refused?.messages[0]).toMatch(/^rules\.yaml:8:\d+: .*80\/80/);
    expect(log.join("")).toContain("what was in force stays in force");
    store.edit([good]);
    await expect
      .poll(async () => (await askAgent(socket, "status", {})).policy)
      .toMatchObject({ revision: 3, refused: null });
  });

  it("takes a store that lost its files for a mistake", async () => {
    const store = new MemoryStore([good]);
    await start(store);
    store.edit([]);
    await expect
      .poll(async () => (await askAgent(socket, "status", {})).policy.refused?.messages[0])
      .toContain("no rules in");
    expect(kernel.resolved?.interfaces).toHaveLength(1);
    expect(kernel.applies).toBe(1);
  });
});

describe("an agent that finds no usable rules at its start", () => {
  it("names the path and shows an example, on a host that never had any", async () => {
    await expect(start(new MemoryStore([]))).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(
        /no rules in \/etc\/ringwall\/rules\.d[\s\S]*version: 1[\s\S]*ringwall validate/,
      ),
    });
    await expect(start(new MemoryStore([wrong]))).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/^rules\.yaml:8:/),
    });
    expect(kernel.applies).toBe(0);
  });

  it.each([
    ["there are none", (): Partial<MemoryStore> => ({ files: [] })],
    ["they are wrong", (): Partial<MemoryStore> => ({ files: [wrong] })],
    ["they cannot be read", (): Partial<MemoryStore> => ({ unreadable: "EIO" })],
  ])("goes on with the last good ones where %s, and says so", async (_why, damage) => {
    await stop(await start(new MemoryStore([good])));
    const store = new MemoryStore([good]);
    Object.assign(store, damage());
    await start(store);
    const status = await askAgent(socket, "status", {});
    expect(status.policy.revision).toBe(1);
    expect(status.policy.refused).not.toBeNull();
    expect(status.problems).toHaveLength(1);
    expect(kernel.resolved?.interfaces).toHaveLength(1);
    store.unreadable = null;
    store.edit([other]);
    await expect.poll(async () => (await askAgent(socket, "status", {})).problems).toEqual([]);
  });
});

describe("an agent's clients", () => {
  it("apply files, which then stand in the store", async () => {
    const store = new MemoryStore([good]);
    await start(store);
    const reply = await askAgent(socket, "apply", { files: [{ ...other, path: "/home/me/rules.yaml" }] });
    expect(reply).toMatchObject({ revision: 2, changed: true, interfaces: 1 });
    expect(store.files[0]?.text).toBe(other.text);
    expect(await askAgent(socket, "apply", { files: [other] })).toMatchObject({
      revision: 2,
      changed: false,
    });
    expect(log.join("")).toContain('"msg":"applied what a client sent"');
  });

  it("apply files, which a look at the store that began before does not take back", async () => {
    const store = new MemoryStore([good]);
    const agent = await start(store);
    let release: () => void = () => undefined;
    store.slow = new Promise((resolve) => {
      release = resolve;
    });
    const looked = agent.reload(configure());
    const applied = askAgent(socket, "apply", { files: [other] });
    // In force before the look is over, unless it waits for that.
    await Promise.race([applied, turns(200)]);
    release();
    await Promise.all([looked, applied]);
    expect(store.files).toEqual([other]);
    const { policy } = await askAgent(socket, "status", {});
    expect(policy.revision).toBe(2);
    expect((await askAgent(socket, "model", {})).files).toEqual([other]);
  });

  it("put back with an apply of what is in force what somebody broke in the store", async () => {
    const store = new MemoryStore([good]);
    await start(store);
    store.edit([wrong]);
    await expect.poll(async () => (await askAgent(socket, "status", {})).policy.refused).not.toBeNull();
    expect(await askAgent(socket, "apply", { files: [good] })).toMatchObject({ changed: false });
    expect(store.files).toEqual([good]);
    expect((await askAgent(socket, "status", {})).policy.refused).toBeNull();
  });

  it("are told what is wrong with files, and what the kernel refuses", async () => {
    const store = new MemoryStore([good]);
    await start(store);
    await expect(askAgent(socket, "apply", { files: [wrong] })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^rules\.yaml:8:/),
    });
    kernel.refuses = "rw_cells is too small";
    await expect(askAgent(socket, "apply", { files: [other] })).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining("rw_cells is too small"),
    });
    expect(store.files).toEqual([good]);
    const { policy, interfaces } = await askAgent(socket, "status", {});
    expect(policy.refused?.messages).toEqual([expect.stringContaining("rw_cells is too small")]);
    expect(interfaces.filter(({ ifindex }) => ifindex !== null)).toMatchObject([{ state: "enforcing" }]);
    const twice = [good, { ...other, path: "sub/rules.yaml" }];
    await expect(askAgent(socket, "apply", { files: twice })).rejects.toThrow(/named rules\.yaml/);
  });

  it("are told of session tables that keep their size", async () => {
    await start(new MemoryStore([good]));
    expect((await askAgent(socket, "status", {})).problems).toEqual([]);
    kernel.smallerTables = "eni-1: session tables are smaller than they would be made now";
    expect((await askAgent(socket, "status", {})).problems).toEqual([kernel.smallerTables]);
  });

  it("get verdicts with what the kernel says, for the ends that are here", async () => {
    await start(new MemoryStore([good]));
    const question = { from: "eni-2", to: "tap1", protocol: "tcp", port: 80 };
    await expect(askAgent(socket, "explain", { ...question, to: "eni-9" })).rejects.toThrow(/eni-9/);
    await expect(askAgent(socket, "explain", question)).rejects.toThrow(
      /several interfaces[\s\S]*eni-1[\s\S]*eni-2/,
    );
    const reply = await askAgent(socket, "explain", { ...question, to: "i-1" });
    expect(reply).toMatchObject({ verdict: "accept", kernel: { verdict: "accept", agrees: true } });
    expect(reply.sides.map(({ interface: id, direction }) => [id, direction])).toEqual([
      ["eni-2", "egress"],
      ["eni-1", "ingress"],
    ]);
    kernel.answer = { ...kernel.answer, verdict: "drop", reason: "not-ready" };
    expect((await askAgent(socket, "explain", { ...question, to: "i-1" })).kernel).toEqual({
      verdict: "drop",
      agrees: false,
      sides: [{ interface: "eni-1", direction: "ingress", verdict: "drop", reason: "not-ready" }],
    });
  });

  it("end sessions by names that are found in the rules", async () => {
    await start(new MemoryStore([good]));
    const filter = { interface: "10.0.0.11", protocol: "tcp", remote: "192.0.2.1", localPort: 22 };
    expect(await askAgent(socket, "endSessions", filter)).toEqual({ ended: 3 });
    const remote = { family: 4, bits: 0xc0000201n };
    expect(kernel.ended).toEqual([{ interface: "eni-1", protocol: 6, remote, localPort: 22 }]);
    await expect(askAgent(socket, "endSessions", { remote: "nowhere" })).rejects.toThrow(/remote: /);
    await expect(askAgent(socket, "endSessions", { network: "vpc-a" })).rejects.toThrow(
      /write the interface/,
    );
    await expect(askAgent(socket, "endSessions", { protocol: "tpc" })).rejects.toThrow(/tcp/);
    expect(log.join("")).toContain('"msg":"ended sessions"');
  });
});

describe("a reload", () => {
  it("takes over what may change, and says what waits for a restart", async () => {
    const agent = await start(new MemoryStore([good]));
    const config = configure({ midstream: "drop", host: "kvm-2" });
    await agent.reload({ ...config, log: { level: "warn", format: "json" } });
    expect(kernel.configured).toMatchObject([{ midstream: "drop" }]);
    expect(log.join("")).toMatch(/"key":"host","msg":"takes effect when the agent starts again"/);
    expect((await askAgent(socket, "status", {})).agent.host).toBe("kvm-1");
  });
});

describe("metrics whose port is taken", () => {
  let taken: Server;
  beforeEach(async () => {
    taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
  });
  afterEach(() => taken.close());

  it("do not keep the host without protection", async () => {
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await start(new MemoryStore([good]), configure({ metrics: { listen: `127.0.0.1:${port}` } }));
    expect(kernel.resolved?.interfaces).toHaveLength(1);
    expect((await askAgent(socket, "status", {})).problems[0]).toContain("EADDRINUSE");
  });
});
