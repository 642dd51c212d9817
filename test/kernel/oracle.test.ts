import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { reasons } from "../../src/policy/reason.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { type ArbitraryPacket, arbitraryModel, arbitraryPackets } from "../support/arbitrary.ts";
import { toHex } from "../support/packet.ts";
import { sayKernel, sayOracle, saysTheSame } from "../support/say.ts";
import { objectPath } from "./host.ts";

/** The kernel's test run must be asked this many times at least. */
const wanted = 100_000;
/** Seconds of UTC at the first packet: expiries of the models lie around it. */
const start = 1_000_000;
/** Packets between two changes of the model. */
const stretch = 400;

/** A fixed seed in CI; RINGWALL_SEED tries another. */
const seed = Number(process.env.RINGWALL_SEED ?? 1);

interface Life {
  readonly model: Model;
  /** The same interfaces under other groups' rules: what the model changes to, and back. */
  readonly other: Model;
  readonly packets: readonly ArbitraryPacket[];
}

function sampleLife(number: number): Life {
  const arbitrary = arbitraryModel(start).chain((model) =>
    fc.record({
      model: fc.constant(model),
      other: arbitraryModel(start).map((other) => ({ ...other, interfaces: model.interfaces })),
      packets: arbitraryPackets(model, { talks: 800 }),
    }),
  );
  const [life] = fc.sample(arbitrary, { seed: seed * 1000 + number, numRuns: 1 });
  if (life === undefined) throw new Error("fast-check sampled nothing");
  return life;
}

/** Every setting that a verdict hears, in turn. */
function settingsOf(number: number): KernelSettings {
  return {
    ...defaultSettings,
    midstream: number % 4 === 3 ? "drop" : "pickup",
    alwaysPerSecond: number % 3 === 2 ? 2 : 1000,
    establishedSessions: number % 5 === 4 ? "keep" : "revalidate",
  };
}

interface Tally {
  compared: number;
  readonly reached: Set<string>;
  readonly differences: string[];
}

/** Packets that follow each other at one interface and in one direction go to the kernel in one call. */
function splitBatches(packets: readonly ArbitraryPacket[]): ArbitraryPacket[][] {
  const batches: ArbitraryPacket[][] = [];
  for (const packet of packets) {
    const last = batches.at(-1);
    const [first] = last ?? [];
    if (last !== undefined && first?.interface === packet.interface && first.direction === packet.direction)
      last.push(packet);
    else batches.push([packet]);
  }
  return batches;
}

async function liveThrough(number: number, tally: Tally): Promise<void> {
  const life = sampleLife(number);
  const settings = settingsOf(number);
  const models = [life.model, life.other];
  const resolved = models.map((model) => resolve(model, { host: "here" }));
  const policies = resolved.map(compileAll);
  const [first, firstPolicies] = [resolved[0], policies[0]];
  if (first === undefined || firstPolicies === undefined) throw new Error("no model");
  const run = await TestRun.open({
    object: objectPath,
    resolved: first,
    policies: firstPolicies,
    settings,
    sessions: 16_384,
  });
  const oracle = new Oracle(life.model, { ...settings, host: "here" });
  try {
    for (let at = 0, turn = 0; at < life.packets.length; at += stretch, turn ^= 1) {
      const [model, now, compiled] = [models[turn], resolved[turn], policies[turn]];
      if (model === undefined || now === undefined || compiled === undefined) throw new Error("no model");
      if (at > 0) {
        await run.change(now, compiled);
        oracle.change(model);
      }
      for (const batch of splitBatches(life.packets.slice(at, at + stretch)))
        compareBatch(run, oracle, now, batch, `life ${number} packet ${at}`, tally);
    }
  } finally {
    run.close();
  }
}

let hookTurn = 0;

function compareBatch(
  run: TestRun,
  oracle: Oracle,
  resolved: Resolved,
  batch: readonly ArbitraryPacket[],
  where: string,
  tally: Tally,
): void {
  const [first] = batch;
  if (first === undefined) return;
  const { interface: id, direction } = first;
  const verdicts = run.run({
    interface: id,
    direction,
    ...(direction === "egress" ? { hook: hookTurn++ % 2 === 0 ? ("xdp" as const) : ("tc" as const) } : {}),
    packets: batch.map(({ frame }) => frame),
    times: batch.map(({ time }) => start + time),
  });
  for (const [index, packet] of batch.entries()) {
    const verdict = verdicts[index];
    // The kernel's tc test run takes no frame shorter than its headers.
    if (verdict === null || verdict === undefined) continue;
    const judgement = oracle.judge(id, direction, packet.frame, start + packet.time);
    const [kernel, plain] = [sayKernel(verdict, resolved, id), sayOracle(judgement)];
    tally.compared++;
    tally.reached.add(judgement.reason);
    if (!saysTheSame(kernel, plain) && tally.differences.length < 20)
      tally.differences.push(
        `${where} ${id} ${direction}: kernel ${kernel}, oracle ${plain}: ${toHex(packet.frame)}`,
      );
  }
}

describe("the kernel and the oracle", () => {
  it("agree in verdict, reason, session and rule, over 100,000 generated packets, and reach every reason", async () => {
    const tally: Tally = { compared: 0, reached: new Set(), differences: [] };
    let lives = 0;
    while (tally.compared < wanted) await liveThrough(lives++, tally);
    console.log(`seed ${seed}: ${tally.compared} packets in ${lives} lives, ${tally.reached.size} reasons`);
    expect(tally.differences).toEqual([]);
    // A table that is full and an interface without a policy are the kernel's own: test/kernel/full.test.ts.
    const own = new Set(["none", "table-full", "not-ready"]);
    expect(reasons.filter((reason) => !own.has(reason) && !tally.reached.has(reason))).toEqual([]);
  }, 600_000);
});
