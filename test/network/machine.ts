/** A virtual machine that floods out of its tap device (machine.c). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { toHex } from "../support/packet.ts";
import { compileProgram } from "./frame-pair.ts";
import { endProcess, type TapEnd } from "./taps.ts";

/** Places and numbers as in ../kernel/flood.bpf.c. */
export interface MachineFlood {
  readonly template: Uint8Array;
  readonly low: number;
  readonly high: number;
  readonly first: number;
  readonly packets: number;
}

export class Machine {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended = new AbortController();

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
    lines.once("close", () => this.#ended.abort(new Error("the machine has ended")));
  }

  /** Its device is there when this settles. `folder`: where its program is built. */
  static async start(folder: string, { place, device }: TapEnd): Promise<Machine> {
    const program = compileProgram(fileURLToPath(new URL("machine.c", import.meta.url)), folder);
    const child = spawn(program, [place.path, device], { stdio: ["pipe", "pipe", "inherit"] });
    const machine = new Machine(child, createInterface({ input: child.stdout }));
    await machine.#hear();
    return machine;
  }

  async #hear(): Promise<string> {
    const [line] = (await once(this.#lines, "line", { signal: this.#ended.signal })) as [string];
    return line;
  }

  /** Settles when the host has judged the last of the frames; answers how many its device took. */
  async flood({ low, high, first, packets, template }: MachineFlood): Promise<number> {
    const answer = this.#hear();
    this.#child.stdin?.write(`${low} ${high} ${first} ${packets} ${toHex(template)}\n`);
    return Number(await answer);
  }

  /** Settles when its device is gone. */
  end(): Promise<void> {
    return endProcess(this.#child);
  }
}
