/** A test's BPF source, compiled in a folder of its own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** `name`: of a source in this folder, without ".bpf.c". */
export function compileObject(name: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `ringwall-${name}-`));
  const path = join(folder, `${name}.bpf.o`);
  const source = fileURLToPath(new URL(`${name}.bpf.c`, import.meta.url));
  const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
  const include = fileURLToPath(new URL("../../bpf/include", import.meta.url));
  const flags = [
    "-O2",
    "-g",
    "-Wall",
    "-Werror",
    "--target=bpf",
    "-mcpu=v3",
    `-I/usr/include/${machine}`,
    `-I${include}`,
  ];
  execFileSync("clang", [...flags, "-c", source, "-o", path]);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
