import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BpfMap, type BpfObject, native } from "../../../src/kernel/native.ts";
import { codeOf, compileFixture, type Fixture, loadFixture, readU64, u64 } from "./fixture.ts";
import { withNamespace } from "./namespace.ts";

const { RingBuffer } = native();

let fixture: Fixture;
beforeAll(() => {
  fixture = compileFixture();
});
afterAll(() => fixture.remove());

/** Runs `body` with the fixture, its events map, and a function that emits `count` records (at most 4,096). */
async function withEvents(
  body: (map: BpfMap, emit: (count: number) => void, object: BpfObject) => unknown,
): Promise<void> {
  const object = loadFixture(fixture.path, { constants: { fx_salt: u64(42n) } });
  const map = object.map("fx_events");
  const program = object.program("fx_emit");
  const emit = (count: number) => {
    for (let left = count; left > 0; left -= 1024)
      expect(program.testRun({ data: new Uint8Array(Math.min(left, 1024)) }).retval).toBe(2);
  };
  try {
    await body(map, emit, object);
  } finally {
    for (const handle of [program, map, object]) handle.close();
  }
}

describe("a ring buffer", () => {
  it("hands on every record, whole and in order, the maps closed or not", () =>
    withEvents(async (map, emit) => {
      const records: Uint8Array[] = [];
      const ring = new RingBuffer(map, (record) => records.push(record));
      map.close();
      emit(64);
      emit(64);
      await expect.poll(() => records.length).toBe(128);
      ring.close();
      expect(records.map((record) => readU64(record, 0))).toEqual(Array(128).fill(42n));
      expect(records.map((record) => Number(readU64(record, 1)))).toEqual(
        Array.from({ length: 128 }, (_, i) => i % 64),
      );
    }));

  it("hands on what was there before it was opened", () =>
    withEvents(async (map, emit) => {
      emit(20);
      let count = 0;
      const ring = new RingBuffer(map, () => count++);
      await expect.poll(() => count).toBe(20);
      ring.close();
    }));

  it("leaves the event loop its turns in a flood", () =>
    withEvents(async (map, emit) => {
      emit(4096);
      let count = 0;
      const atTurn: number[] = [];
      const ring = new RingBuffer(map, () => count++);
      while (count < 4096) {
        await new Promise((settle) => setImmediate(settle));
        atTurn.push(count);
      }
      ring.close();
      for (let i = 1; i < atTurn.length; i++)
        expect((atTurn[i] ?? 0) - (atTurn[i - 1] ?? 0)).toBeLessThanOrEqual(1024);
      expect(atTurn.at(-1)).toBe(4096);
    }));

  it("is silent once closed, also by its own listener in the midst of records", () =>
    withEvents(async (map, emit) => {
      let count = 0;
      const ring = new RingBuffer(map, () => {
        count++;
        if (count === 3) ring.close();
      });
      emit(64);
      await expect.poll(() => count).toBe(3);
      emit(64);
      await new Promise((settle) => setTimeout(settle, 20));
      expect(count).toBe(3);
      ring.close();
      // What it had not handed on is still there for the next.
      const rest: Uint8Array[] = [];
      const next = new RingBuffer(map, (record) => rest.push(record));
      await expect.poll(() => rest.length).toBe(125);
      next.close();
      expect(readU64(rest[0] ?? new Uint8Array(16), 1)).toBe(3n);
    }));

  it("goes on after a listener that throws, whose error is an uncaught exception", () =>
    withNamespace("ring", async (namespace) => {
      const seen = await namespace.run(async ({ addon, state }, path) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_emit"] });
        let count = 0;
        const ring = new addon.RingBuffer(object.map("fx_events"), () => {
          count++;
          if (count === 2) throw new Error("second");
          if (count === 4) throw null;
        });
        object.program("fx_emit").testRun({ data: new Uint8Array(20) });
        while (count < 20) await new Promise((settle) => globalThis.setTimeout(settle, 5));
        ring.close();
        return { count, errors: state.errors };
      }, fixture.path);
      expect(seen.count).toBe(20);
      expect(seen.errors[0]).toBe("second");
      expect(seen.errors.length).toBe(2);
    }));

  it("wants a ring buffer's map and a function", () =>
    withEvents((map, _emit, object) => {
      const hash = object.map("fx_hash");
      expect(codeOf(() => new RingBuffer(hash, () => {}))).toBe("EINVAL");
      expect(codeOf(() => Reflect.construct(RingBuffer, [map, 5]))).toBe("EINVAL");
      expect(codeOf(() => Reflect.construct(RingBuffer, [{}, () => {}]))).toBe("EINVAL");
      map.close();
      expect(codeOf(() => new RingBuffer(map, () => {}))).toBe("EBADF");
      hash.close();
    }));
});
