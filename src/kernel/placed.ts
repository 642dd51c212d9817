/**
 * What the agent put on devices, by device and hook, and its pins: whether it still stands there as it was put. What
 * somebody took off is forgotten, so that it is attached anew; a link or filter that runs another program gets ours again.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  describeForeign,
  directionOf,
  filter,
  findFilter,
  type Hook,
  isGuestXdp,
  programAt,
} from "./attach-hooks.ts";
import type { Marks } from "./marks.ts";
import { type BpfLink, type BpfProgram, type LinkInfo, native } from "./native.ts";
import { ensureDirectory, type Pins, removePin } from "./pins.ts";
import { WholeDirectory } from "./repin.ts";

/** What stands at one hook of a device. */
export interface Placed {
  /** Null: a clsact filter. */
  readonly link: BpfLink | null;
  /** What it has to run; null: what an earlier agent chose. */
  readonly program: BpfProgram | null;
  /** Id of the program that it ran when it was adopted; null: it was not, or has been asked since. */
  readonly found: number | null;
  /** It runs another's program, or an older one, and takes ours no more: it stands until what replaces it does. */
  readonly isRetired?: true;
}

/** Programs that somebody took off devices, and those that somebody put another in place of. */
export interface Losses {
  readonly detached: number;
  readonly replaced: number;
}

const nothingLost: Losses = { detached: 0, replaced: 0 };

export class PlacedPrograms {
  readonly #pins: Pins;
  readonly #marks: Marks;
  readonly #devices = new Map<number, Map<Hook, Placed>>();
  readonly #whole = new WholeDirectory();
  /** Whether filters are among them: the kernel has no tcx. */
  #hasFilters = false;
  /** Guests' devices that lack part of what was chosen for them, though both tc programs may stand. */
  readonly #lacking = new Set<number>();

  /** Devices whose links and pins were all looked at when they were adopted. */
  readonly #justSeen = new Set<number>();

  constructor(pins: Pins, marks: Marks) {
    this.#pins = pins;
    this.#marks = marks;
  }

  get devices(): readonly number[] {
    return [...this.#devices.keys()];
  }

  has(ifindex: number): boolean {
    return this.#devices.has(ifindex);
  }

  /** A copy: what is listed may be taken out meanwhile. */
  at(ifindex: number): readonly (readonly [Hook, Placed])[] {
    return [...(this.#devices.get(ifindex) ?? [])];
  }

  /** Whether a program that was chosen for it stands at a hook. */
  hasHook(ifindex: number, hook: Hook): boolean {
    const placed = this.#devices.get(ifindex)?.get(hook);
    return placed !== undefined && placed.isRetired !== true;
  }

  /** The same, also of what is retired. */
  holds(ifindex: number, hook: Hook): boolean {
    return this.#devices.get(ifindex)?.has(hook) === true;
  }

  keep(ifindex: number, hook: Hook, placed: Placed): void {
    if (placed.link === null) this.#hasFilters = true;
    const hooks = this.#devices.get(ifindex) ?? new Map<Hook, Placed>();
    this.#devices.set(ifindex, hooks.set(hook, placed));
  }

  /** Keeps a link that was found pinned, and ran program `found` a moment ago. */
  adopt(ifindex: number, hook: Hook, link: BpfLink, found: number): void {
    this.keep(ifindex, hook, { link, program: null, found });
    this.#justSeen.add(ifindex);
  }

  /** Pins a link that was just attached, and keeps it. Throws where it cannot be pinned; it is detached then. */
  pin(ifindex: number, hook: Hook, link: BpfLink, program: BpfProgram): void {
    ensureDirectory(this.#pins.links);
    const path = this.#pathOf(ifindex, hook);
    try {
      // A pin that is left from a device of the same number is not this link's.
      removePin(path);
      link.pin(path);
    } catch (error) {
      link.detach();
      link.close();
      throw error;
    }
    const before = this.#devices.get(ifindex)?.get(hook);
    this.keep(ifindex, hook, { link, program, found: null });
    if (before?.isRetired !== true) return;
    before.link?.detach();
    before.link?.close();
  }

  #pathOf(ifindex: number, hook: Hook): string {
    return join(this.#pins.links, `${ifindex}-${hook}`);
  }

  /** Puts a program in place of what runs at a hook: by update, at no moment without one. */
  replace(ifindex: number, hook: Hook, program: BpfProgram): void {
    const placed = this.#devices.get(ifindex)?.get(hook);
    if (placed === undefined) return;
    if (placed.link === null) program.attachTc({ ifindex, direction: directionOf(hook), ...filter });
    else if ((placed.found ?? placed.link.info().programId) !== program.id) placed.link.update(program);
    this.keep(ifindex, hook, { link: placed.link, program, found: null });
  }

  /** The same; where that fails it is retired, a new one has to be attached, and the answer is false. */
  renew(ifindex: number, hook: Hook, program: BpfProgram): boolean {
    try {
      this.replace(ifindex, hook, program);
      return true;
    } catch {
      this.#retire(ifindex, hook);
      return false;
    }
  }

  #retire(ifindex: number, hook: Hook): void {
    const placed = this.#devices.get(ifindex)?.get(hook);
    if (placed === undefined) return;
    // A filter gives way in one step to the next one of its handle.
    if (placed.link === null) this.release(ifindex, hook);
    else this.keep(ifindex, hook, { ...placed, isRetired: true });
    if (!isGuestXdp(hook)) return;
    // tc judges all meanwhile.
    this.#marks.clear(ifindex);
    this.#lacking.add(ifindex);
  }

  /** Takes retired XDP programs off a device, where no two can stand at once. tc judges there, or at guests' devices. */
  makeRoom(ifindex: number): void {
    for (const [hook, { isRetired }] of this.at(ifindex))
      if (isRetired === true && !hook.startsWith("tc-")) this.detach(ifindex, hook);
  }

  /** Lets go of what stands at a hook no more. */
  release(ifindex: number, hook: Hook): void {
    const hooks = this.#devices.get(ifindex);
    const placed = hooks?.get(hook);
    if (placed === undefined) return;
    hooks?.delete(hook);
    if (hooks?.size === 0) this.#devices.delete(ifindex);
    if (isGuestXdp(hook)) this.#marks.clear(ifindex);
    if (placed.link === null) return;
    placed.link.close();
    removePin(this.#pathOf(ifindex, hook));
  }

  /** Takes a program off a device. */
  detach(ifindex: number, hook: Hook): void {
    const placed = this.#devices.get(ifindex)?.get(hook);
    if (placed === undefined) return;
    // Before XDP goes: tc judges all from then on.
    if (isGuestXdp(hook)) this.#marks.clear(ifindex);
    if (placed.link === null) native().detachTc({ ifindex, direction: directionOf(hook), ...filter });
    else {
      removePin(this.#pathOf(ifindex, hook));
      placed.link.detach();
    }
    this.release(ifindex, hook);
  }

  /** Forgets a device that is gone: its links died with it, their pins are left. */
  forget(ifindex: number): void {
    for (const [hook] of this.at(ifindex)) this.release(ifindex, hook);
    this.#lacking.delete(ifindex);
    this.#justSeen.delete(ifindex);
  }

  /** Whether a guest's device has both its tc programs, with which every frame is judged, and the XDP that it had. */
  isComplete(ifindex: number): boolean {
    const hasBoth = this.hasHook(ifindex, "tc-egress") && this.hasHook(ifindex, "tc-ingress");
    return hasBoth && !this.#lacking.has(ifindex);
  }

  /** Whether any of it still stands on the device here: what stands nowhere was another device's of its number. */
  standsOn(ifindex: number): boolean {
    return this.at(ifindex).some(([hook, { link }]) => programAt(ifindex, hook, link) !== 0);
  }

  /** The device has all that was chosen for it. */
  complete(ifindex: number): void {
    this.#lacking.delete(ifindex);
  }

  /** It has not, whatever stands on it. */
  lack(ifindex: number): void {
    this.#lacking.add(ifindex);
  }

  /**
   * Looks whether what was attached still stands: a filter or link that somebody took away is forgotten, so that
   * it is attached anew; a pin that somebody removed is made again. A device that was adopted is left for once: that was a
   * look, and the next one is due within a second.
   */
  verify(ifindex: number): void {
    if (this.#justSeen.delete(ifindex)) return;
    this.#mendLosses(ifindex);
    for (const [hook, { link }] of this.at(ifindex)) {
      const path = this.#pathOf(ifindex, hook);
      if (link === null || existsSync(path)) continue;
      ensureDirectory(this.#pins.links);
      link.pin(path);
    }
  }

  /** Hooks at which another program runs, or none. */
  #lostHooks(ifindex: number): { readonly hook: Hook; readonly placed: Placed; readonly isGone: boolean }[] {
    return this.at(ifindex).flatMap(([hook, placed]) => {
      if (placed.isRetired === true) return [];
      const found = programAt(ifindex, hook, placed.link);
      const isOurs = found !== 0 && (placed.program === null || placed.program.id === found);
      return isOurs ? [] : [{ hook, placed, isGone: found === 0 }];
    });
  }

  #mendLosses(ifindex: number): Losses {
    const lost = this.#lostHooks(ifindex);
    for (const { hook, placed, isGone } of lost) {
      if (!isGone) {
        if (placed.program !== null) this.renew(ifindex, hook, placed.program);
        continue;
      }
      this.release(ifindex, hook);
      if (isGuestXdp(hook)) this.#lacking.add(ifindex);
    }
    const detached = lost.filter(({ isGone }) => isGone).length;
    return { detached, replaced: lost.length - detached };
  }

  /**
   * Puts right what somebody took off the devices given, or replaced. `readPresent`, where something is missing: a device
   * that has just gone takes its programs along. Throws where the kernel cannot be asked.
   */
  mendLost(devices: readonly number[], readPresent: () => ReadonlyMap<number, unknown>): Losses {
    const missing = devices.filter((ifindex) => this.#lostHooks(ifindex).length > 0);
    if (missing.length === 0) return nothingLost;
    const present = readPresent();
    return missing
      .filter((ifindex) => present.has(ifindex))
      .map((ifindex) => this.#mendLosses(ifindex))
      .reduce(
        (sum, { detached, replaced }) => ({
          detached: sum.detached + detached,
          replaced: sum.replaced + replaced,
        }),
        nothingLost,
      );
  }

  /**
   * Of each clsact filter the program that it runs, 0 for none, and which filters run before it; empty where the kernel has
   * tcx.
   */
  readFilters(): Uint32Array {
    if (!this.#hasFilters) return new Uint32Array();
    const filters = this.devices.flatMap((ifindex) =>
      this.at(ifindex).flatMap(([hook, { link }]) => (link === null ? [{ ifindex, hook }] : [])),
    );
    return Uint32Array.from(
      filters.flatMap(({ ifindex, hook }) => {
        const found = findFilter(ifindex, directionOf(hook));
        if (found === null) return [0, 0];
        const before = found.before.flatMap(({ priority, handle }) => [priority, handle]);
        return [found.program, found.before.length, ...before];
      }),
    );
  }

  /** Makes pins of links again that somebody took away; says how many. */
  restorePins(): number {
    return this.#whole.restore(this.#pins.links, () =>
      this.devices.flatMap((ifindex) =>
        this.at(ifindex).flatMap(([hook, { link }]) =>
          // A link whose device is gone is forgotten when that is noticed.
          link === null ? [] : [[`${ifindex}-${hook}`, link, () => link.info().ifindex === ifindex] as const],
        ),
      ),
    );
  }

  /** What of others stands before our programs on a device, as a sentence; null: nothing. */
  describeForeign(link: LinkInfo): string | null {
    const hooks = this.#devices.get(link.ifindex);
    return describeForeign(link, (hook) => {
      const placed = hooks?.get(hook);
      const id = placed?.program?.id ?? placed?.link?.info().programId;
      return id === undefined ? null : { id, isFilter: placed?.link === null };
    });
  }

  /** Lets go of the handles; what is pinned goes on. */
  close(): void {
    for (const hooks of this.#devices.values()) for (const { link } of hooks.values()) link?.close();
    this.#devices.clear();
  }
}
