/**
 * The shipped programs for several guests, under the test's clock, fast: no traces, a batch is one call. Nothing is
 * pinned or attached; which guest a batch belongs to is one word of rw_devices.
 */
import { readCounters } from "../../src/kernel/counters.ts";
import { storeDevice } from "../../src/kernel/devices-map.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { SyncEngine } from "../../src/kernel/engine.ts";
import { ClockStruct, InterfaceStruct, Limit, SettingsStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { closeMaps, mapsOf, type ObjectMaps, sizesFor } from "../../src/kernel/object-maps.ts";
import { collectPrograms, type Programs, programNames } from "../../src/kernel/objects.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { defaultSettings, encodeSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { SessionTableName } from "../../src/kernel/status.ts";
import type { Direction, Model, SessionSizes } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { CompiledPolicy, Resolved } from "../../src/policy/types.ts";
import { objectPath } from "./host.ts";
import { shareTables } from "./share-tables.ts";
import { smallMaps } from "./sizes.ts";

/** Stands for every guest's device, and for the uplink. */
export const loopback = 1;
const hz = 1000;
/** The clock's low 32 bits wrap within the first second. */
const firstJiffies = 2 ** 32 - hz / 2;
/** XDP_PASS, and TC_ACT_UNSPEC: what the programs answer to a packet that passes. */
export const passes = { egress: 2, ingress: -1 } as const;

/** The sizes that an interface has unless it, or the agent, says otherwise. */
export const usualSizes: SessionSizes = { established: 16_384, answered: 8192, opening: 4096 };

export interface Compiled {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

export function compileModel(model: Model): Compiled {
  const resolved = resolve(model, { host: "here" });
  return { resolved, policies: compileAll(resolved) };
}

export class FloodBed {
  readonly maps: ObjectMaps;
  readonly engine: SyncEngine;
  readonly programs: Programs;
  readonly #idle: BpfMap;
  #jiffies = firstJiffies;

  /** `given`: settings that differ from the defaults, and from no events. */
  static async open(model: Model, given: Partial<KernelSettings> = {}): Promise<FloodBed> {
    const object = native().BpfObject.load({
      path: objectPath,
      programs: programNames,
      maxEntries: { ...sizesFor(model.interfaces.size + 8), ...smallMaps },
      constants: { rw_test_clock: Uint8Array.of(1) },
    });
    const programs = collectPrograms(object.programNames, (name) => object.program(name));
    const bed = new FloodBed(mapsOf(object), programs);
    object.close();
    try {
      await bed.#begin(model, given);
    } catch (error) {
      bed.close();
      throw error;
    }
    return bed;
  }

  private constructor(maps: ObjectMaps, programs: Programs) {
    this.maps = maps;
    this.programs = programs;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.engine = new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
  }

  async #begin(model: Model, given: Partial<KernelSettings>): Promise<void> {
    this.configure(given);
    this.pass(0);
    await this.engine.recover();
    await this.apply(compileModel(model));
  }

  configure(given: Partial<KernelSettings>): void {
    const settings = encodeSettings({ ...defaultSettings, eventsPerSecond: 0, ...given }, hz, 0);
    this.maps.settings.set(indexKey(0), SettingsStruct.encode(settings));
  }

  /** A change, by the code of a live host: `inForce` is called when it has returned; settles when the maps are clean. */
  async apply({ resolved, policies }: Compiled, inForce: () => void = () => {}): Promise<void> {
    await this.engine.apply({
      resolved,
      policies,
      bindings: new Map(),
      host: { uplinks: [{ ifindex: loopback, networks: null }], addresses: new Set(), macs: [] },
      sizes: (_, own) => own ?? usualSizes,
    });
    inForce();
    await this.engine.settle();
  }

  /** The control of all floods: every interface remembers in the tables of this one, and is bounded under its number. */
  async shareNumberOf(interfaceId: string): Promise<void> {
    const number = this.numberOf(interfaceId);
    await shareTables(Object.values(this.maps.sessions), number, [...this.engine.known.numbers.values()]);
    for (const id of this.engine.known.records.keys()) {
      const stored = this.maps.interfaces.get(indexKey(id));
      if (stored === undefined || id === 0) continue;
      const shared = { ...InterfaceStruct.decode(stored), number };
      this.maps.interfaces.set(indexKey(id), InterfaceStruct.encode(shared));
    }
  }

  /** Lets `seconds` go by. */
  pass(seconds: number): void {
    this.#jiffies += Math.round(seconds * hz);
    this.maps.clock.set(indexKey(0), ClockStruct.encode({ jiffies: BigInt(this.#jiffies), tai: 0n }));
  }

  get sessionClock(): { readonly now: number; readonly hz: number; readonly timeouts: readonly number[] } {
    const { timeouts } = encodeSettings(defaultSettings, hz, 0);
    return { now: this.#jiffies >>> 0, hz, timeouts };
  }

  /** From now on the device is this guest's. */
  stand(interfaceId: string): void {
    const record = this.engine.liveRecord(interfaceId);
    if (record === undefined) throw new Error(`${interfaceId} has no record`);
    storeDevice(this.maps, loopback, record);
  }

  /** Packets of one guest through the program of their direction; how many passed. */
  run(interfaceId: string, direction: Direction, packets: readonly Uint8Array[]): number {
    this.stand(interfaceId);
    const program = direction === "egress" ? this.programs.guest_xdp : this.programs.guest_tc_egress;
    const { retvals } = program.testRunMany({ packets, ifindex: loopback });
    let passed = 0;
    for (const action of retvals) if (action === passes[direction]) passed++;
    return passed;
  }

  /** Packets that an interface's number counted, by "direction verdict reason". */
  counts(interfaceId: string): Map<string, number> {
    const counters = readCounters(this.maps, this.numberOf(interfaceId), interfaceId);
    return new Map(
      counters.map(({ direction, verdict, reason, packets }) => [
        `${direction} ${verdict} ${reason}`,
        Number(packets),
      ]),
    );
  }

  /** Forgets the sessions of all guests. */
  async flush(): Promise<void> {
    for (const number of this.engine.known.numbers.values()) await this.engine.tables.flush(number);
  }

  /** Takes a table of an interface out of its place: nothing can be inserted there any more. */
  removeTable(interfaceId: string, table: SessionTableName): void {
    this.maps.sessions[table].delete(indexKey(this.numberOf(interfaceId)));
  }

  numberOf(interfaceId: string): number {
    const number = this.engine.known.numbers.get(digest64(interfaceId));
    if (number === undefined) throw new Error(`${interfaceId} is not in the model of this bed`);
    return number;
  }

  close(): void {
    this.engine.tables.close();
    this.#idle.close();
    closeMaps(this.maps);
    for (const program of Object.values(this.programs)) program.close();
  }
}
