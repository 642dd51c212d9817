/**
 * The shipped programs on maps of their own: for replay, for questions without an agent, and for tests. Nothing
 * is pinned, no device is touched; time is the caller's.
 */
import type { Address, Direction } from "../model/model.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { addressBytes } from "./addresses.ts";
import { digest64 } from "./digest.ts";
import { type HostFacts, SyncEngine } from "./engine.ts";
import { EnforcementError } from "./errors.ts";
import { fitsTc } from "./frames.ts";
import { checkHost, loadError } from "./host-check.ts";
import { ClockStruct, InterfaceFlag, Limit, SettingsStruct } from "./layout.gen.ts";
import { indexKey, keyText } from "./maps.ts";
import { type BpfMap, type BpfProgram, native } from "./native.ts";
import { closeMaps, mapsOf, type ObjectMaps } from "./object-maps.ts";
import { collectPrograms, type Programs, programNames } from "./objects.ts";
import { gather } from "./pieces.ts";
import { loopback, placeScratch, removeScratch, traceCount } from "./scratch.ts";
import type { SessionClock } from "./session-codec.ts";
import { createTable, SessionTables } from "./sessions.ts";
import { encodeSettings, type KernelSettings } from "./settings.ts";
import type { PacketVerdict, Session } from "./status.ts";
import { testRunSizes } from "./testrun-sizes.ts";
import { decodeTraces } from "./trace.ts";

export interface TestRunOptions {
  /** The object file. */
  readonly object: string;
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  readonly settings: KernelSettings;
  /** Entries of each session table; small ones show what a full table does. */
  readonly sessions?: number;
  /** CLOCK_TAI - CLOCK_REALTIME of the test's clock, s; 0. No verdict may depend on it. */
  readonly taiOffset?: number;
  /** What the uplink program knows of its host; without, it judges nothing early. */
  readonly uplink?: UplinkFacts;
}

/** A host with one uplink. */
export interface UplinkFacts {
  /** Ids of the networks that it carries; null: all. */
  readonly networks: readonly string[] | null;
  /** The host's own. */
  readonly addresses: readonly Address[];
  readonly macs: readonly Uint8Array[];
}

export interface Batch {
  /** Id of an interface of `resolved`. */
  readonly interface: string;
  readonly direction: Direction;
  /** Egress only, where both exist; default xdp. */
  readonly hook?: "xdp" | "tc";
  /** As if its policy were not ready yet, or it had left the model; ready. */
  readonly state?: "ready" | "not-ready" | "removed";
  readonly packets: readonly Uint8Array[];
  /** Seconds of UTC, one for each packet; without, time stands still. Never earlier than a time before. */
  readonly times?: readonly number[];
  /**
   * Seconds of the clock that sessions live by, from any beginning, one for each packet; never earlier than one
   * before. Without, the same as `times`; with it, `times` may go back, as a host's wall clock may.
   */
  readonly uptimes?: readonly number[];
}

/** Fine enough for captures; the real kernel's tick plays no part here. */
const hz = 1000;
/** The test clock starts so that its low 32 bits wrap soon, as they do 300 s after every boot. */
const firstJiffies = 2 ** 32 - 10 * hz;

const stateFlags = {
  ready: 0,
  "not-ready": InterfaceFlag.INTERFACE_NOT_READY,
  removed: InterfaceFlag.INTERFACE_REMOVED,
} as const;
const xdpDrop = 1;

function hostOf(uplink: UplinkFacts | undefined): HostFacts {
  if (uplink === undefined) return { uplinks: [], addresses: new Set(), macs: [] };
  return {
    uplinks: [{ ifindex: loopback, networks: uplink.networks }],
    addresses: new Set(uplink.addresses.map((address) => keyText(addressBytes(address)))),
    macs: uplink.macs,
  };
}

export class TestRun {
  readonly #engine: SyncEngine;
  readonly #maps: ObjectMaps;
  readonly #programs: Programs;
  readonly #idle: BpfMap;
  #settings: KernelSettings;
  readonly #entries: number;
  readonly #taiOffset: number;
  readonly #host: HostFacts;
  #resolved: Resolved;
  #start: number | null = null;
  /** The clock that sessions live by, and the wall clock: seconds. */
  #now = 0;
  #wall = 0;

  /** Loads the programs. Throws EnforcementError as loadOrAdopt does. */
  static async open(options: TestRunOptions): Promise<TestRun> {
    checkHost(options.object);
    const interfaces = options.resolved.interfaces.length + spareInterfaces;
    try {
      const object = native().BpfObject.load({
        path: options.object,
        programs: programNames,
        maxEntries: testRunSizes(interfaces, options.resolved, options.policies),
        constants: { rw_test_clock: Uint8Array.of(1) },
      });
      const run = new TestRun(
        mapsOf(object),
        collectPrograms(object.programNames, (name) => object.program(name)),
        options,
      );
      object.close();
      await run.#begin(options);
      return run;
    } catch (error) {
      throw error instanceof EnforcementError ? error : loadError(options.object, error);
    }
  }

  private constructor(maps: ObjectMaps, programs: Programs, options: TestRunOptions) {
    this.#maps = maps;
    this.#programs = programs;
    this.#settings = options.settings;
    this.#resolved = options.resolved;
    this.#taiOffset = options.taiOffset ?? 0;
    this.#host = hostOf(options.uplink);
    this.#entries = options.sessions ?? Limit.SESSION_TABLE_MIN * native().possibleCpus();
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    this.#engine = new SyncEngine(maps, new SessionTables(maps, () => null, this.#idle), this.#idle);
  }

  async #begin(options: TestRunOptions): Promise<void> {
    this.configure(options.settings);
    // As on a live device: XDP marks what it has judged.
    this.#maps.marks.store64(loopback, 1n);
    await this.#engine.recover();
    await this.change(options.resolved, options.policies);
  }

  configure(settings: KernelSettings): void {
    this.#settings = settings;
    const limits = { ...settings, eventsPerSecond: 0 };
    this.#maps.settings.set(indexKey(0), SettingsStruct.encode(encodeSettings(limits, hz, this.#taiOffset)));
  }

  /** A change of the model by the same code as on a live host. */
  async change(resolved: Resolved, policies: ReadonlyMap<bigint, CompiledPolicy>): Promise<void> {
    const entries = this.#entries;
    await this.#engine.apply({
      resolved,
      policies,
      bindings: new Map(),
      host: this.#host,
      sizes: (_, own) => own ?? { established: entries, answered: entries, opening: entries },
    });
    this.#resolved = resolved;
    await this.#engine.settle();
  }

  /**
   * One verdict a packet; null where the kernel's test run takes no such frame (at tc: shorter than its headers,
   * or beyond 3,712 bytes). Throws UNKNOWN_INTERFACE.
   */
  run(batch: Batch): (PacketVerdict | null)[] {
    const number = this.#numberOf(batch.interface);
    const record = this.#engine.sparePlace(number);
    const flags = stateFlags[batch.state ?? "ready"];
    const copy = placeScratch(this.#engine, batch.interface, { record, number, flags });
    try {
      return this.#runOn(batch);
    } finally {
      removeScratch(this.#engine, record, copy);
    }
  }

  #runOn(batch: Batch): (PacketVerdict | null)[] {
    const program = this.#programFor(batch);
    const runnable = batch.packets.map((packet) => program === this.#programs.guest_xdp || fitsTc(packet));
    const clocks = batch.packets.map((_, index) =>
      this.#clockAt(batch.times?.[index], batch.uptimes?.[index]),
    );
    const before = traceCount(this.#engine);
    const { traces } = program.testRunMany({
      packets: batch.packets.filter((_, index) => runnable[index]),
      clocks: clocks.filter((_, index) => runnable[index]),
      clock: this.#maps.clock,
      trace: this.#maps.trace,
      ifindex: loopback,
    });
    const verdicts = decodeTraces(traces, before);
    let next = 0;
    return runnable.map((ran) => (ran ? (verdicts[next++] ?? null) : null));
  }

  /** What the uplink program does with frames that come in there: drop them early, or leave them to the device. */
  runUplink(packets: readonly Uint8Array[], times?: readonly number[]): ("drop" | "leave")[] {
    const { retvals } = this.#programs.uplink_xdp.testRunMany({
      packets,
      clocks: packets.map((_, index) => this.#clockAt(times?.[index], undefined)),
      clock: this.#maps.clock,
      ifindex: loopback,
    });
    return [...retvals].map((action) => (action === xdpDrop ? "drop" : "leave"));
  }

  #programFor({ direction, hook }: Batch): BpfProgram {
    if (direction === "ingress") return this.#programs.guest_tc_egress;
    return hook === "tc" ? this.#programs.guest_tc_ingress : this.#programs.guest_xdp;
  }

  #clockAt(time: number | undefined, uptime: number | undefined): Uint8Array {
    const seconds = uptime ?? time;
    if (seconds !== undefined) {
      this.#start ??= seconds;
      this.#now = Math.max(this.#now, seconds);
    } else if (this.#start === null) {
      this.#start = this.#now = Date.now() / 1000;
    }
    this.#wall = uptime === undefined ? this.#now : (time ?? this.#wall);
    return ClockStruct.encode({
      jiffies: BigInt(this.#jiffies()),
      tai: BigInt(Math.round((this.#wall + this.#taiOffset) * 1e6)) * 1000n,
    });
  }

  #jiffies(): number {
    return firstJiffies + Math.round((this.#now - (this.#start ?? this.#now)) * hz);
  }

  #numberOf(interfaceId: string): number {
    const number = this.#engine.known.numbers.get(digest64(interfaceId));
    if (number !== undefined) return number;
    const ids = this.#resolved.interfaces.map(({ interface: source }) => source.id).join(", ");
    throw new EnforcementError(
      "UNKNOWN_INTERFACE",
      `${interfaceId} is not an interface of this host; there are: ${ids}`,
    );
  }

  /** Sessions of an interface that are alive at the last packet's time. */
  async sessions(interfaceId: string): Promise<readonly Session[]> {
    const number = this.#numberOf(interfaceId);
    const { generation } = this.policyOf(interfaceId);
    const listed = [{ id: interfaceId, number, generation }];
    return gather(this.#engine.tables.list(listed, () => this.#sessionClock()));
  }

  /** Ends every session of an interface, at `time` as packets have it; returns how many. */
  endSessions(interfaceId: string, time: number): Promise<number> {
    const number = this.#numberOf(interfaceId);
    const { generation } = this.policyOf(interfaceId);
    this.#clockAt(time, undefined);
    return this.#engine.tables.end(number, interfaceId, {}, { ...this.#sessionClock(), generation });
  }

  #sessionClock(): SessionClock {
    const { timeouts } = encodeSettings(this.#settings, hz, 0);
    return { now: this.#jiffies() >>> 0, hz, timeouts };
  }

  /** Forgets every session of an interface. */
  async flush(interfaceId: string): Promise<void> {
    await this.#engine.tables.flush(this.#numberOf(interfaceId));
  }

  /** Generation, slot and version that an interface is under. */
  policyOf(interfaceId: string): { readonly version: number; readonly generation: number } {
    const policy = this.#engine.policyOf(interfaceId);
    if (policy === null) this.#numberOf(interfaceId);
    return policy ?? { version: 0, generation: 0 };
  }

  close(): void {
    this.#engine.tables.close();
    this.#idle.close();
    closeMaps(this.#maps);
    for (const program of Object.values(this.#programs)) program.close();
  }
}

/** Numbers beyond the model's interfaces: nobody's, the scratch one, and some that a change may bring. */
const spareInterfaces = 64;
