/**
 * The model in force on this host: the maps, the devices and the uplinks follow it, and the decision on a change
 * that waited for its confirmation. Callers see to it that only one thing is done at a time.
 */
import { totalmem } from "node:os";
import type { Resolved } from "../policy/types.ts";
import { bindingsOf } from "./bindings.ts";
import type { Decision } from "./confirmation.ts";
import type { GuestDevices } from "./devices.ts";
import { digest64 } from "./digest.ts";
import type { DirectForwarding } from "./direct.ts";
import type { ModelInForce } from "./enforcer.ts";
import type { EngineReport, ModelChange, SyncEngine } from "./engine.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { ModelBefore } from "./hold.ts";
import { readHostFacts } from "./host-facts.ts";
import type { InterfaceNames } from "./interface-names.ts";
import type { OtherFindings } from "./map-verifier.ts";
import { type LinkInfo, native } from "./native.ts";
import { describeSmaller, fitSizes } from "./session-sizes.ts";
import type { KernelSettings } from "./settings.ts";
import { nextTurn, Round } from "./slices.ts";
import type { Verification } from "./status.ts";
import type { UplinkDevices } from "./uplink-devices.ts";

/** Devices that are looked at in one go: some four milliseconds. */
const devicesAtOnce = 64;

export interface HostParts {
  readonly engine: SyncEngine;
  readonly devices: GuestDevices;
  readonly uplinks: UplinkDevices;
  readonly direct: DirectForwarding;
  readonly names: InterfaceNames;
  readonly links: () => ReadonlyMap<number, LinkInfo>;
  readonly settings: () => KernelSettings;
  /** What an operator should know, once. */
  readonly onNotice: (message: string) => void;
}

export class HostModel {
  readonly #parts: HostParts;
  readonly #cpus = native().possibleCpus();
  #inForce: ModelInForce | null = null;
  #unfinished: string | null = null;
  /** What was told last of tables that keep their size. */
  #toldSmaller: string | null = null;
  readonly #round = new Round();
  /** While a change waits for its confirmation. */
  #before: ModelBefore | null = null;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get inForce(): ModelInForce | null {
    return this.#inForce;
  }

  /** `seconds`: then the kernel goes back by itself; null: the change stays. All or nothing. */
  async apply(model: ModelInForce, seconds: number | null): Promise<EngineReport> {
    await this.notice();
    const before = this.#inForce;
    if (seconds !== null && before === null)
      throw new EnforcementError("WAITING", "nothing is in force that could come back");
    const boundBefore = this.#parts.devices.bindings;
    const change = this.#change(model);
    const report = await this.#applyChange(change, seconds);
    if (seconds !== null && before !== null) this.#before = new ModelBefore(before, boundBefore);
    // The maps have switched: what now fails at a device is that device's problem, and no refusal.
    await this.#take(model, change.bindings).catch((error: unknown) => this.#putOff(error));
    if (report.unfinished !== null) this.#putOff(report.unfinished);
    this.#tellSmaller();
    return report;
  }

  /** A change that is in force, but not whole in what the agent knows of it, is not left to its deadline. */
  async #applyChange(change: ModelChange, seconds: number | null): Promise<EngineReport> {
    const { engine, devices } = this.#parts;
    await devices.settle();
    const earlier = engine.hold;
    try {
      return await engine.apply(change, seconds);
    } catch (error) {
      if (engine.hold !== earlier && engine.hold?.binds) {
        await engine.conclude("undo");
        engine.removeHold();
      }
      throw error;
    }
  }

  async resume(before: ModelInForce, waiting: ModelInForce): Promise<void> {
    const { engine, devices } = this.#parts;
    await devices.settle();
    const boundBefore = bindingsOf(engine.known, before.resolved.interfaces);
    const change = this.#change(waiting);
    await engine.resume(change);
    this.#before = new ModelBefore(before, boundBefore);
    await this.#take(waiting, change.bindings);
  }

  #change({ resolved, policies }: ModelInForce): ModelChange {
    const { devices, links, settings } = this.#parts;
    const bindings = devices.bind(resolved, links());
    const host = readHostFacts(settings().uplinks, links(), bindings);
    return { resolved, policies, bindings, host, sizes: this.#sizing() };
  }

  /** How large tables are made at this moment. To ask how much memory there is takes 10 µs: once, not for each interface. */
  #sizing(): ModelChange["sizes"] {
    const { sessions, memoryShare } = this.#parts.settings();
    const budget = totalmem() * memoryShare;
    return (interfaces, own) => fitSizes(own ?? sessions, { cpus: this.#cpus, interfaces, budget });
  }

  /** Interfaces that keep smaller session tables than they would be given now, as a sentence; null: none does. */
  get smallerTables(): string | null {
    const { engine, settings } = this.#parts;
    const interfaces = this.#inForce?.resolved.interfaces ?? [];
    const sizesFor = this.#sizing();
    const sized = interfaces.flatMap(({ interface: { id, sessions } }) => {
      const limits = engine.tables.limitsOf(engine.known.numbers.get(digest64(id)) ?? 0);
      const fitting = sizesFor(interfaces.length, sessions);
      return limits === null ? [] : [{ id, limits, asked: sessions ?? settings().sessions, fitting }];
    });
    return describeSmaller(sized);
  }

  #tellSmaller(): void {
    const { smallerTables } = this;
    if (smallerTables !== null && smallerTables !== this.#toldSmaller) this.#parts.onNotice(smallerTables);
    this.#toldSmaller = smallerTables;
  }

  /** The maps hold the model: devices and names follow. */
  async #take(model: ModelInForce, bindings: ReadonlyMap<number, string>): Promise<void> {
    const { names, uplinks, links, settings } = this.#parts;
    this.#inForce = model;
    names.follow(model.resolved);
    await this.#reconcile(bindings);
    uplinks.reconcile(settings().uplinks, links(), bindings);
    this.#followDirect(model.resolved);
    this.#unfinished = null;
    await this.notice();
  }

  /** Last: only what is protected is reached past its bridge. */
  #followDirect(resolved: Resolved, told: ReadonlySet<number> | null = new Set()): void {
    const { devices, direct, links, settings } = this.#parts;
    const host = {
      resolved,
      bindings: devices.bindings,
      links: links(),
      uplinks: new Set(settings().uplinks.map(({ device }) => device)),
      problemOf: (ifindex: number) => devices.problemOf(ifindex) ?? devices.foreignOf(ifindex),
    };
    direct.follow(host, told);
  }

  /** Devices and uplinks are looked after again until it succeeds; `status` says why it has not. */
  #putOff(error: unknown): void {
    this.#unfinished = errorText(error);
  }

  /** Why devices do not follow the model yet; null: they do. */
  get unfinished(): string | null {
    return this.#unfinished;
  }

  /** `told`: the devices that may be otherwise than they were; null: all. */
  async #reconcile(
    bindings: ReadonlyMap<number, string>,
    told: ReadonlySet<number> | null = null,
  ): Promise<void> {
    const { engine, devices, links, settings } = this.#parts;
    if (engine.hold?.binds && this.#before !== null) {
      const used = new Set([...bindings.keys(), ...engine.known.devices.keys()]);
      engine.hold.follow(
        used,
        this.#before.bind(links(), (ifindex) => devices.isSame(ifindex, links())),
      );
    }
    await devices.reconcile(bindings, { links: links(), told }, settings());
  }

  /** A device came, went or was renamed: one of those told; null: any. */
  async followLinks(told: ReadonlySet<number> | null = null): Promise<void> {
    await this.notice();
    if (this.#inForce === null) return;
    try {
      await this.#reconcile(this.#parts.devices.bind(this.#inForce.resolved, this.#parts.links()), told);
      this.#followHost(this.#inForce.resolved, told);
      this.#unfinished = null;
    } catch (error) {
      this.#putOff(error);
      throw error;
    }
    await this.notice();
  }

  /**
   * Looks at some devices as if they had been told of, at the next ones the next time, in a turn of its own: a new one may
   * go first. What stands at all of them the guard's look sees each second; this one trusts nothing that it does.
   */
  async lookAfterSome(run: (part: () => Promise<void>) => Promise<void>): Promise<void> {
    await nextTurn();
    const some = new Set(this.#round.next([...this.#parts.devices.bindings.keys()], devicesAtOnce));
    await run(() => this.#lookAfter(some));
  }

  async #lookAfter(some: ReadonlySet<number>): Promise<void> {
    await this.notice();
    if (this.#inForce !== null) await this.#reconcile(this.#parts.devices.bindings, some);
    await this.notice();
  }

  /** Opens a device that no interface holds (GuestDevices.release); it may be an uplink then. */
  async release(ifindex: number): Promise<boolean> {
    const isReleased = this.#parts.devices.release(ifindex);
    if (isReleased) await this.followHost();
    return isReleased;
  }

  /** Uplinks, addresses and MACs of the host itself. */
  async followHost(): Promise<void> {
    await this.notice();
    if (this.#inForce !== null) this.#followHost(this.#inForce.resolved);
    this.#tellSmaller();
  }

  #followHost(resolved: Resolved, told?: ReadonlySet<number> | null): void {
    const { engine, devices, uplinks, links, settings } = this.#parts;
    try {
      uplinks.reconcile(settings().uplinks, links(), devices.bindings);
    } finally {
      engine.followHost(resolved, readHostFacts(settings().uplinks, links(), devices.bindings));
      this.#followDirect(resolved, told);
    }
  }

  /**
   * The kernel may have gone back at any moment: what the agent knows follows before it does anything else, and
   * again afterwards, so that what it did to devices meanwhile is done under the model before.
   */
  async notice(): Promise<void> {
    if (this.#parts.engine.hold?.isOverdue) await this.decide("undo");
  }

  /** Null before a model was applied: there is nothing to hold the maps against. */
  async verify(others: OtherFindings): Promise<Verification | null> {
    await this.notice();
    await this.#parts.devices.settle();
    return this.#inForce === null ? null : this.#parts.engine.verify(this.#change(this.#inForce), others);
  }

  /** Ends the wait where the kernel has not yet; the model in force is the one that was decided for. */
  async decide(decision: Decision): Promise<"kept" | "reverted"> {
    const { engine, devices, links } = this.#parts;
    await devices.settle();
    const outcome = await engine.conclude(decision);
    const before = this.#before;
    this.#before = null;
    if (outcome === "reverted" && before !== null) {
      await this.#take(before.model, devices.bind(before.model.resolved, links()));
    }
    if (this.#inForce !== null) this.#followHost(this.#inForce.resolved);
    return outcome;
  }
}
