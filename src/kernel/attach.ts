/**
 * Programs on devices. XDP and tcx are links, pinned by device and hook, and replaced by update: a device is at
 * no moment without its program. Where the kernel has no tcx (before 6.6), clsact filters of a fixed handle and
 * priority stand on the device itself.
 */
import { join } from "node:path";
import {
  type Attached,
  type AttachResult,
  describeAttached,
  describeXdpRefusal,
  directionOf,
  filter,
  type Hook,
  hooks,
  isGuestXdp,
  programOf,
  queryFilter,
  type UplinkResult,
} from "./attach-hooks.ts";
import { candidateModes, uplinkModes } from "./attach-mode.ts";
import { errorText } from "./errors.ts";
import type { Finding } from "./finding.ts";
import { hasTcx } from "./host-check.ts";
import type { Marks } from "./marks.ts";
import { type BpfProgram, type LinkInfo, native } from "./native.ts";
import type { Programs } from "./objects.ts";
import { listPins, type Pins, removePin } from "./pins.ts";
import { PlacedPrograms } from "./placed.ts";
import type { AttachChoice } from "./settings.ts";
import type { AttachMode } from "./status.ts";

export class Attachments {
  /** What stands on the devices. */
  readonly placed: PlacedPrograms;
  readonly #pins: Pins;
  readonly #marks: Marks;
  readonly #hasTcx: boolean;
  #programs: Programs;

  /** `tcx`: whether the kernel has it, asked this once: a call that fails later must not decide how others attach. */
  constructor(pins: Pins, programs: Programs, marks: Marks, tcx = hasTcx()) {
    this.placed = new PlacedPrograms(pins, marks);
    this.#pins = pins;
    this.#marks = marks;
    this.#hasTcx = tcx;
    this.#programs = programs;
  }

  /**
   * Takes over what is pinned; pins of devices that are gone are removed. There may be thousands, so they are opened on
   * another thread.
   */
  async adopt(): Promise<void> {
    const pinned = listPins(this.#pins.links).flatMap((name) => {
      const [, index = "", rest = ""] = /^(\d+)-(.*)$/.exec(name) ?? [];
      const hook = hooks.find((each) => each === rest);
      return hook === undefined ? [] : [{ hook, index: Number(index), path: join(this.#pins.links, name) }];
    });
    const opened = await native().BpfLink.openPinnedAsync(pinned.map(({ path }) => path));
    for (const [place, { hook, index, path }] of pinned.entries()) {
      const found = opened[place];
      if (found === undefined) throw new RangeError(`${path} was not opened`);
      if (found.info.ifindex === index) {
        if (isGuestXdp(hook)) this.#marks.set(index);
        this.placed.adopt(index, hook, found.link, found.info.programId);
      } else {
        found.link.close();
        removePin(path);
      }
    }
    this.#marks.clearOthers();
  }

  /**
   * Filters of an earlier agent, found by handle on the devices given: it had no tcx, or was told so by a call that failed.
   */
  adoptFilters(devices: Iterable<number>): void {
    for (const ifindex of devices) {
      for (const direction of ["egress", "ingress"] as const) {
        const hook: Hook = `tc-${direction}`;
        if (this.placed.hasHook(ifindex, hook)) continue;
        if (queryFilter(ifindex, direction) !== 0)
          this.placed.keep(ifindex, hook, { link: null, program: null, found: null });
      }
    }
  }

  /**
   * Every device gets the programs given: by update, at no moment without one. False where one could not be had: it goes on
   * with what it has until its programs are attached anew.
   */
  updatePrograms(programs: Programs): boolean {
    this.#programs = programs;
    let isWhole = true;
    for (const ifindex of this.placed.devices) {
      for (const [hook, { link }] of this.placed.at(ifindex)) {
        isWhole = this.placed.renew(ifindex, hook, this.#programFor(hook)) && isWhole;
        if (link === null && this.#hasTcx) this.#exchangeFilter(ifindex, hook);
      }
    }
    return isWhole;
  }

  /** A link in place of a filter, which goes once that stands; where none can be had the filter stays. */
  #exchangeFilter(ifindex: number, hook: Hook): void {
    const direction = directionOf(hook);
    const program = this.#programFor(hook);
    try {
      this.placed.pin(ifindex, hook, program.attachTcx({ ifindex, direction, first: true }), program);
      native().detachTc({ ifindex, direction, ...filter });
    } catch {
      // It judges on, at worst beside the link.
    }
  }

  /** Kernel's ids of Ringwall's own programs. */
  get programIds(): ReadonlySet<number> {
    return new Set(Object.values(this.#programs).map(({ id }) => id));
  }

  /**
   * Puts a guest's programs on its device: what reaches it first, then what it sends. What stands already is
   * left, and so is on a failure what this call attached: `undo` takes it away, once the device is shut.
   */
  attachGuest(link: LinkInfo, choice: AttachChoice): AttachResult {
    const before = new Set(this.placed.at(link.ifindex).map(([hook]) => hook));
    try {
      this.#attachTc(link.ifindex, "egress");
      this.#attachTc(link.ifindex, "ingress");
      const mode = this.#attachXdp(link, choice);
      this.placed.complete(link.ifindex);
      return { done: true, mode };
    } catch (error) {
      this.placed.lack(link.ifindex);
      return { done: false, problem: errorText(error), undo: () => this.#undo(link.ifindex, before) };
    }
  }

  #attachXdp(link: LinkInfo, choice: AttachChoice): AttachMode {
    const present = this.describe(link.ifindex).mode;
    if (present === "native" || present === "generic") {
      // One that was retired, and took its program after all, has lost it.
      this.#marks.set(link.ifindex);
      return present;
    }
    this.placed.makeRoom(link.ifindex);
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
    this.placed.makeRoom(link.ifindex);
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
    return uplinkModes.find((mode) => this.placed.hasHook(ifindex, `uplink-${mode}`)) ?? null;
  }

  /** Whether an uplink's program stands there, or did until something failed. */
  isUplink(ifindex: number): boolean {
    return uplinkModes.some((mode) => this.placed.holds(ifindex, `uplink-${mode}`));
  }

  /** Whether a guest's program does. */
  isGuest(ifindex: number): boolean {
    return this.placed.at(ifindex).some(([hook]) => !hook.startsWith("uplink-"));
  }

  /** Takes an uplink's program off; a guest's stay. */
  detachUplink(ifindex: number): void {
    for (const mode of uplinkModes) this.placed.detach(ifindex, `uplink-${mode}`);
  }

  #programFor(hook: Hook): BpfProgram {
    const name = programOf[hook];
    const program = this.#programs[name];
    if (program === undefined)
      throw new Error(`the kernel programs have no ${name}: install the package again`);
    return program;
  }

  #addXdp(ifindex: number, hook: Hook, mode: "native" | "generic"): void {
    const program = this.#programFor(hook);
    this.placed.pin(ifindex, hook, program.attachXdp({ ifindex, mode }), program);
  }

  #attachTc(ifindex: number, direction: "ingress" | "egress"): void {
    const hook: Hook = `tc-${direction}`;
    if (this.placed.hasHook(ifindex, hook)) return;
    const program = this.#programFor(hook);
    if (this.#hasTcx) {
      // One before it could let frames pass unjudged.
      this.placed.pin(ifindex, hook, program.attachTcx({ ifindex, direction, first: true }), program);
    } else {
      program.attachTc({ ifindex, direction, ...filter });
      this.placed.keep(ifindex, hook, { link: null, program, found: null });
    }
  }

  describe(ifindex: number): Attached {
    return describeAttached(
      (hook) => this.placed.hasHook(ifindex, hook),
      (hook) => this.#programFor(hook).id,
    );
  }

  /** Takes the programs off a device: it is open from then on. */
  detach(ifindex: number): void {
    this.#undo(ifindex, new Set());
  }

  #undo(ifindex: number, keep: ReadonlySet<Hook>): void {
    for (const [hook] of this.placed.at(ifindex)) if (!keep.has(hook)) this.placed.detach(ifindex, hook);
  }

  /** Marks that are others than the devices were given. */
  findMarks(): readonly Finding[] {
    return this.#marks.find();
  }
}
