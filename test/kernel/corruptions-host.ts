/** What somebody may change in the maps that all policies share. */
import { DeviceStruct, IdentityStruct, InterfaceStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../src/kernel/maps.ts";
import { type Corruption, change, find, placesOf } from "./corruptions.ts";

const any = () => true;

/** Of addresses, slots, devices, records and settings. */
export const hostCorruptions: readonly Corruption[] = [
  [
    "an address that stands for nobody",
    "rw_identities",
    /10\.0\.0\.2 in vpc-a stood for nobody instead of sg-ops/,
    async (bed) =>
      void bed.maps.identities.delete(
        await find(bed.maps.identities, (key) => key.at(-1) === 2 && key[18] === 0xff),
      ),
  ],
  [
    "an address that stands for another set of groups",
    "rw_identities",
    /10\.0\.0\.2 in vpc-a stood for sg-web instead of sg-ops/,
    async (bed) => {
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
    async (bed) =>
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
    async (bed) => {
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
    (bed) => bed.maps.slots.store64(placesOf(bed).slot, packWord(1234, 5)),
  ],
  [
    "a slot that nobody has",
    "rw_slots",
    /slot 500 .* held version 1 of generation 1 instead of nothing/,
    (bed) => bed.maps.slots.store64(500, packWord(1, 1)),
  ],
  [
    "an intent without a change",
    "rw_slots",
    /slot \d+ was to become version 3 of generation 9/,
    (bed) => bed.maps.slots.store64(bed.maps.slots.info.maxEntries / 2 + placesOf(bed).slot, packWord(3, 9)),
  ],
  ["the journal set back", "rw_slots", /slot 0 \(the journal\)/, (bed) => bed.maps.slots.store64(0, 0n)],
  [
    "a device that names another interface's record",
    "rw_devices",
    /device 71 named record \d+ \(eni-2\) instead of record \d+ \(eni-1\)/,
    (bed) => bed.maps.devices.store64(71, packWord(71, bed.engine.liveRecord("eni-2") ?? 0)),
  ],
  [
    "a device without a word",
    "rw_devices",
    /device 71 named nothing instead of record \d+ \(eni-1\)/,
    (bed) => bed.maps.devices.store64(71, 0n),
  ],
  [
    "a device's word where no look-up finds it",
    "rw_devices",
    /place 300 held the word of another device/,
    (bed) => bed.maps.devices.store64(300, packWord(301, 1)),
  ],
  [
    "a device that is not judged",
    "rw_devices",
    /device 400, which Ringwall does not judge/,
    (bed) => bed.maps.devices.store64(400, packWord(400, bed.engine.liveRecord("eni-2") ?? 0)),
  ],
  [
    "a device's word in the map for those that collide",
    "rw_devices_far",
    /place 71 held the word of another device/,
    (bed) => bed.maps.devicesFar.set(indexKey(71), DeviceStruct.encode({ ifindex: 71, record: 0 })),
  ],
  [
    "a record without anti-spoofing",
    "rw_interfaces",
    /record \d+ has other flags/,
    (bed) =>
      change(bed.maps.interfaces, indexKey(placesOf(bed).record), (record) => record.setUint32(28, 0, true)),
  ],
  [
    "a record with another MAC",
    "rw_interfaces",
    /record \d+ has other mac/,
    (bed) =>
      change(bed.maps.interfaces, indexKey(placesOf(bed).record), (record) => record.setUint8(32, 0x99)),
  ],
  [
    "a record that is gone",
    "rw_interfaces",
    /record \d+ has other all/,
    (bed) => bed.maps.interfaces.set(indexKey(placesOf(bed).record), new Uint8Array(InterfaceStruct.SIZE)),
  ],
  [
    "a record that is nobody's",
    "rw_interfaces",
    /record 20 is no interface's/,
    (bed) =>
      bed.maps.interfaces.set(
        indexKey(20),
        bed.maps.interfaces.get(indexKey(placesOf(bed).record)) ?? new Uint8Array(),
      ),
  ],
  [
    "record 0 that lets through",
    "rw_interfaces",
    /record 0 has other flags/,
    (bed) => change(bed.maps.interfaces, indexKey(0), (record) => record.setUint32(28, 1, true)),
  ],
  [
    "an owned address deleted",
    "rw_owned",
    /10\.0\.0\.14\/32 with 02:00:00:00:00:01, owned by record \d+, was missing/,
    async (bed) => void bed.maps.owned.delete(await find(bed.maps.owned, any)),
  ],
  [
    "an owned address added",
    "rw_owned",
    /0\.0\.0\.0\/0 with 02:00:00:00:00:01, owned by record \d+, was added/,
    async (bed) => {
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
    async (bed) => void bed.maps.listed.delete(await find(bed.maps.listed, any)),
  ],
  [
    "a VLAN listed by nobody",
    "rw_listed",
    /VLAN 7, listed by record 900, was there, though the record is nobody's/,
    async (bed) => {
      const key = await find(bed.maps.listed, any);
      new DataView(key.buffer).setUint32(0, 900, true);
      bed.maps.listed.set(key, Uint8Array.of(1, 0, 0, 0));
    },
  ],
  [
    "an uplink's address that names a record",
    "rw_uplinks",
    /behind uplink 5 named record 7 instead of none/,
    (bed) =>
      bed.maps.uplinks.set(
        Uint8Array.from({ length: 24 }, (_, index) => (index === 0 || index > 7 ? 5 : 0)),
        Uint8Array.of(7, 0, 0, 0),
      ),
  ],
  [
    "a timeout of the settings",
    "rw_settings",
    /the host's settings .* were others than agent\.yaml says/,
    (bed) => change(bed.maps.settings, indexKey(0), (settings) => settings.setUint32(16, 1, true)),
  ],
];
