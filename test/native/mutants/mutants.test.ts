import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildAround, buildProgram, buildSets, listTexts, textFolder } from "../build.ts";
import { sayInputs } from "../inputs.ts";
import { applyMutant, type Mutant, mutantsOf } from "./operators.ts";

/** Mutants in CI; "all" in `make mutants`. */
const wanted = process.env.RINGWALL_MUTANTS ?? "30";
/** Percent of all; a sample has its luck. Survivors are mistakes that change nothing that is asked, too. */
const least = wanted === "all" ? 85 : 70;
/** Those of the whole run, as they stand in the repository: without lines, which every change moves. */
const survivorsFile = new URL("survivors.txt", import.meta.url);
const seed = Number(process.env.RINGWALL_SEED ?? 1);
/** Layout and maps are data; the others hold the verdict. */
const others = new Set([
  "layout.h",
  "maps.h",
  "kernel.h",
  "headers.h",
  "config.h",
  "scratch.h",
  "switched.h",
]);
const texts = listTexts().filter((name) => !others.has(basename(name)));
const flags = ["-O0", "-w", "-g0"];
/** Generated lives beside the kept programs. */
const lifeCount = 4;
/** A mutant that loops is stopped, ms. */
const patience = 20_000;

let folder = "";
let around = "";
let inputs: readonly string[] = [];
/** What the right program answers to each input. */
let right: readonly string[] = [];

function runOn(program: string, input: string): string {
  const { stdout, status, signal } = spawnSync(program, {
    input,
    encoding: "utf8",
    timeout: patience,
    maxBuffer: 2 ** 28,
  });
  return `${status ?? signal}\n${stdout}`;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-mutants-"));
  cpSync(textFolder, join(folder, "bpf"), { recursive: true });
  inputs = await sayInputs(lifeCount);
  around = buildAround(folder, flags);
  const program = buildProgram(folder, { flags, around });
  right = inputs.map((input) => runOn(program, input));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function sampleMutants(): readonly Mutant[] {
  const all = texts.flatMap((name) => mutantsOf(name, readFileSync(join(textFolder, name), "utf8")));
  if (wanted === "all") return all;
  const [shuffled = []] = fc.sample(fc.shuffledSubarray(all, { minLength: Number(wanted) }), {
    seed,
    numRuns: 1,
  });
  return shuffled.slice(0, Number(wanted));
}

/** Of the opening table other CPUs ask, too: every so many-th of their orders. */
function isToldBySets({ file }: Mutant, text: string): boolean {
  if (!["opening.h", "claim.h"].includes(basename(file))) return false;
  const program = buildSets(folder, { text, flags: [...flags, "-pthread"] });
  return spawnSync(program, ["steps", "20"], { timeout: patience }).status !== 0;
}

/** Is it told from the right program: refused by the compiler ("void"), by other answers ("killed"), or not? */
function tryMutant(mutant: Mutant): "killed" | "survived" | "void" {
  const copy = join(folder, "bpf");
  const place = join(copy, mutant.file);
  const text = readFileSync(place, "utf8");
  writeFileSync(place, applyMutant(text, mutant));
  try {
    const program = buildProgram(folder, { text: copy, flags, around });
    const isTold = inputs.some((input, place) => runOn(program, input) !== right[place]);
    return isTold || isToldBySets(mutant, copy) ? "killed" : "survived";
  } catch {
    return "void";
  } finally {
    writeFileSync(place, text);
  }
}

describe("mistakes in the BPF C", () => {
  it("are told by the kept programs and generated lives; those that are not are listed in build/mutants.txt", () => {
    for (const answer of right) expect(answer.slice(0, 2)).toBe("0\n");
    const survivors: string[] = [];
    let killed = 0;
    for (const mutant of sampleMutants()) {
      const fate = tryMutant(mutant);
      if (fate === "killed") killed++;
      const { file, line, operator, before } = mutant;
      if (fate === "survived") survivors.push(`${basename(file)}:${line}: ${operator}: ${before}`);
    }
    const score = (100 * killed) / (killed + survivors.length);
    const report = `seed ${seed}: ${killed} killed, ${survivors.length} survived, ${score.toFixed(1)} %`;
    mkdirSync("build", { recursive: true });
    writeFileSync("build/mutants.txt", `${[report, ...survivors].join("\n")}\n`);
    if (wanted === "all") {
      const withoutLines = survivors.map((survivor) => survivor.replace(/^([a-z.]+):\d+/, "$1"));
      writeFileSync(survivorsFile, `${[report, ...withoutLines].join("\n")}\n`);
    }
    console.log(report);
    expect(score, survivors.join("\n")).toBeGreaterThanOrEqual(least);
  }, 86_400_000);
});
