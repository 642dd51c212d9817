/**
 * The opening table of an interface, an array of sets (bpf/include/opening.h), here as what it stands for: entries by
 * their keys. The programs write to it all the time, so an entry is held while it is changed, as they do.
 */
import { randomFillSync } from "node:crypto";
import {
  HashSeedsStruct,
  OpeningEntryStruct,
  OpeningLimit,
  OpeningSetStruct,
  OpeningTag,
  SessionKeyStruct,
  SessionStruct,
} from "./layout.gen.ts";
import { indexKey, type MapEntries, type TableMap } from "./maps.ts";
import { type BpfMap, native } from "./native.ts";

/** BPF_MAP_TYPE_ARRAY; BPF_F_MMAPABLE, and BPF_F_INNER_MAP: tables of all sizes may stand in one array of them. */
const array = 2;
const flags = (1 << 10) | (1 << 12);
const ways = OpeningLimit.SET_WAYS;
const wordBytes = 8;
/** offsetof() in struct opening_set; the layout's test holds them. */
const waysOffset = OpeningSetStruct.SIZE - ways * OpeningEntryStruct.SIZE;
const sessionOffset = SessionKeyStruct.SIZE;
const tagShift = BigInt(OpeningLimit.TAG_SHIFT);
const stampShift = BigInt(OpeningLimit.STAMP_SHIFT);
const holders = (1n << stampShift) - 1n;
const stamps = (1n << (tagShift - stampShift)) - 1n;
const tags = (1n << (64n - tagShift)) - 1n;
/** The least upper half of a word whose entry is there. */
const leastThere = OpeningTag.TAG_LEAST << (OpeningLimit.TAG_SHIFT - 32);
const agentHolds = BigInt(OpeningLimit.AGENT_HOLDS);
/** How often an entry is looked at that CPUs hold: they do so for a packet's time, and one may be interrupted in it. */
const looks = 1000;

/** The seeds of the hash, by rw_hash; made where there are none yet: tables that an earlier agent left go by theirs. */
export function seedHash(map: Pick<TableMap, "get" | "set">): HashSeedsStruct {
  const there = map.get(indexKey(0));
  if (there?.some((byte) => byte !== 0)) return HashSeedsStruct.decode(there);
  const made = randomFillSync(new Uint8Array(HashSeedsStruct.SIZE));
  map.set(indexKey(0), made);
  return HashSeedsStruct.decode(made);
}

/** HASH_MIX of the C. */
const mix = 0x9e3779b97f4a7c15n;

/** opening_hash() of the C: 64 bits. */
export function hashKey({ first, words }: HashSeedsStruct, key: Uint8Array): bigint {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const sum = BigInt.asUintN(
    64,
    words.reduce((sum, seed, index) => sum + seed * BigInt(view.getUint32(index * 4, true)), first),
  );
  const mixed = BigInt.asUintN(64, (sum ^ (sum >> 32n)) * mix);
  return mixed ^ (mixed >> 32n);
}

/** The two sets that a key may be in: places of the array (opening_place() of the C). */
export function placesOf(hash: bigint, sets: number): readonly [number, number] {
  const [index, other] = [hash >> 32n, hash & 0xffffffffn].map((half) =>
    Number((half * BigInt(sets)) >> 32n),
  );
  if (index === undefined || other === undefined) throw new Error("a hash has two halves");
  if (other !== index) return [index, other];
  return [index, index > 0 ? index - 1 : 1];
}

/** By what an entry is known in its set. */
export function tagOf(hash: bigint): bigint {
  return (hash & tags) | BigInt(OpeningTag.TAG_LEAST);
}

/** Of a moment by CLOCK_MONOTONIC, in ns. */
const stampOf = (ns: bigint): bigint => (ns >> BigInt(OpeningLimit.STAMP_UNIT)) & stamps;

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, index) => byte === right[index]);
}

const wordsOf = (session: SessionStruct): BigUint64Array =>
  new BigUint64Array(new Uint8Array(SessionStruct.encode(session)).buffer);

/** A way of a set that is held. */
interface Held {
  readonly index: number;
  readonly way: number;
  /** As it stood when it was held; counts and times may go on. */
  readonly session: DataView;
}

export class OpeningTable {
  /** As it stands in rw_opening. */
  readonly map: BpfMap;
  readonly #seeds: HashSeedsStruct;

  constructor(map: BpfMap, seeds: HashSeedsStruct) {
    this.map = map;
    this.#seeds = seeds;
  }

  /** An array with room for so many entries: with a quarter more hardly one finds both of its sets full before. */
  static createMap(name: string, entries: number): BpfMap {
    return native().BpfMap.create({
      type: array,
      name: name.slice(0, 15),
      keySize: 4,
      valueSize: OpeningSetStruct.SIZE,
      maxEntries: Math.max(2, Math.ceil((entries * 5) / 4 / ways)),
      flags,
    });
  }

  /**
   * Frees what an agent that was killed while it held something holds still; returns how many entries. Only before this
   * agent holds any, and while no other runs.
   */
  releaseAsync(): Promise<number> {
    return this.map.clearGuardsAsync(ways, agentHolds);
  }

  get maxEntries(): number {
    return this.map.maxEntries * ways;
  }

  /** Entries that are there, each whole. One that goes meanwhile may be missing; that comes again, be there twice. */
  async entriesAsync(): Promise<MapEntries> {
    const { count, bytes } = await this.map.partsAsync(ways, leastThere);
    const keys = new Uint8Array(count * SessionKeyStruct.SIZE);
    const values = new Uint8Array(count * SessionStruct.SIZE);
    for (let index = 0; index < count; index++) {
      const at = index * OpeningEntryStruct.SIZE;
      const session = bytes.subarray(at + sessionOffset, at + OpeningEntryStruct.SIZE);
      keys.set(bytes.subarray(at, at + sessionOffset), index * SessionKeyStruct.SIZE);
      values.set(session, index * SessionStruct.SIZE);
    }
    return { count, keys, values };
  }

  /** Does something to the entry of a key while no program gives its way to another one; null where there is none. */
  #withHeld<Result>(key: Uint8Array, act: (held: Held) => Result): Result | null {
    const hash = hashKey(this.#seeds, key);
    const tag = tagOf(hash);
    for (const index of placesOf(hash, this.map.maxEntries)) {
      const words = this.map.get(indexKey(index));
      if (words === undefined) continue;
      const owners = new BigUint64Array(words.buffer, words.byteOffset, ways);
      for (const [way, owner] of owners.entries()) {
        if (owner >> tagShift !== tag) continue;
        const result = this.#hold(index, way, tag, key, act);
        if (result !== null) return result;
      }
    }
    return null;
  }

  #hold<Result>(
    index: number,
    way: number,
    tag: bigint,
    key: Uint8Array,
    act: (held: Held) => Result,
  ): Result | null {
    const before = this.map.add64(index, way, agentHolds);
    try {
      const set = before >> tagShift === tag ? this.map.get(indexKey(index)) : undefined;
      if (set === undefined) return null;
      const at = waysOffset + way * OpeningEntryStruct.SIZE;
      if (!isSame(key, set.subarray(at, at + key.length))) return null;
      const session = new DataView(set.buffer, set.byteOffset + at + sessionOffset, SessionStruct.SIZE);
      return act({ index, way, session });
    } finally {
      this.map.add64(index, way, BigInt.asUintN(64, -agentHolds));
    }
  }

  /**
   * Bits of `mask` become those of `bits` in the entry of a key that is there, which is the youngest then; all others stay,
   * also what a program changes meanwhile.
   */
  overwrite(key: Uint8Array, mask: SessionStruct, bits: SessionStruct): void {
    const [cleared, wanted] = [wordsOf(mask), wordsOf(bits)];
    this.#withHeld(key, ({ index, way }) => {
      this.#renew(index, way);
      const first = (waysOffset + way * OpeningEntryStruct.SIZE + sessionOffset) / wordBytes;
      const write = () =>
        cleared.reduce(
          (changed, gone, word) => this.#change(index, first + word, gone, wanted[word] ?? 0n) || changed,
          false,
        );
      write();
      // A CPU that read a word before may write it back. None can any more once no CPU holds the entry.
      for (let look = 0; look < looks; look++) {
        const isAlone = (this.map.add64(index, way, 0n) & holders) === agentHolds;
        if (!write() && isAlone) return;
      }
    });
  }

  /** opening_renew() of the C, of an entry that stays held. */
  #renew(index: number, way: number): void {
    for (;;) {
      const before = this.map.add64(index, way, 0n);
      if (before >> tagShift === BigInt(OpeningTag.TAG_EMPTY)) return;
      const after = (before & ~(stamps << stampShift)) | (stampOf(process.hrtime.bigint()) << stampShift);
      if (this.map.swap64(index, way, before, after)) return;
    }
  }

  /** Bits of a word of a set; false: they stood so. */
  #change(index: number, word: number, gone: bigint, wanted: bigint): boolean {
    for (;;) {
      const before = this.map.add64(index, word, 0n);
      const after = (before & ~gone) | wanted;
      if (after === before) return false;
      if (this.map.swap64(index, word, before, after)) return true;
    }
  }

  /**
   * Takes `count` keys out, those whose session, as it is then, is to go; says how many were there. `isDue` is given the
   * session at offset 0.
   */
  deleteBatch(keys: Uint8Array, count: number, isDue: (session: DataView) => boolean = () => true): number {
    let deleted = 0;
    for (let index = 0; index < count; index++) {
      const key = keys.subarray(index * SessionKeyStruct.SIZE, (index + 1) * SessionKeyStruct.SIZE);
      const isGone = this.#withHeld(key, ({ index: set, way, session }) => {
        if (!isDue(session)) return false;
        return this.map.and64(set, way, holders) >> tagShift !== 0n;
      });
      if (isGone === true) deleted++;
    }
    return deleted;
  }

  pin(path: string): void {
    this.map.pin(path);
  }

  close(): void {
    this.map.close();
  }
}
