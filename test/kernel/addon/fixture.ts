/** The fixture object, compiled once a test file, and the bytes that its maps speak. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BpfMap,
  type BpfObject,
  type KernelError,
  type Native,
  native,
} from "../../../src/kernel/native.ts";

/** The programs that the kernel takes; the fixture also has one that it refuses. */
export const programs = [
  "fx_xdp",
  "fx_xdp_other",
  "fx_ifindex",
  "fx_grow",
  "fx_emit",
  "fx_inner_read",
  "fx_tc",
  "fx_tc_other",
  "fx_call",
];

/** A directory of the test's own, with the compiled fixture in it. */
export interface Fixture {
  readonly directory: string;
  readonly path: string;
  remove(): void;
}

/** Compiles the fixture; `remove` takes everything away, mounted bpffs too. */
export function compileFixture(): Fixture {
  const directory = mkdtempSync(join(tmpdir(), "ringwall-addon-"));
  const path = join(directory, "fixture.bpf.o");
  const machine = execFileSync("g++", ["-dumpmachine"], { encoding: "utf8" }).trim();
  const source = fileURLToPath(new URL("fixture.bpf.c", import.meta.url));
  const flags = [
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "--target=bpf",
    "-mcpu=v3",
    `-I/usr/include/${machine}`,
  ];
  execFileSync("clang", [...flags, "-c", source, "-o", path]);
  return { directory, path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Runs `body` with a bpffs of its own, which is gone afterwards with all pins. */
export async function withBpffs(body: (root: string) => void | Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "ringwall-bpffs-"));
  native().mountBpffs(root);
  try {
    await body(root);
  } finally {
    execFileSync("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

/** Makes a map, by default a hash with 4-byte keys and 8-byte values, closed when `body` ends. */
export async function withMap(
  options: Partial<Parameters<Native["BpfMap"]["create"]>[0]>,
  body: (map: BpfMap) => unknown,
): Promise<void> {
  const base = { type: 1, name: "t_map", keySize: 4, valueSize: 8, maxEntries: 16, flags: 0 };
  const map = native().BpfMap.create({ ...base, ...options });
  try {
    await body(map);
  } finally {
    map.close();
  }
}

/** What is pinned in a bpffs; the kernel puts two files of its own into each. */
export function listPins(root: string): string[] {
  return readdirSync(root)
    .filter((name) => name !== "maps.debug" && name !== "progs.debug")
    .sort();
}

/** Loads the fixture's good programs. */
export function loadFixture(
  path: string,
  options: Partial<Parameters<Native["BpfObject"]["load"]>[0]> = {},
): BpfObject {
  return native().BpfObject.load({ path, programs, ...options });
}

export function u32(...numbers: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

export function u64(...numbers: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(numbers).buffer);
}

/** The 32-bit number at `place` (in numbers, not bytes). */
export function readU32(bytes: Uint8Array, place = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(place * 4, true);
}

export function readU64(bytes: Uint8Array, place = 0): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(place * 8, true);
}

/** The error that `body` throws or rejects with; fails where it does neither. */
export async function failureOf(body: () => unknown): Promise<KernelError> {
  try {
    await body();
  } catch (error) {
    return error as KernelError;
  }
  throw new Error("it did not fail");
}

/** The code of the error that `body` throws. */
export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as KernelError).code;
  }
  return "none";
}
