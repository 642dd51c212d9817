/**
 * The look of each second at the devices: do our programs still stand on them, and nobody else's before? A survey of
 * all links in one read tells whether anything is otherwise than at the last whole look; only then is each device asked.
 */
import type { GuestDevices } from "./devices.ts";
import type { LinkWatch } from "./link-watch.ts";
import type { Losses, PlacedPrograms } from "./placed.ts";
import type { Survey } from "./survey.ts";

/** What a look found. */
export interface Look extends Losses {
  /** A device has other foreign programs before ours than were known. */
  readonly isOther: boolean;
}

const nothing: Look = { detached: 0, replaced: 0, isOther: false };

type Programs = Pick<PlacedPrograms, "mendLost" | "isComplete" | "describeForeign" | "readFilters">;
type Guests = Pick<GuestDevices, "bindings" | "foreignOf">;

export class DeviceLook {
  readonly #placed: Programs;
  readonly #guests: Guests;
  readonly #watch: Pick<LinkWatch, "readPresent">;
  readonly #survey: Pick<Survey, "links">;
  /** The survey before the last whole look, where that found nothing amiss. */
  #settled: Buffer | null = null;

  constructor(
    placed: Programs,
    guests: Guests,
    watch: Pick<LinkWatch, "readPresent">,
    survey: Pick<Survey, "links">,
  ) {
    this.#placed = placed;
    this.#guests = guests;
    this.#watch = watch;
    this.#survey = survey;
  }

  /** Throws where the kernel cannot be asked. */
  look(): Look {
    const seen = this.#readSurvey();
    if (seen !== null && this.#settled?.equals(seen) === true) return nothing;
    const found = this.#lookAtEach();
    const isAmiss = found.detached > 0 || found.replaced > 0 || found.isOther;
    this.#settled = isAmiss ? null : seen;
    return found;
  }

  #readSurvey(): Buffer | null {
    const links = this.#survey.links();
    if (links === null) return null;
    const filters = this.#placed.readFilters();
    return Buffer.concat([links, new Uint8Array(filters.buffer)]);
  }

  #lookAtEach(): Look {
    const readDevices = () => this.#watch.readPresent();
    const devices = readDevices();
    const losses = this.#placed.mendLost(devices, readDevices);
    const isOther = [...this.#guests.bindings.keys()].some((ifindex) => {
      const link = devices.get(ifindex);
      if (link === undefined || !this.#placed.isComplete(ifindex)) return false;
      return this.#placed.describeForeign(link) !== this.#guests.foreignOf(ifindex);
    });
    return { ...losses, isOther };
  }
}
