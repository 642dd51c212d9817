/**
 * Every system call of an agent that starts fails, or is its last, in turn: one that adopts what enforces and brings
 * newer rules into force. A sample, as in apply.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectEndured, expectFlowsUnharmed } from "./endure.ts";
import { patience } from "./points.ts";
import { type Point, readLog } from "./tracer.ts";
import { type Holdings, otherOf, ruleSets, Victim } from "./victim.ts";

let victim: Victim;
let clean: Holdings;

beforeAll(async () => {
  victim = await Victim.make(19475);
  await victim.agent();
  await victim.stop();
  // Of one that adopts: the first one holds what it loaded.
  await victim.agent();
  clean = await victim.settledHoldings();
  await victim.beginFlows();
});
afterAll(() => victim?.remove());

/** An agent that starts under the point, on rules that were changed while there was none. */
async function suffer(point: Point | null, name: string): Promise<boolean> {
  await victim.stop();
  victim.host.writeRules(ruleSets[otherOf(victim.stored)]);
  const outcome = await victim.startTraced(point);
  const { isHit } = readLog(victim.log);
  const said = `${name}: the agent ${outcome === null ? "started" : `ended with ${outcome.code} ${outcome.stderr}`}`;
  if (outcome === null) {
    // What could not be looked after at once is tried again a second later.
    await expect.poll(() => victim.met(victim.stored), { message: said }).toBe(victim.stored);
  } else {
    expect(outcome.code, said).not.toBe(0);
  }
  await victim.stop();
  await victim.expectWhole(said, clean);
  return isHit;
}

describe("an agent that starts, of which one system call fails or is its last", () => {
  it(
    "starts or says why not, protects all the while, and leaves nothing behind",
    async () => {
      await victim.stop();
      victim.host.writeRules(ruleSets[otherOf(victim.stored)]);
      expect(await victim.startTraced(null)).toBeNull();
      await expectEndured(victim, ["bpf", 50], suffer);
      await expectFlowsUnharmed(victim);
    },
    patience,
  );
});
