/**
 * A guest's device appears, and a system call of the agent that attaches its programs fails or is its last. A sample,
 * as in apply.test.ts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectEndured, expectFlowsUnharmed } from "./endure.ts";
import { patience } from "./points.ts";
import { type Point, readLog, whileTraced } from "./tracer.ts";
import { type Holdings, Victim } from "./victim.ts";

let victim: Victim;
let clean: Holdings;

beforeAll(async () => {
  victim = await Victim.make(19478);
  await victim.agent();
  await victim.stop();
  await victim.agent();
  clean = await victim.settledHoldings();
  await victim.beginFlows();
});
afterAll(() => victim?.remove());

/** The third device comes under the point; settles when its programs stand, or the agent has had time to try. */
async function appear(point: Point | null): Promise<void> {
  const agent = await victim.agent();
  await whileTraced(agent.pid, point, victim.log, async () => {
    victim.addThird();
    for (let turn = 0; turn < 60 && victim.isUp && !victim.isThirdPinned; turn++) await sleep(25);
  });
}

async function suffer(point: Point, name: string): Promise<boolean> {
  let said = name;
  let isHit = false;
  try {
    await appear(point);
    isHit = readLog(victim.log).isHit;
    said += `: the agent ${victim.isUp ? "goes on" : "was killed"}`;
    await victim.expectWhole(said, null, "enforcing");
    expect(victim.met(victim.stored, 3), `${said}; packets of the new guest meet`).toBe(victim.stored);
  } finally {
    victim.removeThird();
  }
  await victim.expectWhole(said, clean);
  return isHit;
}

describe("a device that appears while a system call of the agent fails, or is its last", () => {
  it(
    "is protected a second later at the latest, and leaves nothing behind when it goes",
    async () => {
      await appear(null);
      victim.removeThird();
      await expectEndured(victim, ["bpf", 8], suffer);
      await expectFlowsUnharmed(victim);
    },
    patience,
  );
});
