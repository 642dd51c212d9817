/**
 * What the kernel says of all links on devices, in one read (bpf/links.bpf.c). Where it is what it was when the devices
 * were last looked at one by one, and nothing was amiss, another such look would find the same.
 */
import { dirname, join } from "node:path";
import { type BpfProgram, native } from "./native.ts";

export class LinkSurvey {
  readonly #path: string;
  /** Undefined: not loaded yet; null: this kernel (before 5.19, or without BTF) does not run it. */
  #program: BpfProgram | null | undefined;

  /** `object`: the file of the programs that judge; that of links.bpf.c stands beside it. */
  constructor(object: string) {
    this.#path = join(dirname(object), "links.bpf.o");
  }

  /** Null where the kernel cannot be asked so: each device has to be asked itself. */
  read(): Uint8Array | null {
    this.#program ??= this.#load();
    try {
      return this.#program?.iterate() ?? null;
    } catch {
      return null;
    }
  }

  #load(): BpfProgram | null {
    if (this.#program === null) return null;
    try {
      const object = native().BpfObject.load({ path: this.#path });
      const program = object.program("list_links");
      object.close();
      return program;
    } catch {
      return null;
    }
  }

  close(): void {
    this.#program?.close();
    this.#program = null;
  }
}
