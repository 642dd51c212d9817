/** BpfMap: one map of the kernel. A part of the addon's surface (index.d.ts), which says what holds for all of it. */

export interface MapInfo {
  readonly id: number;
  readonly name: string;
  /** Kernel's number of the map type (enum bpf_map_type). */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Kernel memory of the map in bytes, from fdinfo. */
  readonly memory: number;
}

/** Keys and values laid end to end; a per-CPU map's value is `possibleCpus() * roundUp8(valueSize)` bytes. */
export interface Entries {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

export class BpfMap {
  private constructor();
  static openPinned(path: string): BpfMap;
  /** Many, in the order of their paths, opened on libuv's thread pool; where one cannot be, none is. */
  static openPinnedAsync(paths: readonly string[]): Promise<BpfMap[]>;
  /** `type` is the kernel's number; `name` at most 15 characters. */
  static create(options: {
    type: number;
    name: string;
    keySize: number;
    valueSize: number;
    maxEntries: number;
    flags: number;
  }): BpfMap;
  /** Read anew at each access (`memory` moves): keep it where it is asked often. */
  readonly info: MapInfo;
  /** As in `info`, without a look at the kernel's accounts. */
  readonly maxEntries: number;
  get(key: Uint8Array): Uint8Array | undefined;
  /** flags: 0 any, 1 only if absent (EEXIST), 2 only if present (ENOENT). */
  set(key: Uint8Array, value: Uint8Array, flags?: number): void;
  /** False when the key was not there. */
  delete(key: Uint8Array): boolean;
  /**
   * All entries, by batches where the map type has them, else by get-next-key. An entry that is set or deleted
   * meanwhile may be missing, or be there twice.
   */
  entries(): Entries;
  /** Like entries(), on libuv's thread pool. */
  entriesAsync(): Promise<Entries>;
  /** Number of entries, on libuv's thread pool. */
  countAsync(): Promise<number>;
  /** Values of `count` places of an array (per CPU or not) from `first` on, end to end; E2BIG where it has not so many. */
  getRun(first: number, count: number): Uint8Array;
  /** Sets the values of an array from place `first` on; E2BIG, and nothing is set, where it has not so many. */
  setRun(first: number, values: Uint8Array): void;
  /**
   * Values of `count` keys end to end, and a byte for each in `found`: 0 where the key was not there, its value is
   * then zeros. A trie answers with the longest prefix that covers the key, as it answers a program.
   */
  getBatch(keys: Uint8Array, count: number): { readonly values: Uint8Array; readonly found: Uint8Array };
  /** Sets `count` entries in one call; on an error, `done` on the Error says how many were set. */
  setBatch(keys: Uint8Array, values: Uint8Array, count: number): void;
  /** Deletes `count` keys; keys that are not there are passed over. Returns how many were there. */
  deleteBatch(keys: Uint8Array, count: number): number;
  /** For maps of maps: puts `inner` at this key. The kernel waits a grace period: see setInnerAsync. */
  setInner(key: Uint8Array, inner: BpfMap): void;
  /**
   * The same on libuv's thread pool. It settles only after a grace period: no program runs any more that
   * could have begun before the call (maybe_wait_bpf_programs in kernel/bpf/syscall.c).
   */
  setInnerAsync(key: Uint8Array, inner: BpfMap): Promise<void>;
  /** Many at once, `inners[n]` at the n-th key: one grace period for all where the kernel has the batch. */
  setInnersAsync(keys: Uint8Array, inners: readonly BpfMap[]): Promise<void>;
  /** A map that stands at `key` in a map of maps, or undefined. Needs CAP_SYS_ADMIN (by id). */
  getInner(key: Uint8Array): BpfMap | undefined;
  /** One aligned 64-bit store with release order into an array map of 8-byte values made with BPF_F_MMAPABLE. */
  store64(index: number, value: bigint): void;
  load64(index: number): bigint;
  /**
   * Word `word` (8 bytes each) of an array's value becomes `after` where it is `before`, at once; false where it is not.
   * Of an array made with BPF_F_MMAPABLE.
   */
  swap64(index: number, word: number, before: bigint, after: bigint): boolean;
  /** Adds to the word (`by`: modulo 2^64), or keeps the bits of `mask`, at once; what it was before. */
  add64(index: number, word: number, by: bigint): bigint;
  and64(index: number, word: number, mask: bigint): bigint;
  /**
   * Of an array made with BPF_F_MMAPABLE whose values are `guards` 8-byte words and as many parts of equal size: the parts
   * whose guard's upper half is at least `least`, end to end, each as it stood while all but the guard's lowest 16 bits
   * stayed the same. Those that change hands meanwhile are read again. On libuv's thread pool.
   */
  partsAsync(guards: number, least: number): Promise<{ readonly count: number; readonly bytes: Uint8Array }>;
  /** Takes these bits out of the guards of such an array, each at once; how many guards had one. On libuv's thread pool. */
  clearGuardsAsync(guards: number, bits: bigint): Promise<number>;
  pin(path: string): void;
  close(): void;
}
