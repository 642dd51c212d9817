/** rw_ports, rw_direct and rw_targets: what they hold, what they should, and the way from one to the other. */
import { formatMac } from "./addresses.ts";
import type { DirectPort } from "./direct-judge.ts";
import { errorCode } from "./errors.ts";
import type { Finding } from "./finding.ts";
import { DirectFlag, DirectKeyStruct, DirectStruct, Limit } from "./layout.gen.ts";
import { findWords, indexKey, keyText, packWord, textKey, unpackWord } from "./maps.ts";
import type { BpfMap } from "./native.ts";

/** What of the maps is used; tests may bring others. */
export interface DirectMaps {
  readonly ports: Pick<BpfMap, "store64" | "load64" | "getRun" | "info">;
  readonly direct: Pick<BpfMap, "set" | "delete" | "entries" | "info">;
  readonly targets: Pick<BpfMap, "set" | "delete" | "entries" | "info">;
}

/** What the programs go by. */
export interface DirectState {
  /** place -> word of the device and its bridge. */
  readonly ports: ReadonlyMap<number, bigint>;
  /** Key bytes as text -> value bytes as text. */
  readonly direct: ReadonlyMap<string, string>;
  /** Devices that frames may be sent to. */
  readonly targets: ReadonlySet<number>;
}

export const emptyDirect: DirectState = { ports: new Map(), direct: new Map(), targets: new Set() };

/** `senders`: ifindex -> bridge, of devices whose frames may go past it, uplinks too. */
export function directState(
  guests: readonly DirectPort[],
  senders: ReadonlyMap<number, number>,
): DirectState {
  const ports = new Map<number, bigint>();
  for (const [ifindex, bridge] of senders) {
    const place = ifindex % Limit.DEVICES_NEAR;
    // Two that share a place: the first one has it, the other's frames go the bridge's way.
    if (!ports.has(place)) ports.set(place, packWord(ifindex, bridge));
  }
  const direct = new Map<string, string>();
  for (const { ifindex, bridge, mac, length, needsSkb } of guests) {
    const flags = needsSkb === null ? DirectFlag.DIRECT_XDP : 0;
    direct.set(
      keyText(DirectKeyStruct.encode({ bridge, mac })),
      keyText(DirectStruct.encode({ ifindex, flags, length })),
    );
  }
  return { ports, direct, targets: new Set(guests.map(({ ifindex }) => ifindex)) };
}

/** What the maps hold. */
export function readDirect(maps: DirectMaps): DirectState {
  const direct = maps.direct.entries();
  const targets = maps.targets.entries();
  return {
    ports: findWords(maps.ports.getRun(0, Limit.DEVICES_NEAR)),
    direct: new Map(
      Array.from({ length: direct.count }, (_, index) => [
        keyText(direct.keys.subarray(index * DirectKeyStruct.SIZE, (index + 1) * DirectKeyStruct.SIZE)),
        keyText(direct.values.subarray(index * DirectStruct.SIZE, (index + 1) * DirectStruct.SIZE)),
      ]),
    ),
    targets: new Set(new Uint32Array(targets.keys.slice().buffer)),
  };
}

/**
 * From one state to another: what goes goes first, and nothing names a device that is not yet there. `left`: whether a
 * device may have left this namespace meanwhile, and come back: the kernel has taken it out of rw_targets then.
 */
export function writeDirect(
  maps: DirectMaps,
  from: DirectState,
  to: DirectState,
  left: (ifindex: number) => boolean = () => false,
): void {
  for (const [key, value] of from.direct) if (to.direct.get(key) !== value) maps.direct.delete(textKey(key));
  for (const [place, word] of from.ports) if (to.ports.get(place) !== word) maps.ports.store64(place, 0n);
  for (const ifindex of from.targets) if (!to.targets.has(ifindex)) removeTarget(maps, ifindex);
  for (const ifindex of to.targets)
    if (!from.targets.has(ifindex) || left(ifindex)) maps.targets.set(indexKey(ifindex), indexKey(ifindex));
  for (const [key, value] of to.direct)
    if (from.direct.get(key) !== value) maps.direct.set(textKey(key), textKey(value));
  for (const [place, word] of to.ports) if (from.ports.get(place) !== word) maps.ports.store64(place, word);
}

/** The kernel takes devices out by itself when they go. */
function removeTarget(maps: DirectMaps, ifindex: number): void {
  try {
    maps.targets.delete(indexKey(ifindex));
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** Places that hold something else than `wanted`. */
export function* findDirect(maps: DirectMaps, wanted: DirectState): Generator<Finding> {
  const held = readDirect(maps);
  for (const place of new Set([...held.ports.keys(), ...wanted.ports.keys()])) {
    const [now, meant] = [held.ports.get(place) ?? 0n, wanted.ports.get(place) ?? 0n];
    if (now === meant) continue;
    yield {
      map: maps.ports.info.name,
      message: `${describeWord(now)} instead of ${describeWord(meant)}`,
      interfaces: [],
      ...(meant === 0n ? { isAdded: true } : {}),
      mend: () => maps.ports.store64(place, meant),
    };
  }
  for (const key of new Set([...held.direct.keys(), ...wanted.direct.keys()])) {
    const [now, meant] = [held.direct.get(key), wanted.direct.get(key)];
    if (now === meant) continue;
    yield {
      map: maps.direct.info.name,
      message: `${describeKey(key)} was ${describeValue(now)} instead of ${describeValue(meant)}`,
      interfaces: [],
      ...(meant === undefined ? { isAdded: true } : {}),
      mend: () =>
        meant === undefined
          ? void maps.direct.delete(textKey(key))
          : maps.direct.set(textKey(key), textKey(meant)),
    };
  }
  for (const ifindex of new Set([...held.targets, ...wanted.targets])) {
    const isMeant = wanted.targets.has(ifindex);
    if (held.targets.has(ifindex) === isMeant) continue;
    yield {
      map: maps.targets.info.name,
      message: `device ${ifindex} ${isMeant ? "could not be sent to" : "could be sent to"}`,
      interfaces: [],
      ...(isMeant ? {} : { isAdded: true }),
      mend: () =>
        isMeant ? maps.targets.set(indexKey(ifindex), indexKey(ifindex)) : removeTarget(maps, ifindex),
    };
  }
}

function describeWord(word: bigint): string {
  const { low, high } = unpackWord(word);
  return word === 0n ? "no bridge" : `device ${low} on bridge ${high}`;
}

function describeKey(key: string): string {
  const { bridge, mac } = DirectKeyStruct.decode(textKey(key));
  return `${formatMac(mac)} on bridge ${bridge}`;
}

function describeValue(value: string | undefined): string {
  if (value === undefined) return "nowhere";
  const { ifindex, flags, length } = DirectStruct.decode(textKey(value));
  const frames = flags & DirectFlag.DIRECT_XDP ? "XDP frames" : "skbs";
  return `at device ${ifindex} (${frames} up to ${length} bytes)`;
}
