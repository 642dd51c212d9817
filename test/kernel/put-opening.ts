/** Puts entries into an opening table by hand, where no program is at it. */
import {
  OpeningLimit,
  OpeningSetStruct,
  SessionKeyStruct,
  type SessionStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import type { BpfMap } from "../../src/kernel/native.ts";
import { hashKey, placesOf, seedHash, tagOf } from "../../src/kernel/opening-table.ts";

/** An entry of a key that is not there yet, in the emptier of its sets; throws where both are full. `hash`: rw_hash. */
export function putOpening(table: BpfMap, hash: BpfMap, key: Uint8Array, session: SessionStruct): void {
  const hashed = hashKey(seedHash(hash), key);
  const sets = placesOf(hashed, table.maxEntries).map((index) => {
    const { owners, ways } = OpeningSetStruct.decode(table.get(indexKey(index)) ?? new Uint8Array());
    return { index, owners, ways, taken: owners.filter((owner) => owner !== 0n).length };
  });
  const [emptier] = sets.sort((one, other) => one.taken - other.taken);
  const way = emptier?.owners.indexOf(0n) ?? -1;
  if (emptier === undefined || way < 0) throw new Error("both sets of the key are full");
  const { index, owners, ways } = emptier;
  const owner = tagOf(hashed) << BigInt(OpeningLimit.TAG_SHIFT);
  const entry = { key: SessionKeyStruct.decode(key), session };
  const filled = {
    owners: owners.map((there, at) => (at === way ? owner : there)),
    ways: ways.map((there, at) => (at === way ? entry : there)),
  };
  table.set(indexKey(index), OpeningSetStruct.encode(filled));
}
