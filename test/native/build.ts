/** Compiles the verdict for this machine: as a program of commands, and as a target of libFuzzer. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The verdict's own text. */
export const headersFolder = join(root, "bpf/include");

const nativeFolder = join(root, "test/native");
/** Programs of the fuzzer that are kept. */
export const corpusFile = join(nativeFolder, "fuzz/corpus.txt");

const shared = ["judge-frame.c", "commands.c", "maps.c", "fuzz/world.c", "fuzz/program.c"];
const warnings = "-std=gnu11 -g -Wall -Wextra -Werror -DRINGWALL_NATIVE".split(" ");
/** Alignment is not asked for: the verdict reads headers where they lie, as every BPF program does. */
const sanitizers = "-O1 -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all".split(
  " ",
);

export interface BuildOptions {
  /** The verdict's text; bpf/include where it is left out. */
  readonly headers?: string;
  /** The compiler's words in place of the sanitizers'. */
  readonly flags?: readonly string[];
}

function compile(
  target: string,
  files: readonly string[],
  options: BuildOptions,
  more: readonly string[],
): string {
  const { headers = headersFolder, flags = sanitizers } = options;
  const sources = files.map((name) => join(nativeFolder, name));
  const include = [headers, nativeFolder].map((path) => `-I${path}`);
  execFileSync("clang", [...warnings, ...flags, ...more, ...include, ...sources, "-o", target], {
    stdio: "pipe",
  });
  return target;
}

/** The program that takes commands (main.c), in `folder`; its path. Throws with the compiler's words. */
export function buildProgram(folder: string, options: BuildOptions = {}): string {
  return compile(join(folder, "verdict"), ["main.c", ...shared], options, []);
}

/** The target of libFuzzer, in `folder`; its path. Throws with the compiler's words. */
export function buildFuzzer(folder: string): string {
  const files = ["fuzz/fuzz.c", "fuzz/make.c", ...shared];
  return compile(join(folder, "fuzzer"), files, {}, ["-fsanitize=fuzzer"]);
}
