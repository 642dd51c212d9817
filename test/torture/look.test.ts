/**
 * The agent looks once a second whether its programs still stand; a system call of such a look fails or is its last. A
 * sample, as in apply.test.ts.
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
  victim = await Victim.make(19480);
  await victim.agent();
  await victim.stop();
  await victim.agent();
  clean = await victim.settledHoldings();
  await victim.beginFlows();
});
afterAll(() => victim?.remove());

/** The first look of an agent asks each device, the later ones what changed meanwhile. */
async function look(point: Point | null): Promise<void> {
  await victim.stop();
  const agent = await victim.agent();
  await whileTraced(agent.pid, point, victim.log, () => sleep(1500));
}

async function suffer(point: Point, name: string): Promise<boolean> {
  await look(point);
  const { isHit } = readLog(victim.log);
  await victim.expectWhole(`${name}: the agent ${victim.isUp ? "goes on" : "was killed"}`, clean);
  return isHit;
}

describe("a look at what protects the host of which one system call fails, or is the agent's last", () => {
  it(
    "takes nothing away that stands",
    async () => {
      await look(null);
      await expectEndured(victim, ["bpf", 8], suffer);
      expect(await expectFlowsUnharmed(victim)).toBeGreaterThan(10);
    },
    patience,
  );
});
