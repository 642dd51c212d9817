/**
 * What the kernel tells of all objects of a kind in one read (bpf/survey.bpf.c), where asking for each would take
 * thousands of calls. Null where it cannot be asked so (before 5.19, or without BTF): then each has to be asked for.
 */
import { dirname, join } from "node:path";
import { errorCode } from "./errors.ts";
import { type BpfMap, type BpfObject, type BpfProgram, native } from "./native.ts";

type Iterator = "list_links" | "list_counters";

export class Survey {
  readonly #path: string;
  readonly #programs = new Map<Iterator, BpfProgram | null>();
  /** What another thread loads: it is asked otherwise until it is there. */
  readonly #loading = new Set<Iterator>();
  #isClosed = false;

  /** `object`: the file of the programs that judge; that of survey.bpf.c stands beside it. */
  constructor(object: string) {
    this.#path = join(dirname(object), "survey.bpf.o");
  }

  /**
   * Loads what lists links, on another thread: a load takes 20 to 40 ms, and a device that comes would wait for it, open.
   * What lists counters follows, and nobody waits for it.
   */
  async prepare(): Promise<void> {
    await this.#prepareProgram("list_links");
    void this.#prepareProgram("list_counters");
  }

  async #prepareProgram(name: Iterator): Promise<void> {
    if (this.#programs.has(name) || this.#loading.has(name)) return;
    this.#loading.add(name);
    const loaded = await loadApart(this.#path, name);
    this.#loading.delete(name);
    if (loaded === undefined) return;
    if (this.#isClosed) loaded?.close();
    else this.#programs.set(name, loaded);
  }

  /** Links on devices: bytes to compare with those of another time (struct link_seen). */
  links(): Uint8Array | null {
    return this.#read("list_links");
  }

  /** What rw_counters counts that is not zero, in the order of its places (struct counter_seen). */
  counters(map: BpfMap): Uint8Array | null {
    return this.#read("list_counters", map);
  }

  #read(name: Iterator, map?: BpfMap): Uint8Array | null {
    try {
      return this.#program(name)?.iterate(map) ?? null;
    } catch {
      return null;
    }
  }

  /** Loaded when it is first asked for: a load takes 20 to 40 ms, and a start does not wait for it. */
  #program(name: Iterator): BpfProgram | null {
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    if (this.#loading.has(name)) return null;
    const loaded = load(this.#path, name);
    if (loaded !== undefined) this.#programs.set(name, loaded);
    return loaded ?? null;
  }

  close(): void {
    this.#isClosed = true;
    for (const program of this.#programs.values()) program?.close();
    this.#programs.clear();
  }
}

/** Null: it does not load on this kernel; undefined: a signal came between, another time it may. */
function load(path: string, program: Iterator): BpfProgram | null | undefined {
  let object: BpfObject | undefined;
  try {
    object = native().BpfObject.load(optionsOf(path, program));
    return object.program(program);
  } catch (error) {
    return whyNot(error);
  } finally {
    object?.close();
  }
}

/** The same while the event loop goes on. */
async function loadApart(path: string, program: Iterator): Promise<BpfProgram | null | undefined> {
  let object: BpfObject | undefined;
  try {
    object = await native().BpfObject.loadAsync(optionsOf(path, program));
    return object.program(program);
  } catch (error) {
    return whyNot(error);
  } finally {
    object?.close();
  }
}

function whyNot(error: unknown): null | undefined {
  return errorCode(error) === "EAGAIN" ? undefined : null;
}

function optionsOf(path: string, program: Iterator) {
  const cpus = new Uint8Array(Uint32Array.of(native().possibleCpus()).buffer);
  return { path, programs: [program], constants: { cpus } };
}
