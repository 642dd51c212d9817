/** What the lanes are made with. Run from the tree's root. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";

export interface Tools {
  /** The built program `ringwall`. */
  readonly ringwall: string;
  /** frames.bpf.c as an object. */
  readonly frames: string;
  /** ends.ts as one file. */
  readonly ends: string;
  /** talk.c as a program. */
  readonly talk: string;
  /** Entries of a table of sessions: the most flows at once, and as many again, for one that is just large enough evicts. */
  readonly sessions: number;
}

const here = resolve("test/bench/network");

/** `flows`: the most at once. */
export function buildTools(folder: string, flows: number): Tools {
  mkdirSync(folder, { recursive: true });
  const tools = {
    ringwall: resolve("build/dist/main.js"),
    frames: resolve(folder, "frames.bpf.o"),
    // Beside the addon, which it looks for in the folders above it.
    ends: resolve(folder, "ends.mjs"),
    talk: resolve(folder, "talk"),
    sessions: Math.max(16_384, 2 * flows),
  };
  const warnings = ["-O2", "-Wall", "-Wextra", "-Werror"];
  const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
  const bpf = ["-g", "--target=bpf", "-mcpu=v3", `-I/usr/include/${machine}`, `-I${resolve("bpf/include")}`];
  execFileSync("clang", [...warnings, ...bpf, "-c", join(here, "frames.bpf.c"), "-o", tools.frames]);
  execFileSync("clang", [...warnings, join(here, "talk.c"), "-o", tools.talk]);
  buildSync({
    entryPoints: [join(here, "ends.ts")],
    outfile: tools.ends,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
  });
  return tools;
}
