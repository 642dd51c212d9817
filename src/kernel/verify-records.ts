/** Records of interfaces, and what they own and list. */

import { formatAddress } from "../model/cidr.ts";
import { decodeAddress, formatMac } from "./addresses.ts";
import type { Compared, Finding } from "./finding.ts";
import { InterfaceStruct, ListedKeyStruct, ListedKind, OwnedHead, OwnedKeyStruct } from "./layout.gen.ts";
import { indexKey, type SyncMaps, type TableMap, textKey } from "./maps.ts";
import { removedRecord, type StoredRecord } from "./state.ts";
import { deleteBatch, eraseRecord, writeBatch } from "./write.ts";

/** `onBroken`: told of records whose bytes differ; they are written anew beside. */
export function* findRecords(
  compared: Compared,
  onBroken: (record: number) => void,
): Generator<Finding | null> {
  const { maps, raw, known, holders } = compared;
  for (const [record, stored] of known.records) {
    const held = raw.records.get(record);
    yield null;
    const differing = held === undefined ? ["all"] : listFields(held.struct, stored.struct);
    if (differing.length > 0) {
      onBroken(record);
      yield {
        map: maps.interfaces.info.name,
        message: `record ${record} has other ${differing.join(", ")} than it was written with`,
        interfaces: holders.ofRecord(record),
        mend: record === removedRecord ? () => writeRemoved(maps, stored) : null,
      };
    }
    yield* findListed(compared, record, stored, held);
  }
  for (const [record, stored] of raw.records) {
    if (known.records.has(record)) continue;
    yield {
      map: maps.interfaces.info.name,
      message: `record ${record} is no interface's, but there is one`,
      interfaces: [],
      isAdded: true,
      mend: () => eraseRecord(maps, record, stored),
    };
  }
  yield* findStrays(maps, maps.owned, raw.strayOwned);
  yield* findStrays(maps, maps.listed, raw.strayListed);
}

/** Nobody's: it drops everything, whatever else stands in it. */
function writeRemoved(maps: SyncMaps, { struct }: StoredRecord): void {
  maps.interfaces.set(indexKey(removedRecord), InterfaceStruct.encode(struct));
}

const fields = [
  "id",
  "network",
  "number",
  "slot",
  "generation",
  "flags",
  "mac",
  "addressesCount",
  "addresses",
  "linkLocal",
] as const satisfies readonly (keyof InterfaceStruct)[];

/** Fields that differ, by the names that people know. */
function listFields(held: InterfaceStruct, wanted: InterfaceStruct): string[] {
  if (Buffer.compare(InterfaceStruct.encode(held), InterfaceStruct.encode(wanted)) === 0) return [];
  const text = (value: unknown) =>
    JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
  return fields.filter((field) => text(held[field]) !== text(wanted[field]));
}

function* findListed(
  { maps, holders }: Compared,
  record: number,
  wanted: StoredRecord,
  held: StoredRecord | undefined,
): Generator<Finding> {
  const interfaces = holders.ofRecord(record);
  if (wanted.owned.size + wanted.listed.size + (held?.owned.size ?? 0) + (held?.listed.size ?? 0) === 0)
    return;
  // A record that is not there has what it owns among the strays, which are deleted: all of it is missing.
  yield* compareKeys(maps.owned, wanted.owned, held?.owned ?? new Map(), describeOwned, interfaces);
  const ones = (keys: Iterable<string>) => new Map([...keys].map((key) => [key, 1]));
  yield* compareKeys(maps.listed, ones(wanted.listed), ones(held?.listed ?? []), describeListed, interfaces);
}

function* compareKeys(
  map: TableMap,
  wanted: ReadonlyMap<string, number>,
  held: ReadonlyMap<string, number>,
  describe: (key: string) => string,
  interfaces: readonly string[],
): Generator<Finding> {
  for (const key of new Set([...wanted.keys(), ...held.keys()])) {
    const value = wanted.get(key);
    if (held.get(key) === value) continue;
    yield {
      map: map.info.name,
      message: `${describe(key)} ${value === undefined ? "was added" : held.has(key) ? "was changed" : "was missing"}`,
      interfaces,
      mend: () => {
        if (value === undefined) deleteBatch(map, textKey(key), 1);
        else writeBatch(map, textKey(key), new Uint8Array(Uint32Array.of(value).buffer), 1);
      },
    };
  }
}

function describeOwned(text: string): string {
  const { prefixlen, record, mac, family, address } = OwnedKeyStruct.decode(textKey(text));
  const whole = decodeAddress(address);
  const start = family === 4 ? { family: 4 as const, bits: whole.bits >> 96n } : whole;
  const length = prefixlen - OwnedHead.OWNED_HEAD_BITS;
  return `${formatAddress(start)}/${length} with ${formatMac(mac)}, owned by record ${record},`;
}

function describeListed(text: string): string {
  const { record, kind, data } = ListedKeyStruct.decode(textKey(text));
  const number = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
  const what: Readonly<Record<number, string>> = {
    [ListedKind.LISTED_VLAN]: `VLAN ${number}`,
    [ListedKind.LISTED_ETHERTYPE]: `ethertype 0x${number.toString(16)}`,
    [ListedKind.LISTED_MAC]: `MAC ${formatMac(data)}`,
    [ListedKind.LISTED_HOST_MAC]: `the host's MAC ${formatMac(data)}`,
  };
  return `${what[kind] ?? `kind ${kind}`}, listed by record ${record},`;
}

function* findStrays(maps: SyncMaps, map: TableMap, strays: readonly string[]): Generator<Finding> {
  const describe = map === maps.owned ? describeOwned : describeListed;
  for (const key of strays) {
    yield {
      map: map.info.name,
      message: `${describe(key)} was there, though the record is nobody's`,
      interfaces: [],
      isAdded: true,
      mend: () => deleteBatch(map, textKey(key), 1),
    };
  }
}
