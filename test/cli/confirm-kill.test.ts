/** `apply --confirm` and `confirm` on a host with guests, with the agent killed at every step. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { turns } from "../support/turns.mjs";
import { type Agent, guestRules, Host } from "./host.ts";
import type { Outcome } from "./program.ts";

/** Guests may ping each other under the old rules, not under the new ones. */
const newRules = guestRules.replace("protocol: icmp", "protocol: gre");

let host: Host;
let agent: Agent;

beforeAll(async () => {
  host = new Host(19472);
  // strace counts calls by thread.
  host.env.UV_THREADPOOL_SIZE = "1";
  mkdirSync(join(host.folder, "new"));
  writeFileSync(join(host.folder, "new", "rules.yaml"), newRules);
});
afterAll(() => host.remove());

beforeEach(begin);

/** An agent under the old rules, and nothing waits. */
async function begin(): Promise<void> {
  await host.stopAgents("SIGKILL");
  host.writeRules(guestRules);
  agent = await host.startAgent();
  if ((await status()).policy.waiting !== null) await host.ringwall("confirm", "--undo");
  await awaitOld();
}

interface Status {
  policy: { revision: number; waiting: { revision: number; remainingSeconds: number } | null };
  problems: string[];
}
const status = async () => JSON.parse((await host.ringwall("status", "--json")).stdout) as Status;
const stored = () => readFileSync(join(host.folder, "rules.d", "rules.yaml"), "utf8");
const applyNew = (span: string) =>
  host.ringwall("apply", join(host.folder, "new", "rules.yaml"), "--confirm", span);
const awaitOld = () => expect.poll(() => host.ping(1, 2), { interval: 50 }).toBe(true);

/** Kills the agent as it begins its n-th call of `calls` for `work`; whether it came that far. */
async function killAt(n: number, calls: string, work: () => Promise<Outcome>): Promise<boolean> {
  const { pid } = agent;
  const inject = `inject=${calls}:signal=SIGKILL:when=${n}`;
  const args = ["-f", "-qq", "-e", `trace=${calls}`, "-e", inject, "-p", String(pid)];
  const strace = spawn("strace", args, { stdio: "ignore" });
  const ended = once(strace, "close");
  try {
    const tracer = () => readFileSync(`/proc/${pid}/status`, "utf8");
    await expect.poll(tracer, { interval: 10 }).toMatch(/TracerPid:\s+[1-9]/);
    const { code, stderr } = await work();
    const gone = agent.end().then(() => true);
    const isGone = code !== 0 && (await Promise.race([gone, turns(2000).then(() => false)]));
    if (code !== 0 && !isGone) throw new Error(`${stderr}: the agent was not killed`);
    return isGone;
  } finally {
    // It does not always notice that what it traces is gone.
    strace.kill("SIGKILL");
    await ended;
  }
}

/** System calls that change something, and which of them: each one of the disk's, of the kernel's many ever fewer. */
const points = [
  { calls: "fsync", next: (n: number) => n + 1 },
  { calls: "rename", next: (n: number) => n + 1 },
  { calls: "unlink", next: (n: number) => n + 1 },
  { calls: "bpf", next: (n: number) => n * 2 },
];

/** Kills an agent at each of the points that `work` passes, each time after `prepare`; `check` says what has to hold then. */
async function killAtEach(
  prepare: () => Promise<void>,
  work: () => Promise<Outcome>,
  check: (point: string) => Promise<void>,
): Promise<string[]> {
  const kills: string[] = [];
  for (const { calls, next } of points) {
    for (let n = 1; ; n = next(n)) {
      await prepare();
      if (!(await killAt(n, calls, work))) break;
      kills.push(`${calls} ${n}`);
      await check(`killed at ${calls} ${n}`);
    }
  }
  return kills;
}

describe("an agent that is killed at any step", () => {
  it("of a change that is to be confirmed leaves the old rules, in the kernel and in the store", async () => {
    const kills = await killAtEach(
      begin,
      () => applyNew("1s"),
      async (point) => {
        await awaitOld();
        await host.stopAgents("SIGKILL");
        agent = await host.startAgent();
        expect((await status()).policy.waiting, point).toBeNull();
        expect(host.reaches(1, 2), point).toBe(true);
        expect(stored(), point).toBe(guestRules);
      },
    );
    expect(kills).toEqual(expect.arrayContaining(["fsync 1", "rename 2", "unlink 1", "bpf 8"]));
  });

  it("of a confirmation leaves in the store what is in force", async () => {
    const outcomes = new Set<boolean>();
    const kills = await killAtEach(
      async () => {
        await begin();
        expect((await applyNew("10m")).code).toBe(0);
      },
      () => host.ringwall("confirm"),
      async (point) => {
        await host.stopAgents("SIGKILL");
        agent = await host.startAgent();
        const { waiting } = (await status()).policy;
        const isNew = stored() === newRules;
        outcomes.add(isNew);
        // Where nothing was decided yet, it waits on; else the store has what the packets meet.
        const isOld = waiting === null && !isNew;
        expect(isOld ? host.reaches(1, 2) : host.ping(1, 2), point).toBe(isOld);
      },
    );
    expect(kills).toEqual(expect.arrayContaining(["fsync 1", "rename 1", "unlink 1"]));
    expect([...outcomes].sort()).toEqual([false, true]);
  });
});
