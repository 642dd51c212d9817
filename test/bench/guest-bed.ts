/**
 * The shipped programs as a host loads them: the kernel's own clock, no traces, a mark for tc as in native mode.
 * (src/kernel/testrun.ts has a clock and traces of its own, which cost time.) Nothing is pinned or attached; each
 * packet's interface is put behind the loopback device.
 */
import { uptime } from "node:os";
import { readCounters } from "../../src/kernel/counters.ts";
import { storeDevice } from "../../src/kernel/devices-map.ts";
import { digest64 } from "../../src/kernel/digest.ts";
import { SyncEngine } from "../../src/kernel/engine.ts";
import {
  Limit,
  Reason,
  SessionFlag,
  SessionState,
  SessionStruct,
  SettingsStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../src/kernel/native.ts";
import { closeMaps, mapsOf, type ObjectMaps, sizesFor } from "../../src/kernel/object-maps.ts";
import { collectPrograms, type Programs } from "../../src/kernel/objects.ts";
import { createTable, SessionTables } from "../../src/kernel/sessions.ts";
import { defaultSettings, encodeSettings } from "../../src/kernel/settings.ts";
import { learnTicks, readJiffies } from "../../src/kernel/ticks.ts";
import type { Model, SessionSizes } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { buildFrame, countOf, encodeKeys, type Flows } from "./flows.ts";
import { Varied } from "./varied.ts";

const loopback = 1;
/** Numbers beside the model's interfaces: nobody's, and the one for questions. */
const reserved = 8;
/** Places in bench_ways of varied.bpf.c. */
const ways = { guest: 1, insertNot: 2, insert: 3 } as const;
const actions = { accept: 2, drop: 1 } as const;

export class GuestBed {
  readonly #maps: ObjectMaps;
  readonly #programs: Programs;
  readonly #varied: Varied;
  readonly #idle: BpfMap;
  readonly #engine: SyncEngine;

  /** `sizes`: of the session tables of interfaces that say nothing of their own. */
  static async open(path: string, model: Model, sizes: SessionSizes): Promise<GuestBed> {
    const object = Varied.load(path, sizesFor(model.interfaces.size + reserved));
    const programs = collectPrograms(object.programNames, (name) => object.program(name));
    const bed = new GuestBed(mapsOf(object), programs, new Varied(object));
    object.close();
    try {
      await bed.#begin(model, sizes);
    } catch (error) {
      bed.close();
      throw error;
    }
    return bed;
  }

  private constructor(maps: ObjectMaps, programs: Programs, varied: Varied) {
    this.#maps = maps;
    this.#programs = programs;
    this.#varied = varied;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.#engine = new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
  }

  async #begin(model: Model, sizes: SessionSizes): Promise<void> {
    const hz = learnTicks(this.#programs.clock_probe);
    const settings = encodeSettings(defaultSettings, hz, native().taiOffset());
    this.#maps.settings.set(indexKey(0), SettingsStruct.encode(settings));
    this.#maps.marks.store64(loopback, 1n);
    const resolved = resolve(model, { host: "here" });
    await this.#engine.recover();
    await this.#engine.apply({
      resolved,
      policies: compileAll(resolved),
      bindings: new Map(),
      host: { uplinks: [], addresses: new Set(), macs: [] },
      sizes: (_, own) => own ?? sizes,
    });
    await this.#engine.settle();
  }

  #recordOf(id: string): number {
    const record = this.#engine.liveRecord(id);
    if (record === undefined) throw new Error(`${id} is not in the model of this bed`);
    return record;
  }

  #numberOf(id: string): number {
    return this.#engine.known.numbers.get(digest64(id)) ?? 0;
  }

  /** The packets that follow are of these flows. */
  use(flows: Flows): void {
    const ids = new Set(flows.targets.map((target) => target.interface));
    const [only = ""] = ids;
    // The device's word is written for each packet only where packets are of many interfaces.
    storeDevice(this.#maps, loopback, this.#recordOf(only));
    this.#varied.writeTargets(flows, (id) => (ids.size === 1 ? 0 : this.#recordOf(id)));
  }

  /** Makes an established TCP session of every flow; throws where they do not all fit. */
  async fill(flows: Flows): Promise<void> {
    const now = readJiffies(this.#programs.clock_probe);
    for (const target of flows.targets) {
      const { generation } = this.#engine.policyOf(target.interface) ?? { generation: 0 };
      const value = SessionStruct.encode({ ...establishedSession, seen: now, opened: now, generation });
      const values = new Uint8Array(flows.localPorts * SessionStruct.SIZE);
      for (let index = 0; index < flows.localPorts; index++) values.set(value, index * SessionStruct.SIZE);
      const table = this.#established(target.interface);
      table.setBatch(encodeKeys(target, flows.localPorts), values, flows.localPorts);
      table.close();
    }
    const held = await this.#countEstablished(flows);
    if (held !== countOf(flows)) throw new Error(`the tables hold ${held} of ${countOf(flows)} sessions`);
  }

  #established(id: string): BpfMap {
    const table = this.#maps.sessions.established.getInner(indexKey(this.#numberOf(id)));
    if (table === undefined) throw new Error(`${id} has no tables`);
    return table;
  }

  async #countEstablished({ targets }: Flows): Promise<number> {
    let held = 0;
    for (const id of new Set(targets.map((target) => target.interface))) {
      const table = this.#established(id);
      held += await table.countAsync();
      table.close();
    }
    return held;
  }

  /** Mean ns of a packet of sessions, at random. */
  timePass(flows: Flows, repeat: number): number {
    return this.#timeCounted(flows, repeat, {
      flags: "A",
      verdict: "accept",
      reasons: ["session"],
      order: "random",
    });
  }

  /** Mean ns of a packet that opens a session; each is of another flow. */
  timeOpen(flows: Flows, repeat: number): number {
    return this.#timeCounted(flows, repeat, {
      flags: "S",
      verdict: "accept",
      reasons: ["rule"],
      order: "in turn",
    });
  }

  /** Mean ns of a packet that rules drop, or that none lets through. */
  timeDeny(flows: Flows, repeat: number): number {
    const reasons = ["rule", "default-drop", "no-rule"] as const;
    return this.#timeCounted(flows, repeat, { flags: "S", verdict: "drop", reasons, order: "in turn" });
  }

  /** ns that an insert into the opening table costs, beside a look-up there that finds nothing. */
  timeInsert(flows: Flows, repeat: number): number {
    const targets = flows.targets.map((target) => ({ ...target, table: this.#numberOf(target.interface) }));
    this.#varied.writeTargets({ ...flows, targets }, () => 0);
    const time = (way: number) =>
      this.#varied.time(flows, buildFrame(flows, "S"), repeat, actions.accept, { way, order: "in turn" });
    const without = time(ways.insertNot);
    return time(ways.insert) - without;
  }

  /** Throws where the packets were not what they are said to be: a figure of something else is worse than none. */
  #timeCounted(flows: Flows, repeat: number, { flags, verdict, reasons, order }: Counted): number {
    const ids = [...new Set(flows.targets.map((target) => target.interface))];
    const count = () => ids.reduce((sum, id) => sum + this.#counted(id, verdict, reasons), 0);
    const before = count();
    const action = actions[verdict];
    const time = this.#varied.time(flows, buildFrame(flows, flags), repeat, action, {
      way: ways.guest,
      order,
    });
    const counted = count() - before;
    if (counted !== repeat)
      throw new Error(
        `${counted} of ${repeat} packets had the verdict ${verdict} for ${reasons.join(" or ")}`,
      );
    return time;
  }

  #counted(id: string, verdict: "accept" | "drop", reasons: readonly string[]): number {
    return readCounters(this.#maps, this.#numberOf(id), id)
      .filter((one) => one.direction === "egress" && one.verdict === verdict && reasons.includes(one.reason))
      .reduce((sum, { packets }) => sum + Number(packets), 0);
  }

  /** Forgets the sessions of the interfaces that these flows are of. */
  async flush({ targets }: Flows): Promise<void> {
    this.#varied.rewind();
    for (const id of new Set(targets.map((target) => target.interface)))
      await this.#engine.tables.flush(this.#numberOf(id));
  }

  close(): void {
    this.#varied.close();
    this.#engine.tables.close();
    this.#idle.close();
    closeMaps(this.#maps);
    for (const program of Object.values(this.#programs)) program.close();
  }
}

interface Counted {
  readonly flags: "S" | "A";
  readonly verdict: "accept" | "drop";
  readonly reasons: readonly string[];
  readonly order: "random" | "in turn";
}

/** An entry of an established session that was seen just now, under no rules in particular. */
export function establishedEntry(): Uint8Array {
  // INITIAL_JIFFIES: they begin 300 s before they come round.
  const now = Math.floor(uptime() * 250 - 300 * 250) >>> 0;
  return SessionStruct.encode({ ...establishedSession, seen: now, opened: now, generation: 1 });
}

/** As both sides have acknowledged it, opened by the guest. */
const establishedSession: Omit<SessionStruct, "seen" | "opened" | "generation"> = {
  rule: 0,
  state: SessionState.STATE_TCP_ESTABLISHED,
  flags: SessionFlag.SESSION_ACKED_LOCAL | SessionFlag.SESSION_ACKED_REMOTE | SessionFlag.SESSION_REPLIED,
  reason: Reason.REASON_RULE,
  header: 0,
  cell: 0,
  icmp: 0,
  next: [2000, 6000],
  base: [1000, 5000],
  bytes: 0n,
  packets: 0,
  known: 3,
};
