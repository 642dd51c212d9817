import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildProgram, headersFolder } from "./build.ts";
import { sayInputs } from "./inputs.ts";

/** Percent of all headers together; the verifier's own checks cannot be reached here. */
const least = { lines: 97, branches: 93 };
const flags = "-O0 -fprofile-instr-generate -fcoverage-mapping".split(" ");
const folder = mkdtempSync(join(tmpdir(), "ringwall-coverage-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Share {
  readonly count: number;
  readonly covered: number;
  readonly percent: number;
}
interface Exported {
  readonly data: readonly {
    readonly totals: { readonly lines: Share; readonly branches: Share };
  }[];
}

function runCovered(program: string, input: string, profile: string): void {
  const env = { ...process.env, LLVM_PROFILE_FILE: profile };
  const { status, stderr } = spawnSync(program, { input, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`);
}

/** Lines that nothing reached: "judge.h:71: return …". */
function unreachedLines(shown: string): readonly string[] {
  let file = "";
  return shown.split("\n").flatMap((line) => {
    if (line.startsWith("/")) file = basename(line.replace(/:$/, ""));
    const match = /^ *(\d+)\| +0\|(.*)$/.exec(line);
    return match === null ? [] : [`${file}:${match[1]}: ${match[2]?.trim()}`];
  });
}

describe("the BPF C", () => {
  it("is reached by the kept programs and generated lives; what is not is named", async () => {
    const program = buildProgram(folder, { flags });
    const profiles = (await sayInputs(4)).map((input, index) => {
      const profile = join(folder, `${index}.profraw`);
      runCovered(program, input, profile);
      return profile;
    });
    const merged = join(folder, "all.profdata");
    execFileSync("llvm-profdata", ["merge", "-sparse", ...profiles, "-o", merged]);
    const headers = readdirSync(headersFolder).map((name) => join(headersFolder, name));
    const words = [program, `-instr-profile=${merged}`, ...headers];
    const read = (verb: string, ...more: string[]): string =>
      execFileSync("llvm-cov", [verb, ...more, ...words], { encoding: "utf8", maxBuffer: 2 ** 28 });
    const exported: Exported = JSON.parse(read("export", "-summary-only"));
    const totals = exported.data[0]?.totals;
    const missed = unreachedLines(read("show")).join("\n");
    console.log(
      `lines ${totals?.lines.percent.toFixed(1)} %, branches ${totals?.branches.percent.toFixed(1)} %`,
    );
    expect(totals?.lines.percent, missed).toBeGreaterThanOrEqual(least.lines);
    expect(totals?.branches.percent, missed).toBeGreaterThanOrEqual(least.branches);
  }, 120_000);
});
