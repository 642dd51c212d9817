/** A host of the native program: the agent's own plan of each change, written into its maps. */
import { digest64 } from "../../src/kernel/digest.ts";
import type { Capacities } from "../../src/kernel/plan-space.ts";
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { Model } from "../../src/model/model.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { Resolved } from "../../src/policy/types.ts";
import type { InterfaceLife } from "../semantics/steps.ts";
import { createFakeMaps, type FakeMaps, Faults } from "../unit/kernel/fake-maps.ts";
import { Host } from "../unit/kernel/host.ts";
import { type NativeFrame, nativeJiffies, Script } from "./program.ts";

/** Of each map of rules, for models of many groups. */
const manyEntries = 1 << 16;

/** A frame at an interface, by its id. */
export interface BenchFrame extends Omit<NativeFrame, "record" | "state"> {
  readonly interface: string;
}

/** A host's maps in memory, and the script that carries each of their states to the program. */
export class Bench {
  readonly script: Script;
  readonly #host: Host;
  readonly #capacities: Capacities;
  readonly #tables: number;
  readonly #hasTables = new Set<number>();
  readonly #states = new Map<string, InterfaceLife>();
  resolved: Resolved | undefined;

  /** `start`: seconds of UTC at time 0; `tables`: entries of each session table; `entries`: of each map of rules. */
  constructor(start: number, settings: KernelSettings, tables: number, entries = manyEntries) {
    const rules = { cells: entries, words: entries, prefixes: entries, groupBits: entries };
    this.#host = new Host(
      createFakeMaps(new Faults(), { interfaces: 128, slots: 1024, policies: 512, ...rules }),
    );
    this.#capacities = { numbers: 64, slots: 512, policies: 512, cells: entries, words: entries };
    this.script = new Script(start);
    this.#tables = tables;
    this.script.configure(settings);
  }

  async change(model: Model): Promise<void> {
    if (this.resolved === undefined) await this.#host.start();
    const before = this.#networks();
    await this.#host.apply(model, this.#capacities);
    this.resolved = resolve(model, { host: "here" });
    await this.script.load(this.#host.maps);
    this.#states.clear();
    for (const [number, network] of this.#networks()) {
      // Of another network nothing is remembered (kernel/moved.ts).
      if (this.#hasTables.has(number) && (before.get(number) ?? network) === network) continue;
      this.#hasTables.add(number);
      this.script.makeTables(number, this.#tables);
    }
  }

  /** Of each interface number. */
  #networks(): ReadonlyMap<number, bigint | undefined> {
    const { live, records } = this.#host.state;
    return new Map([...live].map(([number, record]) => [number, records.get(record)?.struct.network]));
  }

  judge({ interface: id, ...packet }: BenchFrame): void {
    this.script.judge({ ...packet, record: this.recordOf(id), state: this.#states.get(id) ?? "ready" });
  }

  /** What the agent wrote. */
  get maps(): FakeMaps {
    return this.#host.maps;
  }

  /** Its place in rw_interfaces. */
  recordOf(id: string): number {
    const record = this.#host.state.live.get(this.numberOf(id));
    if (record === undefined) throw new Error(`${id} has no record`);
    return record;
  }

  /** Until the next change. */
  setState(id: string, state: InterfaceLife): void {
    this.#states.set(id, state);
  }

  /** An operator ends every session of an interface, so many seconds after the first frame. */
  endSessions(id: string, time: number): void {
    this.script.say(`end ${this.numberOf(id)} ${nativeJiffies(time)}`);
  }

  /** Asks for the session tables of an interface, as they are then. */
  tellSessions(id: string): void {
    this.script.tellSessions(this.numberOf(id));
  }

  /** Its place in tables and counters. */
  numberOf(id: string): number {
    const number = this.#host.state.numbers.get(digest64(id));
    if (number === undefined) throw new Error(`${id} has no number`);
    return number;
  }
}
