import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CellStruct, SettingsStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../src/kernel/maps.ts";
import { readState } from "../../src/kernel/readback.ts";
import { numberOfRecord } from "../../src/kernel/state.ts";
import type { Difference } from "../../src/kernel/status.ts";
import { change, find, placesOf, policyCorruptions } from "./corruptions.ts";
import { hostCorruptions } from "./corruptions-host.ts";
import { EngineBed } from "./engine-bed.ts";
import { asked, ifindexes, subject } from "./verify-subject.ts";

let bed: EngineBed;
beforeAll(async () => {
  bed = await EngineBed.open();
  await bed.apply(subject);
  bed.attach(ifindexes);
  await bed.engine.settle();
});
afterAll(() => bed.close());

/** Everything of the maps that agents go by, but for the numbers that a new version and record get. */
async function stateOf() {
  const { devices, records, slots, identities, uplinks, strayOwned, strayListed, intents } = await readState(
    bed.maps,
  );
  const settings = SettingsStruct.decode(bed.maps.settings.get(indexKey(0)) ?? new Uint8Array());
  const numbers = [...devices].map(([ifindex, record]) => [ifindex, numberOfRecord(record)]);
  const lists = [...records.values()].map(({ struct, owned, listed }) => [
    struct.id,
    struct.number,
    owned.size,
    listed.size,
  ]);
  return {
    numbers,
    lists,
    slots: slots.size,
    identities,
    uplinks,
    strayOwned,
    strayListed,
    intents,
    settings,
  };
}

describe("a map that something else changed", () => {
  it.each([...policyCorruptions, ...hostCorruptions])(
    "is found and mended: %s",
    async (_name, map, expected, corrupt) => {
      const verdicts = await asked(bed);
      const before = await stateOf();
      // Twice: from then on nothing is proven again that is as it was.
      for (let look = 0; look < 2; look++) expect((await bed.verify()).differences).toEqual([]);
      await corrupt(bed);
      const found = await bed.verify();
      const named: Difference | undefined = found.differences.find((each) => each.map === map);
      expect(named, JSON.stringify(found.differences)).toBeDefined();
      expect(found.differences.map(({ message }) => message).join("\n")).toMatch(expected);
      expect(found.differences.filter(({ mended }) => !mended)).toEqual([]);
      expect(found.problem).toBeNull();
      expect((await bed.verify()).differences).toEqual([]);
      await bed.engine.settle();
      expect(await stateOf()).toEqual(before);
      expect(await asked(bed)).toEqual(verdicts);
      expect(bed.engine.provenAt(placesOf(bed).version)).not.toBeNull();
    },
  );

  it("is looked for by its bytes alone while all is as it was found right twice, and all of it is proven still", async () => {
    // Of a model that was not looked at yet.
    await bed.apply(subject);
    const decoded: string[] = [];
    const { getBatch } = bed.maps.prefixes;
    Object.defineProperty(bed.maps.prefixes, "getBatch", {
      configurable: true,
      value: (keys: Uint8Array, count: number) => {
        decoded.push("prefixes");
        return getBatch.call(bed.maps.prefixes, keys, count);
      },
    });
    try {
      for (let look = 0; look < 2; look++) await bed.verify();
      expect(decoded).not.toEqual([]);
      decoded.length = 0;
      const before = bed.engine.proofStatus.policies;
      const { version } = placesOf(bed);
      const { policies, differences } = await bed.verify();
      expect(differences).toEqual([]);
      expect(decoded).toEqual([]);
      expect(bed.engine.proofStatus.policies).toEqual({ ...before, proven: before.proven + policies });
      expect(bed.engine.provenAt(version)).not.toBeNull();
    } finally {
      Reflect.deleteProperty(bed.maps.prefixes, "getBatch");
    }
  });

  it("is found where an earlier agent left it: what only old policies see of an address", async () => {
    const key = await find(bed.maps.identities, (each) => each.at(-1) === 2 && each[18] === 0xff);
    const verdicts = await asked(bed);
    // All policies are of earlier generations than this entry says it is, and would take 10.0.0.2 for nobody.
    change(bed.maps.identities, key, (entry) => {
      entry.setUint32(4, bed.engine.known.generation + 1, true);
      entry.setBigUint64(8, 0n, true);
    });
    bed.maps.slots.store64(0, packWord(0, bed.engine.known.generation + 1));
    const next = bed.startEngine();
    await next.recover();
    expect(await asked(bed)).not.toEqual(verdicts);
    const { differences } = await bed.verify(next);
    expect(differences).toMatchObject([
      {
        map: "rw_identities",
        message: expect.stringMatching(/10\.0\.0\.2 .* stood, for some policies, for 0 instead of sg-ops/),
        mended: true,
      },
    ]);
    expect(await asked(bed)).toEqual(verdicts);
    expect((await bed.verify()).differences.every(({ mended }) => mended)).toBe(true);
  });

  it("names the interfaces that were judged by it", async () => {
    change(bed.maps.words, indexKey(placesOf(bed).header.sides[1]?.accepts ?? 0), (word) =>
      word.setUint8(0, 0),
    );
    const { differences } = await bed.verify();
    expect(differences.map(({ interfaces }) => interfaces)).toEqual([["eni-1", "eni-3"]]);
  });

  it("is found whatever it is, and in all maps at once", async () => {
    const zeroed = [bed.maps.cells, bed.maps.words] as const;
    const { header } = placesOf(bed);
    for (const map of zeroed) {
      const size = map === bed.maps.cells ? CellStruct.SIZE : 8;
      const [first, count] =
        map === bed.maps.cells ? [header.cells, header.cellsCount] : [header.words, header.wordsCount];
      for (let index = 0; index < count; index++) map.set(indexKey(first + index), new Uint8Array(size));
    }
    for (const name of ["prefixes", "groupBits", "identities", "owned", "listed"] as const) {
      const { keys, count } = await bed.maps[name].entriesAsync();
      bed.maps[name].deleteBatch(keys, count);
    }
    bed.maps.devices.store64(71, 0n);
    bed.maps.slots.store64(placesOf(bed).slot, 0n);
    const found = await bed.verify();
    const maps = new Set(found.differences.map(({ map }) => map));
    const all = [
      "cells",
      "words",
      "prefixes",
      "group_bits",
      "identities",
      "owned",
      "listed",
      "devices",
      "slots",
    ];
    expect([...maps].sort()).toEqual(all.map((map) => `rw_${map}`).sort());
    expect(found.differences.filter(({ mended }) => !mended)).toEqual([]);
    expect((await bed.verify()).differences).toEqual([]);
  });
});
