import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelError, type BpfMap as MapHandle, native } from "../../../src/kernel/native.ts";
import {
  codeOf,
  compileFixture,
  type Fixture,
  failureOf,
  loadFixture,
  readU32,
  readU64,
  u32,
  u64,
  withMap,
} from "./fixture.ts";

const { BpfMap, possibleCpus } = native();
const type = { hash: 1, array: 2, percpuHash: 5, percpuArray: 6, lru: 9, lpm: 11, queue: 22 };
/** BPF_F_MMAPABLE */
const mmapable = 1024;

/** Keys 0, 1, … and values key * 3. */
function makeEntries(count: number): { keys: Uint8Array; values: Uint8Array } {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return { keys: u32(...numbers), values: u64(...numbers.map((n) => BigInt(n) * 3n)) };
}

describe("a map", () => {
  it("gives back what was set, and undefined for what was not", () =>
    withMap({}, (map) => {
      map.set(u32(7), u64(70n));
      expect(map.get(u32(7))).toEqual(u64(70n));
      expect(map.get(u32(8))).toBeUndefined();
      expect(map.delete(u32(7))).toBe(true);
      expect(map.delete(u32(7))).toBe(false);
      expect(map.get(u32(7))).toBeUndefined();
    }));

  it("sets only what is absent with flag 1, only what is present with flag 2", () =>
    withMap({}, (map) => {
      expect(codeOf(() => map.set(u32(1), u64(1n), 2))).toBe("ENOENT");
      map.set(u32(1), u64(1n), 1);
      expect(codeOf(() => map.set(u32(1), u64(2n), 1))).toBe("EEXIST");
      map.set(u32(1), u64(3n), 2);
      expect(map.get(u32(1))).toEqual(u64(3n));
    }));

  it("tells its shape and its memory", () =>
    withMap({ maxEntries: 1000, flags: 1 }, (map) => {
      const { id, memory, ...shape } = map.info;
      expect(shape).toEqual({ name: "t_map", type: 1, keySize: 4, valueSize: 8, maxEntries: 1000, flags: 1 });
      expect(id).toBeGreaterThan(0);
      expect(memory).toBeGreaterThan(0);
    }));

  it("refuses keys and values of another length, saying both lengths", () =>
    withMap({}, async (map) => {
      const failure = await failureOf(() => map.get(new Uint8Array(3)));
      expect(failure).toBeInstanceOf(KernelError);
      expect(failure.message).toContain("key must be 4 bytes long, not 3");
      expect(codeOf(() => map.set(u32(1), u32(1)))).toBe("EINVAL");
      expect(codeOf(() => map.setBatch(u32(1), u64(1n), 2))).toBe("EINVAL");
      expect(codeOf(() => map.deleteBatch(u32(1), 2))).toBe("EINVAL");
      expect(codeOf(() => map.get("1234" as unknown as Uint8Array))).toBe("EINVAL");
      expect(codeOf(() => map.get(new Uint32Array(1) as unknown as Uint8Array))).toBe("EINVAL");
    }));

  it("says EBADF after close, which may be called twice", () =>
    withMap({}, async (map) => {
      map.close();
      map.close();
      const calls = [
        () => map.info,
        () => map.get(u32(1)),
        () => map.set(u32(1), u64(1n)),
        () => map.delete(u32(1)),
        () => map.entries(),
        () => map.entriesAsync(),
        () => map.countAsync(),
        () => map.setBatch(u32(1), u64(1n), 1),
        () => map.deleteBatch(u32(1), 1),
        () => map.load64(0),
        () => map.pin("/nowhere"),
      ];
      for (const call of calls) expect(codeOf(call)).toBe("EBADF");
    }));

  it("is not made from what is no map", async () => {
    expect(() => Reflect.construct(BpfMap, [])).toThrow("no public constructor");
    expect(() => BpfMap.prototype.get.call({} as never, u32(1))).toThrow();
    expect((await failureOf(() => BpfMap.create({ ...shapeOf("t_map"), keySize: 0 }))).code).toBe("EINVAL");
    expect(codeOf(() => BpfMap.create(shapeOf("sixteen_letters_")))).toBe("EINVAL");
    expect(codeOf(() => BpfMap.create({ ...shapeOf("t"), maxEntries: -1 }))).toBe("EINVAL");
    expect(codeOf(() => BpfMap.openPinned("/sys/fs/bpf/there-is-nothing-here"))).toBe("ENOENT");
  });

  it("says E2BIG, and how many were set, when a batch does not fit", () =>
    withMap({ maxEntries: 10 }, async (map) => {
      const { keys, values } = makeEntries(12);
      const failure = await failureOf(() => map.setBatch(keys, values, 12));
      expect(failure.code).toBe("E2BIG");
      expect(failure.message).toContain("give it more entries");
      expect(failure.done).toBe(map.entries().count);
      expect(failure.done).toBe(10);
    }));
});

function shapeOf(name: string) {
  return { type: type.hash, name, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
}

describe("batches", () => {
  const count = 50_000;
  const { keys, values } = makeEntries(count);

  /** Every third entry is missing from what is deleted, which the deletion passes over. */
  async function roundTrip(map: MapHandle): Promise<void> {
    map.setBatch(keys, values, count);
    expect(await map.countAsync()).toBe(count);
    const read = await map.entriesAsync();
    expect(read.count).toBe(count);
    const seen = new Map<number, bigint>();
    for (let i = 0; i < count; i++) seen.set(readU32(read.keys, i), readU64(read.values, i));
    expect(seen.size).toBe(count);
    for (let i = 0; i < count; i += 997) expect(seen.get(i)).toBe(BigInt(i) * 3n);
    for (let i = 0; i < count; i += 3) map.delete(u32(i));
    expect(map.deleteBatch(keys, count)).toBe(count - Math.ceil(count / 3));
    expect(map.entries().count).toBe(0);
  }

  it("write, count, read and delete 50,000 entries of a hash", () =>
    withMap({ maxEntries: count }, roundTrip));

  it("do so for an LRU hash", () => withMap({ type: type.lru, maxEntries: count * 2 }, roundTrip));

  it("read an empty map and write no entries", () =>
    withMap({}, async (map) => {
      map.setBatch(new Uint8Array(0), new Uint8Array(0), 0);
      expect(map.deleteBatch(new Uint8Array(0), 0)).toBe(0);
      expect(map.entries()).toEqual({ count: 0, keys: new Uint8Array(0), values: new Uint8Array(0) });
    }));

  it.each([
    ["by calls", 0],
    ["by a mapping", mmapable],
  ])("read an array whole, with more entries than one batch holds, %s", (_, flags) =>
    withMap({ type: type.array, maxEntries: 10_000, flags }, async (map) => {
      map.setBatch(keys.subarray(0, 40_000), values.subarray(0, 80_000), 10_000);
      for (const read of [map.entries(), await map.entriesAsync()]) {
        expect(read.count).toBe(10_000);
        expect(new Uint8Array(read.keys)).toEqual(keys.subarray(0, 40_000));
        expect(new Uint8Array(read.values)).toEqual(values.subarray(0, 80_000));
      }
      expect(codeOf(() => map.deleteBatch(keys.subarray(0, 4), 1))).toBe("EINVAL");
    }),
  );

  it.each([
    ["by calls", 0],
    ["by a mapping", mmapable],
  ])("read and set a run of an array from any place to any other, %s", (_, flags) =>
    withMap({ type: type.array, maxEntries: 10_000, flags }, (map) => {
      map.setBatch(keys.subarray(0, 40_000), values.subarray(0, 80_000), 10_000);
      for (const [first, run] of [
        [0, 10_000],
        [0, 1],
        [1, 4096],
        [17, 4097],
        [9_999, 1],
        [1_234, 8_766],
      ] as const) {
        expect(map.getRun(first, run)).toEqual(values.slice(8 * first, 8 * (first + run)));
        map.setRun(first, values.subarray(8, 8 * (run + 1)));
        const before = values.slice(8 * (first - 1), 8 * first);
        if (first > 0) expect(map.getRun(first - 1, 1)).toEqual(before);
        expect(map.get(u32(first))).toEqual(values.slice(8, 16));
        expect(map.getRun(first, run)).toEqual(values.slice(8, 8 * (run + 1)));
        const after = first + run;
        if (after < 10_000) expect(map.getRun(after, 1)).toEqual(values.slice(8 * after, 8 * (after + 1)));
        map.setRun(0, values.subarray(0, 80_000));
      }
      expect(map.getRun(10_000, 0)).toEqual(new Uint8Array(0));
      expect(codeOf(() => map.getRun(9_999, 2))).toBe("E2BIG");
      expect(codeOf(() => map.getRun(2 ** 32 - 1, 2))).toBe("E2BIG");
      expect(codeOf(() => map.setRun(9_999, values.subarray(0, 16)))).toBe("E2BIG");
      expect(codeOf(() => map.setRun(0, values.subarray(0, 9)))).toBe("EINVAL");
    }),
  );

  it("read a run of a per-CPU array, each CPU's value in its turn", () => {
    const cpus = native().possibleCpus();
    withMap({ type: type.percpuArray, maxEntries: 300 }, (map) => {
      const perPlace = u64(...Array.from({ length: 300 * cpus }, (_, index) => BigInt(index)));
      map.setBatch(keys.subarray(0, 1200), perPlace, 300);
      expect(map.getRun(128, 128)).toEqual(perPlace.slice(8 * cpus * 128, 8 * cpus * 256));
    });
  });

  it("read no run of what is no array", () =>
    withMap({}, (map) => expect(codeOf(() => map.getRun(0, 1))).toBe("EINVAL")));

  it("read given keys of a hash, telling those that are not there", () =>
    withMap({}, (map) => {
      map.setBatch(u32(1, 3), u64(10n, 30n), 2);
      expect(map.getBatch(u32(3, 2, 1), 3)).toEqual({
        values: u64(30n, 0n, 10n),
        found: Uint8Array.of(1, 0, 1),
      });
      expect(map.getBatch(new Uint8Array(0), 0)).toEqual({
        values: new Uint8Array(0),
        found: new Uint8Array(0),
      });
      expect(codeOf(() => map.getBatch(u32(1), 2))).toBe("EINVAL");
    }));

  it("read of a trie what covers a key, as programs do", () =>
    withMap({ type: type.lpm, maxEntries: 16, keySize: 8, flags: 1 }, (map) => {
      map.setBatch(u32(8, 5, 32, 5), u64(8n, 32n), 2);
      expect(map.getBatch(u32(32, 5, 16, 5, 4, 5), 3)).toEqual({
        values: u64(32n, 8n, 0n),
        found: Uint8Array.of(1, 1, 0),
      });
    }));

  it("read a trie of prefixes", () =>
    withMap({ type: type.lpm, maxEntries: 20_000, keySize: 8, flags: 1 }, (map) => {
      const prefixes = u32(...Array.from({ length: 10_000 }, (_, i) => [32, i]).flat());
      map.setBatch(prefixes, values.subarray(0, 80_000), 10_000);
      const read = map.entries();
      expect(read.count).toBe(10_000);
      expect(map.deleteBatch(prefixes, 10_000)).toBe(10_000);
    }));

  it("carry one value for each CPU, rounded up to 8 bytes", () =>
    withMap({ type: type.percpuHash, valueSize: 4, maxEntries: 100 }, (map) => {
      const cpus = possibleCpus();
      const perCpu = (n: number) => Array.from({ length: cpus }, (_, cpu) => BigInt(n * 100 + cpu));
      map.setBatch(u32(1, 2), u64(...perCpu(1), ...perCpu(2)), 2);
      map.set(u32(3), u64(...perCpu(3)));
      expect(map.get(u32(3))).toEqual(u64(...perCpu(3)));
      const read = map.entries();
      expect(read.count).toBe(3);
      expect(read.values.length).toBe(3 * cpus * 8);
      for (let i = 0; i < 3; i++)
        expect(readU64(read.values, i * cpus + cpus - 1)).toBe(
          BigInt(readU32(read.keys, i) * 100 + cpus - 1),
        );
    }));

  it("say EINVAL for a map without keys", () =>
    withMap({ type: type.queue, keySize: 0 }, (map) => {
      expect(codeOf(() => map.entries())).toBe("EINVAL");
    }));
});

describe("words in memory", () => {
  it("are stored and loaded whole, and seen by look-ups", () =>
    withMap({ type: type.array, maxEntries: 1000, flags: 1024 }, (map) => {
      map.store64(999, 0x1122334455667788n);
      expect(map.load64(999)).toBe(0x1122334455667788n);
      expect(map.get(u32(999))).toEqual(u64(0x1122334455667788n));
      map.set(u32(0), u64(2n ** 64n - 1n));
      expect(map.load64(0)).toBe(2n ** 64n - 1n);
    }));

  it("refuse a place outside the map, a value that is no 64-bit word, and maps of another kind", async () => {
    await withMap({ type: type.array, maxEntries: 10, flags: 1024 }, (map) => {
      expect(codeOf(() => map.store64(10, 1n))).toBe("E2BIG");
      expect(codeOf(() => map.store64(-1, 1n))).toBe("EINVAL");
      expect(codeOf(() => map.store64(0, 2n ** 64n))).toBe("EINVAL");
      expect(codeOf(() => map.store64(0, -1n))).toBe("EINVAL");
      map.store64(0, 1n);
      map.close();
      expect(codeOf(() => map.load64(0))).toBe("EBADF");
    });
    await withMap({}, (map) => expect(codeOf(() => map.store64(0, 1n))).toBe("EINVAL"));
    await withMap({ type: type.array }, (map) => expect(codeOf(() => map.store64(0, 1n))).not.toBe("none"));
  });
});

describe("a map of maps", () => {
  let fixture: Fixture;
  beforeAll(() => {
    fixture = compileFixture();
  });
  afterAll(() => fixture.remove());

  const makeInner = (value: number) => {
    const inner = BpfMap.create({
      type: type.array,
      name: "inner",
      keySize: 4,
      valueSize: 4,
      maxEntries: 1,
      flags: 0,
    });
    inner.set(u32(0), u32(value));
    return inner;
  };

  it("holds maps that programs read and that open again, also set off the event loop", async () => {
    const object = loadFixture(fixture.path);
    const outer = object.map("fx_outer");
    const program = object.program("fx_inner_read");
    const read = () => program.testRun({ data: new Uint8Array(64) }).retval;
    const [one, two] = [makeInner(1), makeInner(2)];
    expect(read()).toBe(99);
    expect(outer.getInner(u32(1))).toBeUndefined();
    outer.setInner(u32(1), one);
    expect(read()).toBe(1);
    const settled = outer.setInnerAsync(u32(1), two);
    two.close(); // the call has its own hold on it
    await settled;
    expect(read()).toBe(2);
    const again = outer.getInner(u32(1));
    expect(again?.get(u32(0))).toEqual(u32(2));
    const [three, four] = [makeInner(3), makeInner(4)];
    await outer.setInnersAsync(Uint8Array.of(...u32(0), ...u32(1)), [four, three]);
    expect(read()).toBe(3);
    const first = outer.getInner(u32(0));
    expect(first?.get(u32(0))).toEqual(u32(4));
    for (const handle of [one, again, three, four, first, outer, program, object]) handle?.close();
  });

  it("refuses an inner map of another shape, what is no map, and plain values", async () => {
    const object = loadFixture(fixture.path);
    const outer = object.map("fx_outer");
    const hash = BpfMap.create(shapeOf("t_hash"));
    expect(codeOf(() => outer.setInner(u32(1), hash))).toBe("EINVAL");
    expect((await failureOf(() => outer.setInnerAsync(u32(1), hash))).code).toBe("EINVAL");
    expect(codeOf(() => outer.setInner(u32(1), object.program("fx_xdp") as never))).toBe("EINVAL");
    expect((await failureOf(() => outer.setInnersAsync(u32(1), [hash]))).code).toBe("EINVAL");
    expect((await failureOf(() => outer.setInnersAsync(u32(1), []))).code).toBe("EINVAL");
    expect(codeOf(() => outer.set(u32(1), u32(hash.info.id)))).toBe("EINVAL");
    expect(codeOf(() => hash.getInner(u32(1)))).toBe("EINVAL");
    expect(codeOf(() => outer.setInner(u32(4), hash))).not.toBe("none");
    for (const handle of [hash, outer, object]) handle.close();
  });
});
