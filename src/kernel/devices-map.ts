/** rw_devices: one word for each device, by the low bits of its ifindex, with room for those that collide. */
import { DeviceStruct, Limit } from "./layout.gen.ts";
import { indexKey, type MapEntries, packWord, type SyncMaps, type TableMap, unpackWord } from "./maps.ts";

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

export interface DeviceWords {
  /** ifindex -> record. */
  readonly devices: Map<number, number>;
  /** Places of rw_devices that hold the word of a device that no look-up finds there. */
  readonly strayNear: readonly number[];
  /** Keys of rw_devices_far that no look-up asks, or that hold another device's word. */
  readonly strayFar: readonly number[];
}

export async function readDevices(
  maps: Readonly<Record<keyof DeviceMaps, Pick<TableMap, "entriesAsync">>>,
): Promise<DeviceWords> {
  const devices = new Map<number, number>();
  const strayNear: number[] = [];
  const near = await maps.devices.entriesAsync();
  for (const { key, ifindex, record } of eachDevice(near)) {
    if (ifindex % Limit.DEVICES_NEAR === key) devices.set(ifindex, record);
    else strayNear.push(key);
  }
  const strayFar: number[] = [];
  for (const { key, ifindex, record } of eachDevice(await maps.devicesFar.entriesAsync())) {
    if (key === ifindex && !devices.has(ifindex)) devices.set(ifindex, record);
    else strayFar.push(key);
  }
  return { devices, strayNear, strayFar };
}

/** Words that are not empty, without decoding the others: nearly all of them are. */
function* eachDevice({ count, keys, values }: MapEntries) {
  const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (let index = 0; index < count; index++) {
    const ifindex = view.getUint32(index * DeviceStruct.SIZE, true);
    if (ifindex === 0) continue;
    const { record } = DeviceStruct.read(view, index * DeviceStruct.SIZE);
    yield { key: keyView.getUint32(index * 4, true), ifindex, record };
  }
}

/** Takes away words that no look-up should meet. */
export function clearStrayDevices(
  maps: DeviceMaps,
  words: Pick<DeviceWords, "strayNear" | "strayFar">,
): void {
  for (const place of words.strayNear) maps.devices.store64(place, 0n);
  for (const key of words.strayFar) maps.devicesFar.delete(indexKey(key));
}
