/** Edits that the kernel or the disk fails at for once. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { RuleFile } from "../../../src/agent/applied.ts";
import { RefusedRules, UnreadableRules } from "../../../src/agent/check.ts";
import { openFileStore } from "../../../src/agent/open-store.ts";
import { askAgent } from "../../../src/cli/client.ts";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";
import { type RunningAgent, runAgentOn } from "./running-agent.ts";

const rulesFor = (port: number): RuleFile => ({
  path: "rules.yaml",
  text: `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${port}/${port}, remote: 0.0.0.0/0}
`,
});
const [old, edited, other] = [rulesFor(80), rulesFor(443), rulesFor(8080)];
const outOfMemory = () => new EnforcementError("KERNEL", "cannot write rw_cells (ENOMEM)");

let kernel: FakeEnforcer;
let store: MemoryStore;
let agent: RunningAgent;
let port: number;

beforeEach(async () => {
  kernel = new FakeEnforcer();
  store = new MemoryStore([old]);
  port = await findPort();
  agent = await runAgentOn(store, kernel, { metrics: { listen: `127.0.0.1:${port}` } });
  await expect.poll(() => kernel.applies).toBe(1);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await agent.stop();
});

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return free;
}

const status = () => askAgent(agent.socket, "status", {});
const inForce = () => kernel.resolved?.model.groups.get("sg-web")?.rules[0]?.ports?.first;
const pending = async (what: "rules" | "settings") => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^ringwall_reload_pending\\{what="${what}"\\} (\\d)$`, "m").exec(text)?.[1]);
};
/** Looks until the agent has given an answer to what was edited. */
const refused = () => expect.poll(async () => (await status()).policy.refused).not.toBeNull();

describe("an edit that the kernel fails at", () => {
  it("is tried again, which status and metrics say, until it is in force", async () => {
    kernel.failures.push(outOfMemory(), outOfMemory());
    store.edit([edited]);
    await refused();
    expect(await pending("rules")).toBe(1);
    const { policy, problems } = await status();
    expect(policy.revision).toBe(1);
    expect(policy.refused?.messages.join()).toContain("ENOMEM");
    expect(problems).toEqual([expect.stringMatching(/rules\.d says .*: tried again at \d{4}-/)]);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(() => kernel.applies).toBe(3);
    expect(inForce()).toBe(80);
    await expect.poll(() => pending("rules")).toBe(1);
    await vi.advanceTimersByTimeAsync(2000);
    await expect.poll(async () => (await status()).policy).toMatchObject({ revision: 2, refused: null });
    expect(inForce()).toBe(443);
    expect((await status()).problems).toEqual([]);
    expect(await pending("rules")).toBe(0);
    // Once, although it was tried three times.
    expect(agent.log.filter((line) => line.includes("ENOMEM"))).toHaveLength(1);
  });

  it("gives way to the next edit", async () => {
    kernel.failures.push(outOfMemory());
    store.edit([edited]);
    await refused();
    store.edit([other]);
    await expect.poll(inForce).toBe(8080);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(inForce()).toBe(8080);
    expect(kernel.applies).toBe(3);
  });

  it("gives way to what a client applies", async () => {
    kernel.failures.push(outOfMemory());
    store.edit([edited]);
    await refused();
    await askAgent(agent.socket, "apply", { files: [other] });
    expect((await status()).problems).toEqual([]);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(inForce()).toBe(8080);
  });

  it("is tried again by a hangup, too", async () => {
    kernel.failures.push(outOfMemory(), outOfMemory());
    store.edit([edited]);
    await refused();
    await agent.reload({});
    expect(kernel.applies).toBe(3);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(inForce).toBe(443);
  });

  it("is left where the kernel has no room for it", async () => {
    kernel.failures.push(new EnforcementError("CAPACITY", "rw_cells is too small"));
    store.edit([edited]);
    await refused();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(kernel.applies).toBe(2);
    expect((await status()).problems).toEqual([]);
    expect(await pending("rules")).toBe(0);
  });
});

describe("rules that cannot be read for once", () => {
  it("are read again", async () => {
    const load = vi.spyOn(store, "load").mockRejectedValueOnce(new UnreadableRules(["rules.d: EIO"]));
    store.edit([edited]);
    await refused();
    expect(await pending("rules")).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(inForce).toBe(443);
    expect(load).toHaveBeenCalled();
  });
});

describe("a store's refusal", () => {
  it("says whether the rules were read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringwall-reload-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "rules.yaml");
    const load = () => openFileStore(path).load();
    await expect(load()).rejects.toBeInstanceOf(UnreadableRules);
    writeFileSync(path, Buffer.from([0xff]));
    const wrong = await load().catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(RefusedRules);
    expect(wrong).not.toBeInstanceOf(UnreadableRules);
  });
});

describe("a client's apply that the kernel fails at", () => {
  it("is answered, and not tried again", async () => {
    kernel.failures.push(outOfMemory());
    const applied = askAgent(agent.socket, "apply", { files: [edited] });
    await expect(applied).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining("ENOMEM") });
    await vi.advanceTimersByTimeAsync(300_000);
    expect(kernel.applies).toBe(2);
    expect(inForce()).toBe(80);
    expect((await status()).problems).toEqual([]);
  });

  it("in going back from what cannot be stored is gone back from later", async () => {
    store.breaks = true;
    kernel.failures.push(null, outOfMemory(), outOfMemory());
    const applied = askAgent(agent.socket, "apply", { files: [edited] });
    await expect(applied).rejects.toThrow(
      /could not be written: EIO.*could not go back to revision 1.*tried again/,
    );
    await expect.poll(() => kernel.applies).toBe(4);
    expect(inForce()).toBe(443);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(inForce).toBe(80);
    await expect.poll(async () => (await status()).policy).toMatchObject({ revision: 1, refused: null });
  });

  it("likewise where it was confirmed", async () => {
    await askAgent(agent.socket, "apply", { files: [edited], confirmSeconds: 60 });
    store.breaks = true;
    kernel.failures.push(outOfMemory(), outOfMemory());
    await expect(askAgent(agent.socket, "confirm", {})).rejects.toThrow(/could not go back.*tried again/);
    await expect.poll(() => kernel.applies).toBe(4);
    expect(inForce()).toBe(443);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(inForce).toBe(80);
    store.breaks = false;
    expect(await askAgent(agent.socket, "apply", { files: [other] })).toMatchObject({ changed: true });
  });
});

describe("an agent.yaml that the kernel fails at", () => {
  it("is taken over later; the rules do not wait for it", async () => {
    kernel.configureFailures.push(outOfMemory());
    store.files = [edited];
    await agent.reload({ midstream: "drop" });
    expect(inForce()).toBe(443);
    expect(await pending("settings")).toBe(1);
    expect((await status()).problems).toEqual([expect.stringMatching(/agent\.yaml .*: tried again at/)]);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(() => kernel.configured.map(({ midstream }) => midstream)).toEqual(["drop", "drop"]);
    await expect.poll(() => pending("settings")).toBe(0);
    expect((await status()).problems).toEqual([]);
  });
});
