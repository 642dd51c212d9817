/**
 * Programs on devices. XDP and tcx are links, pinned by device and hook, and replaced by update: a device is at
 * no moment without its program. Where the kernel has no tcx (before 6.6), clsact filters of a fixed handle and
 * priority stand on the device itself.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type Attached,
  type AttachResult,
  describeAttached,
  describeForeign,
  describeXdpRefusal,
  directionOf,
  filter,
  type Hook,
  hooks,
  isGuestXdp,
  programOf,
  queryFilter,
  stands,
  type UplinkResult,
  withoutTcx,
} from "./attach-hooks.ts";
import { candidateModes, uplinkModes } from "./attach-mode.ts";
import { errorCode, errorText } from "./errors.ts";
import type { Finding } from "./finding.ts";
import type { Marks } from "./marks.ts";
import { type BpfLink, type BpfProgram, type LinkInfo, native } from "./native.ts";
import type { Programs } from "./objects.ts";
import { ensureDirectory, listPins, type Pins, removePin } from "./pins.ts";
import { WholeDirectory } from "./repin.ts";
import type { AttachChoice } from "./settings.ts";
import type { AttachMode } from "./status.ts";

export class Attachments {
  readonly #pins: Pins;
  readonly #marks: Marks;
  #programs: Programs;
  /** ifindex -> links by hook; null: a clsact filter. */
  readonly #devices = new Map<number, Map<Hook, BpfLink | null>>();
  readonly #whole = new WholeDirectory();
  /** Guests' devices whose XDP program somebody took away. */
  readonly #withoutXdp = new Set<number>();

  constructor(pins: Pins, programs: Programs, marks: Marks) {
    this.#pins = pins;
    this.#marks = marks;
    this.#programs = programs;
  }

  /** Takes over what is pinned; pins of devices that are gone are removed. Returns the devices. */
  adopt(): ReadonlySet<number> {
    for (const name of listPins(this.#pins.links)) {
      const [, index = "", hook = ""] = /^(\d+)-(.*)$/.exec(name) ?? [];
      const known = hooks.find((each) => each === hook);
      const path = join(this.#pins.links, name);
      if (known === undefined) continue;
      const link = native().BpfLink.openPinned(path);
      if (link.info().ifindex === Number(index)) {
        if (isGuestXdp(known)) this.#marks.set(Number(index));
        this.#keep(Number(index), known, link);
      } else {
        link.close();
        removePin(path);
      }
    }
    this.#marks.clearOthers();
    return new Set(this.#devices.keys());
  }

  /** Filters of an earlier agent on kernels without tcx, found by handle on the devices given. */
  adoptFilters(devices: Iterable<number>): void {
    for (const ifindex of devices) {
      for (const direction of ["egress", "ingress"] as const) {
        const hook: Hook = `tc-${direction}`;
        if (this.#devices.get(ifindex)?.has(hook)) continue;
        if (queryFilter(ifindex, direction) !== 0) this.#keep(ifindex, hook, null);
      }
    }
  }

  /** Every device gets the programs given: by update, at no moment without one. */
  updatePrograms(programs: Programs): void {
    this.#programs = programs;
    for (const [ifindex, links] of this.#devices) {
      for (const [hook, link] of links) {
        const program = this.#programFor(hook);
        if (link === null) this.#setFilter(ifindex, hook, program);
        else if (link.info().programId !== program.id) link.update(program);
      }
    }
  }

  /**
   * Looks whether what was attached still stands: a filter or link that somebody took away is forgotten, so that
   * it is attached anew; a pin that somebody removed is made again.
   */
  verify(ifindex: number): void {
    this.#forgetLost(ifindex);
    for (const [hook, link] of this.#devices.get(ifindex) ?? []) {
      const path = join(this.#pins.links, `${ifindex}-${hook}`);
      if (link === null || existsSync(path)) continue;
      ensureDirectory(this.#pins.links);
      link.pin(path);
    }
  }

  /** Where what was attached stands no more. */
  #lostHooks(ifindex: number): Hook[] {
    const links = [...(this.#devices.get(ifindex) ?? [])];
    return links.flatMap(([hook, link]) => (stands(ifindex, hook, link) ? [] : [hook]));
  }

  /** Says how many. */
  #forgetLost(ifindex: number): number {
    const links = this.#devices.get(ifindex);
    const lost = this.#lostHooks(ifindex);
    for (const hook of lost) {
      const link = links?.get(hook) ?? null;
      links?.delete(hook);
      if (link === null) continue;
      this.#release(ifindex, hook, link);
      if (isGuestXdp(hook)) this.#withoutXdp.add(ifindex);
    }
    return lost.length;
  }

  /** Makes pins of links again that somebody took away; says how many. */
  restorePins(): number {
    return this.#whole.restore(this.#pins.links, () =>
      [...this.#devices].flatMap(([ifindex, links]) =>
        [...links].flatMap(([hook, link]) =>
          // A link whose device is gone is forgotten when that is noticed.
          link === null || link.info().ifindex !== ifindex ? [] : [[`${ifindex}-${hook}`, link] as const],
        ),
      ),
    );
  }

  /**
   * Forgets what somebody took off devices that are still there, so that it is attached anew; says how many programs
   * that were. `there`: the devices; `readAgain` where something is missing, since a device that has just gone takes its
   * programs along. Throws where the kernel cannot be asked.
   */
  forgetDetached(there: ReadonlyMap<number, unknown>, readAgain: () => ReadonlyMap<number, unknown>): number {
    const missing = this.devices.filter(
      (ifindex) => there.has(ifindex) && this.#lostHooks(ifindex).length > 0,
    );
    if (missing.length === 0) return 0;
    const still = readAgain();
    return missing
      .filter((ifindex) => still.has(ifindex))
      .reduce((sum, ifindex) => sum + this.#forgetLost(ifindex), 0);
  }

  /** What of others stands before our programs on a device, as a sentence; null: nothing. */
  describeForeign(link: LinkInfo): string | null {
    const links = this.#devices.get(link.ifindex);
    return describeForeign(link, (hook) => links?.get(hook)?.info().programId ?? null);
  }

  /** Kernel's ids of Ringwall's own programs. */
  get programIds(): ReadonlySet<number> {
    return new Set(Object.values(this.#programs).map(({ id }) => id));
  }

  has(ifindex: number): boolean {
    return this.#devices.has(ifindex);
  }

  /** Whether a guest's device has both its tc programs, with which every frame is judged, and the XDP that it had. */
  isComplete(ifindex: number): boolean {
    const links = this.#devices.get(ifindex);
    return links?.has("tc-egress") === true && links.has("tc-ingress") && !this.#withoutXdp.has(ifindex);
  }

  /**
   * Puts a guest's programs on its device: what reaches it first, then what it sends. What stands already is
   * left. On a failure everything that this call attached is taken away again.
   */
  attachGuest(link: LinkInfo, choice: AttachChoice): AttachResult {
    const before = new Set(this.#devices.get(link.ifindex)?.keys());
    try {
      this.#attachTc(link.ifindex, "egress");
      this.#attachTc(link.ifindex, "ingress");
      const mode = this.#attachXdp(link, choice);
      this.#withoutXdp.delete(link.ifindex);
      return { done: true, mode };
    } catch (error) {
      this.#undo(link.ifindex, before);
      return { done: false, problem: errorText(error) };
    }
  }

  #attachXdp(link: LinkInfo, choice: AttachChoice): AttachMode {
    const present = this.describe(link.ifindex).mode;
    if (present === "native" || present === "generic") return present;
    const refusals: string[] = [];
    for (const mode of candidateModes(choice, link)) {
      if (mode === "tc") return "tc";
      if (!this.#marks.set(link.ifindex)) {
        refusals.push(`${link.name} shares its place for marks with another device`);
        continue;
      }
      try {
        this.#addXdp(link.ifindex, `xdp-${mode}`, mode);
        return mode;
      } catch (error) {
        this.#marks.clear(link.ifindex);
        refusals.push(describeXdpRefusal(link, mode, error));
      }
    }
    throw new Error(`${refusals.join("; ")}. Set \`attach: auto\` or \`attach: tc\``);
  }

  /** The uplink program; null where neither mode goes, and why. */
  attachUplink(link: LinkInfo): UplinkResult {
    const present = this.uplinkMode(link.ifindex);
    if (present !== null) return { mode: present, problem: null };
    const refusals: string[] = [];
    for (const mode of uplinkModes) {
      try {
        this.#addXdp(link.ifindex, `uplink-${mode}`, mode);
        return { mode, problem: null };
      } catch (error) {
        refusals.push(describeXdpRefusal(link, mode, error));
      }
    }
    return { mode: null, problem: refusals.join("; ") };
  }

  uplinkMode(ifindex: number): "native" | "generic" | null {
    const links = this.#devices.get(ifindex);
    return uplinkModes.find((mode) => links?.has(`uplink-${mode}`)) ?? null;
  }

  #programFor(hook: Hook): BpfProgram {
    const name = programOf[hook];
    const program = this.#programs[name];
    if (program === undefined)
      throw new Error(`the kernel programs have no ${name}: install the package again`);
    return program;
  }

  #addXdp(ifindex: number, hook: Hook, mode: "native" | "generic"): void {
    const link = this.#programFor(hook).attachXdp({ ifindex, mode });
    this.#pin(ifindex, hook, link);
  }

  #attachTc(ifindex: number, direction: "ingress" | "egress"): void {
    const hook: Hook = `tc-${direction}`;
    if (this.#devices.get(ifindex)?.has(hook)) return;
    const program = this.#programFor(hook);
    let link: BpfLink;
    try {
      // One before it could let frames pass unjudged.
      link = program.attachTcx({ ifindex, direction, first: true });
    } catch (error) {
      if (!withoutTcx.includes(errorCode(error) ?? "")) throw error;
      this.#setFilter(ifindex, hook, program);
      this.#keep(ifindex, hook, null);
      return;
    }
    this.#pin(ifindex, hook, link);
  }

  #setFilter(ifindex: number, hook: Hook, program: BpfProgram): void {
    program.attachTc({ ifindex, direction: directionOf(hook), ...filter });
  }

  #pin(ifindex: number, hook: Hook, link: BpfLink): void {
    ensureDirectory(this.#pins.links);
    const path = join(this.#pins.links, `${ifindex}-${hook}`);
    try {
      // A pin that is left from a device of the same number is not this link's.
      removePin(path);
      link.pin(path);
    } catch (error) {
      link.detach();
      link.close();
      throw error;
    }
    this.#keep(ifindex, hook, link);
  }

  #keep(ifindex: number, hook: Hook, link: BpfLink | null): void {
    const links = this.#devices.get(ifindex) ?? new Map<Hook, BpfLink | null>();
    this.#devices.set(ifindex, links.set(hook, link));
  }

  describe(ifindex: number): Attached {
    const attached = this.#devices.get(ifindex);
    return describeAttached(
      (hook) => attached?.has(hook) === true,
      (hook) => this.#programFor(hook).id,
    );
  }

  /** Forgets a device that is gone: its links died with it, their pins are left. */
  forget(ifindex: number): void {
    for (const [hook, link] of this.#devices.get(ifindex) ?? []) this.#release(ifindex, hook, link);
    this.#devices.delete(ifindex);
    this.#withoutXdp.delete(ifindex);
  }

  /** Takes the programs off a device: it is open from then on. */
  detach(ifindex: number): void {
    this.#undo(ifindex, new Set());
  }

  #undo(ifindex: number, keep: ReadonlySet<Hook>): void {
    const links = this.#devices.get(ifindex);
    for (const [hook, link] of links ?? []) {
      if (keep.has(hook)) continue;
      if (link === null) native().detachTc({ ifindex, direction: directionOf(hook), ...filter });
      else {
        // Before XDP goes: tc judges all from then on.
        if (isGuestXdp(hook)) this.#marks.clear(ifindex);
        removePin(join(this.#pins.links, `${ifindex}-${hook}`));
        link.detach();
        link.close();
      }
      links?.delete(hook);
    }
    if (links?.size === 0) this.#devices.delete(ifindex);
  }

  /** Lets go of a link that stands on no device any more. */
  #release(ifindex: number, hook: Hook, link: BpfLink | null): void {
    if (isGuestXdp(hook)) this.#marks.clear(ifindex);
    link?.close();
    removePin(join(this.#pins.links, `${ifindex}-${hook}`));
  }

  /** Marks that are others than the devices were given. */
  findMarks(): readonly Finding[] {
    return this.#marks.find();
  }

  get devices(): readonly number[] {
    return [...this.#devices.keys()];
  }

  /** Lets go of the handles; what is pinned goes on. */
  close(): void {
    for (const links of this.#devices.values()) for (const link of links.values()) link?.close();
    this.#devices.clear();
  }
}
