import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BitsStruct,
  CellStruct,
  DeviceStruct,
  GroupKeyStruct,
  IdentityStruct,
  InterfaceStruct,
  PolicyStruct,
  PrefixKeyStruct,
  SettingsStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../src/kernel/maps.ts";
import type { BpfMap } from "../../src/kernel/native.ts";
import { readState } from "../../src/kernel/readback.ts";
import { numberOfRecord } from "../../src/kernel/state.ts";
import type { Difference } from "../../src/kernel/status.ts";
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

/** eni-1's places. */
function placesOf() {
  const { known } = bed.engine;
  const record = bed.engine.liveRecord("eni-1") ?? -1;
  const slot = known.records.get(record)?.struct.slot ?? -1;
  const version = known.slots.get(slot)?.version ?? -1;
  const header = known.policies.get(version)?.header;
  if (header === undefined) throw new Error("eni-1 has no policy");
  return { record, slot, version, header };
}

/** Changes bytes of a value that stands at a key. */
function change(map: BpfMap, key: Uint8Array, edit: (value: DataView) => void): void {
  const value = map.get(key)?.slice();
  if (value === undefined) throw new Error(`${map.info.name} has nothing there`);
  edit(new DataView(value.buffer));
  map.set(key, value);
}

/** The first entry of a map whose key is as wanted. */
async function find(
  map: BpfMap,
  wanted: (key: Uint8Array, value: Uint8Array) => boolean,
): Promise<Uint8Array> {
  const { count, keys, values } = await map.entriesAsync();
  const [keySize, valueSize] = [keys.length / count, values.length / count];
  for (let index = 0; index < count; index++) {
    const key = keys.slice(index * keySize, (index + 1) * keySize);
    if (wanted(key, values.slice(index * valueSize, (index + 1) * valueSize))) return key;
  }
  throw new Error(`${map.info.name} has no such entry`);
}

const ofVersion = (version: number) => (key: Uint8Array) =>
  PrefixKeyStruct.decode(key).head >>> 3 === version && (PrefixKeyStruct.decode(key).head & 1) === 0;
const any = () => true;

type Corruption = readonly [name: string, map: string, expected: RegExp, corrupt: () => Promise<void> | void];

const corruptions: readonly Corruption[] = [
  [
    "a cell that begins elsewhere",
    "rw_cells",
    /cell \d+ differs: the policy of sg-web .* service/,
    () => {
      const place = placesOf().header.sides[1]?.service ?? 0;
      change(bed.maps.cells, indexKey(place + 1), (cell) =>
        cell.setUint32(0, cell.getUint32(0, true) + 1, true),
      );
    },
  ],
  [
    "a cell that is gone",
    "rw_cells",
    /cell \d+ differs/,
    () =>
      bed.maps.cells.set(
        indexKey((placesOf().header.sides[1]?.service ?? 0) + 2),
        new Uint8Array(CellStruct.SIZE),
      ),
  ],
  [
    "an accept turned into a drop",
    "rw_words",
    /word \d+ differs: the policy of sg-web .*mask of accepts has rule 0 .*rule 0 is rule \d of sg-web/,
    () =>
      change(bed.maps.words, indexKey(placesOf().header.sides[1]?.accepts ?? 0), (word) =>
        word.setUint8(0, word.getUint8(0) ^ 1),
      ),
  ],
  [
    "a prefix deleted",
    "rw_prefixes",
    /prefix .* was missing: the policy of sg-web/,
    async () => void bed.maps.prefixes.delete(await find(bed.maps.prefixes, ofVersion(placesOf().version))),
  ],
  [
    "a prefix with other rules",
    "rw_prefixes",
    /prefix .* was changed: the policy of sg-web/,
    async () =>
      change(bed.maps.prefixes, await find(bed.maps.prefixes, ofVersion(placesOf().version)), (bits) =>
        bits.setBigUint64(0, 0n),
      ),
  ],
  [
    "a prefix added",
    "rw_prefixes",
    /ingress remote prefix 192\.0\.2\.7\/32 was added: the policy of sg-web/,
    () =>
      bed.maps.prefixes.set(
        PrefixKeyStruct.encode({
          prefixlen: 64,
          head: (placesOf().version << 3) | 4,
          address: Uint8Array.from({ length: 16 }, (_, index) => [192, 0, 2, 7][index] ?? 0),
        }),
        BitsStruct.encode({ summary: 0n, base: 0, flags: 0 }),
      ),
  ],
  [
    "a prefix for every policy",
    "rw_prefixes",
    /answered for every policy/,
    () =>
      bed.maps.prefixes.set(
        PrefixKeyStruct.encode({ prefixlen: 0, head: 0, address: new Uint8Array(16) }),
        BitsStruct.encode({ summary: 1n, base: 0, flags: 0 }),
      ),
  ],
  [
    "group bits deleted",
    "rw_group_bits",
    /bits of identity [0-9a-f]+ was missing: the policy of sg-web .*groups/,
    async () =>
      void bed.maps.groupBits.delete(
        await find(bed.maps.groupBits, (key) => GroupKeyStruct.decode(key).version === placesOf().version),
      ),
  ],
  [
    "group bits of a set that has no member",
    "rw_group_bits",
    /ingress bits of identity 77 was added: the policy of sg-web/,
    () =>
      bed.maps.groupBits.set(
        GroupKeyStruct.encode({ version: placesOf().version, side: 1, identity: 0x77n }),
        BitsStruct.encode({ summary: 0n, base: 0, flags: 1 }),
      ),
  ],
  [
    "a header with another default",
    "rw_policies",
    /the header of version \d+ differs/,
    () =>
      change(bed.maps.policies, indexKey(placesOf().version), (header) => header.setUint32(40, 0xff, true)),
  ],
  [
    "a header that is gone",
    "rw_policies",
    /the header of version \d+ differs/,
    () => bed.maps.policies.set(indexKey(placesOf().version), new Uint8Array(PolicyStruct.SIZE)),
  ],
  [
    "a version that is nobody's",
    "rw_policies",
    /version 99 is nobody's/,
    () => {
      const copy = bed.maps.policies.get(indexKey(placesOf().version)) ?? new Uint8Array();
      bed.maps.policies.set(indexKey(99), copy);
    },
  ],
  [
    "an address that stands for nobody",
    "rw_identities",
    /10\.0\.0\.2 in vpc-a stood for nobody instead of sg-ops/,
    async () =>
      void bed.maps.identities.delete(
        await find(bed.maps.identities, (key) => key.at(-1) === 2 && key[18] === 0xff),
      ),
  ],
  [
    "an address that stands for another set of groups",
    "rw_identities",
    /10\.0\.0\.2 in vpc-a stood for sg-web instead of sg-ops/,
    async () => {
      const key = await find(bed.maps.identities, (each) => each.at(-1) === 2 && each[18] === 0xff);
      const other = await find(bed.maps.identities, (each) => each.at(-1) === 1 && each[18] === 0xff);
      const value = IdentityStruct.decode(bed.maps.identities.get(other) ?? new Uint8Array());
      change(bed.maps.identities, key, (entry) => entry.setBigUint64(16, value.after, true));
    },
  ],
  [
    "an address that programs cannot read",
    "rw_identities",
    /10\.0\.0\.2 in vpc-a could not be read by the programs/,
    async () =>
      change(
        bed.maps.identities,
        await find(bed.maps.identities, (key) => key.at(-1) === 2 && key[18] === 0xff),
        (entry) => entry.setUint32(0, entry.getUint32(0) ^ 1),
      ),
  ],
  [
    "an address that is no member's",
    "rw_identities",
    /is no member's address, but stood for sg-ops/,
    async () => {
      const key = await find(bed.maps.identities, (each) => each.at(-1) === 2 && each[18] === 0xff);
      const value = bed.maps.identities.get(key) ?? new Uint8Array();
      key[23] = 0x99;
      bed.maps.identities.set(key, value);
    },
  ],
  [
    "a slot word of another version",
    "rw_slots",
    /slot \d+ \(which rules judge\) held version 1234 of generation 5/,
    () => bed.maps.slots.store64(placesOf().slot, packWord(1234, 5)),
  ],
  [
    "a slot that nobody has",
    "rw_slots",
    /slot 500 .* held version 1 of generation 1 instead of nothing/,
    () => bed.maps.slots.store64(500, packWord(1, 1)),
  ],
  [
    "an intent without a change",
    "rw_slots",
    /slot \d+ was to become version 3 of generation 9/,
    () => bed.maps.slots.store64(bed.maps.slots.info.maxEntries / 2 + placesOf().slot, packWord(3, 9)),
  ],
  ["the journal set back", "rw_slots", /slot 0 \(the journal\)/, () => bed.maps.slots.store64(0, 0n)],
  [
    "a device that names another interface's record",
    "rw_devices",
    /device 71 named record \d+ \(eni-2\) instead of record \d+ \(eni-1\)/,
    () => bed.maps.devices.store64(71, packWord(71, bed.engine.liveRecord("eni-2") ?? 0)),
  ],
  [
    "a device without a word",
    "rw_devices",
    /device 71 named nothing instead of record \d+ \(eni-1\)/,
    () => bed.maps.devices.store64(71, 0n),
  ],
  [
    "a device's word where no look-up finds it",
    "rw_devices",
    /place 300 held the word of another device/,
    () => bed.maps.devices.store64(300, packWord(301, 1)),
  ],
  [
    "a device that is not judged",
    "rw_devices",
    /device 400, which Ringwall does not judge/,
    () => bed.maps.devices.store64(400, packWord(400, bed.engine.liveRecord("eni-2") ?? 0)),
  ],
  [
    "a device's word in the map for those that collide",
    "rw_devices_far",
    /place 71 held the word of another device/,
    () => bed.maps.devicesFar.set(indexKey(71), DeviceStruct.encode({ ifindex: 71, record: 0 })),
  ],
  [
    "a record without anti-spoofing",
    "rw_interfaces",
    /record \d+ has other flags/,
    () => change(bed.maps.interfaces, indexKey(placesOf().record), (record) => record.setUint32(28, 0, true)),
  ],
  [
    "a record with another MAC",
    "rw_interfaces",
    /record \d+ has other mac/,
    () => change(bed.maps.interfaces, indexKey(placesOf().record), (record) => record.setUint8(32, 0x99)),
  ],
  [
    "a record that is gone",
    "rw_interfaces",
    /record \d+ has other all/,
    () => bed.maps.interfaces.set(indexKey(placesOf().record), new Uint8Array(InterfaceStruct.SIZE)),
  ],
  [
    "a record that is nobody's",
    "rw_interfaces",
    /record 20 is no interface's/,
    () =>
      bed.maps.interfaces.set(
        indexKey(20),
        bed.maps.interfaces.get(indexKey(placesOf().record)) ?? new Uint8Array(),
      ),
  ],
  [
    "record 0 that lets through",
    "rw_interfaces",
    /record 0 has other flags/,
    () => change(bed.maps.interfaces, indexKey(0), (record) => record.setUint32(28, 1, true)),
  ],
  [
    "an owned address deleted",
    "rw_owned",
    /10\.0\.0\.14\/32 with 02:00:00:00:00:01, owned by record \d+, was missing/,
    async () => void bed.maps.owned.delete(await find(bed.maps.owned, any)),
  ],
  [
    "an owned address added",
    "rw_owned",
    /0\.0\.0\.0\/0 with 02:00:00:00:00:01, owned by record \d+, was added/,
    async () => {
      const key = await find(bed.maps.owned, any);
      new DataView(key.buffer).setUint32(0, 96, true);
      key.fill(0, 16);
      bed.maps.owned.set(key, Uint8Array.of(2, 0, 0, 0));
    },
  ],
  [
    "a listed VLAN deleted",
    "rw_listed",
    /VLAN 7, listed by record \d+, was missing/,
    async () => void bed.maps.listed.delete(await find(bed.maps.listed, any)),
  ],
  [
    "a VLAN listed by nobody",
    "rw_listed",
    /VLAN 7, listed by record 900, was there, though the record is nobody's/,
    async () => {
      const key = await find(bed.maps.listed, any);
      new DataView(key.buffer).setUint32(0, 900, true);
      bed.maps.listed.set(key, Uint8Array.of(1, 0, 0, 0));
    },
  ],
  [
    "an uplink's address that names a record",
    "rw_uplinks",
    /behind uplink 5 named record 7 instead of none/,
    () =>
      bed.maps.uplinks.set(
        Uint8Array.from({ length: 24 }, (_, index) => (index === 0 || index > 7 ? 5 : 0)),
        Uint8Array.of(7, 0, 0, 0),
      ),
  ],
  [
    "a timeout of the settings",
    "rw_settings",
    /the host's settings .* were others than agent\.yaml says/,
    () => change(bed.maps.settings, indexKey(0), (settings) => settings.setUint32(16, 1, true)),
  ],
];

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
  it.each(corruptions)("is found and mended: %s", async (_name, map, expected, corrupt) => {
    const verdicts = await asked(bed);
    const before = await stateOf();
    expect((await bed.verify()).differences).toEqual([]);
    await corrupt();
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
    expect(bed.engine.provenAt(placesOf().version)).not.toBeNull();
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
    change(bed.maps.words, indexKey(placesOf().header.sides[1]?.accepts ?? 0), (word) => word.setUint8(0, 0));
    const { differences } = await bed.verify();
    expect(differences.map(({ interfaces }) => interfaces)).toEqual([["eni-1", "eni-3"]]);
  });

  it("is found whatever it is, and in all maps at once", async () => {
    const zeroed = [bed.maps.cells, bed.maps.words] as const;
    const { header } = placesOf();
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
    bed.maps.slots.store64(placesOf().slot, 0n);
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
