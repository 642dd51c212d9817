/** rw_devices: one word for each device, by the low bits of its ifindex, with room for those that collide. */
import { DeviceStruct, Limit } from "./layout.gen.ts";
import { indexKey, packWord, type SyncMaps, unpackWord } from "./maps.ts";

/** What of the maps holds devices. */
export type DeviceMaps = Pick<SyncMaps, "devices" | "devicesFar">;

/** Points a device at a record by one store. A device that finds its place taken goes to rw_devices_far. */
export function storeDevice(maps: DeviceMaps, ifindex: number, record: number): void {
  const place = ifindex % Limit.DEVICES_NEAR;
  const holder = unpackWord(maps.devices.load64(place)).low;
  if (holder === 0 || holder === ifindex) {
    maps.devices.store64(place, packWord(ifindex, record));
    // Only now: a look-up asks the near place first.
    if (holder === 0) maps.devicesFar.delete(indexKey(ifindex));
    return;
  }
  maps.devicesFar.set(indexKey(ifindex), DeviceStruct.encode({ ifindex, record }));
}

/** Forgets a device that is gone, or that nothing judges any more. */
export function clearDevice(maps: DeviceMaps, ifindex: number): void {
  const place = ifindex % Limit.DEVICES_NEAR;
  if (unpackWord(maps.devices.load64(place)).low === ifindex) maps.devices.store64(place, 0n);
  maps.devicesFar.delete(indexKey(ifindex));
}

/** ifindex -> record. */
export async function readDevices(maps: DeviceMaps): Promise<Map<number, number>> {
  const devices = new Map<number, number>();
  for (const map of [maps.devicesFar, maps.devices]) {
    const { count, values } = await map.entriesAsync();
    for (let index = 0; index < count; index++) {
      const { ifindex, record } = DeviceStruct.decode(values, index * DeviceStruct.SIZE);
      if (ifindex !== 0) devices.set(ifindex, record);
    }
  }
  return devices;
}
