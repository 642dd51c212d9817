/**
 * Hits of observing groups, added up: bounded for each interface and in all. What is older than the longest window is shown no
 * more, and gives way to others; till then it stays, since a clock that jumped ahead may come back.
 */
import * as z from "zod";
import { longestWindow } from "./bounds.ts";
import { type ObservedHit, observedHit, type UnlistedHits } from "./observed-reply.ts";
import type { EventLine } from "./protocol.ts";

/** Rows of one interface: a guest that is scanned takes nothing from its neighbours. */
const rowsPerInterface = 256;
const rowsInAll = 8192;

const tally = z.object({
  /** The kernel's counter when counting began, and when that was (ms since 1970). */
  base: z.number(),
  since: z.number(),
  /** Packets since then that are in a row, or were. */
  listed: z.number(),
  /** Packets since then that are in none, and when there last was one more. */
  unlisted: z.number(),
  last: z.number(),
});
type Tally = z.infer<typeof tally>;

/** What is kept over a restart of the agent. */
export const savedTable = z.object({
  hits: z.array(observedHit),
  tallies: z.array(z.tuple([z.string(), tally])),
  /** Groups that observe, and since when. */
  groups: z.array(z.tuple([z.string(), z.string()])),
});
export type SavedTable = z.infer<typeof savedTable>;

/** What is told of a packet where it begins a row. */
export type HitOrigin = Pick<ObservedHit, "observer" | "groups" | "rule">;

/** An event of an interface that the model has, passed as `observed`. */
export type ObservedEvent = EventLine & { readonly interface: string };

/** A row's packets. Of what has no addresses (ARP and its like), the MAC that sent it is the peer. */
function begin(event: ObservedEvent, origin: HitOrigin): ObservedHit {
  const { interface: id, direction, protocol, destinationPort: port, sourcePort, icmpType, icmpCode } = event;
  const [local, remote] =
    direction === "egress" ? [event.source, event.destination] : [event.destination, event.source];
  const packet = { protocol, local, remote: remote ?? event.sourceMac, port, sourcePort, icmpType, icmpCode };
  return { interface: id, direction, ...origin, ...packet, times: 0, first: event.time, last: event.time };
}

/** One row a peer and service, whatever the source port. */
function keyOf({ interface: id, direction, protocol, local, remote, ...hit }: ObservedHit): string {
  return [id, direction, protocol, local, remote, hit.port, hit.icmpType, hit.icmpCode].join(" ");
}

const unknown: HitOrigin = { observer: "groups", groups: [], rule: null };

export class ObservedTable {
  readonly #rows = new Map<string, ObservedHit>();
  readonly #rowsOf = new Map<string, number>();
  readonly #tallies = new Map<string, Tally>();

  /** `describe` is asked where the packet begins a row. */
  add(event: ObservedEvent, describe: (packet: ObservedHit) => HitOrigin): void {
    const fresh = begin(event, unknown);
    const key = keyOf(fresh);
    const row = this.#rows.get(key) ?? this.#begin(key, fresh, describe);
    if (row === null) return;
    row.times++;
    row.sourcePort = event.sourcePort;
    if (event.time > row.last) row.last = event.time;
    const tally = this.#tallies.get(event.interface);
    if (tally !== undefined && Date.parse(event.time) >= tally.since) tally.listed++;
  }

  #begin(key: string, fresh: ObservedHit, describe: (packet: ObservedHit) => HitOrigin): ObservedHit | null {
    if (!this.#makeRoom(fresh)) return null;
    const row = { ...fresh, ...describe(fresh) };
    this.#rows.set(key, row);
    this.#rowsOf.set(fresh.interface, (this.#rowsOf.get(fresh.interface) ?? 0) + 1);
    return row;
  }

  /** False where all rows that this one could take the place of are too young for that. */
  #makeRoom({ interface: id, last }: ObservedHit): boolean {
    const isOwnFull = (this.#rowsOf.get(id) ?? 0) >= rowsPerInterface;
    if (!isOwnFull && this.#rows.size < rowsInAll) return true;
    const oldest = new Date(Date.parse(last) - longestWindow * 1000).toISOString();
    for (const [key, row] of this.#rows) {
      if (row.last >= oldest || (isOwnFull && row.interface !== id)) continue;
      this.#drop(key, row);
      return true;
    }
    return false;
  }

  #drop(key: string, { interface: id }: ObservedHit): void {
    this.#rows.delete(key);
    this.#rowsOf.set(id, (this.#rowsOf.get(id) ?? 1) - 1);
  }

  /**
   * Compares with the kernel's counters of observed packets: what was counted and is in no row is unlisted.
   * A counter that went back is another's: the maps were made anew.
   */
  compare(counters: ReadonlyMap<string, number>, now: number): void {
    for (const [id, packets] of counters) {
      const known = this.#tallies.get(id);
      if (known === undefined || packets < known.base) {
        this.#tallies.set(id, { base: packets, since: now, listed: 0, unlisted: 0, last: 0 });
        continue;
      }
      const unlisted = Math.max(0, packets - known.base - known.listed);
      if (unlisted > known.unlisted) known.last = now;
      known.unlisted = unlisted;
    }
  }

  /** Forgets interfaces that are no more. */
  retain(interfaces: ReadonlySet<string>): void {
    for (const [key, row] of this.#rows) if (!interfaces.has(row.interface)) this.#drop(key, row);
    for (const id of this.#tallies.keys()) if (!interfaces.has(id)) this.#tallies.delete(id);
  }

  /** The latest first. */
  hits(since: number): readonly ObservedHit[] {
    const oldest = new Date(since).toISOString();
    return [...this.#rows.values()]
      .filter(({ last }) => last >= oldest)
      .sort((a, b) => (a.last < b.last ? 1 : a.last > b.last ? -1 : 0));
  }

  unlisted(since: number): readonly UnlistedHits[] {
    return [...this.#tallies]
      .filter(([, { unlisted, last }]) => unlisted > 0 && last >= since)
      .map(([id, { unlisted, last }]) => ({
        interface: id,
        packets: unlisted,
        last: new Date(last).toISOString(),
      }));
  }

  save(): Pick<SavedTable, "hits" | "tallies"> {
    return { hits: [...this.#rows.values()], tallies: [...this.#tallies] };
  }

  load({ hits, tallies }: Pick<SavedTable, "hits" | "tallies">): void {
    for (const hit of hits) {
      this.#rows.set(keyOf(hit), { ...hit });
      this.#rowsOf.set(hit.interface, (this.#rowsOf.get(hit.interface) ?? 0) + 1);
    }
    for (const [id, one] of tallies) this.#tallies.set(id, { ...one });
  }
}
