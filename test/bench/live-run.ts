/**
 * The shipped object as a host loads it: the kernel's own clock, no traces. (src/kernel/testrun.ts has a clock and
 * traces of its own, which cost time.) Nothing is pinned or attached; the interface is on the loopback device.
 */
import { readCounters } from "../../src/kernel/counters.ts";
import { storeDevice } from "../../src/kernel/devices-map.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { SyncEngine } from "../../src/kernel/engine.ts";
import { Limit, SettingsStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { type BpfMap, type BpfProgram, native } from "../../src/kernel/native.ts";
import { closeMaps, mapsOf, type ObjectMaps, sizesFor } from "../../src/kernel/object-maps.ts";
import { collectPrograms, type Programs } from "../../src/kernel/objects.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { defaultSettings, encodeSettings } from "../../src/kernel/settings.ts";
import type { PacketCounter } from "../../src/kernel/status.ts";
import { learnTicks } from "../../src/kernel/ticks.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";

const loopback = 1;
/** Numbers beside the model's interfaces: nobody's, and the one for questions. */
const reserved = 8;

export class LiveRun {
  readonly #maps: ObjectMaps;
  readonly #programs: Programs;
  readonly #idle: BpfMap;
  readonly #engine: SyncEngine;

  /** `model` has one interface; its session tables get `entries` each. */
  static async open(path: string, model: Model, entries: number): Promise<LiveRun> {
    const object = native().BpfObject.load({ path, maxEntries: sizesFor(model.interfaces.size + reserved) });
    const programs = collectPrograms(object.programNames, (name) => object.program(name));
    const run = new LiveRun(mapsOf(object), programs);
    object.close();
    try {
      await run.#begin(model, entries);
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  private constructor(maps: ObjectMaps, programs: Programs) {
    this.#maps = maps;
    this.#programs = programs;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.#engine = new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
  }

  async #begin(model: Model, entries: number): Promise<void> {
    const hz = learnTicks(this.#programs.clock_probe);
    this.#maps.settings.set(indexKey(0), SettingsStruct.encode(encodeSettings(defaultSettings, hz, 0)));
    const resolved = resolve(model, { host: "here" });
    await this.#engine.recover();
    await this.#engine.apply({
      resolved,
      policies: compileAll(resolved),
      bindings: new Map(),
      host: { uplinks: [], addresses: new Set(), macs: [] },
      sizes: () => ({ established: entries, answered: entries, opening: entries }),
    });
    await this.#engine.settle();
    for (const { interface: source } of resolved.interfaces) {
      const record = this.#engine.liveRecord(source.id);
      if (record !== undefined) storeDevice(this.#maps, loopback, record);
    }
  }

  /** The least program of the same object: what a test run takes by itself, nearly. */
  get least(): BpfProgram {
    return this.#programs.clock_probe;
  }

  /** One packet to the interface, or from it. */
  send(direction: "egress" | "ingress", data: Uint8Array): void {
    this.#programOf(direction).testRun({ data, ifindex: loopback });
  }

  /** Mean time of one run of guest_xdp, ns, over `repeat` runs in the kernel's loop. */
  time(data: Uint8Array, repeat: number): number {
    return this.#programs.guest_xdp.testRun({ data, repeat, ifindex: loopback }).duration;
  }

  #programOf(direction: "egress" | "ingress"): BpfProgram {
    return direction === "egress" ? this.#programs.guest_xdp : this.#programs.guest_tc_egress;
  }

  /** Packets from the interface that were accepted for `reason` until now. */
  accepted(interfaceId: string, reason: PacketCounter["reason"]): number {
    return readCounters(this.#maps.counters, this.#numberOf(interfaceId), interfaceId)
      .filter((one) => one.direction === "egress" && one.verdict === "accept" && one.reason === reason)
      .reduce((sum, { packets }) => sum + Number(packets), 0);
  }

  async flush(interfaceId: string): Promise<void> {
    await this.#engine.tables.flush(this.#numberOf(interfaceId));
  }

  #numberOf(interfaceId: string): number {
    const number = this.#engine.known.numbers.get(digest64(interfaceId));
    if (number === undefined) throw new Error(`${interfaceId} is not in the model of this run`);
    return number;
  }

  close(): void {
    this.#engine.tables.close();
    this.#idle.close();
    closeMaps(this.#maps);
    for (const program of Object.values(this.#programs)) program.close();
  }
}
