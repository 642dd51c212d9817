import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram, buildSets, listTexts, textFolder } from "./build.ts";
import { sayInputs } from "./inputs.ts";
import { type Mark, markOf, readMarks } from "./unreachable.ts";

/** Percent of all branches, marked ones too. */
const least = 95;
const flags = "-O0 -fprofile-instr-generate -fcoverage-mapping".split(" ");
const folder = mkdtempSync(join(tmpdir(), "ringwall-coverage-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Something that was not reached: "judge.h:71". */
interface Missed {
  readonly header: string;
  readonly line: number;
  readonly what: string;
}

/** Line, column, line, column, times true, times false, and what does not matter here. */
type Branch = readonly [number, number, number, number, number, number, ...number[]];
interface Exported {
  readonly data: readonly {
    readonly files: readonly { readonly filename: string; readonly branches: readonly Branch[] }[];
  }[];
}

function runCovered(program: string, words: readonly string[], input: string, profile: string): void {
  const env = { ...process.env, LLVM_PROFILE_FILE: profile };
  const { status, stderr } = spawnSync(program, words, { input, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`);
}

/** Lines of statements that nothing reached; closing braces say nothing. */
function missedLines(shown: string): readonly Missed[] {
  let header = "";
  return shown.split("\n").flatMap((text) => {
    if (text.startsWith("/")) header = basename(text.replace(/:$/, ""));
    const [, line, what = ""] = /^ *(\d+)\| +0\|(.*)$/.exec(text) ?? [];
    return line === undefined || what.trim() === "}"
      ? []
      : [{ header, line: Number(line), what: what.trim() }];
  });
}

interface Branches {
  readonly count: number;
  readonly missed: readonly Missed[];
}

/** A branch is one of the two ways at a condition; what is inlined often counts once. */
function readBranches({ data }: Exported): Branches {
  const ways = new Map<string, Missed & { seen: number }>();
  for (const { filename, branches } of data.flatMap(({ files }) => files))
    for (const [line, column, , , yes, no] of branches)
      for (const [way, times] of [
        ["true", yes],
        ["false", no],
      ] as const) {
        const header = basename(filename);
        const what = `the condition in column ${column} was never ${way}`;
        const key = `${header}:${line}:${what}`;
        ways.set(key, { header, line, what, seen: (ways.get(key)?.seen ?? 0) + times });
      }
  const all = [...ways.values()].filter(({ header }) => header in marks);
  return { count: all.length, missed: all.filter(({ seen }) => seen === 0) };
}

const texts = listTexts().map((name) => join(textFolder, name));
const marks: Readonly<Record<string, readonly Mark[]>> = Object.fromEntries(
  listTexts().map((name) => [basename(name), readMarks(readFileSync(join(textFolder, name), "utf8"))]),
);

const say = ({ header, line, what }: Missed): string => `${header}:${line}: ${what}`;
const isMarked = ({ header, line }: Missed): boolean => markOf(marks[header] ?? [], line) !== undefined;

let lines: readonly Missed[] = [];
let branches: Branches = { count: 0, missed: [] };

beforeAll(async () => {
  const program = buildProgram(folder, { flags });
  const profiles = (await sayInputs(4)).map((input, index) => {
    const profile = join(folder, `${index}.profraw`);
    runCovered(program, [], input, profile);
    return profile;
  });
  const sets = buildSets(folder, { flags: [...flags, "-pthread"] });
  profiles.push(join(folder, "sets.profraw"));
  runCovered(sets, ["steps", "20"], "", join(folder, "sets.profraw"));
  const merged = join(folder, "all.profdata");
  execFileSync("llvm-profdata", ["merge", "-sparse", ...profiles, "-o", merged]);
  const words = [program, "-object", sets, `-instr-profile=${merged}`, ...texts];
  const read = (verb: string): string =>
    execFileSync("llvm-cov", [verb, ...words], { encoding: "utf8", maxBuffer: 2 ** 28 });
  lines = missedLines(read("show"));
  branches = readBranches(JSON.parse(read("export")));
});

describe("the BPF C, by everything that tests ask of it", () => {
  it("is reached in every line that is not marked", () => {
    expect(lines.filter((missed) => !isMarked(missed)).map(say)).toEqual([]);
  });

  it("goes both ways at every condition that is not marked, and at 95 % of all", () => {
    const share = 100 - (100 * branches.missed.length) / branches.count;
    console.log(
      `${branches.missed.length} of ${branches.count} branches missed, ${share.toFixed(1)} % reached`,
    );
    expect(branches.missed.filter((missed) => !isMarked(missed)).map(say)).toEqual([]);
    expect(branches.count).toBeGreaterThan(1000);
    expect(share).toBeGreaterThanOrEqual(least);
  });

  it("is marked only where something is not reached, and says why", () => {
    const missed = [...lines, ...branches.missed];
    const wrong = Object.entries(marks).flatMap(([header, list]) =>
      list
        .filter(
          (mark) =>
            mark.why.length < 10 || !missed.some((one) => one.header === header && markOf([mark], one.line)),
        )
        .map(({ line, why }) => `${header}:${line}: ${why}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has no mark that no line of its own begins", () => {
    const said = texts
      .map((name) => readFileSync(name, "utf8"))
      .flatMap((text) => text.split("\n"))
      .filter((line) => line.includes("unreachable:"));
    expect(said).toHaveLength(Object.values(marks).flat().length);
  });
});
