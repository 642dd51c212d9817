/**
 * Every system call of `apply` fails, or is the agent's last, in turn. CI takes a sample of them
 * (RINGWALL_TORTURE=all takes all, RINGWALL_SEED another sample).
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectEndured, expectFlowsUnharmed } from "./endure.ts";
import { patience } from "./points.ts";
import { type Point, readLog, whileTraced } from "./tracer.ts";
import { type Holdings, otherOf, Victim } from "./victim.ts";

let victim: Victim;
let clean: Holdings;

beforeAll(async () => {
  victim = await Victim.make(19474);
  await victim.agent();
  for (const rules of ["silent", "echo"] as const) await victim.apply(rules);
  clean = await victim.settledHoldings();
  await victim.beginFlows();
});
afterAll(() => victim?.remove());

/** The client's exit code where the answer was lost: it cannot know what became of the change. */
const unanswered = 3;

/** One apply with a fault at the point, and everything that has to hold after it. */
async function suffer(point: Point, name: string): Promise<boolean> {
  const agent = await victim.agent();
  const before = victim.stored;
  const wanted = otherOf(before);
  const { revision } = (await victim.status()).policy;
  const outcome = await whileTraced(agent.pid, point, victim.log, () => victim.apply(wanted));
  const { isHit } = readLog(victim.log);
  const said = `${name}: apply ended with ${outcome.code} ${outcome.stderr}`;
  const { isUp } = victim;
  const after = victim.stored;
  if (outcome.code === 0) expect(after, said).toBe(wanted);
  else if (isUp && outcome.code !== unanswered) expect(after, said).toBe(before);
  if (isUp) expect(victim.met(after), `${said}; packets meet`).toBe(after);
  // What was the old file stays for an hour where it cannot be removed.
  if (!isUp || point.call === "unlink") victim.removeLeftFiles();
  const status = await victim.expectWhole(said, clean);
  if (isUp && outcome.code === 0) expect(status.policy.revision, said).toBeGreaterThan(revision);
  return isHit;
}

describe("an apply of which one system call fails, or is the agent's last", () => {
  it(
    "is whole or refused as a whole, is told as it is, and leaves nothing behind",
    async () => {
      const agent = await victim.agent();
      await whileTraced(agent.pid, null, victim.log, () => victim.apply(otherOf(victim.stored)));
      await expectEndured(victim, ["bpf", 10], suffer);
      expect(await expectFlowsUnharmed(victim)).toBeGreaterThan(10);
    },
    patience,
  );
});
