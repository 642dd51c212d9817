/** Reads what the maps hold of one version: its own places and keys only, so that the cost is the policy's. */
import { BitsStruct, GroupKeyStruct, PolicyStruct, PrefixKeyStruct } from "./layout.gen.ts";
import { indexKey, joinBytes, type MapEntries, type SyncMaps, type TableMap } from "./maps.ts";
import type { HeldPolicy } from "./policy-decode.ts";
import { groupKeysOf } from "./policy-entries.ts";
import type { StoredPolicy } from "./state.ts";

/**
 * What the programs find under a version. Of prefixes and group bits the keys are asked that `stored` has; one
 * that is not there is left out, or answered by the prefix that covers it, as the programs are.
 * @throws KernelError where the header names places that the maps do not have
 */
export function readPolicy(maps: SyncMaps, version: number, stored: StoredPolicy): HeldPolicy {
  const header = PolicyStruct.decode(
    maps.policies.get(indexKey(version)) ?? new Uint8Array(PolicyStruct.SIZE),
  );
  return {
    version,
    header,
    cells: maps.cells.getRun(header.cells, header.cellsCount),
    words: maps.words.getRun(header.words, header.wordsCount),
    prefixes: readKeys(maps.prefixes, joinBytes(stored.prefixKeys), PrefixKeyStruct.SIZE, BitsStruct.SIZE),
    groups: readKeys(maps.groupBits, groupKeysOf(version, stored), GroupKeyStruct.SIZE, BitsStruct.SIZE),
  };
}

/** The entries of these keys, without those that are not there. */
export function readKeys(map: TableMap, keys: Uint8Array, keySize: number, valueSize: number): MapEntries {
  const count = keys.length / keySize;
  if (count === 0) return { count: 0, keys, values: new Uint8Array() };
  const { values, found } = map.getBatch(keys, count);
  if (found.every((there) => there === 1)) return { count, keys, values };
  const there = [...found.keys()].filter((index) => found[index] === 1);
  const pick = (bytes: Uint8Array, size: number) =>
    joinBytes(there.map((index) => bytes.subarray(index * size, (index + 1) * size)));
  return { count: there.length, keys: pick(keys, keySize), values: pick(values, valueSize) };
}
