/**
 * A change that the kernel takes back at a deadline unless it is kept. All of it lies in pinned maps
 * (bpf/confirm.bpf.c), so it goes on when the agent is killed, and the next agent finds it.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deviceEntry } from "./confirm-entries.ts";
import { EnforcementError, errorText } from "./errors.ts";
import { ConfirmEntryStruct, ConfirmKind, ConfirmPlace, ConfirmState, Limit } from "./layout.gen.ts";
import { indexKey, indexKeys, joinBytes, unpackWord } from "./maps.ts";
import { type BpfMap, type BpfObject, native } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import { removePin } from "./pins.ts";
import { journalSlot } from "./state.ts";

/** `waiting`: the deadline is to come. The others are what was decided, by whomever. */
export type ConfirmationState = "waiting" | "reverted" | "kept";
export type Decision = "keep" | "undo";

/** Where a confirmation lies. */
export interface ConfirmPlaces {
  /** The object file of the programs that judge; that of confirm.bpf.c stands beside it. */
  readonly object: string;
  /** Directory of the maps' pins. */
  readonly pins: string;
  readonly maps: Pick<ObjectMaps, "devices" | "devicesFar" | "identities" | "slots">;
}

/** rw_confirm is the last to go: its pin says that there is a confirmation. */
const mapNames = ["rw_confirm_time", "rw_confirm_list", "rw_confirm"] as const;
/** Words that a change may switch; the rest is for devices in use that it leaves alone, and those that come while it waits. */
const wordsAtMost = Limit.CONFIRM_ENTRIES_MAX - 4096;
const decisions = { keep: "confirm_keep", undo: "confirm_undo" } as const;
const frame = new Uint8Array(64);

export class Confirmation {
  readonly #places: ConfirmPlaces;
  readonly #words: BpfMap;
  readonly #list: BpfMap;
  /** ifindex -> its place in the list, and the record that it goes back to. */
  readonly #devices = new Map<number, { readonly place: number; readonly before: number }>();

  private constructor(places: ConfirmPlaces, words: BpfMap, list: BpfMap) {
    this.#places = places;
    this.#words = words;
    this.#list = list;
  }

  /**
   * Brings a change into force, whose writes are all there, and starts the time after which the kernel takes it
   * back. Throws EnforcementError with nothing switched, where this kernel cannot do that, too.
   */
  static begin(places: ConfirmPlaces, entries: readonly ConfirmEntryStruct[], seconds: number): Confirmation {
    if (entries.length > wordsAtMost) throw tooMany(entries.length);
    removePins(places.pins);
    const object = load(places);
    try {
      const confirmation = new Confirmation(places, object.map("rw_confirm"), object.map("rw_confirm_list"));
      confirmation.#write(entries, seconds);
      const errno = run(object, "confirm_begin");
      if (errno !== 0) throw new EnforcementError("KERNEL", `${cannot}: errno ${errno}`);
      return confirmation;
    } catch (error) {
      removePins(places.pins);
      throw error instanceof EnforcementError
        ? error
        : new EnforcementError("KERNEL", `${cannot} (${errorText(error)})`, { cause: error });
    } finally {
      object.close();
    }
  }

  /** What an earlier agent left; null: nothing. One that never began is taken away. */
  static find(places: ConfirmPlaces): Confirmation | null {
    if (!existsSync(join(places.pins, "rw_confirm"))) return null;
    const open = (name: string) => native().BpfMap.openPinned(join(places.pins, name));
    const words = open("rw_confirm");
    const begun = words.load64(ConfirmPlace.CONFIRM_STATE) !== BigInt(ConfirmState.CONFIRM_NONE);
    if (!begun || !existsSync(join(places.pins, "rw_confirm_list"))) {
      words.close();
      removePins(places.pins);
      return null;
    }
    const found = new Confirmation(places, words, open("rw_confirm_list"));
    found.#readDevices();
    return found;
  }

  #write(entries: readonly ConfirmEntryStruct[], seconds: number): void {
    const values = joinBytes(entries.map((entry) => ConfirmEntryStruct.encode(entry)));
    this.#list.setBatch(indexKeys(0, entries.length), values, entries.length);
    this.#words.store64(ConfirmPlace.CONFIRM_SPAN, BigInt(Math.round(seconds * 1e9)));
    this.#words.store64(ConfirmPlace.CONFIRM_COUNT, BigInt(entries.length));
    for (const [place, { kind, index, before }] of entries.entries()) {
      if (kind === ConfirmKind.CONFIRM_DEVICE) this.#devices.set(index, { place, before: Number(before) });
    }
  }

  #readDevices(): void {
    for (const [place, { kind, index, before }] of this.#entries().entries()) {
      if (kind === ConfirmKind.CONFIRM_DEVICE) this.#devices.set(index, { place, before: Number(before) });
    }
  }

  #entries(): readonly ConfirmEntryStruct[] {
    const count = Number(this.#words.load64(ConfirmPlace.CONFIRM_COUNT));
    return Array.from({ length: count }, (_, place) => {
      const bytes = this.#list.get(indexKey(place));
      if (bytes === undefined) throw tooMany(count);
      return ConfirmEntryStruct.decode(bytes);
    });
  }

  /** The journal's generation before the change. */
  get generationBefore(): number {
    const journal = this.#entries().find(
      ({ kind, index }) => kind === ConfirmKind.CONFIRM_SLOT && index === journalSlot,
    );
    return journal === undefined ? 0 : unpackWord(journal.before).high;
  }

  get state(): ConfirmationState {
    switch (Number(this.#words.load64(ConfirmPlace.CONFIRM_STATE))) {
      case ConfirmState.CONFIRM_REVERTED:
        return "reverted";
      case ConfirmState.CONFIRM_KEPT:
        return "kept";
      default:
        return "waiting";
    }
  }

  /** When the kernel takes the change back, seconds on the boot clock (/proc/uptime). */
  get deadline_seconds(): number {
    return Number(this.#words.load64(ConfirmPlace.CONFIRM_DEADLINE)) / 1e9;
  }

  /**
   * Says to which record each device goes back that came into use while the change waits; before its word names a
   * record of the change. One that goes meanwhile is passed over by the kernel, and leaves its place to others. `devices`:
   * all that have a word, or get one.
   */
  follow(devices: ReadonlyMap<number, number>): void {
    for (const [ifindex, before] of devices) {
      const known = this.#devices.get(ifindex);
      if (known?.before === before) continue;
      const count = Number(this.#words.load64(ConfirmPlace.CONFIRM_COUNT));
      const place =
        known?.place ?? (count < Limit.CONFIRM_ENTRIES_MAX ? count : this.#takePlace(devices, before));
      this.#put(place, ifindex, before);
      if (place === count) this.#words.store64(ConfirmPlace.CONFIRM_COUNT, BigInt(count + 1));
      this.#devices.set(ifindex, { place, before });
    }
  }

  #put(place: number, ifindex: number, before: number): void {
    this.#list.set(indexKey(place), ConfirmEntryStruct.encode(deviceEntry(ifindex, before, before)));
  }

  /** The place of a device that is gone. Its record goes first: the kernel may read an entry while it is written. */
  #takePlace(used: ReadonlyMap<number, number>, before: number): number {
    for (const [ifindex, { place }] of this.#devices) {
      if (used.has(ifindex)) continue;
      this.#devices.delete(ifindex);
      this.#put(place, ifindex, before);
      return place;
    }
    throw tooMany(Limit.CONFIRM_ENTRIES_MAX + 1);
  }

  /** Decides now, where nobody has yet. Settles with what was decided, when that is done. */
  async decide(decision: Decision): Promise<Exclude<ConfirmationState, "waiting">> {
    if (this.state === "waiting") {
      const object = load(this.#places);
      try {
        run(object, decisions[decision]);
      } finally {
        object.close();
      }
    }
    // The timer may be at it on another CPU this moment.
    for (;;) {
      const { state } = this;
      if (state !== "waiting") return state;
      await sleep(1);
    }
  }

  /** Nothing has to be remembered any more. */
  remove(): void {
    removePins(this.#places.pins);
    this.close();
  }

  /** Lets go of the handles; the kernel goes on. */
  close(): void {
    this.#words.close();
    this.#list.close();
  }
}

const cannot =
  "this kernel cannot take a change back by itself, so it was not made: apply it without --confirm";

function tooMany(count: number): EnforcementError {
  return new EnforcementError(
    "CAPACITY",
    `the change switches ${count} words, and the kernel takes back ${wordsAtMost} at most: apply it without --confirm, or in parts`,
  );
}

/** The object file that takes changes back, by that of the programs that judge. */
export function confirmObject(object: string): string {
  return join(dirname(object), "confirm.bpf.o");
}

/** Maps that are pinned are used, the others are made and pinned. */
function load({ object, pins, maps }: ConfirmPlaces): BpfObject {
  const path = confirmObject(object);
  const sizes = [maps.devices, maps.devicesFar, maps.identities, maps.slots].map(({ info }) => info);
  try {
    return native().BpfObject.load({
      path,
      pinRoot: pins,
      maxEntries: Object.fromEntries(sizes.map(({ name, maxEntries }) => [name, maxEntries])),
    });
  } catch (error) {
    throw new EnforcementError("KERNEL", `${cannot} (${errorText(error)})`, { cause: error });
  }
}

function run(object: BpfObject, name: string): number {
  const program = object.program(name);
  try {
    return program.testRun({ data: frame }).retval;
  } finally {
    program.close();
  }
}

function removePins(pins: string): void {
  for (const name of mapNames) removePin(join(pins, name));
}
