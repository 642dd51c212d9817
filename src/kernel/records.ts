/** An interface of the model as a record of rw_interfaces, with what rw_owned and rw_listed hold of it. */
import type { Interface } from "../model/model.ts";
import { addressBytes, linkLocalBytes, macBytes, trieBytes } from "./addresses.ts";
import { type Claim, coverClaims } from "./claims.ts";
import { digest64 } from "./digest.ts";
import {
  InterfaceFlag,
  type InterfaceStruct,
  Limit,
  ListedKeyStruct,
  ListedKind,
  OwnedFlag,
  OwnedHead,
  OwnedKeyStruct,
} from "./layout.gen.ts";
import { keyText, textKey } from "./maps.ts";
import type { StoredRecord } from "./state.ts";

export interface RecordPlace {
  /** Index in rw_interfaces. */
  readonly record: number;
  readonly number: number;
  readonly slot: number;
  readonly generation: number;
}

/** What the kernel is to know of an interface that has a policy. */
export function buildRecord(source: Interface, place: RecordPlace): StoredRecord {
  const owned = buildOwned(source, place.record);
  const listed = buildListed(source, place.record);
  const inline = source.addresses.slice(0, Limit.ADDRESSES_INLINE).map(addressBytes);
  const empty = Array.from({ length: Limit.ADDRESSES_INLINE - inline.length }, () => new Uint8Array(16));
  const struct: InterfaceStruct = {
    id: digest64(source.id),
    network: digest64(source.network),
    number: place.number,
    slot: place.slot,
    generation: place.generation,
    flags: flagsOf(source, owned.size > 0, listed.size > 0),
    mac: macBytes(source.mac),
    addressesCount: inline.length,
    addresses: [...inline, ...empty],
    linkLocal: linkLocalBytes(source.mac),
  };
  return { struct, owned, listed };
}

/** Record 0: devices whose interface left. Everything is dropped. */
export function buildRemovedRecord(): StoredRecord {
  return {
    struct: {
      id: 0n,
      network: 0n,
      number: 0,
      slot: 0,
      generation: 0,
      flags: InterfaceFlag.INTERFACE_REMOVED,
      mac: new Uint8Array(6),
      addressesCount: 0,
      addresses: Array.from({ length: Limit.ADDRESSES_INLINE }, () => new Uint8Array(16)),
      linkLocal: new Uint8Array(16),
    },
    owned: new Map(),
    listed: new Set(),
  };
}

function flagsOf(source: Interface, hasOwned: boolean, hasListed: boolean): number {
  const hasIpv6 =
    source.addresses.some(({ family }) => family === 6) ||
    source.allowedAddressPairs.some(({ prefix }) => prefix.family === 6);
  return (
    (source.antiSpoofing === false ? 0 : InterfaceFlag.INTERFACE_ANTI_SPOOFING) |
    (source.antiSpoofing === "observe" ? InterfaceFlag.INTERFACE_SPOOF_OBSERVE : 0) |
    (hasIpv6 ? InterfaceFlag.INTERFACE_IPV6 : 0) |
    (source.addresses.length === 0 ? InterfaceFlag.INTERFACE_NO_ADDRESSES : 0) |
    (hasOwned ? InterfaceFlag.INTERFACE_OWNED : 0) |
    (hasListed ? InterfaceFlag.INTERFACE_LISTED : 0)
  );
}

function buildOwned(source: Interface, record: number): ReadonlyMap<string, number> {
  const claims: Claim[] = source.allowedAddressPairs.map((pair) => ({
    mac: pair.mac ?? source.mac,
    prefix: pair.prefix,
    flags: OwnedFlag.OWNED_PAIR,
  }));
  for (const address of source.addresses.slice(Limit.ADDRESSES_INLINE)) {
    const length = address.family === 4 ? 32 : 128;
    claims.push({ mac: source.mac, prefix: { ...address, length }, flags: OwnedFlag.OWNED_LISTED });
  }
  return new Map(coverClaims(claims).map((claim) => [ownedKey(record, claim), claim.flags]));
}

function ownedKey(record: number, { mac, prefix }: Claim): string {
  const prefixlen = OwnedHead.OWNED_HEAD_BITS + prefix.length;
  const key = { prefixlen, record, mac: macBytes(mac), family: prefix.family, address: trieBytes(prefix) };
  return keyText(OwnedKeyStruct.encode(key));
}

function buildListed(source: Interface, record: number): ReadonlySet<string> {
  const numbers = (kind: number, list: readonly number[]) =>
    list.map((number) => listedKey(record, kind, Uint8Array.of(number >> 8, number & 0xff, 0, 0, 0, 0)));
  const macs = source.allowedAddressPairs.flatMap(({ mac }) => (mac === null ? [] : [macBytes(mac)]));
  return new Set([
    ...numbers(ListedKind.LISTED_VLAN, source.vlans),
    ...numbers(ListedKind.LISTED_ETHERTYPE, source.etherTypes),
    ...macs.map((mac) => listedKey(record, ListedKind.LISTED_MAC, mac)),
  ]);
}

/** A key of rw_listed as text. */
export function listedKey(record: number, kind: number, data: Uint8Array): string {
  return keyText(ListedKeyStruct.encode({ record, kind, data }));
}

/** The same record at another place. */
export function moveRecord(
  stored: StoredRecord,
  record: number,
  change: Partial<InterfaceStruct>,
): StoredRecord {
  const view = (text: string) => textKey(text);
  const owned = [...stored.owned].map(([key, flags]): [string, number] => [
    keyText(OwnedKeyStruct.encode({ ...OwnedKeyStruct.decode(view(key)), record })),
    flags,
  ]);
  const listed = [...stored.listed].map((key) =>
    keyText(ListedKeyStruct.encode({ ...ListedKeyStruct.decode(view(key)), record })),
  );
  return { struct: { ...stored.struct, ...change }, owned: new Map(owned), listed: new Set(listed) };
}

/** The interface that a record was found to say all of. Neither changes. */
const said = new WeakMap<StoredRecord, Interface>();

/** Whether the record that an interface has says what it is to say. */
export function saysInterface(stored: StoredRecord, source: Interface): boolean {
  if (said.get(stored) === source) return true;
  const { number } = stored.struct;
  const isSame = isSameRecord(stored, buildRecord(source, { record: 0, number, slot: 0, generation: 0 }));
  if (isSame) said.set(stored, source);
  return isSame;
}

/** Whether two records say the same of an interface, their places, slots and generations aside. */
export function isSameRecord(left: StoredRecord, right: StoredRecord): boolean {
  if (left.owned.size !== right.owned.size || left.listed.size !== right.listed.size) return false;
  if (!isSameStruct(left.struct, right.struct)) return false;
  if (left.owned.size + left.listed.size === 0) return true;
  const a = moveRecord(left, 0, {});
  const b = moveRecord(right, 0, {});
  for (const [key, flags] of a.owned) if (b.owned.get(key) !== flags) return false;
  for (const key of a.listed) if (!b.listed.has(key)) return false;
  return true;
}

function isSameStruct(a: InterfaceStruct, b: InterfaceStruct): boolean {
  const bytesEqual = (left: Uint8Array, right: Uint8Array | undefined) =>
    right !== undefined && Buffer.compare(left, right) === 0;
  return (
    a.id === b.id &&
    a.network === b.network &&
    a.number === b.number &&
    a.flags === b.flags &&
    a.addressesCount === b.addressesCount &&
    bytesEqual(a.mac, b.mac) &&
    bytesEqual(a.linkLocal, b.linkLocal) &&
    a.addresses.every((address, index) => bytesEqual(address, b.addresses[index]))
  );
}
