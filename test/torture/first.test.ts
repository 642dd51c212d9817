/**
 * The first load on a host, and the detach that takes everything off it: a system call fails or is the last. A sample, as
 * in apply.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectEndured } from "./endure.ts";
import { patience } from "./points.ts";
import { type Point, readLog } from "./tracer.ts";
import { type Holdings, ruleSets, Victim } from "./victim.ts";

let victim: Victim;
let clean: Holdings;

beforeAll(async () => {
  victim = await Victim.make(19479);
  // What these rules drop passes only where nothing judges.
  victim.host.writeRules(ruleSets.silent);
  await enforce();
  await victim.agent();
  clean = await victim.settledHoldings();
});
afterAll(() => victim?.remove());

/** An agent is there, or comes: what is in force stays when it has gone. */
async function enforce(): Promise<void> {
  await victim.agent();
  await victim.stop();
}

async function expectGone(said: string): Promise<void> {
  expect(victim.holdings.pins, said).toEqual([]);
  expect(victim.met("echo"), `${said}; packets meet`).toBe("echo");
}

async function sufferLoad(point: Point, name: string): Promise<boolean> {
  await victim.stop();
  await victim.detach();
  await expectGone(`${name}: before`);
  const outcome = await victim.startTraced(point);
  const { isHit } = readLog(victim.log);
  const said = `${name}: the agent ${outcome === null ? "started" : `ended with ${outcome.code} ${outcome.stderr}`}`;
  if (outcome === null) await expect.poll(() => victim.met("silent"), { message: said }).toBe("silent");
  else expect(outcome.code, said).not.toBe(0);
  await victim.stop();
  // Of the next one only that it finds what it needs: one that loads holds other things than one that adopts.
  await victim.expectWhole(said, outcome === null ? clean : { pins: clean.pins });
  return isHit;
}

async function sufferDetach(point: Point, name: string): Promise<boolean> {
  await enforce();
  const { code, stderr } = await victim.detach(point);
  const { isHit } = readLog(victim.log);
  const said = `${name}: detach ended with ${code} ${stderr}`;
  if (code !== 0) expect((await victim.detach()).code, `${said}; and another one`).toBe(0);
  await expectGone(said);
  await victim.expectWhole(said, null);
  return isHit;
}

describe("a first load of which one system call fails, or is the last", () => {
  it(
    "protects, or says why not and leaves nothing that the next one stumbles over",
    async () => {
      await victim.stop();
      await victim.detach();
      expect(await victim.startTraced(null)).toBeNull();
      await expectEndured(victim, ["bpf", 100], sufferLoad);
    },
    patience,
  );
});

describe("a detach of which one system call fails, or is the last", () => {
  it(
    "opens everything and leaves nothing, or says that it did not, and can be made again",
    async () => {
      await enforce();
      expect((await victim.traceDetach()).code).toBe(0);
      await expectEndured(victim, ["unlink", 20], sufferDetach);
    },
    patience,
  );
});
