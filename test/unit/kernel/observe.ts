/**
 * What the programs see of a device, read from the maps as bpf/ reads them. Numbers of versions and places of
 * words are taken out, so two views are equal exactly when no packet can tell them apart.
 */

import { mappedBits, mappedBytes } from "../../../src/kernel/addresses.ts";
import {
  BitsStruct,
  CellStruct,
  GroupKeyStruct,
  IdentityKeyStruct,
  IdentityStruct,
  InterfaceFlag,
  InterfaceStruct,
  PolicyStruct,
  SlotStruct,
} from "../../../src/kernel/layout.gen.ts";
import { indexKey, unpackWord } from "../../../src/kernel/maps.ts";
import type { Address } from "../../../src/model/model.ts";
import type { FakeMaps } from "./fake-maps.ts";

/** `universe`: addresses whose groups are looked up. `prefixes`: their number stands for the trie's content. */
export function observeDevice(maps: FakeMaps, ifindex: number, universe: readonly Address[]): string {
  const word = unpackWord(maps.devices.load64(ifindex));
  if (word.low !== ifindex) return "unknown";
  const record = InterfaceStruct.decode(maps.interfaces.get(indexKey(word.high)) ?? new Uint8Array());
  if (record.flags & InterfaceFlag.INTERFACE_REMOVED) return "removed";
  const slot = SlotStruct.decode(maps.slots.get(indexKey(record.slot)) ?? new Uint8Array());
  const policy = PolicyStruct.decode(maps.policies.get(indexKey(slot.version)) ?? new Uint8Array());
  if (slot.version === 0 || policy.key === 0n) return "no policy";
  const generation = Math.max(record.generation, slot.generation);
  const groups = universe.map((address) => {
    const identity = identityOf(maps, record.network, mappedBits(address), generation);
    return [0, 1].map((side) => groupWords(maps, slot.version, side, identity));
  });
  return JSON.stringify({
    id: String(record.id),
    mac: [...record.mac],
    flags: record.flags,
    addresses: record.addresses.map((bytes) => [...bytes]),
    content: policy.content.map(String),
    cells: cellsOf(maps, policy),
    groups,
  });
}

function identityOf(maps: FakeMaps, network: bigint, address: bigint, generation: number): bigint {
  const found = maps.identities.get(IdentityKeyStruct.encode({ network, address: mappedBytes(address) }));
  if (found === undefined) return 0n;
  const entry = IdentityStruct.decode(found);
  return generation >= entry.generation ? entry.after : entry.before;
}

function groupWords(maps: FakeMaps, version: number, side: number, identity: bigint): unknown {
  const found = maps.groupBits.get(GroupKeyStruct.encode({ version, side, identity }));
  if (identity === 0n || found === undefined) return null;
  const bits = BitsStruct.decode(found);
  return [bits.flags, wordsOf(maps, bits.summary, bits.base)];
}

function wordsOf(maps: FakeMaps, summary: bigint, base: number): string[] {
  const words: string[] = [];
  for (let word = 0; word < 64; word++) {
    if ((summary >> BigInt(word)) & 1n) words.push(`${word}:${maps.words.load64(base + word)}`);
  }
  return words;
}

function cellsOf(maps: FakeMaps, policy: PolicyStruct): unknown[] {
  return Array.from({ length: policy.cellsCount }, (_, index) => {
    const cell = CellStruct.decode(maps.cells.get(indexKey(policy.cells + index)) ?? new Uint8Array());
    return [cell.first, wordsOf(maps, cell.summary, cell.base)];
  });
}
