/** The devices of this host, followed by netlink; listed anew where events were lost. */
import { errorText } from "./errors.ts";
import { readLinks } from "./host-facts.ts";
import { type LinkEvent, type LinkInfo, type LinkMonitor, native } from "./native.ts";

export class LinkWatch {
  readonly #onChange: () => void;
  #links = new Map<number, LinkInfo>();
  /** Devices of which something was told since they were taken; null: something was lost, so it may be any. */
  #told: Set<number> | null = new Set();
  #monitor: LinkMonitor | null = null;
  /** Why devices are not listed anew though events were lost; null: none were, or they are. */
  #blindness: string | null = null;

  /** `onChange`: a device came, went, got another name or XDP program, went up, or to another bridge. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Listens first and lists then: a device that comes in between is in both. */
  start(): void {
    this.#monitor = new (native().LinkMonitor)((event) => this.#take(event));
    this.#links = readLinks();
  }

  /**
   * The devices that are known and still there under their names, and which XDP programs stand on them: of those attached
   * by a link no event tells.
   */
  readPresent(): ReadonlyMap<number, LinkInfo> {
    const present = new Map<number, LinkInfo>();
    for (const [ifindex, { name, xdp }] of readLinks()) {
      const known = this.#links.get(ifindex);
      if (known?.name !== name) continue;
      const link = { ...known, xdp };
      if (known.xdp !== xdp) this.#links.set(ifindex, link);
      present.set(ifindex, link);
    }
    return present;
  }

  get links(): ReadonlyMap<number, LinkInfo> {
    return this.#links;
  }

  /** Devices of which something was told since the last call; null: it may be any. */
  takeTold(): ReadonlySet<number> | null {
    const told = this.#told;
    this.#told = new Set();
    return told;
  }

  #take(event: LinkEvent): void {
    switch (event.type) {
      case "new": {
        const before = this.#links.get(event.link.ifindex);
        this.#told?.add(event.link.ifindex);
        this.#links.set(event.link.ifindex, event.link);
        const rises = event.link.up && before?.up !== true;
        const moves = before?.master !== event.link.master;
        const isOther = before?.name !== event.link.name || before.xdp !== event.link.xdp;
        if (isOther || rises || moves) this.#onChange();
        return;
      }
      case "gone":
        if (this.#links.delete(event.ifindex)) this.#onChange();
        return;
      case "overrun":
        this.#told = null;
        this.#relist();
        this.#onChange();
        return;
      default: {
        const unknown: never = event;
        throw new Error(`link event ${JSON.stringify(unknown)}`);
      }
    }
  }

  /** As a sentence, where devices may be here of which nothing is known; null: there are none. */
  get blindness(): string | null {
    return this.#blindness;
  }

  /** Lists devices anew where that failed when events were lost; true where they are known now. Never throws. */
  recover(): boolean {
    if (this.#blindness === null) return false;
    this.#relist();
    return this.#blindness === null;
  }

  /** While devices come and go all the time a list of them may be disturbed each time. */
  #relist(): void {
    try {
      this.#links = readLinks();
      this.#blindness = null;
    } catch (error) {
      this.#blindness = `the kernel lost word of devices, and they cannot be listed: ${errorText(error)}`;
    }
  }

  close(): void {
    this.#monitor?.close();
    this.#monitor = null;
  }
}
