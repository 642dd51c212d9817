import { EnforcementError } from "./errors.ts";

interface Gap {
  readonly start: number;
  readonly count: number;
}

/** Places of one map, given out in runs: first fit, freed runs join their neighbours. */
export class Ranges {
  readonly #map: string;
  readonly #capacity: number;
  #gaps: Gap[];

  /** `first`: the lowest place to give out (places below are reserved). */
  constructor(map: string, capacity: number, first = 0) {
    this.#map = map;
    this.#capacity = capacity;
    this.#gaps = capacity > first ? [{ start: first, count: capacity - first }] : [];
  }

  get free(): number {
    return this.#gaps.reduce((sum, gap) => sum + gap.count, 0);
  }

  /** First place of a run; throws CAPACITY when no run is long enough. A run of 0 is place 0. */
  take(count: number): number {
    if (count === 0) return 0;
    const index = this.#gaps.findIndex((gap) => gap.count >= count);
    const gap = this.#gaps[index];
    if (gap === undefined) {
      throw new EnforcementError(
        "CAPACITY",
        `${this.#map} is full: ${count} places in a row are wanted, ${this.free} of ${this.#capacity} are free; use fewer groups, rules or interfaces on this host`,
      );
    }
    const rest = gap.count - count;
    this.#gaps.splice(index, 1, ...(rest > 0 ? [{ start: gap.start + count, count: rest }] : []));
    return gap.start;
  }

  /** Takes a given run; false when part of it is taken already or outside. */
  reserve(start: number, count: number): boolean {
    if (count === 0) return true;
    const index = this.#gaps.findIndex((gap) => gap.start <= start && start + count <= gap.start + gap.count);
    const gap = this.#gaps[index];
    if (gap === undefined) return false;
    const parts = [
      { start: gap.start, count: start - gap.start },
      { start: start + count, count: gap.start + gap.count - start - count },
    ];
    this.#gaps.splice(index, 1, ...parts.filter((part) => part.count > 0));
    return true;
  }

  /** Gives a run back. The caller took it before. */
  release(start: number, count: number): void {
    if (count === 0) return;
    let index = this.#gaps.findIndex((gap) => gap.start > start);
    if (index < 0) index = this.#gaps.length;
    const before = this.#gaps[index - 1];
    const after = this.#gaps[index];
    const joinsBefore = before !== undefined && before.start + before.count === start;
    const joinsAfter = after !== undefined && start + count === after.start;
    const joined: Gap = {
      start: joinsBefore ? before.start : start,
      count: count + (joinsBefore ? before.count : 0) + (joinsAfter ? after.count : 0),
    };
    const from = index - (joinsBefore ? 1 : 0);
    this.#gaps.splice(from, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), joined);
  }
}
