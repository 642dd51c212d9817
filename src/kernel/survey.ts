/**
 * What the kernel tells of all objects of a kind in one read (bpf/survey.bpf.c), where asking for each would take
 * thousands of calls. Null where it cannot be asked so (before 5.19, or without BTF): then each has to be asked for.
 */
import { dirname, join } from "node:path";
import { errorCode } from "./errors.ts";
import { joinBytes } from "./maps.ts";
import { type BpfMap, type BpfObject, type BpfProgram, type LoadOptions, native } from "./native.ts";

type Name = "see_devices" | "list_counters";

interface Loaded {
  readonly program: BpfProgram;
  /** Where it leaves its rows. */
  readonly rows: BpfMap;
}

const rowsOf: Readonly<Record<Name, string>> = {
  see_devices: "rw_devices_seen",
  list_counters: "rw_counters_seen",
};

export class Survey {
  readonly #path: string;
  readonly #counters: BpfMap;
  readonly #loaded = new Map<Name, Loaded | null>();
  /** What another thread loads: it is asked otherwise until it is there. */
  readonly #loading = new Set<Name>();
  #isClosed = false;

  /**
   * `object`: the file of the programs that judge; that of survey.bpf.c stands beside it. `counters`: their map of that
   * name, open for as long as this is used.
   */
  constructor(object: string, counters: BpfMap) {
    this.#path = join(dirname(object), "survey.bpf.o");
    this.#counters = counters;
  }

  /**
   * Loads what sees devices, on another thread: a load takes 20 to 40 ms, and a device that comes would wait for it, open.
   * What lists counters follows, and nobody waits for it.
   */
  async prepare(): Promise<void> {
    await this.#prepareProgram("see_devices");
    void this.#prepareProgram("list_counters");
  }

  async #prepareProgram(name: Name): Promise<void> {
    if (this.#loaded.has(name) || this.#loading.has(name)) return;
    this.#loading.add(name);
    const loaded = await loadApart(this.#optionsOf(name), name);
    this.#loading.delete(name);
    if (loaded === undefined) return;
    if (this.#isClosed) close(loaded);
    else this.#loaded.set(name, loaded);
  }

  /** Devices at which programs stand: bytes to compare with those of another time (struct device_seen). */
  devices(): Uint8Array | null {
    return this.#ask("see_devices", ({ program, rows }) => {
      const told = program.call(new Uint8Array(Uint32Array.BYTES_PER_ELEMENT));
      const [count = 0] = new Uint32Array(told.buffer, told.byteOffset, 1);
      return rows.getRun(0, count);
    });
  }

  /** What rw_counters counts that is not zero, in the order of its places (struct counter_seen). */
  counters(): Uint8Array | null {
    return this.#ask("list_counters", ({ program, rows }) => {
      const runs: Uint8Array[] = [];
      // A call tells of as many interfaces as it has room for (struct counters_asked).
      for (let number = 0; number < this.#counters.maxEntries; ) {
        const told = program.call(new Uint8Array(Uint32Array.of(number, 0).buffer));
        const [next = 0, count = 0] = new Uint32Array(told.buffer, told.byteOffset, 2);
        if (next <= number) throw new Error(`no room for the counters of interface ${number}`);
        runs.push(rows.getRun(0, count));
        number = next;
      }
      return joinBytes(runs);
    });
  }

  #ask(name: Name, ask: (loaded: Loaded) => Uint8Array): Uint8Array | null {
    try {
      const loaded = this.#load(name);
      return loaded === null ? null : ask(loaded);
    } catch {
      return null;
    }
  }

  /** Loaded when it is first asked for: a load takes 20 to 40 ms, and a start does not wait for it. */
  #load(name: Name): Loaded | null {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    if (this.#loading.has(name)) return null;
    const loaded = load(this.#optionsOf(name), name);
    if (loaded !== undefined) this.#loaded.set(name, loaded);
    return loaded ?? null;
  }

  #optionsOf(name: Name): LoadOptions {
    const cpus = new Uint8Array(Uint32Array.of(native().possibleCpus()).buffer);
    return {
      path: this.#path,
      programs: [name],
      constants: { cpus },
      maps: { rw_counters: this.#counters },
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const loaded of this.#loaded.values()) close(loaded);
    this.#loaded.clear();
  }
}

function close(loaded: Loaded | null): void {
  loaded?.program.close();
  loaded?.rows.close();
}

/** Null: it does not load on this kernel; undefined: a signal came between, another time it may. */
function load(options: LoadOptions, name: Name): Loaded | null | undefined {
  let object: BpfObject | undefined;
  try {
    object = native().BpfObject.load(options);
    return take(object, name);
  } catch (error) {
    return whyNot(error);
  } finally {
    object?.close();
  }
}

/** The same while the event loop goes on. */
async function loadApart(options: LoadOptions, name: Name): Promise<Loaded | null | undefined> {
  let object: BpfObject | undefined;
  try {
    object = await native().BpfObject.loadAsync(options);
    return take(object, name);
  } catch (error) {
    return whyNot(error);
  } finally {
    object?.close();
  }
}

function take(object: BpfObject, name: Name): Loaded {
  return { program: object.program(name), rows: object.map(rowsOf[name]) };
}

function whyNot(error: unknown): null | undefined {
  return errorCode(error) === "EAGAIN" ? undefined : null;
}
