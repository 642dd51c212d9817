/** Compiles the verdict for this machine: as a program of commands, and as a target of libFuzzer. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The verdict's own text, and the programs'. */
export const textFolder = join(root, "bpf");

/** Of its files, by their place in it, those that the build for this machine reads. */
export function listTexts(): readonly string[] {
  const headers = readdirSync(join(textFolder, "include")).map((name) => join("include", name));
  return ["ringwall.bpf.c", "confirm.bpf.c", ...headers.sort()];
}

const nativeFolder = join(root, "test/native");
/** Programs of the fuzzer that are kept. */
export const corpusFile = join(nativeFolder, "fuzz/corpus.txt");

/** The only files that compile them. */
const verdictFiles: readonly string[] = ["judge-frame.c", "confirm.c"];
/** Frames that are made up, by layer. */
const makers = ["bytes", "transport", "network", "frame", "follow"].map((name) => `fuzz/make/${name}.c`);
const shared = [
  ...verdictFiles,
  ...["commands.c", "words.c", "maps.c", "other-cpus.c", "whole-maps.c", "events.c"],
  ...["world", "digest", "program", "talk"].map((name) => `fuzz/${name}.c`),
  ...makers,
];
const warnings = "-std=gnu11 -g -Wall -Wextra -Werror -DRINGWALL_NATIVE".split(" ");
/** Alignment is not asked for: the verdict reads headers where they lie, as every BPF program does. */
const sanitizers = "-O1 -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all".split(
  " ",
);
/** Edges alone: what is compared is drawn from the world's pools. */
const guidance = ["-fsanitize-coverage=inline-8bit-counters,pc-table"];

export interface BuildOptions {
  /** Where the verdict's text lies; bpf/ where it is left out. */
  readonly text?: string;
  /** The compiler's words in place of the sanitizers'. */
  readonly flags?: readonly string[];
  /** What buildAround made, so that only the verdict is compiled. */
  readonly around?: string;
}

function compile(
  target: string,
  files: readonly string[],
  options: BuildOptions,
  more: readonly string[],
): string {
  const { text = textFolder, flags = sanitizers } = options;
  const sources = files.map((name) => join(nativeFolder, name));
  const include = [join(text, "include"), nativeFolder].map((path) => `-I${path}`);
  execFileSync("clang", [...warnings, ...flags, ...more, ...include, ...sources, "-o", target], {
    stdio: "pipe",
  });
  return target;
}

/** All but the verdict, as one object file in `folder`, for many builds of the program; its path. */
export function buildAround(folder: string, flags: readonly string[]): string {
  const files = ["main.c", ...shared.filter((name) => !verdictFiles.includes(name))];
  return compile(join(folder, "around.o"), files, { flags }, ["-r"]);
}

/** The program that takes commands (main.c), in `folder`; its path. Throws with the compiler's words. */
export function buildProgram(folder: string, options: BuildOptions = {}): string {
  const { around } = options;
  const files = around === undefined ? ["main.c", ...shared] : verdictFiles;
  return compile(join(folder, "verdict"), files, options, around === undefined ? [] : [around]);
}

/** The program that puts two CPUs at one opening table (sets/sets.c), in `folder`; its path. */
export function buildSets(folder: string, options: BuildOptions = {}): string {
  const flags = ["-O1", "-pthread"];
  const files = ["sets", "operations", "orders", "hammer"].map((name) => `sets/${name}.c`);
  return compile(join(folder, "sets"), files, { flags, ...options }, []);
}

/** All that goes into a build, by its bytes. */
function digestSources(): string {
  const hash = createHash("sha256").update(JSON.stringify([warnings, sanitizers]));
  for (const folder of [textFolder, nativeFolder])
    for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort())
      if (/\.[ch]$/.test(name)) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}

/** The program that takes commands, under sanitizers, built once for all tests that run it; its path. */
export function sanitizedProgram(): string {
  const kept = join(root, "build/native");
  const digest = digestSources();
  const folder = join(kept, digest);
  const program = join(folder, "verdict");
  if (existsSync(program)) return program;
  mkdirSync(kept, { recursive: true });
  // Of other sources; what another test makes at this moment stays.
  for (const name of readdirSync(kept))
    if (name !== digest && !name.startsWith("made-"))
      rmSync(join(kept, name), { recursive: true, force: true });
  const made = mkdtempSync(join(kept, "made-"));
  try {
    buildProgram(made);
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another test was first.
    if (!existsSync(program)) throw error;
  }
  return program;
}

function compileObjects(
  folder: string,
  files: readonly string[],
  flags: readonly string[],
): readonly string[] {
  const sources = files.map((name) => join(nativeFolder, name));
  const include = [join(textFolder, "include"), nativeFolder].map((path) => `-I${path}`);
  execFileSync("clang", [...warnings, ...flags, ...include, "-c", ...sources], {
    cwd: folder,
    stdio: "pipe",
  });
  return files.map((name) => join(folder, basename(name).replace(/\.c$/, ".o")));
}

/**
 * The target of libFuzzer, in `folder`; its path. Throws with the compiler's words. Only the verdict is watched and
 * guides the fuzzer, which makes three times as many programs so; the blocks that the maps around it make are guarded
 * all the same, and the program that takes commands has the sanitizers in everything.
 */
export function buildFuzzer(folder: string): string {
  const around = ["fuzz/fuzz.c", ...shared.filter((name) => !verdictFiles.includes(name))];
  const objects = [
    ...compileObjects(folder, around, ["-O2"]),
    ...compileObjects(folder, verdictFiles, [...sanitizers, ...guidance, "-O2"]),
  ];
  const fuzzer = join(folder, "fuzzer");
  execFileSync("clang", [...sanitizers, "-fsanitize=fuzzer", ...objects, "-o", fuzzer], { stdio: "pipe" });
  return fuzzer;
}
