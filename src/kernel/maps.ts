/** The kernel's maps by their use. Structural types: planning and its tests need no kernel. */

export interface MapDescription {
  readonly name: string;
  readonly maxEntries: number;
}

export interface MapEntries {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** What sync needs of a map of plain keys and values; `BpfMap` of the addon is one. */
export interface TableMap {
  readonly info: MapDescription;
  get(key: Uint8Array): Uint8Array | undefined;
  set(key: Uint8Array, value: Uint8Array, flags?: number): void;
  delete(key: Uint8Array): boolean;
  entriesAsync(): Promise<MapEntries>;
  /** Values of `count` keys end to end; `found`: 1 for a key that is there. */
  getBatch(keys: Uint8Array, count: number): { readonly values: Uint8Array; readonly found: Uint8Array };
  setBatch(keys: Uint8Array, values: Uint8Array, count: number): void;
  deleteBatch(keys: Uint8Array, count: number): number;
}

/** An array whose places are used in runs. */
export interface RunMap extends TableMap {
  /** Values of `count` places from `first` on, end to end. */
  getRun(first: number, count: number): Uint8Array;
  setRun(first: number, values: Uint8Array): void;
}

/** An array of 8-byte words that are switched by one store. */
export interface WordMap {
  readonly info: MapDescription;
  readonly maxEntries: number;
  store64(index: number, value: bigint): void;
  load64(index: number): bigint;
  entriesAsync(): Promise<MapEntries>;
}

/** The maps that a change of the model writes. */
export interface SyncMaps {
  readonly devices: WordMap;
  readonly devicesFar: TableMap;
  readonly interfaces: TableMap;
  readonly owned: TableMap;
  readonly listed: TableMap;
  readonly uplinks: TableMap;
  readonly identities: TableMap;
  readonly slots: WordMap;
  readonly policies: TableMap;
  readonly cells: RunMap;
  readonly words: RunMap;
  readonly prefixes: TableMap;
  readonly groupBits: TableMap;
}

/** A key of an array map. */
export function indexKey(index: number): Uint8Array {
  return new Uint8Array(new Uint32Array([index]).buffer);
}

/** Keys of a run of an array map. */
export function indexKeys(first: number, count: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: count }, (_, place) => first + place).buffer);
}

/** Keys, or values, laid end to end. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** By their places, the 64-bit words that are not 0. Of tens of thousands most are, and cost neither object nor BigInt. */
export function findWords(bytes: Uint8Array): ReadonlyMap<number, bigint> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Map<number, bigint>();
  for (let at = 0; at < bytes.length; at += 8)
    if (!isZero(view, at)) words.set(at / 8, view.getBigUint64(at, true));
  return words;
}

/** Whether the 64-bit word at an offset is 0. */
export function isZero(view: DataView, offset: number): boolean {
  return view.getUint32(offset, true) === 0 && view.getUint32(offset + 4, true) === 0;
}

/** Bytes as text: a key of a Map. */
export function keyText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The reverse of keyText. */
export function textKey(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Two 32-bit halves as the kernel holds them in a word: `low` stands first in memory. */
export function packWord(low: number, high: number): bigint {
  return BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
}

export function unpackWord(word: bigint): { readonly low: number; readonly high: number } {
  return { low: Number(word & 0xffffffffn), high: Number(word >> 32n) };
}
