import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict } from "../../src/kernel/status.ts";
import type { Model } from "../../src/model/model.ts";
import type { Judgement } from "../../src/policy/oracle/judgement.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import type { Resolved } from "../../src/policy/types.ts";
import { type ArbitraryPacket, arbitraryModel, arbitraryPackets } from "../support/arbitrary.ts";
import { toHex } from "../support/packet.ts";
import { sayKernel, sayOracle, saysTheSame } from "../support/say.ts";
import { seed } from "../support/seed.ts";
import { Bench } from "./bench.ts";
import { buildProgram, sanitizedProgram, textFolder } from "./build.ts";
import { Script } from "./program.ts";

/** Seconds of UTC at the first packet: expiries of the models lie around it. */
const start = 1_000_000;
/** Packets between two changes of the model. */
const stretch = 400;
/** A comparison that met none of one of these goes on; it fails after five times as many frames. */
const expectedReasons = ["rule", "session", "related", "revoked", "fragment", "malformed"];
/** Frames that are compared at least. */
const wanted = 12_000;

let folder = "";
let program = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-native-"));
  program = sanitizedProgram();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Life {
  readonly model: Model;
  /** The same interfaces under other groups' rules: what the model changes to, and back. */
  readonly other: Model;
  readonly packets: readonly ArbitraryPacket[];
}

function sampleLife(number: number, talks: number): Life {
  const arbitrary = arbitraryModel(start).chain((model) =>
    fc.record({
      model: fc.constant(model),
      other: arbitraryModel(start).map((other) => ({ ...other, interfaces: model.interfaces })),
      packets: arbitraryPackets(model, { talks }),
    }),
  );
  const [life] = fc.sample(arbitrary, { seed: seed * 1000 + number, numRuns: 1 });
  if (life === undefined) throw new Error("fast-check sampled nothing");
  return life;
}

/** Frames of so many lengths are cut. */
const kinds = 40;

function onePerLength(life: Life): readonly ArbitraryPacket[] {
  return [...new Map(life.packets.map((packet) => [packet.frame.length, packet])).values()];
}

/** The first life that has frames of enough lengths. */
function sampleLongLife(): Life {
  for (let number = 0; number < 100; number++) {
    const life = sampleLife(number, 400);
    if (onePerLength(life).length >= kinds) return life;
  }
  throw new Error(`seed ${seed}: no life of 100 has frames of ${kinds} lengths`);
}

function settingsOf(number: number): KernelSettings {
  return {
    ...defaultSettings,
    midstream: number % 4 === 3 ? "drop" : "pickup",
    alwaysPerSecond: number % 3 === 2 ? 2 : 1000,
    establishedSessions: number % 5 === 4 ? "keep" : "revalidate",
  };
}

/** A question asked of both: what the oracle said, and how to say the program's verdict in the same words. */
interface Asked {
  readonly packet: ArbitraryPacket;
  readonly judgement: Judgement;
  readonly resolved: Resolved;
}

/** Both are told all of a life; answers what was asked. */
async function liveThrough(life: Life, settings: KernelSettings, bench: Bench): Promise<readonly Asked[]> {
  const oracle = new Oracle(life.model, { ...settings, host: "here" });
  const asked: Asked[] = [];
  for (let at = 0, turn = 0; at < life.packets.length; at += stretch, turn ^= 1) {
    const model = turn === 0 ? life.model : life.other;
    await bench.change(model);
    if (at > 0) oracle.change(model);
    const { resolved } = bench;
    if (resolved === undefined) throw new Error("the bench has no model");
    for (const packet of life.packets.slice(at, at + stretch)) {
      bench.judge(packet);
      const { interface: id, direction, frame, time } = packet;
      asked.push({ packet, resolved, judgement: oracle.judge(id, direction, frame, start + time) });
    }
  }
  return asked;
}

function findDifferences(verdicts: readonly PacketVerdict[], asked: readonly Asked[]): string[] {
  return asked.flatMap((each, index) => {
    const verdict = verdicts[index];
    const [native, oracle] = [
      verdict === undefined ? "nothing" : sayKernel(verdict, each.resolved, each.packet.interface),
      sayOracle(each.judgement),
    ];
    const { interface: id, direction, frame } = each.packet;
    return saysTheSame(native, oracle)
      ? []
      : [`packet ${index} ${id} ${direction}: native ${native}, oracle ${oracle}: ${toHex(frame)}`];
  });
}

function countEstablished(verdicts: readonly { readonly session: string }[]): number {
  return verdicts.filter(({ session }) => session === "established").length;
}

describe("the verdict as a host program under sanitizers", () => {
  it("agrees with the oracle in verdict, reason, session and rule, over thousands of generated frames", async () => {
    const reached = new Set<string>();
    let compared = 0;
    const isDone = () => compared >= wanted && expectedReasons.every((reason) => reached.has(reason));
    for (let number = 0; !isDone() && compared < 5 * wanted; number++) {
      const [life, settings] = [sampleLife(number, 400), settingsOf(number)];
      const bench = new Bench(start, settings, 16_384);
      const asked = await liveThrough(life, settings, bench);
      const differences = findDifferences(bench.script.run(program), asked);
      expect(differences.slice(0, 10), `seed ${seed}, life ${number}`).toEqual([]);
      compared += asked.length;
      for (const { judgement } of asked) reached.add(judgement.reason);
    }
    console.log(`seed ${seed}: ${compared} frames, ${reached.size} reasons`);
    expect(expectedReasons.filter((reason) => !reached.has(reason))).toEqual([]);
  });

  it("reads nothing behind a frame that is cut anywhere, and judges the rest as the oracle does", async () => {
    const life = sampleLongLife();
    const packets = onePerLength(life)
      .slice(0, kinds)
      .flatMap((packet) =>
        Array.from({ length: Math.min(packet.frame.length, 200) }, (_, length) => ({
          ...packet,
          time: 0,
          frame: packet.frame.slice(0, length),
        })),
      );
    const bench = new Bench(start, defaultSettings, 16_384);
    const asked = await liveThrough({ ...life, packets }, defaultSettings, bench);
    expect(findDifferences(bench.script.run(program), asked).slice(0, 10), `seed ${seed}`).toEqual([]);
    expect(asked.filter(({ judgement }) => judgement.reason === "malformed").length).toBeGreaterThan(500);
  });

  it("survives full tables, where sessions are evicted while packets are judged", async () => {
    let [native, oracle] = [0, 0];
    for (let number = 0; oracle < 500; number++) {
      const life = sampleLife(number, 400);
      const bench = new Bench(start, defaultSettings, 1);
      const asked = await liveThrough(life, defaultSettings, bench);
      native += countEstablished(bench.script.run(program));
      oracle += countEstablished(asked.map(({ judgement }) => judgement));
    }
    // What was evicted is not remembered: the program knows fewer sessions than the oracle, but some.
    expect(native, `seed ${seed}`).toBeGreaterThan(0);
    expect(native, `seed ${seed}`).toBeLessThan(oracle);
  });

  it("would be stopped by the sanitizers if a check of the frame's end were missing", () => {
    const copy = join(folder, "bpf");
    cpSync(textFolder, copy, { recursive: true });
    const header = join(copy, "include/frame.h");
    const right = readFileSync(header, "utf8");
    const broken = right.replace("if (at + size > (const __u8 *)frame->end)", "if (!at)");
    expect(broken).not.toBe(right);
    writeFileSync(header, broken);
    const script = new Script(start);
    script.judge({ direction: "egress", record: 0, time: 0, frame: new Uint8Array(13) });
    expect(script.run(program)).toHaveLength(1);
    expect(() => script.run(buildProgram(folder, { text: copy }))).toThrow(/use-after-poison/);
  });
});
