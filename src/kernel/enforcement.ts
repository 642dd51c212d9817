/** This host's enforcement: the kernel's maps, programs and devices, under the model that was applied last. */
import type { Direction } from "../model/model.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { askPrograms } from "./ask.ts";
import { Attachments } from "./attach.ts";
import { beforeOthers } from "./before-others.ts";
import { readAllCounters, readLost } from "./counters.ts";
import { type Described, describeConfirmation, describeFigures, describeKernel } from "./describe.ts";
import { DeviceLook } from "./device-look.ts";
import { GuestDevices } from "./devices.ts";
import { DirectForwarding } from "./direct.ts";
import type { EnforcementOptions, Enforcer, ModelInForce } from "./enforcer.ts";
import { SyncEngine } from "./engine.ts";
import { EnforcementError } from "./errors.ts";
import { EventReader } from "./events.ts";
import { GracePeriods } from "./grace-period.ts";
import { Guard } from "./guard.ts";
import { HostModel } from "./host-model.ts";
import { InterfaceNames } from "./interface-names.ts";
import { Limit } from "./layout.gen.ts";
import { LinkWatch } from "./link-watch.ts";
import { LiveSessions } from "./live-sessions.ts";
import { LiveSettings } from "./live-settings.ts";
import { Marks } from "./marks.ts";
import { type BpfMap, native } from "./native.ts";
import { type KernelObjects, loadOrAdopt } from "./objects.ts";
import { openHost } from "./open-host.ts";
import { Queue } from "./queue.ts";
import { createTable, SessionTables } from "./sessions.ts";
import { SetDownDevices } from "./set-down.ts";
import type { KernelSettings } from "./settings.ts";
import type {
  ApplyReport,
  ConfirmationStatus,
  KernelFigures,
  KernelStatus,
  LostEvents,
  PacketCounter,
  PacketEvent,
  PacketVerdict,
  Session,
  SessionFilter,
  Verification,
} from "./status.ts";
import { Survey } from "./survey.ts";
import { UplinkDevices } from "./uplink-devices.ts";

export type { EnforcementOptions, Enforcer } from "./enforcer.ts";
export { defaultSettings, type KernelSettings } from "./settings.ts";
export type * from "./status.ts";

/** Record 0 and the number that questions use. */
const reservedNumbers = 2;

export class Enforcement implements Enforcer {
  readonly adopted: boolean;
  readonly #objects: KernelObjects;
  readonly #engine: SyncEngine;
  readonly #idle: BpfMap;
  readonly #attachments: Attachments;
  readonly #gracePeriods: GracePeriods;
  readonly #devices: GuestDevices;
  readonly #uplinks: UplinkDevices;
  readonly #direct: DirectForwarding;
  readonly #events: EventReader;
  readonly #watch: LinkWatch;
  readonly #survey: Survey;
  readonly #look: DeviceLook;
  readonly #guard: Guard;
  readonly #queue = new Queue();
  readonly #cpus = native().possibleCpus();
  readonly #settings: LiveSettings;
  readonly #model: HostModel;
  readonly #names: InterfaceNames;
  readonly #sessions: LiveSessions;
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
    const enforcement = new Enforcement(objects, options);
    try {
      await enforcement.#begin();
      enforcement.#guard.start((look) => enforcement.#run(look));
      return enforcement;
    } catch (error) {
      enforcement.#letGo();
      throw error;
    }
  }

  private constructor(objects: KernelObjects, options: EnforcementOptions) {
    this.#objects = objects;
    this.adopted = objects.adopted;
    this.#freshPending = objects.fresh;
    this.#survey = new Survey(options.object, objects.maps.counters);
    this.#settings = new LiveSettings(objects.maps.settings, objects.hz, options.settings);
    this.#idle = createTable("rw_idle", Limit.SESSION_TABLE_MIN);
    const tables = new SessionTables(objects.maps, () => objects.pins.sessions, this.#idle);
    const places = () => ({ object: options.object, pins: objects.pins.maps, maps: objects.maps });
    this.#engine = new SyncEngine(objects.maps, tables, this.#idle, places);
    this.#names = new InterfaceNames(this.#engine);
    const [engine, names, settings] = [this.#engine, this.#names, this.#settings];
    this.#sessions = new LiveSessions({ engine, names, settings, objects, object: options.object });
    this.#attachments = new Attachments(objects.pins, objects.programs, new Marks(objects.maps.marks));
    this.#direct = new DirectForwarding(objects.maps, this.#attachments);
    this.#gracePeriods = new GracePeriods(objects.pins.root);
    const setDown = new SetDownDevices(options.setDown ?? null);
    this.#devices = new GuestDevices(engine, this.#attachments, this.#direct, this.#gracePeriods, setDown);
    this.#uplinks = new UplinkDevices(this.#attachments);
    this.#events = new EventReader(objects.maps.events, (digest) => this.#names.nameOf(digest));
    const follow = () => this.#queue.runOnce(() => this.#followLinks(this.#watch.takeTold()));
    // A guest may be open meanwhile: what the queue does before it goes first, too.
    this.#watch = new LinkWatch(() => void beforeOthers(follow).catch((why) => options.onError?.(why)));
    this.#look = new DeviceLook(this.#attachments.placed, this.#devices, this.#watch, this.#survey);
    this.#guard = new Guard({
      restore: () => this.#restorePins(),
      prepare: () => this.#survey.prepare(),
      lookAtDevices: () => this.#look.look(),
      unfinished: () => this.#model.unfinished ?? this.#watch.blindness,
      hasFailed: () => this.#devices.hasFailed,
      follow: (told) => this.#followLinks(told),
      look: () => {
        this.#gracePeriods.settle();
        this.#direct.look();
      },
      onNotice: (message) => options.onNotice?.(message),
    });
    this.#model = new HostModel({
      engine: this.#engine,
      devices: this.#devices,
      uplinks: this.#uplinks,
      direct: this.#direct,
      names: this.#names,
      links: () => this.#watch.links,
      settings: () => this.#settings.now,
      onNotice: (message) => options.onNotice?.(message),
    });
  }

  async #begin(): Promise<void> {
    this.#gracePeriods.settle();
    this.#settings.write();
    this.#engine.findHold();
    // Both wait for other threads; a failure of one waits for the other, which has handles to let go of.
    for (const outcome of await Promise.allSettled([this.#attachments.adopt(), this.#adoptState()]))
      if (outcome.status === "rejected") throw outcome.reason;
    this.#attachments.adoptFilters(this.#watch.links.keys());
    if (this.#freshPending) return;
    this.#attachments.updatePrograms(this.#objects.programs);
    this.#objects.pins.removeOtherPrograms(this.#objects.digest);
  }

  /** What the maps say, and the tables of those that have one. */
  async #adoptState(): Promise<void> {
    await this.#engine.recover();
    const { known, hold, tables } = this.#engine;
    const opened = tables.adopt(new Set([...known.numbers.values(), ...(hold?.numbers ?? [])]));
    try {
      this.#watch.start();
      this.#direct.adopt();
    } finally {
      await opened;
    }
  }

  apply(
    resolved: Resolved,
    policies: ReadonlyMap<bigint, CompiledPolicy>,
    seconds: number | null = null,
  ): Promise<ApplyReport> {
    return this.#run(async () => {
      const begin = performance.now();
      const report = await this.#model.apply({ resolved, policies }, seconds);
      if (this.#freshPending) await this.#commitFresh();
      const { generation, entriesWritten, slotsSwitched, recordsSwitched } = report;
      // Nothing is asked of the kernel any more: what fails now would be told as a refusal.
      const duration_ms = performance.now() - begin;
      return { generation, entriesWritten, slotsSwitched, recordsSwitched, duration_ms };
    });
  }

  get confirmation(): ConfirmationStatus | null {
    this.#checkOpen();
    return describeConfirmation(this.#engine.hold);
  }

  resume(before: ModelInForce, waiting: ModelInForce): Promise<void> {
    return this.#run(() => this.#model.resume(before, waiting));
  }

  decide(decision: "keep" | "undo"): Promise<"kept" | "reverted"> {
    return this.#run(() => this.#model.decide(decision));
  }

  forget(): Promise<void> {
    return this.#run(async () => this.#engine.removeHold());
  }

  /** The new maps are filled: the devices get the programs that read them, and the old ones go. */
  async #commitFresh(): Promise<void> {
    const isWhole = this.#attachments.updatePrograms(this.#objects.programs);
    this.#objects.pins.commitFresh();
    this.#freshPending = false;
    // What fails at these devices, too, is theirs, and tried again.
    if (!isWhole) await this.#followLinks(null).catch(() => undefined);
  }

  /** True where a pin was missing. Nothing is detached meanwhile: the agent's handles hold all of it. */
  #restorePins(): boolean {
    if (this.#freshPending) return false;
    const moved = this.#objects.restore();
    const made = this.#engine.tables.restorePins() + this.#attachments.placed.restorePins();
    return moved || made > 0;
  }

  /** A device came, went or was renamed (one of those told; null: any): it gets what it needs under the model in force. */
  async #followLinks(told: ReadonlySet<number> | null): Promise<void> {
    if (this.#closed) return;
    const some = this.#watch.recover() ? null : told;
    if (this.#model.inForce !== null) await this.#model.followLinks(some);
    else if (!this.#freshPending) this.#devices.forgetGone(this.#watch.links);
  }

  configure(settings: KernelSettings): Promise<void> {
    return this.#run(async () => {
      this.#settings.write(settings);
      if (!this.#freshPending) await this.#model.followHost();
    });
  }

  verify(): Promise<Verification | null> {
    const others = () => [...this.#settings.find(), ...this.#attachments.findMarks(), ...this.#direct.find()];
    return this.#run(() => this.#model.verify(others));
  }

  status(): KernelStatus {
    this.#checkOpen();
    const { digest, hz } = this.#objects;
    const guard = this.#guard.status;
    return { adopted: this.adopted, object: digest, hz, guard, ...describeKernel(this.#described()) };
  }

  figures(): KernelFigures {
    this.#checkOpen();
    return { guard: this.#guard.status, ...describeFigures(this.#described()) };
  }

  #described(): Described {
    return {
      engine: this.#engine,
      attachments: this.#attachments,
      devices: this.#devices,
      uplinks: this.#uplinks,
      direct: this.#direct,
      links: this.#watch.links,
      model: this.#model,
      settings: this.#settings.now,
    };
  }

  async sessions(interfaceId?: string): Promise<AsyncIterable<readonly Session[]>> {
    this.#checkOpen();
    return this.#sessions.list(interfaceId);
  }

  async endSessions(filter: SessionFilter): Promise<number> {
    this.#checkOpen();
    return this.#sessions.end(filter);
  }

  async sweep(): Promise<void> {
    await this.#run(() => this.#followLinks(new Set()));
    await this.#model.lookAfterSome((part) => this.#run(part));
    await this.#sessions.sweep();
  }

  counters(): readonly PacketCounter[] {
    this.#checkOpen();
    return readAllCounters(this.#objects.maps, this.#names.numbers(), this.#survey);
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
    return this.#run(async () => {
      await this.#engine.settle();
      const question = { interface: interfaceId, direction, frame };
      return askPrograms(this.#engine, this.#objects.programs, question, this.#cpus);
    });
  }

  release(ifindex: number): Promise<boolean> {
    return this.#run(() => this.#model.release(ifindex));
  }

  close({ detach }: { readonly detach: boolean }): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#closed) return;
      this.#closed = true;
      this.#guard.stop();
      this.#watch.close();
      await this.#devices.settle();
      await this.#engine.settle();
      try {
        if (detach) openHost(this.#described(), this.#objects.pins);
      } finally {
        this.#letGo();
      }
    });
  }

  /** Handles only: what is pinned goes on. */
  #letGo(): void {
    this.#guard.stop();
    this.#watch.close();
    for (const each of [this.#events, this.#survey, this.#sessions, this.#attachments.placed]) each.close();
    for (const each of [this.#engine.hold, this.#engine.tables, this.#idle, this.#objects]) each?.close();
  }

  /** One thing after the other. */
  #run<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      return work();
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new EnforcementError("CLOSED", "the enforcement was closed: open another");
  }
}
