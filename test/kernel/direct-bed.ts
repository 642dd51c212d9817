/**
 * The shipped programs with direct forwarding on, as the agent sets it up, in test runs: each guest has a device that
 * frames may be sent to, and who sends is put behind the loopback device.
 */
import { readCounters } from "../../src/kernel/counters.ts";
import { storeDevice } from "../../src/kernel/devices-map.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { SyncEngine } from "../../src/kernel/engine.ts";
import {
  ClockStruct,
  DirectFlag,
  DirectKeyStruct,
  DirectStruct,
  Limit,
  SettingsStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { closeMaps, mapsOf, type ObjectMaps, sizesFor } from "../../src/kernel/object-maps.ts";
import { collectPrograms, type Programs, programNames } from "../../src/kernel/objects.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { defaultSettings, encodeSettings } from "../../src/kernel/settings.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { macBytes } from "../support/packet.ts";
import { objectPath } from "./host.ts";
import { smallMaps } from "./sizes.ts";

const loopback = 1;
const bridge = 9;
const firstDevice = 100;
const hz = 1000;
/** Longest frame that the bridge hands to a guest's device, bytes. */
export const longest = 1514;
/** By XDP's return codes. */
const actions = ["aborted", "drop", "pass", "tx", "redirect"] as const;
export type XdpAction = (typeof actions)[number];

export class DirectBed {
  readonly #maps: ObjectMaps;
  readonly #programs: Programs;
  readonly #idle: BpfMap;
  readonly #engine: SyncEngine;
  readonly #ids: readonly string[];
  readonly #start: number;
  readonly #entries: number;

  /**
   * `ids`: of the guests, which every model has; `start`: seconds of UTC at time 0; `entries`: of each table of sessions, of
   * which an oracle without bounds forgets none.
   */
  static async open(ids: readonly string[], start: number, entries: number): Promise<DirectBed> {
    const object = native().BpfObject.load({
      path: objectPath,
      programs: programNames,
      maxEntries: { ...sizesFor(ids.length + 4), ...smallMaps },
      constants: { rw_test_clock: Uint8Array.of(1) },
    });
    const programs = collectPrograms(object.programNames, (name) => object.program(name));
    const bed = new DirectBed(mapsOf(object), programs, ids, start, entries);
    object.close();
    await bed.#engine.recover();
    return bed;
  }

  private constructor(
    maps: ObjectMaps,
    programs: Programs,
    ids: readonly string[],
    start: number,
    entries: number,
  ) {
    this.#maps = maps;
    this.#programs = programs;
    this.#ids = ids;
    this.#start = start;
    this.#entries = entries;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.#engine = new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
    const settings = { ...encodeSettings(defaultSettings, hz, 0), eventsPerSecond: 0 };
    maps.settings.set(indexKey(0), SettingsStruct.encode(settings));
    maps.marks.store64(loopback, 1n);
    maps.ports.store64(loopback, packWord(loopback, bridge));
  }

  async change(model: Model): Promise<void> {
    const resolved = resolve(model, { host: "here" });
    const entries = this.#entries;
    await this.#engine.apply({
      resolved,
      policies: compileAll(resolved),
      bindings: new Map(),
      host: { uplinks: [], addresses: new Set(), macs: [] },
      sizes: () => ({ established: entries, answered: entries, opening: entries }),
    });
    await this.#engine.settle();
    for (const [index, id] of this.#ids.entries())
      storeDevice(this.#maps, firstDevice + index, this.#recordOf(id));
  }

  #recordOf(id: string): number {
    const record = this.#engine.liveRecord(id);
    if (record === undefined) throw new Error(`${id} has no record`);
    return record;
  }

  /** Frames for a guest's MAC may go straight to its device. */
  send(id: string, mac: string): void {
    const ifindex = firstDevice + this.#ids.indexOf(id);
    this.#maps.direct.set(
      DirectKeyStruct.encode({ bridge, mac: macBytes(mac) }),
      DirectStruct.encode({ ifindex, flags: DirectFlag.DIRECT_XDP, length: longest }),
    );
    // A test run sends nothing: any device that is there will do.
    this.#maps.targets.set(indexKey(ifindex), indexKey(loopback));
  }

  /** What becomes of frames that a guest sends, at so many seconds. */
  run(id: string, frames: readonly Uint8Array[], time: number): XdpAction[] {
    const jiffies = 2 ** 32 - 10 * hz + Math.round(time * hz);
    storeDevice(this.#maps, loopback, this.#recordOf(id));
    // The bridge was shown a frame just now, and needs no other for a second.
    this.#maps.learnt.set(indexKey(loopback), indexKey(jiffies >>> 0));
    const tai = BigInt(Math.round((this.#start + time) * 1e6)) * 1000n;
    const clock = ClockStruct.encode({ jiffies: BigInt(jiffies), tai });
    const { retvals } = this.#programs.guest_xdp.testRunMany({
      packets: frames,
      clocks: frames.map(() => clock),
      clock: this.#maps.clock,
      ifindex: loopback,
    });
    return [...retvals].map((code) => actions[code] ?? "aborted");
  }

  /** "eni-1 ingress drop no-rule" -> packets, of all guests. */
  counters(): Map<string, number> {
    const counted = this.#ids.flatMap((id) => {
      const number = this.#engine.known.numbers.get(digest64(id)) ?? 0;
      return readCounters(this.#maps, number, id);
    });
    return new Map(
      counted
        .filter(({ packets }) => packets > 0n)
        .map((one) => [
          `${one.interface} ${one.direction} ${one.verdict} ${one.reason}`,
          Number(one.packets),
        ]),
    );
  }

  close(): void {
    this.#engine.tables.close();
    this.#idle.close();
    closeMaps(this.#maps);
    for (const program of Object.values(this.#programs)) program.close();
  }
}
