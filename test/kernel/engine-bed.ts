/** An engine on maps of its own: nothing is pinned, no device is touched; what it writes may be altered on the way. */

import { askPrograms } from "../../src/kernel/ask.ts";
import { type EngineReport, type HostFacts, type ModelChange, SyncEngine } from "../../src/kernel/engine.ts";
import { Limit, SettingsStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey, indexKeys } from "../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { closeMaps, mapsOf, type ObjectMaps, sizesFor } from "../../src/kernel/object-maps.ts";
import { collectPrograms, type Programs, programNames } from "../../src/kernel/objects.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { defaultSettings, encodeSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict, Verification } from "../../src/kernel/status.ts";
import { switchDevice } from "../../src/kernel/sync.ts";
import { findSettings } from "../../src/kernel/verify-places.ts";
import type { Model } from "../../src/model/model.ts";
import { type CompiledBefore, compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import type { CompiledPolicy, Resolved } from "../../src/policy/types.ts";
import { objectPath } from "./host.ts";
import { smallMaps } from "./sizes.ts";

/** What becomes of values on their way into a map; undefined: nothing. Keys and values lie end to end. */
export type Alter = (
  map: string,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
) => Uint8Array | undefined;

/** The same maps, but for what `alter` does, where there is one, to batches and single values. */
function alterWrites(maps: ObjectMaps, alterNow: () => Alter | null): ObjectMaps {
  const names = [
    "interfaces",
    "owned",
    "listed",
    "identities",
    "policies",
    "cells",
    "words",
    "prefixes",
    "groupBits",
  ] as const;
  const altered = names.map((name): [string, BpfMap] => {
    const map = maps[name];
    const alter: Alter = (...write) => alterNow()?.(...write);
    const setBatch = (keys: Uint8Array, values: Uint8Array, count: number) =>
      map.setBatch(keys, alter(name, keys, values.slice(), count) ?? values, count);
    const setRun = (first: number, values: Uint8Array) => {
      const count = values.length / map.info.valueSize;
      map.setRun(first, alter(name, indexKeys(first, count), values.slice(), count) ?? values);
    };
    const set = (key: Uint8Array, value: Uint8Array, flags?: number) =>
      map.set(key, alter(name, key, value.slice(), 1) ?? value, flags);
    const proxy = new Proxy(map, {
      get: (target, property) => {
        if (alterNow() !== null) {
          if (property === "setBatch") return setBatch;
          if (property === "setRun") return setRun;
          if (property === "set") return set;
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return [name, proxy];
  });
  return { ...maps, ...Object.fromEntries(altered) };
}

const noHost: HostFacts = { uplinks: [], addresses: new Set(), macs: [] };

export class EngineBed {
  readonly maps: ObjectMaps;
  readonly engine: SyncEngine;
  readonly #programs: Programs;
  readonly #idle: BpfMap;
  readonly #bindings = new Map<number, string>();
  readonly #settings = encodeSettings(defaultSettings, 250, native().taiOffset());
  #change: ModelChange | null = null;
  #alter: Alter | null = null;

  private constructor(maps: ObjectMaps, programs: Programs) {
    this.maps = maps;
    this.#programs = programs;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.engine = this.startEngine();
  }

  /** Loads the shipped programs for `interfaces` interfaces; `sizes`: of other maps. */
  static async open(
    interfaces = 16,
    sizes: Readonly<Record<string, number>> = smallMaps,
  ): Promise<EngineBed> {
    const object = native().BpfObject.load({
      path: objectPath,
      programs: programNames,
      maxEntries: { ...sizesFor(interfaces + 2), ...sizes },
    });
    const programs = collectPrograms(object.programNames, (name) => object.program(name));
    const bed = new EngineBed(mapsOf(object), programs);
    object.close();
    bed.maps.settings.set(indexKey(0), SettingsStruct.encode(bed.#settings));
    await bed.engine.recover();
    return bed;
  }

  /** Another engine on the same maps, as the next agent has it; `recover` it first. */
  startEngine(): SyncEngine {
    const maps = alterWrites(this.maps, () => this.#alter);
    return new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
  }

  /** From now on; the default is to alter nothing. */
  alterWrites(alter: Alter | null = null): void {
    this.#alter = alter;
  }

  /** `check` sees what was resolved of the model before anything is compiled. */
  async apply(
    model: Model,
    compile: (
      resolved: Resolved,
      before: CompiledBefore | null,
    ) => ReadonlyMap<bigint, CompiledPolicy> = compileAll,
    check: (resolved: Resolved, before: Resolved | null) => void = () => undefined,
  ): Promise<EngineReport> {
    const before = this.#change;
    const resolved = resolve(model, { host: "here", before: before?.resolved ?? null });
    check(resolved, before?.resolved ?? null);
    const change = this.#changeTo(resolved, compile(resolved, before));
    const report = await this.engine.apply(change);
    this.#change = change;
    return report;
  }

  #changeTo(resolved: Resolved, policies: ReadonlyMap<bigint, CompiledPolicy>): ModelChange {
    const entries = Limit.SESSION_TABLE_MIN * native().possibleCpus();
    const sizes = () => ({ established: entries, answered: entries, opening: entries });
    return { resolved, policies, bindings: this.#bindings, host: noHost, sizes };
  }

  /** Devices that programs would judge, as if they were attached; the model has to be in force. */
  attach(bindings: ReadonlyMap<number, string>): void {
    for (const [ifindex, id] of bindings) {
      this.#bindings.set(ifindex, id);
      switchDevice(this.maps, this.engine.known, ifindex, this.engine.liveRecord(id) ?? 0);
    }
  }

  /** By the bed's engine, or another one on its maps. */
  verify(engine = this.engine): Promise<Verification> {
    if (this.#change === null) throw new Error("nothing was applied");
    const wanted = SettingsStruct.encode(this.#settings);
    return engine.verify(this.#change, () => findSettings(engine.maps.settings, wanted));
  }

  /** What the programs say of a frame that opens a session. */
  ask(id: string, direction: "egress" | "ingress", frame: Uint8Array): Promise<PacketVerdict> {
    const question = { interface: id, direction, frame };
    return askPrograms(this.engine, this.#programs, question, native().possibleCpus());
  }

  close(): void {
    this.engine.tables.close();
    for (const program of Object.values(this.#programs)) program.close();
    this.#idle.close();
    closeMaps(this.maps);
  }
}
