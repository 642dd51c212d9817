/** Everything that the maps hold, as it lies there; what of it counts is recover.ts' to say. */
import { bytesMapped } from "./addresses.ts";
import { readDevices } from "./devices-map.ts";
import {
  BitsStruct,
  type Codec,
  GroupKeyStruct,
  IdentityKeyStruct,
  IdentityStruct,
  InterfaceStruct,
  ListedKeyStruct,
  OwnedKeyStruct,
  PolicyStruct,
  PrefixHead,
  PrefixKeyStruct,
  SlotStruct,
  UplinkKeyStruct,
} from "./layout.gen.ts";
import { isZero, keyText, type MapEntries, type SyncMaps, type TableMap, type WordMap } from "./maps.ts";
import { createPauses } from "./slices.ts";
import {
  removedRecord,
  type SlotWord,
  type StoredBits,
  type StoredIdentities,
  type StoredRecord,
  slotCapacity,
  storeIdentity,
} from "./state.ts";

export interface RawState {
  readonly devices: Map<number, number>;
  readonly strayNear: readonly number[];
  readonly strayFar: readonly number[];
  /** By place in rw_interfaces; places without an id are left out, record 0 aside. */
  readonly records: Map<number, StoredRecord>;
  /** Owned and listed entries of places that hold no record. */
  readonly strayOwned: readonly string[];
  readonly strayListed: readonly string[];
  readonly slots: Map<number, SlotWord>;
  /** What a change under way was to make of slots. */
  readonly intents: Map<number, SlotWord>;
  readonly headers: Map<number, PolicyStruct>;
  /** Keys of rw_prefixes by version. */
  readonly prefixKeys: Map<number, Uint8Array[]>;
  /** Keys of rw_prefixes shorter than a version's number: they answer for every policy. */
  readonly strayPrefixes: readonly Uint8Array[];
  /** rw_group_bits by version. */
  readonly groups: Map<number, readonly [Map<bigint, StoredBits>, Map<bigint, StoredBits>]>;
  readonly identities: StoredIdentities;
  readonly uplinks: Map<string, number>;
}

/** Maps of which all entries are read. */
export const rawNames = [
  "devices",
  "devicesFar",
  "interfaces",
  "owned",
  "listed",
  "uplinks",
  "identities",
  "slots",
  "policies",
  "prefixes",
  "groupBits",
] as const satisfies readonly (keyof SyncMaps)[];

type Read = Pick<TableMap, "entriesAsync">;
/** What is asked of them; SyncMaps, or what was read of those. */
export type RawMaps = Readonly<Record<Exclude<(typeof rawNames)[number], "slots">, Read>> & {
  readonly slots: Read & Pick<WordMap, "maxEntries">;
};

/** Off the event loop as far as the kernel is asked. */
export async function readState(maps: RawMaps): Promise<RawState> {
  const { records, strayOwned, strayListed } = await readRecords(maps);
  return {
    ...(await readDevices(maps)),
    records,
    strayOwned,
    strayListed,
    ...(await readSlots(maps)),
    headers: await readHeaders(maps),
    ...(await readPrefixKeys(maps)),
    groups: await readGroups(maps),
    identities: await readIdentities(maps),
    uplinks: await readUplinks(maps),
  };
}

/** Entries between two looks at the clock. */
const pauseEvery = 256;

function keyAt(entries: MapEntries, index: number, size: number): Uint8Array {
  return entries.keys.slice(index * size, (index + 1) * size);
}

function numberAt(bytes: Uint8Array, index: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(index * 4, true);
}

/** Places whose first 64-bit word is not 0, and that `always`: most are empty, and decoding them all would take a while. */
function* eachPlace<T>(
  { count, keys, values }: MapEntries,
  codec: Codec<T>,
  always = -1,
): Generator<readonly [number, T]> {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (let index = 0; index < count; index++) {
    const [place, offset] = [numberAt(keys, index), index * codec.SIZE];
    if (!isZero(view, offset) || place === always) yield [place, codec.read(view, offset)];
  }
}

async function readRecords(maps: RawMaps) {
  const owned = await readByRecord(maps.owned.entriesAsync(), OwnedKeyStruct);
  const listed = await readByRecord(maps.listed.entriesAsync(), ListedKeyStruct);
  const records = new Map<number, StoredRecord>();
  for (const [record, struct] of eachPlace(
    await maps.interfaces.entriesAsync(),
    InterfaceStruct,
    removedRecord,
  )) {
    if (struct.id === 0n && (record !== removedRecord || struct.flags === 0)) continue;
    const stored = {
      struct,
      owned: owned.get(record) ?? new Map<string, number>(),
      listed: new Set((listed.get(record) ?? new Map<string, number>()).keys()),
    };
    records.set(record, stored);
  }
  const strays = (byRecord: ReadonlyMap<number, ReadonlyMap<string, number>>) =>
    [...byRecord].flatMap(([record, keys]) => (records.has(record) ? [] : [...keys.keys()]));
  return { records, strayOwned: strays(owned), strayListed: strays(listed) };
}

async function readByRecord(
  reading: Promise<MapEntries>,
  codec: Codec<{ readonly record: number }>,
): Promise<Map<number, Map<string, number>>> {
  const entries = await reading;
  const byRecord = new Map<number, Map<string, number>>();
  for (let index = 0; index < entries.count; index++) {
    const key = keyAt(entries, index, codec.SIZE);
    const { record } = codec.decode(key);
    const keys = byRecord.get(record) ?? new Map<string, number>();
    byRecord.set(record, keys.set(keyText(key), numberAt(entries.values, index)));
  }
  return byRecord;
}

async function readSlots(maps: RawMaps): Promise<Pick<RawState, "slots" | "intents">> {
  const capacity = slotCapacity(maps.slots);
  const slots = new Map<number, SlotWord>();
  const intents = new Map<number, SlotWord>();
  for (const [slot, word] of eachPlace(await maps.slots.entriesAsync(), SlotStruct)) {
    if (slot < capacity) slots.set(slot, word);
    else intents.set(slot - capacity, word);
  }
  return { slots, intents };
}

async function readHeaders(maps: RawMaps): Promise<Map<number, PolicyStruct>> {
  const headers = new Map<number, PolicyStruct>();
  // The key stands first.
  for (const [version, header] of eachPlace(await maps.policies.entriesAsync(), PolicyStruct))
    headers.set(version, header);
  return headers;
}

async function readPrefixKeys(maps: RawMaps): Promise<Pick<RawState, "prefixKeys" | "strayPrefixes">> {
  const entries = await maps.prefixes.entriesAsync();
  const byVersion = new Map<number, Uint8Array[]>();
  const strayPrefixes: Uint8Array[] = [];
  const pause = createPauses();
  for (let index = 0; index < entries.count; index++) {
    if (index % pauseEvery === 0) await pause();
    const key = keyAt(entries, index, PrefixKeyStruct.SIZE);
    const { prefixlen, head } = PrefixKeyStruct.decode(key);
    if (prefixlen < PrefixHead.PREFIX_HEAD_BITS) {
      strayPrefixes.push(key);
      continue;
    }
    const version = head >>> PrefixHead.PREFIX_VERSION_SHIFT;
    const keys = byVersion.get(version);
    if (keys === undefined) byVersion.set(version, [key]);
    else keys.push(key);
  }
  return { prefixKeys: byVersion, strayPrefixes };
}

async function readGroups(maps: RawMaps): Promise<RawState["groups"]> {
  const entries = await maps.groupBits.entriesAsync();
  const byVersion = new Map<number, readonly [Map<bigint, StoredBits>, Map<bigint, StoredBits>]>();
  const pause = createPauses();
  for (let index = 0; index < entries.count; index++) {
    if (index % pauseEvery === 0) await pause();
    const { version, side, identity } = GroupKeyStruct.decode(entries.keys, index * GroupKeyStruct.SIZE);
    let sides = byVersion.get(version);
    if (sides === undefined) {
      sides = [new Map(), new Map()];
      byVersion.set(version, sides);
    }
    sides[side === 0 ? 0 : 1].set(identity, BitsStruct.decode(entries.values, index * BitsStruct.SIZE));
  }
  return byVersion;
}

async function readIdentities(maps: RawMaps): Promise<StoredIdentities> {
  const entries = await maps.identities.entriesAsync();
  const identities: StoredIdentities = new Map();
  const pause = createPauses();
  for (let index = 0; index < entries.count; index++) {
    if (index % pauseEvery === 0) await pause();
    const { network, address } = IdentityKeyStruct.decode(entries.keys, index * IdentityKeyStruct.SIZE);
    const entry = IdentityStruct.decode(entries.values, index * IdentityStruct.SIZE);
    storeIdentity(identities, network, bytesMapped(address), entry);
  }
  return identities;
}

async function readUplinks(maps: RawMaps): Promise<Map<string, number>> {
  const entries = await maps.uplinks.entriesAsync();
  const uplinks = new Map<string, number>();
  for (let index = 0; index < entries.count; index++) {
    uplinks.set(keyText(keyAt(entries, index, UplinkKeyStruct.SIZE)), numberAt(entries.values, index));
  }
  return uplinks;
}
