/** Numbers of a seed (mulberry32), for generators that make millions: a run can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
    this.#next();
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `end` - 1; `end` at most 2^32. */
  below(end: number): number {
    return Math.floor((this.#next() / 0x100000000) * end);
  }

  /** A whole number from `first` to `last`, both in. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new RangeError("there is nothing to pick from");
    return picked;
  }

  /** So many different ones of a list, in its order; all where it has no more. */
  some<T>(list: readonly T[], count: number): T[] {
    const places = new Set<number>();
    while (places.size < Math.min(count, list.length)) places.add(this.below(list.length));
    return list.filter((_, place) => places.has(place));
  }

  /** A number of so many bits; at most 128. */
  bits(width: number): bigint {
    let bits = 0n;
    for (let word = 0; word < 4; word++) bits = (bits << 32n) | BigInt(this.#next());
    return bits & ((1n << BigInt(width)) - 1n);
  }
}
