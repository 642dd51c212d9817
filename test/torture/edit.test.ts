/**
 * Rules are saved into the store, and a system call by which the agent takes them up fails or is its last. A sample, as in
 * apply.test.ts: nobody is there who could try again, so the agent does.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectEndured, expectFlowsUnharmed } from "./endure.ts";
import { patience } from "./points.ts";
import { isHitBy, type Point, readLog, whileTraced } from "./tracer.ts";
import { type Holdings, otherOf, type RuleSet, ruleSets, Victim } from "./victim.ts";

let victim: Victim;
let clean: Holdings;

beforeAll(async () => {
  victim = await Victim.make(19482);
  await victim.agent();
  for (const rules of ["silent", "echo"] as const) await victim.apply(rules);
  clean = await victim.settledHoldings();
  await victim.beginFlows();
});
afterAll(() => victim?.remove());

function save(rules: RuleSet): void {
  const beside = join(victim.host.folder, "new", "saved.yaml");
  writeFileSync(beside, ruleSets[rules], { mode: 0o600 });
  renameSync(beside, join(victim.host.folder, "rules.d", "rules.yaml"));
}

/** What the agent has said of edits. */
const said = () => victim.host.logs.match(/"msg":"applied"|what was in force stays in force/g)?.length ?? 0;
/** By then it has, on a machine that is not busy; a traced one looks long for whoever writes the rules. */
const turnsAtMost = 1200;

/** Settles when the agent has said what came of the edit, is gone, has met its fault, or has had time to. */
async function edit(point: Point | null): Promise<void> {
  const agent = await victim.agent();
  await whileTraced(agent.pid, point, victim.log, async () => {
    const before = said();
    save(otherOf(victim.stored));
    const isOver = () => !victim.isUp || said() > before || isHitBy(victim.log);
    for (let turn = 0; turn < turnsAtMost && !isOver(); turn++) await sleep(25);
  });
}

async function suffer(point: Point, name: string): Promise<boolean> {
  await edit(point);
  const { isHit } = readLog(victim.log);
  const what = `${name}: the agent ${victim.isUp ? "goes on" : "was killed"}`;
  await victim.agent();
  const refused = async () => (await victim.status()).policy.refused;
  await expect.poll(refused, { interval: 200, message: what }).toBeNull();
  await expect.poll(() => victim.met(victim.stored), { interval: 200, message: what }).toBe(victim.stored);
  await victim.expectWhole(what, clean);
  return isHit;
}

describe("an edit of the rules of which one system call fails, or is the agent's last", () => {
  it(
    "is in force a little later, whole, with nobody's help",
    async () => {
      await edit(null);
      await expectEndured(victim, ["bpf", 10], suffer);
      expect(await expectFlowsUnharmed(victim)).toBeGreaterThan(10);
    },
    patience,
  );
});
