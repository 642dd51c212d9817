/**
 * Which sessions of an interface were told already. One that is proven while its tables are read one after the other stands
 * in the copies of two of them, and one that is renewed may stand twice in one. It holds the keys' bytes as they were read,
 * no copy of each, and 8 to 16 bytes beside; guests choose their ports and addresses, so it is hashed with random words.
 */
import { randomBytes } from "node:crypto";
import { SessionKeyStruct } from "./layout.gen.ts";

const wordsPerKey = SessionKeyStruct.SIZE / 4;

/** Odd, so that no bit of what is multiplied is lost. */
const oddOf = (word: number) => word | 1;

export class ShownKeys {
  readonly #first: number;
  readonly #factors: Int32Array;
  /** The keys that were added stand in these, in the order in which they were brought. */
  readonly #tables: { readonly words: Uint32Array; readonly first: number }[] = [];
  /** 1 + the number of a key, counted over all tables; 0: none. As many as a power of two. */
  #slots = new Int32Array(2);
  #brought = 0;

  constructor() {
    const [first = 0, ...factors] = new Int32Array(new Uint8Array(randomBytes((1 + wordsPerKey) * 4)).buffer);
    this.#first = first;
    this.#factors = Int32Array.from(factors, oddOf);
  }

  /**
   * Keys of another table, end to end, which must not change from now on. Returns what is asked of each by its index among
   * them, once: whether it is the first of its kind that was asked about.
   */
  bring(keys: Uint8Array): (index: number) => boolean {
    const aligned = keys.byteOffset % 4 === 0 ? keys : keys.slice();
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
    const first = this.#brought;
    this.#tables.push({ words, first });
    this.#brought += words.length / wordsPerKey;
    this.#makeRoom();
    return (index) => this.#add(words, index * wordsPerKey, first + index);
  }

  /** At most half of the slots are taken. */
  #makeRoom(): void {
    if (this.#slots.length >= this.#brought * 2) return;
    const before = this.#slots;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(this.#brought * 2)));
    for (const taken of before) {
      if (taken === 0) continue;
      const { words, at } = this.#find(taken - 1);
      this.#slots[this.#search(words, at)] = taken;
    }
  }

  #add(words: Uint32Array, at: number, number: number): boolean {
    const slot = this.#search(words, at);
    if (this.#slots[slot] !== 0) return false;
    this.#slots[slot] = 1 + number;
    return true;
  }

  /** The slot of a key, or the free one where it belongs. */
  #search(words: Uint32Array, at: number): number {
    const last = this.#slots.length - 1;
    let slot = this.#hash(words, at) & last;
    for (let taken = this.#slots[slot]; taken !== undefined && taken !== 0; taken = this.#slots[slot]) {
      const other = this.#find(taken - 1);
      if (isSame(words, at, other.words, other.at)) return slot;
      slot = (slot + 1) & last;
    }
    return slot;
  }

  #find(number: number): { readonly words: Uint32Array; readonly at: number } {
    const table = this.#tables.findLast(({ first }) => first <= number);
    if (table === undefined) throw new RangeError(`no key ${number} was brought`);
    return { words: table.words, at: (number - table.first) * wordsPerKey };
  }

  #hash(words: Uint32Array, at: number): number {
    let hash = this.#first;
    for (let word = 0; word < wordsPerKey; word++) {
      hash = Math.imul(hash ^ (words[at + word] ?? 0), this.#factors[word] ?? 1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}

function isSame(words: Uint32Array, at: number, others: Uint32Array, other: number): boolean {
  for (let word = 0; word < wordsPerKey; word++) if (words[at + word] !== others[other + word]) return false;
  return true;
}
