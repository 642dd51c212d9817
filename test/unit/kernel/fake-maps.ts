/** Kernel maps in memory that may be cut off, or refuse, at any operation. */
import {
  BitsStruct,
  CellStruct,
  DeviceStruct,
  GroupKeyStruct,
  IdentityKeyStruct,
  IdentityStruct,
  InterfaceStruct,
  ListedKeyStruct,
  OwnedKeyStruct,
  PolicyStruct,
  PrefixKeyStruct,
  SlotStruct,
  UplinkKeyStruct,
} from "../../../src/kernel/layout.gen.ts";
import {
  indexKey,
  indexKeys,
  joinBytes,
  keyText,
  type MapEntries,
  type SyncMaps,
} from "../../../src/kernel/maps.ts";

/** The agent is gone: whatever it would still have done does not happen. */
export class Killed extends Error {}

/** Counts operations that change maps, and breaks one of them. */
export class Faults {
  operations = 0;
  /** After every operation. */
  observer: () => void = () => {};
  #at = 0;
  #mode: "none" | "kill" | "refuse" = "none";
  #dead = false;

  /** The nth operation from now on (from 1) does half of its work at most. */
  arm(mode: "kill" | "refuse", at: number): void {
    this.operations = 0;
    this.#at = at;
    this.#mode = mode;
  }

  disarm(): void {
    this.operations = 0;
    this.#mode = "none";
    this.#dead = false;
  }

  /** Runs one operation; `half` does a part of it. */
  step(whole: () => void, half: () => void = () => {}): void {
    if (this.#dead) throw new Killed();
    this.operations++;
    const breaks = this.#mode !== "none" && this.operations === this.#at;
    (breaks ? half : whole)();
    this.observer();
    if (!breaks) return;
    if (this.#mode === "refuse") throw Object.assign(new Error("no memory"), { code: "ENOMEM" });
    this.#dead = true;
    throw new Killed();
  }
}

export class FakeMap {
  readonly info: { readonly name: string; readonly maxEntries: number };
  readonly maxEntries: number;
  readonly #content = new Map<string, Uint8Array>();
  readonly #faults: Faults;
  readonly #keySize: number;
  readonly #isArray: boolean;
  readonly #valueSize: number;

  constructor(
    faults: Faults,
    name: string,
    shape: { keySize: number; valueSize: number; maxEntries: number; array: boolean },
  ) {
    this.#faults = faults;
    this.info = { name, maxEntries: shape.maxEntries };
    this.maxEntries = shape.maxEntries;
    this.#keySize = shape.keySize;
    this.#valueSize = shape.valueSize;
    this.#isArray = shape.array;
  }

  /** Entries that are there; of an array, those that are not all zero. */
  get size(): number {
    if (!this.#isArray) return this.#content.size;
    return [...this.#content.values()].filter((value) => value.some((byte) => byte !== 0)).length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#content.get(keyText(key)) ?? (this.#isArray ? new Uint8Array(this.#valueSize) : undefined);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#faults.step(() => this.#put(key, value));
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    if (key.length !== this.#keySize || value.length !== this.#valueSize) {
      throw new Error(`${this.info.name}: key of ${key.length}, value of ${value.length} bytes`);
    }
    const text = keyText(key);
    if (!this.#content.has(text) && this.#content.size >= this.info.maxEntries) {
      throw Object.assign(new Error("full"), { code: "E2BIG" });
    }
    this.#content.set(text, value.slice());
  }

  delete(key: Uint8Array): boolean {
    const had = this.#content.has(keyText(key));
    this.#faults.step(() => this.#content.delete(keyText(key)));
    return had;
  }

  setBatch(keys: Uint8Array, values: Uint8Array, count: number): void {
    const put = (limit: number) => {
      for (let index = 0; index < limit; index++) {
        const key = keys.subarray(index * this.#keySize, (index + 1) * this.#keySize);
        this.#put(key, values.subarray(index * this.#valueSize, (index + 1) * this.#valueSize));
      }
    };
    this.#faults.step(
      () => put(count),
      () => put(Math.floor(count / 2)),
    );
  }

  deleteBatch(keys: Uint8Array, count: number): number {
    const remove = (limit: number) => {
      for (let index = 0; index < limit; index++) {
        this.#content.delete(keyText(keys.subarray(index * this.#keySize, (index + 1) * this.#keySize)));
      }
    };
    this.#faults.step(
      () => remove(count),
      () => remove(Math.floor(count / 2)),
    );
    return count;
  }

  /** A trie answers with the longest prefix that covers the key; here, as hashes do, with the key's own. */
  getBatch(keys: Uint8Array, count: number): { values: Uint8Array; found: Uint8Array } {
    const read = Array.from({ length: count }, (_, index) =>
      this.get(keys.subarray(index * this.#keySize, (index + 1) * this.#keySize)),
    );
    return {
      values: joinBytes(read.map((value) => value ?? new Uint8Array(this.#valueSize))),
      found: Uint8Array.from(read, (value) => (value === undefined ? 0 : 1)),
    };
  }

  getRun(first: number, count: number): Uint8Array {
    if (first + count > this.info.maxEntries) throw Object.assign(new Error("outside"), { code: "E2BIG" });
    return this.getBatch(indexKeys(first, count), count).values;
  }

  setRun(first: number, values: Uint8Array): void {
    const count = values.length / this.#valueSize;
    if (first + count > this.info.maxEntries) throw Object.assign(new Error("outside"), { code: "E2BIG" });
    this.setBatch(indexKeys(first, count), values, count);
  }

  async entriesAsync(): Promise<MapEntries> {
    const keys = [...this.#content.keys()].map((text) => new Uint8Array(Buffer.from(text, "latin1")));
    return { count: keys.length, keys: joinBytes(keys), values: joinBytes([...this.#content.values()]) };
  }

  store64(index: number, value: bigint): void {
    const bytes = new Uint8Array(new BigUint64Array([value]).buffer);
    this.#faults.step(() => this.#content.set(keyText(indexKey(index)), bytes));
  }

  load64(index: number): bigint {
    const bytes = this.get(indexKey(index)) ?? new Uint8Array(8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }
}

export type FakeMaps = { readonly [Name in keyof SyncMaps]: FakeMap };

/** Every map that sync writes. `sizes`: entries where they are to be few. */
export function createFakeMaps(
  faults: Faults,
  sizes: Partial<Record<keyof SyncMaps, number>> = {},
): FakeMaps {
  const make = (name: keyof SyncMaps, keySize: number, valueSize: number, array = false) =>
    new FakeMap(faults, `rw_${name}`, { keySize, valueSize, array, maxEntries: sizes[name] ?? 4096 });
  return {
    devices: make("devices", 4, DeviceStruct.SIZE, true),
    devicesFar: make("devicesFar", 4, DeviceStruct.SIZE),
    interfaces: make("interfaces", 4, InterfaceStruct.SIZE, true),
    owned: make("owned", OwnedKeyStruct.SIZE, 4),
    listed: make("listed", ListedKeyStruct.SIZE, 4),
    uplinks: make("uplinks", UplinkKeyStruct.SIZE, 4),
    identities: make("identities", IdentityKeyStruct.SIZE, IdentityStruct.SIZE),
    slots: make("slots", 4, SlotStruct.SIZE, true),
    policies: make("policies", 4, PolicyStruct.SIZE, true),
    cells: make("cells", 4, CellStruct.SIZE, true),
    words: make("words", 4, 8, true),
    prefixes: make("prefixes", PrefixKeyStruct.SIZE, BitsStruct.SIZE),
    groupBits: make("groupBits", GroupKeyStruct.SIZE, BitsStruct.SIZE),
  };
}
