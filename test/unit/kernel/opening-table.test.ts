/** Where keys stand in an opening table, and the seeds that say so. */
import { describe, expect, it } from "vitest";
import { HashSeedsStruct, SessionKeyStruct } from "../../../src/kernel/layout.gen.ts";
import { hashKey, placesOf, seedHash } from "../../../src/kernel/opening-table.ts";
import { Random } from "../../support/random.ts";
import { seed } from "../../support/seed.ts";

/** rw_hash. */
function mapOf(value: Uint8Array) {
  const written: Uint8Array[] = [];
  const map = {
    get: () => written.at(-1) ?? value,
    set: (_: Uint8Array, bytes: Uint8Array) => void written.push(bytes),
  };
  return { map, written };
}

const zeros = new Uint8Array(HashSeedsStruct.SIZE);

describe("seeds", () => {
  it("are made at random where there are none, and are those that were written", () => {
    const [one, other] = [mapOf(zeros), mapOf(zeros)];
    const seeds = seedHash(one.map);
    expect(one.written).toHaveLength(1);
    expect(HashSeedsStruct.decode(one.written[0] ?? zeros)).toEqual(seeds);
    expect(seedHash(other.map)).not.toEqual(seeds);
    for (const word of [seeds.first, ...seeds.words]) expect(word).not.toBe(0n);
  });

  it("are kept where an earlier agent made them", () => {
    const { map, written } = mapOf(zeros);
    const made = seedHash(map);
    expect(seedHash(map)).toEqual(made);
    expect(written).toHaveLength(1);
  });
});

describe("a key's two sets", () => {
  it("lie within the table, are never one, and take every set about as often", () => {
    const random = new Random(seed);
    const seeds = HashSeedsStruct.decode(
      Uint8Array.from({ length: HashSeedsStruct.SIZE }, () => random.below(256)),
    );
    const key = new Uint8Array(SessionKeyStruct.SIZE);
    const view = new DataView(key.buffer);
    for (const sets of [2, 3, 80, 640]) {
      const times = new Array<number>(sets).fill(0);
      const keys = sets * 100;
      for (let flow = 0; flow < keys; flow++) {
        // Ports that count up, as a scanner's.
        view.setUint16(32, flow);
        const places = placesOf(hashKey(seeds, key), sets);
        expect(places[0]).not.toBe(places[1]);
        for (const place of places) times[place] = (times[place] ?? Number.NaN) + 1;
      }
      expect(times).toHaveLength(sets);
      expect(Math.min(...times), `seed ${seed}, ${sets} sets`).toBeGreaterThan(100);
      expect(Math.max(...times), `seed ${seed}, ${sets} sets`).toBeLessThan(300);
    }
  });
});
