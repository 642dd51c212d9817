/** What somebody may change in the maps of a bed that enforces verify-subject.ts, a mistake each. */
import {
  BitsStruct,
  CellStruct,
  GroupKeyStruct,
  PolicyStruct,
  PrefixKeyStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import type { BpfMap } from "../../src/kernel/native.ts";
import type { EngineBed } from "./engine-bed.ts";

/** eni-1's places. */
export function placesOf(bed: EngineBed) {
  const { known } = bed.engine;
  const record = bed.engine.liveRecord("eni-1") ?? -1;
  const slot = known.records.get(record)?.struct.slot ?? -1;
  const version = known.slots.get(slot)?.version ?? -1;
  const header = known.policies.get(version)?.header;
  if (header === undefined) throw new Error("eni-1 has no policy");
  return { record, slot, version, header };
}

/** Changes bytes of a value that stands at a key. */
export function change(map: BpfMap, key: Uint8Array, edit: (value: DataView) => void): void {
  const value = map.get(key)?.slice();
  if (value === undefined) throw new Error(`${map.info.name} has nothing there`);
  edit(new DataView(value.buffer));
  map.set(key, value);
}

/** The first entry of a map whose key is as wanted. */
export async function find(
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
/** `expected`: what is said of it, and `map` of which map. */
export type Corruption = readonly [
  name: string,
  map: string,
  expected: RegExp,
  corrupt: (bed: EngineBed) => Promise<void> | void,
];

/** In the maps of one policy. */
export const policyCorruptions: readonly Corruption[] = [
  [
    "a cell that begins elsewhere",
    "rw_cells",
    /cell \d+ differs: the policy of sg-web .* service/,
    (bed) => {
      const place = placesOf(bed).header.sides[1]?.service ?? 0;
      change(bed.maps.cells, indexKey(place + 1), (cell) =>
        cell.setUint32(0, cell.getUint32(0, true) + 1, true),
      );
    },
  ],
  [
    "a cell that is gone",
    "rw_cells",
    /cell \d+ differs/,
    (bed) =>
      bed.maps.cells.set(
        indexKey((placesOf(bed).header.sides[1]?.service ?? 0) + 2),
        new Uint8Array(CellStruct.SIZE),
      ),
  ],
  [
    "an accept turned into a drop",
    "rw_words",
    /word \d+ differs: the policy of sg-web .*mask of accepts has rule 0 .*rule 0 is rule \d of sg-web/,
    (bed) =>
      change(bed.maps.words, indexKey(placesOf(bed).header.sides[1]?.accepts ?? 0), (word) =>
        word.setUint8(0, word.getUint8(0) ^ 1),
      ),
  ],
  [
    "a prefix deleted",
    "rw_prefixes",
    /prefix .* was missing: the policy of sg-web/,
    async (bed) =>
      void bed.maps.prefixes.delete(await find(bed.maps.prefixes, ofVersion(placesOf(bed).version))),
  ],
  [
    "a prefix with other rules",
    "rw_prefixes",
    /prefix .* was changed: the policy of sg-web/,
    async (bed) =>
      change(bed.maps.prefixes, await find(bed.maps.prefixes, ofVersion(placesOf(bed).version)), (bits) =>
        bits.setBigUint64(0, 0n),
      ),
  ],
  [
    "a prefix added",
    "rw_prefixes",
    /ingress remote prefix 192\.0\.2\.7\/32 was added: the policy of sg-web/,
    (bed) =>
      bed.maps.prefixes.set(
        PrefixKeyStruct.encode({
          prefixlen: 64,
          head: (placesOf(bed).version << 3) | 4,
          address: Uint8Array.from({ length: 16 }, (_, index) => [192, 0, 2, 7][index] ?? 0),
        }),
        BitsStruct.encode({ summary: 0n, base: 0, flags: 0 }),
      ),
  ],
  [
    "a prefix for every policy",
    "rw_prefixes",
    /answered for every policy/,
    (bed) =>
      bed.maps.prefixes.set(
        PrefixKeyStruct.encode({ prefixlen: 0, head: 0, address: new Uint8Array(16) }),
        BitsStruct.encode({ summary: 1n, base: 0, flags: 0 }),
      ),
  ],
  [
    "group bits deleted",
    "rw_group_bits",
    /bits of identity [0-9a-f]+ was missing: the policy of sg-web .*groups/,
    async (bed) =>
      void bed.maps.groupBits.delete(
        await find(bed.maps.groupBits, (key) => GroupKeyStruct.decode(key).version === placesOf(bed).version),
      ),
  ],
  [
    "group bits of a set that has no member",
    "rw_group_bits",
    /ingress bits of identity 77 was added: the policy of sg-web/,
    (bed) =>
      bed.maps.groupBits.set(
        GroupKeyStruct.encode({ version: placesOf(bed).version, side: 1, identity: 0x77n }),
        BitsStruct.encode({ summary: 0n, base: 0, flags: 1 }),
      ),
  ],
  [
    "a header with another default",
    "rw_policies",
    /the header of version \d+ differs/,
    (bed) =>
      change(bed.maps.policies, indexKey(placesOf(bed).version), (header) =>
        header.setUint32(40, 0xff, true),
      ),
  ],
  [
    "a header that is gone",
    "rw_policies",
    /the header of version \d+ differs/,
    (bed) => bed.maps.policies.set(indexKey(placesOf(bed).version), new Uint8Array(PolicyStruct.SIZE)),
  ],
  [
    "a version that is nobody's",
    "rw_policies",
    /version 99 is nobody's/,
    (bed) => {
      const copy = bed.maps.policies.get(indexKey(placesOf(bed).version)) ?? new Uint8Array();
      bed.maps.policies.set(indexKey(99), copy);
    },
  ],
];
