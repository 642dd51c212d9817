/**
 * The look of each second at the devices: do our programs still stand on them, and nobody else's before? A survey of
 * all devices in one call tells at which something stands otherwise than at the last look, and those are asked. In parts, since a device that has just come waits for its programs meanwhile.
 */
import { findChanged } from "./device-rows.ts";
import type { GuestDevices } from "./devices.ts";
import type { LinkWatch } from "./link-watch.ts";
import type { Losses, PlacedPrograms } from "./placed.ts";
import type { Survey } from "./survey.ts";

/** What a look found. */
export interface Look extends Losses {
  /** Devices that have other foreign programs before ours than were known. */
  readonly others: readonly number[];
}

const nothing: Look = { detached: 0, replaced: 0, others: [] };

/** Parts of a whole look: more often than this it lets nobody go first, whatever is told meanwhile. */
const mostParts = 16;

type Programs = Pick<
  PlacedPrograms,
  "devices" | "mendLost" | "isComplete" | "describeForeign" | "readFilters"
>;
type Watch = Pick<LinkWatch, "links" | "readPresent">;
type Guests = Pick<GuestDevices, "bindings" | "foreignOf">;

/** What stood on devices at one moment. */
interface Seen {
  /** The survey's. */
  readonly rows: Uint8Array;
  readonly filters: Uint32Array;
}

export class DeviceLook {
  readonly #placed: Programs;
  readonly #guests: Guests;
  readonly #watch: Watch;
  readonly #survey: Pick<Survey, "devices">;
  /** The survey before the last look, where that found nothing amiss. */
  #settled: Seen | null = null;

  constructor(placed: Programs, guests: Guests, watch: Watch, survey: Pick<Survey, "devices">) {
    this.#placed = placed;
    this.#guests = guests;
    this.#watch = watch;
    this.#survey = survey;
  }

  /**
   * Others may do anything at a `yield`: each device is judged by what it is when its turn comes, and what changes after
   * the survey makes the next one another. Throws where the kernel cannot be asked.
   */
  *look(): Generator<void, Look> {
    const rows = this.#survey.devices();
    const seen = rows === null ? null : { rows, filters: this.#placed.readFilters() };
    if (seen !== null && this.#settled !== null && isSame(this.#settled, seen)) return nothing;
    yield;
    const found = yield* this.#lookAtEach(seen === null ? null : this.#findOthers(seen));
    this.#settled = isAmiss(found) ? null : seen;
    return found;
  }

  /** The devices at which something stands otherwise than it was settled; null: it may be any. */
  #findOthers(seen: Seen): ReadonlySet<number> | null {
    if (this.#settled === null || seen.filters.length > 0) return null;
    return findChanged(this.#settled.rows, seen.rows);
  }

  /** Once something is amiss the rest follows at once: a guest is open until it is put right. `only`: null: each device. */
  *#lookAtEach(only: ReadonlySet<number> | null): Generator<void, Look> {
    const present = this.#watch.readPresent();
    const left = [...new Set([...this.#placed.devices, ...this.#guests.bindings.keys()])].filter(
      (ifindex) => present.has(ifindex) && (only === null || only.has(ifindex)),
    );
    const part = Math.ceil(left.length / mostParts);
    let found = nothing;
    while (left.length > 0) {
      if (!isAmiss(found)) yield;
      const next = this.#lookAt(left.splice(0, isAmiss(found) ? left.length : part));
      found = {
        detached: found.detached + next.detached,
        replaced: found.replaced + next.replaced,
        others: [...found.others, ...next.others],
      };
    }
    return found;
  }

  #lookAt(devices: readonly number[]): Look {
    const losses = this.#placed.mendLost(devices, () => this.#watch.readPresent());
    const others = devices.filter((ifindex) => {
      const link = this.#watch.links.get(ifindex);
      if (link === undefined || !this.#guests.bindings.has(ifindex)) return false;
      if (!this.#placed.isComplete(ifindex)) return false;
      return this.#placed.describeForeign(link) !== this.#guests.foreignOf(ifindex);
    });
    return { ...losses, others };
  }
}

function isSame(before: Seen, now: Seen): boolean {
  return Buffer.compare(before.rows, now.rows) === 0 && before.filters.join() === now.filters.join();
}

/** Whether something has to be put right. */
export function isAmiss({ detached, replaced, others }: Look): boolean {
  return detached > 0 || replaced > 0 || others.length > 0;
}
