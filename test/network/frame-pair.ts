/** Sends raw frames into both ends of a firewall and hears what comes out at the other end (nftables/frames.c). */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { toHex } from "../support/packet.ts";

type Direction = "egress" | "ingress";

/** Where programs are built; for removeFolder. */
export const makeFolder = () => mkdtempSync(join(tmpdir(), "ringwall-frames-"));

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Compiles frames.c; answers the program's path. */
export function buildFrames(folder: string): string {
  return compileProgram(fileURLToPath(new URL("nftables/frames.c", import.meta.url)), folder);
}

/** A C source as a program of the same name in a folder; answers its path. */
export function compileProgram(source: string, folder: string): string {
  const program = join(folder, basename(source, ".c"));
  execFileSync("clang", ["-O2", "-Wall", "-Wextra", "-Werror", source, "-o", program], { stdio: "pipe" });
  return program;
}

/** Egress is sent by the guest. `make`: the frame that carries "RW-TAG" and this number. */
export interface SentFrame {
  readonly direction: Direction;
  readonly make: (tag: number) => Uint8Array;
}

/** A frame that comes out in any case: it ends a batch. */
export type MakeLast = (direction: Direction, tag: number) => Uint8Array;

export class FramePair {
  readonly #frames: ChildProcess;
  readonly #lines: Interface;
  readonly #ended = new AbortController();
  readonly #makeLast: MakeLast;
  #tag: number;

  /** `paths`: of the namespaces, each with a device eth0. `firstTag`: apart from those of others who are heard there. */
  constructor(
    program: string,
    paths: { readonly far: string; readonly guest: string },
    makeLast: MakeLast,
    firstTag = 1,
  ) {
    this.#makeLast = makeLast;
    this.#tag = firstTag;
    this.#frames = spawn(program, [paths.far, paths.guest], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#frames.stdout === null) throw new Error("a child without output");
    this.#lines = createInterface({ input: this.#frames.stdout });
    this.#lines.once("close", () => this.#ended.abort(new Error("frames has ended")));
  }

  /** Sends frames in their order; for each, whether it came out at the other end. */
  async pass(frames: readonly SentFrame[]): Promise<boolean[]> {
    const first = this.#tag;
    this.#tag += frames.length + 2;
    const ends = (["ingress", "egress"] as const).map((direction) => ({
      direction,
      make: (tag: number) => this.#makeLast(direction, tag),
    }));
    const lines = [...frames, ...ends].map(
      ({ direction, make }, index) =>
        `${direction === "ingress" ? "F" : "G"} ${toHex(make(first + index))}\n`,
    );
    const answer = once(this.#lines, "line", { signal: this.#ended.signal });
    this.#frames.stdin?.write(`${lines.join("")}?\n`);
    const [line] = (await answer) as [string];
    const heard = new Set(line.trim().split(" ").map(Number));
    return frames.map((_, index) => heard.has(first + index));
  }

  end(): void {
    this.#frames.kill("SIGKILL");
  }
}
