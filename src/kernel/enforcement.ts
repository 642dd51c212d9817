/** This host's enforcement: the kernel's maps, programs and devices, under the model that was applied last. */
import { totalmem } from "node:os";
import type { Direction, SessionSizes } from "../model/model.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { askPrograms } from "./ask.ts";
import { Attachments } from "./attach.ts";
import { readCounters, readLost } from "./counters.ts";
import { type Described, describeInterface, describeUplink } from "./describe.ts";
import { GuestDevices } from "./devices.ts";
import { digest64 } from "./digest.ts";
import type { Enforcer } from "./enforcer.ts";
import { SyncEngine } from "./engine.ts";
import { EnforcementError } from "./errors.ts";
import { EventReader } from "./events.ts";
import { readHostFacts } from "./host-facts.ts";
import { Limit, SettingsStruct } from "./layout.gen.ts";
import { LinkWatch } from "./link-watch.ts";
import { indexKey } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";
import { type KernelObjects, loadOrAdopt } from "./objects.ts";
import { Queue } from "./queue.ts";
import type { SessionClock } from "./session-codec.ts";
import { createTable, fitSizes, SessionTables } from "./sessions.ts";
import { encodeSettings, type KernelSettings } from "./settings.ts";
import type {
  ApplyReport,
  InterfaceStatus,
  KernelStatus,
  LostEvents,
  PacketCounter,
  PacketEvent,
  PacketVerdict,
  Session,
  SessionFilter,
} from "./status.ts";
import { readJiffies } from "./ticks.ts";
import { UplinkDevices } from "./uplink-devices.ts";

export type { Enforcer } from "./enforcer.ts";
export { defaultSettings, type KernelSettings } from "./settings.ts";
export type * from "./status.ts";

export interface EnforcementOptions {
  /** The object file of the kernel programs. */
  readonly object: string;
  readonly settings: KernelSettings;
  /** Where everything is pinned; a bpffs is mounted there. Default /sys/fs/bpf/ringwall. */
  readonly root?: string;
  /** Interfaces that the maps have room for; default 1022. Another number makes the maps anew. */
  readonly interfaces?: number;
  /** Sizes of maps by name, for tests. */
  readonly mapSizes?: Readonly<Record<string, number>>;
  /** Told when a device could not be protected after a link event, when no caller waits for it. */
  readonly onError?: (error: unknown) => void;
}

/** Record 0 and the number that questions use. */
const reservedNumbers = 2;

interface Applied {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

export class Enforcement implements Enforcer {
  readonly adopted: boolean;
  readonly #objects: KernelObjects;
  readonly #engine: SyncEngine;
  readonly #idle: BpfMap;
  readonly #attachments: Attachments;
  readonly #devices: GuestDevices;
  readonly #uplinks: UplinkDevices;
  readonly #events: EventReader;
  readonly #watch: LinkWatch;
  readonly #queue = new Queue();
  readonly #cpus = native().possibleCpus();
  #settings: KernelSettings;
  #applied: Applied | null = null;
  #names = new Map<bigint, string>();
  #freshPending: boolean;
  #closed = false;

  /**
   * Loads the programs or takes over those that enforce already, and finishes or undoes what an earlier agent
   * left half done. What is enforced goes on until apply. Throws EnforcementError; then nothing has changed.
   */
  static async open(options: EnforcementOptions): Promise<Enforcement> {
    const objects = loadOrAdopt({
      object: options.object,
      root: options.root ?? "/sys/fs/bpf/ringwall",
      interfaces: (options.interfaces ?? Limit.INTERFACES_MAX - reservedNumbers) + reservedNumbers,
      mapSizes: options.mapSizes ?? {},
    });
    try {
      const enforcement = new Enforcement(objects, options);
      await enforcement.#begin();
      return enforcement;
    } catch (error) {
      objects.close();
      throw error;
    }
  }

  private constructor(objects: KernelObjects, options: EnforcementOptions) {
    this.#objects = objects;
    this.adopted = objects.adopted;
    this.#freshPending = objects.fresh;
    this.#settings = options.settings;
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    const tables = new SessionTables(objects.maps.sessions, objects.pins.sessions, this.#idle);
    this.#engine = new SyncEngine(objects.maps, tables, this.#idle);
    this.#attachments = new Attachments(objects.pins, objects.programs);
    this.#devices = new GuestDevices(this.#engine, this.#attachments);
    this.#uplinks = new UplinkDevices(this.#attachments);
    this.#events = new EventReader(objects.maps.events, (digest) => this.#names.get(digest) ?? null);
    this.#watch = new LinkWatch(() => this.#onLinks(options.onError));
  }

  async #begin(): Promise<void> {
    this.#writeSettings();
    await this.#engine.recover();
    this.#engine.tables.adopt(new Set(this.#engine.known.numbers.values()));
    this.#watch.start();
    this.#attachments.adopt();
    this.#attachments.adoptFilters(this.#watch.links.keys());
    if (this.#freshPending) return;
    this.#attachments.updatePrograms(this.#objects.programs);
    this.#objects.pins.removeOtherPrograms(this.#objects.digest);
  }

  apply(resolved: Resolved, policies: ReadonlyMap<bigint, CompiledPolicy>): Promise<ApplyReport> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      const begin = performance.now();
      const links = this.#watch.links;
      const bindings = this.#devices.bind(resolved, links);
      const host = readHostFacts(this.#settings.uplinks, links, bindings);
      const sizes = (interfaces: number, own: SessionSizes | null) => this.#sizesFor(interfaces, own);
      const report = await this.#engine.apply({ resolved, policies, bindings, host, sizes });
      this.#applied = { resolved, policies };
      this.#names = new Map(
        resolved.interfaces.map(({ interface: source }) => [digest64(source.id), source.id]),
      );
      await this.#devices.reconcile(bindings, links, this.#settings);
      this.#uplinks.reconcile(this.#settings.uplinks, links);
      if (this.#freshPending) this.#commitFresh();
      const { generation, entriesWritten, slotsSwitched, recordsSwitched } = report;
      const interfaces = this.#describeInterfaces();
      const duration_ms = performance.now() - begin;
      return { generation, entriesWritten, slotsSwitched, recordsSwitched, duration_ms, interfaces };
    });
  }

  #sizesFor(interfaces: number, own: SessionSizes | null): SessionSizes {
    const { sessions, memoryShare } = this.#settings;
    const budget = totalmem() * memoryShare;
    return fitSizes(own ?? sessions, { cpus: this.#cpus, interfaces, budget });
  }

  /** The new maps are filled: the devices get the programs that read them, and the old ones go. */
  #commitFresh(): void {
    this.#attachments.updatePrograms(this.#objects.programs);
    this.#objects.pins.commitFresh();
    this.#freshPending = false;
  }

  /** A device came, went or was renamed: what it needs is done under the model in force. */
  #onLinks(onError: ((error: unknown) => void) | undefined): void {
    const work = this.#queue.run(async () => {
      if (this.#closed) return;
      if (this.#applied === null) {
        if (!this.#freshPending) this.#devices.forgetGone(this.#watch.links);
        return;
      }
      const bindings = this.#devices.bind(this.#applied.resolved, this.#watch.links);
      await this.#devices.reconcile(bindings, this.#watch.links, this.#settings);
      this.#followHost(this.#applied.resolved);
    });
    work.catch((error: unknown) => onError?.(error));
  }

  configure(settings: KernelSettings): Promise<void> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      this.#settings = settings;
      this.#writeSettings();
      if (this.#applied !== null && !this.#freshPending) this.#followHost(this.#applied.resolved);
    });
  }

  /** Uplinks, addresses and MACs of the host itself, under the model in force. */
  #followHost(resolved: Resolved): void {
    const { uplinks } = this.#settings;
    this.#uplinks.reconcile(uplinks, this.#watch.links);
    this.#engine.followHost(resolved, readHostFacts(uplinks, this.#watch.links, this.#devices.bindings));
  }

  #writeSettings(): void {
    const value = encodeSettings(this.#settings, this.#objects.hz, native().taiOffset());
    this.#objects.maps.settings.set(indexKey(0), SettingsStruct.encode(value));
  }

  status(): KernelStatus {
    this.#checkOpen();
    const described = this.#described();
    return {
      adopted: this.adopted,
      object: this.#objects.digest,
      hz: this.#objects.hz,
      generation: this.#engine.known.generation,
      interfaces: this.#describeInterfaces(),
      removed: this.#devices.removed.map((ifindex) => ({
        ifindex,
        device: this.#watch.links.get(ifindex)?.name ?? "",
      })),
      uplinks: this.#settings.uplinks.map((uplink) =>
        describeUplink(described, uplink, this.#uplinks.problemOf(uplink.device)),
      ),
      maps: this.#engine.fill,
    };
  }

  #described(): Described {
    return {
      engine: this.#engine,
      attachments: this.#attachments,
      devices: this.#devices,
      links: this.#watch.links,
    };
  }

  #describeInterfaces(): readonly InterfaceStatus[] {
    const described = this.#described();
    const groups = this.#applied?.resolved.model.groups;
    return (this.#applied?.resolved.interfaces ?? []).map((resolved) => {
      const observes = resolved.interface.groups.every((id) => groups?.get(id)?.mode === "observe");
      return describeInterface(described, resolved, observes);
    });
  }

  async sessions(interfaceId?: string): Promise<readonly Session[]> {
    const clock = this.#clock();
    const lists = this.#numbers(interfaceId).map(([id, number]) =>
      this.#engine.tables.list(number, id, clock),
    );
    return (await Promise.all(lists)).flat();
  }

  async endSessions(filter: SessionFilter): Promise<number> {
    const clock = this.#clock();
    const counts = this.#numbers(filter.interface).map(([id, number]) =>
      this.#engine.tables.end(number, id, filter, clock),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** id and number of one interface, or of all in the model. */
  #numbers(interfaceId: string | undefined): readonly (readonly [string, number])[] {
    const known = [...this.#names].flatMap(([digest, id]): (readonly [string, number])[] => {
      const number = this.#engine.known.numbers.get(digest);
      return number === undefined ? [] : [[id, number]];
    });
    if (interfaceId === undefined) return known;
    const one = known.filter(([id]) => id === interfaceId);
    if (one.length > 0) return one;
    throw new EnforcementError(
      "UNKNOWN_INTERFACE",
      `${interfaceId} is not an interface of this host in the model; there are: ${known.map(([id]) => id).join(", ")}`,
    );
  }

  #clock(): SessionClock {
    this.#checkOpen();
    const { hz, programs } = this.#objects;
    const { timeouts } = encodeSettings(this.#settings, hz, 0);
    return { now: readJiffies(programs.clock_probe), hz, timeouts };
  }

  sweep(): Promise<void> {
    return this.#engine.tables.sweep(this.#clock());
  }

  counters(): readonly PacketCounter[] {
    this.#checkOpen();
    return this.#numbers(undefined).flatMap(([id, number]) =>
      readCounters(this.#objects.maps.counters, number, id),
    );
  }

  lost(): LostEvents {
    this.#checkOpen();
    return readLost(this.#objects.maps.lost);
  }

  onEvent(listener: (event: PacketEvent) => void): () => void {
    this.#checkOpen();
    return this.#events.listen(listener);
  }

  ask(interfaceId: string, direction: Direction, frame: Uint8Array): Promise<PacketVerdict> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      await this.#engine.settle();
      const question = { interface: interfaceId, direction, frame };
      return askPrograms(this.#engine, this.#objects.programs, question, this.#cpus);
    });
  }

  /** Opens a device whose interface left the model (`interface release`). False where it is not one. */
  release(ifindex: number): Promise<boolean> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      return this.#devices.release(ifindex);
    });
  }

  close({ detach }: { readonly detach: boolean }): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#closed) return;
      this.#closed = true;
      this.#watch.close();
      this.#events.close();
      await this.#engine.settle();
      if (detach) {
        for (const ifindex of this.#attachments.devices) this.#attachments.detach(ifindex);
        this.#objects.pins.removeAll();
      }
      this.#attachments.close();
      this.#engine.tables.close();
      this.#idle.close();
      this.#objects.close();
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new EnforcementError("CLOSED", "the enforcement was closed: open another");
  }
}
