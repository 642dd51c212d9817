import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildFuzzer } from "../build.ts";
import { readCorpus } from "./corpus.ts";
import { makeWorld } from "./world.ts";

/** A fixed seed in CI; RINGWALL_SEED tries another. */
const seed = Number(process.env.RINGWALL_SEED ?? 1);
/** Seconds in CI; `make torture` asks for runs instead. */
const bound =
  process.env.RINGWALL_RUNS === undefined ? "-max_total_time=10" : `-runs=${process.env.RINGWALL_RUNS}`;

let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-fuzz-"));
  writeFileSync(join(folder, "world.txt"), (await makeWorld()).text);
  mkdirSync(join(folder, "corpus"));
  mkdirSync(join(folder, "found"));
  for (const [index, program] of readCorpus().entries())
    writeFileSync(join(folder, "corpus", String(index)), program);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the verdict under libFuzzer and sanitizers", () => {
  it("reads nothing that is not there, and answers the same by every way", () => {
    const fuzzer = buildFuzzer(folder);
    // A machine that stands still for a while is no finding. Without entropy and deep stacks of allocations it makes twice as many programs.
    const words = [bound, `-seed=${seed}`, "-max_len=1024", "-print_final_stats=1", "-entropic=0"];
    words.push("-report_slow_units=86400");
    const { status, stderr } = spawnSync(
      fuzzer,
      [...words, `-artifact_prefix=${join(folder, "found/")}`, join(folder, "corpus")],
      {
        encoding: "utf8",
        maxBuffer: 2 ** 28,
        env: {
          ...process.env,
          ASAN_OPTIONS: "detect_leaks=0:malloc_context_size=2:quarantine_size_mb=8",
          RINGWALL_FUZZ_WORLD: join(folder, "world.txt"),
        },
      },
    );
    const runs = Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 0);
    const frames = /frames_judged: (\d+)/.exec(stderr)?.[1] ?? "?";
    console.log(`seed ${seed}: ${runs} programs, ${frames} frames judged`);
    // What was found stands in the report as "program BYTES": a line for corpus.txt once it is mended.
    const found = stderr.split("\n").filter((line) => /way, frame|^program |ERROR|runtime error/.test(line));
    expect(found, stderr.slice(-4000)).toEqual([]);
    expect(readdirSync(join(folder, "found"))).toEqual([]);
    expect(status).toBe(0);
    expect(runs).toBeGreaterThan(1000);
  }, 86_400_000);
});
