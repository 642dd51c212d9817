/**
 * Guests' devices: each gets its interface's programs, or drops. The order at a new device: a record that is not
 * ready, then the programs, then the live record; so it passes what always works, then what the rules allow, and
 * at no moment more.
 */
import type { Resolved } from "../policy/types.ts";
import type { Attachments } from "./attach.ts";
import { cautionMode } from "./attach-mode.ts";
import { beforeOthers } from "./before-others.ts";
import { bindDevices, bindingsOf, faceOf } from "./bindings.ts";
import { readDeviceFacts } from "./device-facts.ts";
import { judgeDevice } from "./device-kind.ts";
import type { DirectForwarding } from "./direct.ts";
import type { SyncEngine } from "./engine.ts";
import { errorText } from "./errors.ts";
import type { GracePeriods } from "./grace-period.ts";
import { type LinkInfo, native } from "./native.ts";
import type { SetDownDevices } from "./set-down.ts";
import type { KernelSettings } from "./settings.ts";
import { numberOfRecord, removedRecord, type StoredRecord } from "./state.ts";
import { forgetDevice, switchDevice } from "./sync.ts";
import { WaitingRecords } from "./waiting-records.ts";

/** The devices of this host. */
export interface HostDevices {
  readonly links: ReadonlyMap<number, LinkInfo>;
  /** Those that may be otherwise than when they were last looked after; null: all. */
  readonly told: ReadonlySet<number> | null;
}

export class GuestDevices {
  readonly #engine: SyncEngine;
  readonly #attachments: Attachments;
  readonly #direct: DirectForwarding;
  readonly #gracePeriods: GracePeriods;
  readonly #setDown: SetDownDevices;
  /** ifindex -> interface id. */
  #bindings = new Map<number, string>();
  /** ifindex -> why nothing protects it, and what was done. */
  readonly #problems = new Map<number, string>();
  /** ifindex -> what somebody put before our programs. */
  readonly #foreign = new Map<number, string>();
  readonly #waiting: WaitingRecords;
  /** ifindex -> what a protected device was known by when it was last looked after (faceOf). */
  readonly #faces = new Map<number, string>();
  /** ifindex -> what of a protected device is not judged. */
  readonly #cautions = new Map<number, string>();

  constructor(
    engine: SyncEngine,
    attachments: Attachments,
    direct: DirectForwarding,
    gracePeriods: GracePeriods,
    setDown: SetDownDevices,
  ) {
    this.#engine = engine;
    this.#attachments = attachments;
    this.#direct = direct;
    this.#gracePeriods = gracePeriods;
    this.#setDown = setDown;
    this.#waiting = new WaitingRecords(engine);
  }

  get bindings(): ReadonlyMap<number, string> {
    return this.#bindings;
  }

  problemOf(ifindex: number): string | null {
    return this.#problems.get(ifindex) ?? null;
  }

  /** What others have put before our programs on a device; null: nothing. */
  foreignOf(ifindex: number): string | null {
    return this.#foreign.get(ifindex) ?? null;
  }

  /** Whether something failed at a device. */
  get hasFailed(): boolean {
    return this.#problems.size > 0;
  }

  cautionOf(ifindex: number): string | null {
    return this.#cautions.get(ifindex) ?? null;
  }

  /** Which devices the interfaces of a model are on; before the model is applied, so that its plan knows. */
  bind(resolved: Resolved, links: ReadonlyMap<number, LinkInfo>): ReadonlyMap<number, string> {
    const before =
      this.#bindings.size > 0 ? this.#bindings : bindingsOf(this.#engine.known, resolved.interfaces);
    return bindDevices(resolved.interfaces, links, before, (ifindex) => this.isSame(ifindex, links));
  }

  /**
   * Whether the device of this number is the one that was looked after, whatever its name: programs go with a device, and
   * somebody who took them away left its face. One on which none could be put is known by its number alone.
   */
  isSame(ifindex: number, links: ReadonlyMap<number, LinkInfo>): boolean {
    const { placed } = this.#attachments;
    if (placed.has(ifindex) ? placed.standsOn(ifindex) : this.#problems.has(ifindex)) return true;
    const [link, known] = [links.get(ifindex), this.#faces.get(ifindex)];
    return link !== undefined && known !== undefined && faceOf(link) === known;
  }

  /**
   * Brings programs and devices together. The model that `bindings` came from is in force. A device that is whole and of
   * which nothing was told is not asked: the next one that comes would wait, open, until a thousand were; the guard's look
   * sees each second what no event tells.
   */
  async reconcile(
    bindings: ReadonlyMap<number, string>,
    { links, told }: HostDevices,
    settings: KernelSettings,
  ): Promise<void> {
    this.#bindings = new Map(bindings);
    for (const ifindex of [...this.#faces.keys()]) if (!bindings.has(ifindex)) this.#faces.delete(ifindex);
    this.forgetGone(links);
    await this.#engine.settle();
    // New ones first: each moment that they are open counts.
    const isNew = (ifindex: number) => !this.#attachments.placed.isComplete(ifindex);
    const ordered = [...bindings]
      .filter(([ifindex, id]) => told === null || told.has(ifindex) || !this.#isWhole(ifindex, id))
      .sort(([one], [other]) => Number(isNew(other)) - Number(isNew(one)));
    const protectAll = () => {
      for (const [ifindex, id] of ordered) {
        const link = links.get(ifindex);
        if (link === undefined) continue;
        this.#protectAlone(link, () => {
          if (this.#accept(link, links, settings)) this.#protect(link, id, settings);
        });
      }
    };
    if (ordered.some(([ifindex]) => isNew(ifindex)))
      await beforeOthers(async () => this.#gracePeriods.shorten(protectAll));
    else protectAll();
    this.#releaseUnbound(links);
    this.#waiting.eraseLater();
  }

  /** Whether a device has all its programs and its interface's live record, and nothing failed at it. */
  #isWhole(ifindex: number, id: string): boolean {
    const { placed } = this.#attachments;
    const live = this.#engine.liveRecord(id);
    if (live === undefined || this.#engine.known.devices.get(ifindex) !== live) return false;
    return placed.isComplete(ifindex) && !this.#problems.has(ifindex) && !this.#foreign.has(ifindex);
  }

  /** Settles when nothing is left of what devices had for a moment. Before anything else is done to the maps. */
  settle(): Promise<void> {
    return this.#waiting.settle();
  }

  /** Devices that are gone: their words and pins go too, the interface's sessions stay. */
  forgetGone(links: ReadonlyMap<number, LinkInfo>): void {
    this.#setDown.follow(links);
    const { placed } = this.#attachments;
    /** Has the device of a guest that is gone left its number to another? */
    const isAnother = (ifindex: number) =>
      !this.#bindings.has(ifindex) && !this.#attachments.isUplink(ifindex) && !this.isSame(ifindex, links);
    for (const ifindex of [...this.#engine.known.devices.keys(), ...placed.devices]) {
      if (links.has(ifindex) && !(placed.has(ifindex) && isAnother(ifindex))) continue;
      forgetDevice(this.#engine.maps, this.#engine.known, ifindex);
      placed.forget(ifindex);
      this.#problems.delete(ifindex);
      this.#foreign.delete(ifindex);
      this.#cautions.delete(ifindex);
      this.#faces.delete(ifindex);
      this.#bindings.delete(ifindex);
    }
  }

  /** False where no program on this device could judge its guest: it is not attached, whatever stood there. */
  #accept(link: LinkInfo, links: ReadonlyMap<number, LinkInfo>, settings: KernelSettings): boolean {
    const suitability = judgeDevice(link, readDeviceFacts(link), links.get(link.lower));
    this.#cautions.delete(link.ifindex);
    if (suitability.suits) {
      const caution = suitability.caution ?? cautionMode(settings.attach, link);
      if (caution !== null) this.#cautions.set(link.ifindex, caution);
      return true;
    }
    if (suitability.isHosts || settings.onFailure === "open") this.#detach(link.ifindex);
    if (suitability.isHosts) {
      forgetDevice(this.#engine.maps, this.#engine.known, link.ifindex);
      this.#problems.set(
        link.ifindex,
        `${suitability.problem}; nothing is judged, and nothing was done to it`,
      );
    } else this.#fail(link, settings, suitability.problem);
    return false;
  }

  /** Takes the programs off a device. Before them goes what leads to it past its bridge. */
  #detach(ifindex: number): void {
    this.#direct.withdraw(ifindex);
    this.#attachments.detach(ifindex);
  }

  /** What fails at one device keeps no other from being protected. */
  #protectAlone(link: LinkInfo, protect: () => void): void {
    try {
      protect();
    } catch (error) {
      this.#problems.set(link.ifindex, `${link.name} could not be looked after: ${errorText(error)}`);
    }
  }

  #protect(link: LinkInfo, id: string, settings: KernelSettings): void {
    const { known, maps } = this.#engine;
    const live = this.#engine.liveRecord(id);
    const stored = live === undefined ? undefined : known.records.get(live);
    if (live === undefined || stored === undefined) return;
    this.#attachments.placed.verify(link.ifindex);
    // Where the word names the live record already, what somebody took away judges by it from its first frame on.
    const isJudged = known.devices.get(link.ifindex) === live;
    let now = link;
    if (!this.#attachments.placed.isComplete(link.ifindex)) {
      if (!this.#introduce(link, isJudged ? null : stored, settings)) return;
      // What `attach: auto` gave way to may have come after the devices were listed.
      now = { ...link, xdp: native().queryXdp(link.ifindex) };
    }
    if (known.devices.get(link.ifindex) !== live) switchDevice(maps, known, link.ifindex, live);
    this.#setDown.raise(link.ifindex);
    this.#problems.delete(link.ifindex);
    this.#keepFace(link);
    const foreign = this.#attachments.placed.describeForeign(now);
    if (foreign === null) this.#foreign.delete(link.ifindex);
    else this.#foreign.set(link.ifindex, foreign);
  }

  #keepFace(link: LinkInfo): void {
    const face = faceOf(link);
    if (face === null) this.#faces.delete(link.ifindex);
    else this.#faces.set(link.ifindex, face);
  }

  /**
   * False where nothing attaches: the device is then down, or open where the operator wants that. `stored`: the record
   * that the device gets; null: it has it.
   */
  #introduce(link: LinkInfo, stored: StoredRecord | null, settings: KernelSettings): boolean {
    try {
      // It would send on what the guest's have not judged.
      this.#attachments.detachUplink(link.ifindex);
      if (stored !== null) this.#keepWaiting(link, stored);
      const result = this.#attachments.attachGuest(link, settings.attach);
      if (result.done) return true;
      this.#fail(link, settings, result.problem, result.undo);
    } catch (error) {
      this.#fail(link, settings, errorText(error));
    }
    return false;
  }

  /** Until its programs stand, a device has its interface's record as one that is not ready, or drops everything. */
  #keepWaiting(link: LinkInfo, stored: StoredRecord): void {
    const { known, maps } = this.#engine;
    switchDevice(maps, known, link.ifindex, this.#waiting.write(stored) ?? removedRecord);
  }

  /** `undo`: takes off what was attached in vain; it drops until the device is down, and stays where that is not to be had. */
  #fail(link: LinkInfo, settings: KernelSettings, problem: string, undo: () => void = () => undefined): void {
    const { known, maps } = this.#engine;
    if (settings.onFailure === "open") {
      undo();
      forgetDevice(maps, known, link.ifindex);
      this.#setDown.raise(link.ifindex);
      this.#problems.set(link.ifindex, `${problem}; the device is open (onFailure: open)`);
      return;
    }
    this.#shut(link.ifindex);
    const { isDown, said } = this.#setDown.lower(link);
    if (isDown) undo();
    this.#problems.set(link.ifindex, `${problem}; ${said}`);
  }

  /** It drops everything. Where there is no room for that word, or no memory, none does it: what has none is dropped, too. */
  #shut(ifindex: number): void {
    const { known, maps } = this.#engine;
    try {
      switchDevice(maps, known, ifindex, removedRecord);
    } catch {
      forgetDevice(maps, known, ifindex);
    }
  }

  /** Devices whose interface left keep their programs and drop everything; words without programs go. */
  #releaseUnbound(links: ReadonlyMap<number, LinkInfo>): void {
    const { known, maps } = this.#engine;
    for (const ifindex of this.#attachments.placed.devices) {
      if (this.#bindings.has(ifindex) || !links.has(ifindex)) continue;
      if (this.#attachments.isUplink(ifindex)) continue;
      if (known.devices.get(ifindex) !== removedRecord) switchDevice(maps, known, ifindex, removedRecord);
    }
    for (const ifindex of [...known.devices.keys()]) {
      if (!this.#bindings.has(ifindex) && !this.#attachments.placed.has(ifindex))
        forgetDevice(maps, known, ifindex);
    }
  }

  /** Devices that drop everything, or were set down, and that no interface holds any more. */
  get removed(): readonly number[] {
    const words = [...this.#engine.known.devices].filter(([, record]) => record === removedRecord);
    const shut = new Set([...words.map(([ifindex]) => ifindex), ...this.#setDown.devices]);
    return [...shut].filter((ifindex) => !this.#bindings.has(ifindex));
  }

  /** Opens a device that no interface holds: the operator says so. False where it is not one of those. */
  release(ifindex: number): boolean {
    if (!this.removed.includes(ifindex)) return false;
    this.#detach(ifindex);
    forgetDevice(this.#engine.maps, this.#engine.known, ifindex);
    this.#setDown.raise(ifindex);
    return true;
  }

  /** Sets up what was set down, whatever protects it; says what is down still. */
  raiseAll(links: ReadonlyMap<number, LinkInfo>): readonly string[] {
    return this.#setDown.raiseAll(links);
  }

  /** Whether a device's word names the live record of its interface. */
  isReady(ifindex: number): boolean {
    const record = this.#engine.known.devices.get(ifindex);
    if (record === undefined || record === removedRecord) return false;
    return this.#engine.known.live.get(numberOfRecord(record)) === record;
  }
}
