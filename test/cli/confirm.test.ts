/** `apply --confirm` on a host with guests: the built agent, and real packets. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inTime } from "../support/in-time.ts";
import { type Agent, guestRules, Host } from "./host.ts";

/** Guests may ping each other under the old rules, not under the new ones. */
const newRules = guestRules.replace("protocol: icmp", "protocol: gre");

let host: Host;
let agent: Agent;

beforeAll(async () => {
  host = new Host(19471);
  mkdirSync(join(host.folder, "new"));
  writeFileSync(join(host.folder, "new", "rules.yaml"), newRules);
});
afterAll(() => host.remove());

/** An agent under the old rules, and nothing waits. */
async function begin(): Promise<void> {
  await host.stopAgents("SIGKILL");
  host.writeRules(guestRules);
  agent = await host.startAgent();
  if ((await status()).policy.waiting !== null) await host.ringwall("confirm", "--undo");
  await awaitOld();
}
beforeEach(begin);

interface Status {
  policy: { revision: number; waiting: { revision: number; remainingSeconds: number } | null };
  problems: string[];
}
const status = async () => JSON.parse((await host.ringwall("status", "--json")).stdout) as Status;
const stored = () => readFileSync(join(host.folder, "rules.d", "rules.yaml"), "utf8");
const applyNew = (span: string) =>
  host.ringwall("apply", join(host.folder, "new", "rules.yaml"), "--confirm", span);
/** The last attempt at a deadline takes almost a minute. */
const deadlinePatience = { timeout: 180_000, interval: 50 };
const awaitOld = () => expect.poll(() => host.ping(1, 2), deadlinePatience).toBe(true);

describe("a change that is not confirmed", () => {
  it("goes back at the deadline; status, metrics, history and store tell the truth", async () => {
    await inTime(
      4,
      async (seconds, seen) => {
        const { revision } = (await status()).policy;
        const { code, stdout } = await applyNew(`${seconds}s`);
        expect(code).toBe(0);
        expect(stdout).toMatch(/It goes back by itself in \d.*`ringwall confirm` keeps it/);
        expect(host.ping(1, 2)).toBe(false);
        expect((await status()).policy).toMatchObject({
          revision: revision + 1,
          waiting: { revision: revision + 1 },
        });
        expect((await host.ringwall("status")).stdout).toContain(
          `revision ${revision + 1} goes back by itself in`,
        );
        seen();
        await awaitOld();
        await expect
          .poll(async () => (await status()).policy)
          .toMatchObject({
            revision: revision + 2,
            waiting: null,
          });
        expect((await status()).problems).toEqual([]);
        expect(stored()).toBe(guestRules);
        expect(host.metrics()).toContain('ringwall_applies_total{result="reverted"} 1');
        expect((await host.ringwall("confirm")).stderr).toContain("No change waits for a confirmation");
      },
      begin,
    );
  });

  it("goes back when the agent was killed right after it; the next agent says the old rules", async () => {
    await inTime(
      4,
      async (seconds, seen) => {
        expect((await applyNew(`${seconds}s`)).code).toBe(0);
        await agent.kill("SIGKILL");
        expect(host.ping(1, 2)).toBe(false);
        seen();
        await awaitOld();
        await host.startAgent();
        expect((await status()).policy.waiting).toBeNull();
        expect(host.reaches(1, 2)).toBe(true);
        expect(stored()).toBe(guestRules);
      },
      begin,
    );
  });

  it("is an earlier revision that came back by `rollback --confirm`, too", async () => {
    await inTime(
      3,
      async (seconds, seen) => {
        const { revision } = (await status()).policy;
        expect((await host.ringwall("apply", join(host.folder, "new", "rules.yaml"))).code).toBe(0);
        expect(host.ping(1, 2)).toBe(false);
        const back = await host.ringwall("rollback", String(revision), "--confirm", `${seconds}s`);
        expect(back.code).toBe(0);
        expect(back.stdout).toMatch(/It goes back by itself in \d.*`ringwall confirm` keeps it/);
        expect(host.reaches(1, 2)).toBe(true);
        expect(stored()).toBe(newRules);
        seen();
        await expect.poll(() => host.ping(1, 2), deadlinePatience).toBe(false);
        expect((await host.ringwall("rollback", "1", "--confirm", "0s")).code).toBe(64);
      },
      begin,
    );
  });

  it("goes back at once on request", async () => {
    await applyNew("1h");
    const undone = await host.ringwall("confirm", "--undo");
    expect(undone.stdout).toMatch(/was taken back; what was in force before is again, as revision \d+/);
    expect((await host.ringwall("history")).stdout).toMatch(/confirm --undo of \d+ \(uid 0, pid \d+\)/);
    expect(host.reaches(1, 2)).toBe(true);
  });
});

describe("a change that is confirmed", () => {
  it("by an agent that started before the deadline stays, in the store and under the next agents", async () => {
    await applyNew("10m");
    await agent.kill("SIGKILL");
    const next = await host.startAgent();
    expect(host.ping(1, 2)).toBe(false);
    expect((await status()).policy.waiting?.remainingSeconds).toBeGreaterThan(300);
    expect(stored()).toBe(guestRules);
    expect(await host.ringwall("confirm")).toMatchObject({ code: 0, stderr: "" });
    expect(stored()).toBe(newRules);
    await next.kill("SIGKILL");
    await host.startAgent();
    expect((await status()).policy.waiting).toBeNull();
    expect(host.ping(1, 2)).toBe(false);
  });
});
