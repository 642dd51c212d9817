/** Words of an array's values that others change at the same time, and the parts that such words guard. */
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { codeOf, readU64, u32, u64, withBpffs, withMap } from "./fixture.ts";

const addonPath = fileURLToPath(new URL("../../../build/ringwall.node", import.meta.url));
/** BPF_MAP_TYPE_…, BPF_F_MMAPABLE. */
const type = { hash: 1, array: 2 };
const mmapable = 1024;

/** A thread that adds 1 to word 1 of value 7 of a pinned map so often: when it begins, and when it has ended. */
function addBeside(pin: string, rounds: number): { begun: Promise<unknown>; ended: Promise<unknown> } {
  const source = `
    const { BpfMap } = require(${JSON.stringify(addonPath)});
    const map = BpfMap.openPinned(${JSON.stringify(pin)});
    require("node:worker_threads").parentPort.postMessage("begun");
    for (let n = 0; n < ${rounds}; n++) map.add64(7, 1, 1n);
    map.close();
  `;
  const worker = new Worker(source, { eval: true });
  return { begun: once(worker, "message"), ended: once(worker, "exit") };
}

describe("words of an array's values", () => {
  const words = { type: type.array, valueSize: 24, maxEntries: 100, flags: mmapable };

  it("are swapped, added to and masked at once, and say what they were", () =>
    withMap(words, (map) => {
      map.set(u32(99), u64(1n, 2n, 3n));
      expect(map.swap64(99, 2, 4n, 5n)).toBe(false);
      expect(map.swap64(99, 2, 3n, 5n)).toBe(true);
      expect(map.add64(99, 0, 2n ** 64n - 2n)).toBe(1n);
      expect(map.add64(99, 1, 40n)).toBe(2n);
      expect(map.and64(99, 2, 6n)).toBe(5n);
      expect(map.get(u32(99))).toEqual(u64(2n ** 64n - 1n, 42n, 4n));
      expect(map.get(u32(98))).toEqual(u64(0n, 0n, 0n));
    }));

  it("lose nothing that another thread adds at the same time", () =>
    withBpffs((root) =>
      withMap(words, async (map) => {
        const rounds = 20_000;
        const pin = join(root, "words");
        map.pin(pin);
        const { begun, ended } = addBeside(pin, rounds);
        await begun;
        let mine = 0n;
        for (let n = 0; n < rounds; n++) {
          const before = map.add64(7, 1, 1n);
          mine += map.swap64(7, 1, before + 1n, before + 3n) ? 3n : 1n;
        }
        await ended;
        expect(map.add64(7, 1, 0n)).toBe(mine + BigInt(rounds));
      }),
    ));

  it("refuse a place outside the value or the map, no 64-bit word, and maps of another kind", async () => {
    await withMap(words, (map) => {
      expect(codeOf(() => map.add64(0, 3, 1n))).toBe("E2BIG");
      expect(codeOf(() => map.and64(100, 0, 1n))).toBe("E2BIG");
      expect(codeOf(() => map.swap64(0, -1, 0n, 1n))).toBe("EINVAL");
      expect(codeOf(() => map.swap64(0, 0, 0n, 2n ** 64n))).toBe("EINVAL");
      expect(codeOf(() => map.add64(0, 0, -1n))).toBe("EINVAL");
      map.add64(0, 0, 1n);
      map.close();
      expect(codeOf(() => map.and64(0, 0, 1n))).toBe("EBADF");
    });
    for (const other of [{ type: type.hash, flags: 0 }, { valueSize: 12 }])
      await withMap({ ...words, ...other }, (map) =>
        expect(codeOf(() => map.add64(0, 0, 1n))).toBe("EINVAL"),
      );
    await withMap({ ...words, flags: 0 }, (map) =>
      expect(codeOf(() => map.add64(0, 0, 1n))).not.toBe("none"),
    );
  });
});

describe("guarded parts of an array's values", () => {
  const guards = 2;
  const partWords = 6;
  const parts = {
    type: type.array,
    valueSize: guards * (1 + partWords) * 8,
    maxEntries: 3,
    flags: mmapable,
  };
  const part = (word: bigint) => new Array<bigint>(partWords).fill(word);

  it("are those whose guard's upper half is enough, each whole, in the order of their places", () =>
    withMap(parts, async (map) => {
      const guard = (half: bigint) => (half << 32n) | 0xffffn;
      map.set(u32(0), u64(guard(0n), guard(1n), ...part(10n), ...part(11n)));
      map.set(u32(1), u64(guard(2n), guard(0xffffffffn), ...part(20n), ...part(21n)));
      map.set(u32(2), u64(guard(1n), guard(3n), ...part(30n), ...part(31n)));
      const { count, bytes } = await map.partsAsync(guards, 2);
      expect(count).toBe(3);
      expect(bytes).toEqual(u64(...part(20n), ...part(21n), ...part(31n)));
      expect((await map.partsAsync(guards, 4)).count).toBe(1);
    }));

  it("keep all bits of their guards but those that are to go, and all else", () =>
    withMap(parts, async (map) => {
      const high = 1n << 63n;
      map.set(u32(0), u64(0x8003n | high, 0x7fffn, ...part(0x8000n), ...part(0x8000n)));
      map.set(u32(2), u64(1n, 0x8000n, ...part(0xffffn), ...part(0n)));
      expect(await map.clearGuardsAsync(guards, 0x8000n)).toBe(2);
      expect(map.get(u32(0))).toEqual(u64(3n | high, 0x7fffn, ...part(0x8000n), ...part(0x8000n)));
      expect(map.get(u32(2))).toEqual(u64(1n, 0n, ...part(0xffffn), ...part(0n)));
      expect(await map.clearGuardsAsync(guards, 0x8000n)).toBe(0);
    }));

  it("are never read half, whoever writes them meanwhile", () =>
    withMap(parts, async (map) => {
      const busy = 1n << 32n;
      for (let round = 0; round < 200; round++) {
        const reading = map.partsAsync(guards, 2);
        for (let n = 0; n < 50; n++) {
          const shown = BigInt(2 + ((round * 50 + n) % 1000)) << 32n;
          map.add64(1, 1, BigInt.asUintN(64, busy - map.add64(1, 1, 0n)));
          for (let word = 0; word < partWords; word++) map.add64(1, guards + partWords + word, 1n);
          map.add64(1, 1, shown - busy);
        }
        const { count, bytes } = await reading;
        const words = Array.from({ length: count * partWords }, (_, index) => readU64(bytes, index));
        expect(new Set(words).size, words.join()).toBeLessThanOrEqual(1);
      }
    }));

  it("say EINVAL for values that are no such parts, and for maps of another kind", async () => {
    await withMap(parts, (map) => {
      for (const wrong of [0, 5, 14]) {
        expect(codeOf(() => void map.partsAsync(wrong, 2))).toBe("EINVAL");
        expect(codeOf(() => void map.clearGuardsAsync(wrong, 1n))).toBe("EINVAL");
      }
    });
    await withMap({ ...parts, type: type.hash, flags: 0 }, (map) => {
      expect(codeOf(() => void map.partsAsync(guards, 2))).toBe("EINVAL");
      expect(codeOf(() => void map.clearGuardsAsync(guards, 1n))).toBe("EINVAL");
    });
  });
});
