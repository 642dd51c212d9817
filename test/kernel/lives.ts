/** Lives of a model in the shipped programs and in the oracle: what both say of each packet. */

import fc from "fast-check";
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { type ArbitraryPacket, arbitraryModel, arbitraryPackets } from "../support/arbitrary.ts";
import { bed } from "../support/bed.ts";
import { toHex } from "../support/packet.ts";
import { sayKernel, sayOracle, saysTheSame } from "../support/say.ts";
import { seed } from "../support/seed.ts";
import { objectPath } from "./host.ts";

/** Seconds of UTC at the first packet: expiries of the models lie around it. */
const start = 1_000_000;
/** Packets between two changes of the model: few, so that sessions meet several. */
const stretch = 60;
/** Seconds of uptime between two lives. */
const rest = 10_000;

export { seed } from "../support/seed.ts";

interface Life {
  /** The same interfaces under other rules, in turn. */
  readonly models: readonly Model[];
  readonly packets: readonly ArbitraryPacket[];
}

/** The interfaces under names of this life: to the kernel they are new ones, in the places of those before. */
function nameOf(id: string, number: number): string {
  return `${id}.${number}`;
}

function renameInterfaces(model: Model, number: number): Model {
  const renamed = [...model.interfaces.values()].map((own) => ({ ...own, id: nameOf(own.id, number) }));
  return { ...model, interfaces: new Map(renamed.map((own) => [own.id, own])) };
}

/** A model, one with other rules in all groups, and one with the other rules in every second group. */
function varyRules(model: Model, other: Model): readonly Model[] {
  const groups = [...model.groups].map(
    ([id, group], index) => [id, index % 2 === 0 ? group : (other.groups.get(id) ?? group)] as const,
  );
  const half = { ...model, groups: new Map(groups) };
  return [model, half, model, { ...other, interfaces: model.interfaces }, half];
}

function sampleLife(number: number, talks: number): Life {
  const arbitrary = arbitraryModel(start).chain((model) =>
    fc.record({
      models: arbitraryModel(start).map((other) => varyRules(model, other)),
      packets: arbitraryPackets(model, { talks }),
    }),
  );
  const [life] = fc.sample(arbitrary, { seed: seed * 1000 + number, numRuns: 1 });
  if (life === undefined) throw new Error("fast-check sampled nothing");
  const rename = (model: Model): Model => renameInterfaces(model, number);
  const packets = life.packets.map((packet) => ({
    ...packet,
    interface: nameOf(packet.interface, number),
  }));
  return { models: life.models.map(rename), packets };
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

export interface Tally {
  compared: number;
  /** How often each reason came. */
  readonly reached: Map<string, number>;
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

/** The shipped programs, through all lives; they were loaded once. */
export interface Kernel {
  readonly run: TestRun;
  /** Seconds at the end of the last life. */
  uptime: number;
  /** Egress batches so far: they take both hooks in turn. */
  egress: number;
}

export async function openKernel(): Promise<Kernel> {
  const resolved = resolve(bed(), { host: "here" });
  const run = await TestRun.open({
    object: objectPath,
    resolved,
    policies: compileAll(resolved),
    settings: defaultSettings,
    sessions: 16_384,
  });
  return { run, uptime: 0, egress: 0 };
}

/** Life `number` of the seed; what differs, and what was reached, goes to the tally. */
export async function liveThrough(kernel: Kernel, number: number, tally: Tally, talks = 800): Promise<void> {
  const { models, packets } = sampleLife(number, talks);
  const settings = settingsOf(number);
  const stages = models.map((model) => {
    const resolved = resolve(model, { host: "here" });
    return { model, resolved, policies: compileAll(resolved) };
  });
  const { run, uptime } = kernel;
  run.configure(settings);
  const [first] = models;
  if (first === undefined) throw new Error("a life has no model");
  const oracle = new Oracle(first, { ...settings, host: "here" });
  for (let at = 0, turn = 0; at < packets.length; at += stretch, turn++) {
    const stage = stages[turn % stages.length];
    if (stage === undefined) throw new Error("a life has no model");
    await run.change(stage.resolved, stage.policies);
    oracle.change(stage.model);
    for (const batch of splitBatches(packets.slice(at, at + stretch)))
      compareBatch(
        { kernel, oracle, uptime, resolved: stage.resolved, where: `life ${number} packet ${at}` },
        batch,
        tally,
      );
  }
  kernel.uptime = uptime + (packets.at(-1)?.time ?? 0) + rest;
}

/** Where a batch is run. */
interface Scene {
  readonly kernel: Kernel;
  readonly oracle: Oracle;
  readonly resolved: Resolved;
  /** Seconds at the life's first packet. */
  readonly uptime: number;
  readonly where: string;
}

function compareBatch(scene: Scene, batch: readonly ArbitraryPacket[], tally: Tally): void {
  const [first] = batch;
  if (first === undefined) return;
  const { kernel, oracle, resolved, uptime, where } = scene;
  const { interface: id, direction } = first;
  const hook = direction === "egress" && kernel.egress++ % 2 === 1 ? "tc" : "xdp";
  const verdicts = kernel.run.run({
    interface: id,
    direction,
    hook,
    packets: batch.map(({ frame }) => frame),
    times: batch.map(({ time }) => start + time),
    uptimes: batch.map(({ time }) => uptime + time),
  });
  for (const [index, packet] of batch.entries()) {
    const verdict = verdicts[index];
    // The kernel's tc test run takes no frame shorter than its headers.
    if (verdict === null || verdict === undefined) continue;
    const judgement = oracle.judge(id, direction, packet.frame, start + packet.time);
    const [kernel, plain] = [sayKernel(verdict, resolved, id), sayOracle(judgement)];
    tally.compared++;
    tally.reached.set(judgement.reason, (tally.reached.get(judgement.reason) ?? 0) + 1);
    if (!saysTheSame(kernel, plain) && tally.differences.length < 20)
      tally.differences.push(
        `${where} ${id} ${direction}: kernel ${kernel}, oracle ${plain}: ${toHex(packet.frame)}`,
      );
  }
}
