/** Writes of a plan, each with its undo. */

import { mappedBytes } from "./addresses.ts";
import { EnforcementError, errorCode, errorText } from "./errors.ts";
import {
  GroupKeyStruct,
  IdentityKeyStruct,
  IdentityStruct,
  InterfaceStruct,
  PolicyStruct,
  PrefixKeyStruct,
} from "./layout.gen.ts";
import { indexKey, joinBytes, type SyncMaps, type TableMap, textKey } from "./maps.ts";
import type { IdentityWrite } from "./plan-identities.ts";
import { type EncodedPolicy, groupKeysOf } from "./policy-entries.ts";
import type { StoredPolicy, StoredRecord } from "./state.ts";

/** Steps back, last first. */
export class Undo {
  readonly #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** Takes every step; returns the errors of those that failed. */
  run(): unknown[] {
    const errors: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        step();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#steps.length = 0;
    return errors;
  }
}

/** Entries in one call; the error names the map, its size and what was wanted. */
export function writeBatch(map: TableMap, keys: Uint8Array, values: Uint8Array, count: number): void {
  if (count === 0) return;
  try {
    map.setBatch(keys, values, count);
  } catch (error) {
    throw mapError(map, count, error);
  }
}

function mapError(map: TableMap, count: number, error: unknown): EnforcementError {
  const { name, maxEntries } = map.info;
  const full = ["E2BIG", "ENOSPC"].includes(errorCode(error) ?? "");
  const text = full ? `is full (${maxEntries} entries)` : `refused ${count} entries`;
  return new EnforcementError(full ? "CAPACITY" : "KERNEL", `${name} ${text}: ${errorText(error)}`, {
    cause: error,
  });
}

/** Writes a policy that nothing names; returns the number of entries. */
export function writePolicy(maps: SyncMaps, policy: EncodedPolicy, undo: Undo): number {
  const { header } = policy.stored;
  undo.add(() => erasePolicy(maps, policy.version, policy.stored));
  if (header.wordsCount > 0) maps.words.setRun(header.words, policy.words);
  if (header.cellsCount > 0) maps.cells.setRun(header.cells, policy.cells);
  const prefixes = policy.prefixKeys.length / PrefixKeyStruct.SIZE;
  writeBatch(maps.prefixes, policy.prefixKeys, policy.prefixValues, prefixes);
  writeBatch(maps.groupBits, policy.groupKeys, policy.groupValues, policy.groupCount);
  // Last: a header says that all of its policy is there.
  maps.policies.set(indexKey(policy.version), PolicyStruct.encode(header));
  return header.wordsCount + header.cellsCount + prefixes + policy.groupCount + 1;
}

/** Takes away a policy that nothing names any more. Its words and cells are free without being written. */
export function erasePolicy(maps: SyncMaps, version: number, policy: StoredPolicy): void {
  maps.policies.set(indexKey(version), new Uint8Array(PolicyStruct.SIZE));
  const prefixes = joinBytes(policy.prefixKeys);
  deleteBatch(maps.prefixes, prefixes, prefixes.length / PrefixKeyStruct.SIZE);
  const groups = groupKeysOf(version, policy);
  deleteBatch(maps.groupBits, groups, groups.length / GroupKeyStruct.SIZE);
}

export function deleteBatch(map: TableMap, keys: Uint8Array, count: number): void {
  if (count > 0) map.deleteBatch(keys, count);
}

export function writeIdentities(maps: SyncMaps, writes: readonly IdentityWrite[], undo: Undo): number {
  undo.add(() => restoreIdentities(maps, writes));
  const { keys, values } = encodeIdentities(
    writes.map(({ network, address, entry }) => ({ network, address, entry })),
  );
  writeBatch(maps.identities, keys, values, writes.length);
  return writes.length;
}

function restoreIdentities(maps: SyncMaps, writes: readonly IdentityWrite[]): void {
  const back = writes.flatMap(({ network, address, previous }) =>
    previous === undefined ? [] : [{ network, address, entry: previous }],
  );
  const added = writes.filter(({ previous }) => previous === undefined);
  const keys = joinBytes(added.map(identityKey));
  deleteBatch(maps.identities, keys, added.length);
  const { keys: backKeys, values } = encodeIdentities(back);
  writeBatch(maps.identities, backKeys, values, back.length);
}

/** The key of an entry of rw_identities. */
export function identityKey(place: { readonly network: bigint; readonly address: bigint }): Uint8Array {
  return IdentityKeyStruct.encode({ network: place.network, address: mappedBytes(place.address) });
}

export function encodeIdentities(
  entries: readonly { readonly network: bigint; readonly address: bigint; readonly entry: IdentityStruct }[],
): { readonly keys: Uint8Array; readonly values: Uint8Array } {
  const keys = new Uint8Array(entries.length * IdentityKeyStruct.SIZE);
  const values = new Uint8Array(entries.length * IdentityStruct.SIZE);
  const keyView = new DataView(keys.buffer);
  const valueView = new DataView(values.buffer);
  entries.forEach(({ network, address, entry }, index) => {
    IdentityKeyStruct.write(keyView, index * IdentityKeyStruct.SIZE, {
      network,
      address: mappedBytes(address),
    });
    IdentityStruct.write(valueView, index * IdentityStruct.SIZE, entry);
  });
  return { keys, values };
}

/** Writes a record that no device names; returns the number of entries. */
export function writeRecord(maps: SyncMaps, record: number, stored: StoredRecord, undo: Undo): number {
  undo.add(() => eraseRecord(maps, record, stored));
  const owned = [...stored.owned];
  const ownedValues = new Uint8Array(Uint32Array.from(owned, ([, flags]) => flags).buffer);
  writeBatch(maps.owned, joinBytes(owned.map(([key]) => textKey(key))), ownedValues, owned.length);
  const listed = [...stored.listed];
  const listedValues = new Uint8Array(new Uint32Array(listed.length).fill(1).buffer);
  writeBatch(maps.listed, joinBytes(listed.map(textKey)), listedValues, listed.length);
  maps.interfaces.set(indexKey(record), InterfaceStruct.encode(stored.struct));
  return owned.length + listed.length + 1;
}

/** Takes away a record that no device names any more. */
export function eraseRecord(maps: SyncMaps, record: number, stored: StoredRecord): void {
  maps.interfaces.set(indexKey(record), new Uint8Array(InterfaceStruct.SIZE));
  deleteBatch(maps.owned, joinBytes([...stored.owned.keys()].map(textKey)), stored.owned.size);
  deleteBatch(maps.listed, joinBytes([...stored.listed].map(textKey)), stored.listed.size);
}
