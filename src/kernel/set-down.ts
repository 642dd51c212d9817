/**
 * Devices that were up, and were set down because nothing could be put on them. Each is up again once it is protected,
 * or is to be open, also where the agent that set it down was killed meanwhile: the store has it before it goes down, and
 * until it is up.
 */
import { errorCode, errorText } from "./errors.ts";
import { type LinkInfo, native } from "./native.ts";

/** What a device is known by to an agent that did not see it set down. */
export type SetDownDevice = Pick<LinkInfo, "ifindex" | "name" | "mac">;

/** Where they outlive the agent. It returns when that is done: a device stays up meanwhile. */
export interface SetDownStore {
  /** What an earlier agent wrote since the machine started; nothing where that cannot be understood. */
  read(): readonly SetDownDevice[];
  /** In place of what was written before, at once or not at all; throws where it cannot. */
  write(devices: readonly SetDownDevice[]): void;
}

/** Whether that changed it (native's). */
type SetLinkUp = (ifindex: number, up: boolean) => boolean;

export class SetDownDevices {
  readonly #store: SetDownStore | null;
  readonly #setLinkUp: SetLinkUp;
  /** By ifindex. */
  readonly #devices: Map<number, SetDownDevice>;
  /** An earlier agent's have not been held against the devices that are there. */
  #isInherited = true;
  /** Why the store has something else; null: it has these. */
  #unkept: string | null = null;

  /** `store`: null where they are to end with the agent. */
  constructor(
    store: SetDownStore | null,
    setLinkUp: SetLinkUp = (ifindex, up) => native().setLinkUp(ifindex, up),
  ) {
    this.#store = store;
    this.#setLinkUp = setLinkUp;
    this.#devices = new Map(store?.read().map((device) => [device.ifindex, device]));
  }

  /** Sets a device down; says what was done, and what could not be, in `status`'s words. */
  lower(link: LinkInfo): { readonly isDown: boolean; readonly said: string } {
    const { ifindex } = link;
    const wasKnown = this.#devices.has(ifindex);
    // Before: an agent that is killed behind it leaves a device down of which the next one knows.
    if (link.up) this.#add(link);
    try {
      // What the list said of it is older: it may have come up since, or gone down.
      if (this.#setLinkUp(ifindex, false)) this.#add(link);
      else if (!wasKnown) this.#remove(ifindex);
    } catch (error) {
      if (!wasKnown) this.#remove(ifindex);
      return { isDown: false, said: `and the device could not be set down: ${errorText(error)}` };
    }
    const done = "the device was set down (onFailure: closed)";
    if (this.#unkept === null || !this.#devices.has(ifindex)) return { isDown: true, said: done };
    const until = "and stays down if the agent ends before it is set up again";
    return { isDown: true, said: `${done}, ${until}: ${this.#unkept}` };
  }

  /** Sets a device up if it is one of these. Throws where the kernel refuses; it is one of them still. */
  raise(ifindex: number): void {
    if (!this.#devices.has(ifindex)) return;
    this.#setLinkUp(ifindex, true);
    this.#remove(ifindex);
  }

  /** Sets all of them up that are there; says of which the kernel refused it, and why: those are of them still. */
  raiseAll(links: ReadonlyMap<number, LinkInfo>): readonly string[] {
    this.follow(links);
    return [...this.#devices.values()].flatMap(({ ifindex, name }) => {
      try {
        this.raise(ifindex);
        return [];
      } catch (error) {
        if (errorCode(error) !== "ENODEV")
          return [`${name} was set down, and could not be set up again: ${errorText(error)}`];
        // It went meanwhile.
        this.#remove(ifindex);
        return [];
      }
    });
  }

  /** Forgets those that are gone. `links`: the devices of this host. */
  follow(links: ReadonlyMap<number, LinkInfo>): void {
    let isOther = this.#unkept !== null;
    for (const [ifindex, device] of this.#devices) {
      const link = links.get(ifindex);
      if (link?.name === device.name && link.mac === device.mac) continue;
      // To an agent that watches, a device goes by its number; since an earlier one that may be another's.
      if (link === undefined || this.#isInherited) this.#devices.delete(ifindex);
      else this.#devices.set(ifindex, identify(link));
      isOther = true;
    }
    this.#isInherited = false;
    if (isOther) this.#keep();
  }

  /** Those that are not up again, by ifindex. */
  get devices(): readonly number[] {
    return [...this.#devices.keys()];
  }

  #add(link: LinkInfo): void {
    if (this.#devices.has(link.ifindex)) return;
    this.#devices.set(link.ifindex, identify(link));
    this.#keep();
  }

  #remove(ifindex: number): void {
    if (this.#devices.delete(ifindex)) this.#keep();
  }

  /** A store that cannot be written keeps no device up, and none down: it is tried again with the next look. */
  #keep(): void {
    try {
      this.#store?.write([...this.#devices.values()]);
      this.#unkept = null;
    } catch (error) {
      this.#unkept = errorText(error);
    }
  }
}

function identify({ ifindex, name, mac }: LinkInfo): SetDownDevice {
  return { ifindex, name, mac };
}
