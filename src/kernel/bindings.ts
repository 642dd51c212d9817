/** Which device an interface is on. Pure: names and numbers in, ifindexes out. */
import type { ResolvedInterface } from "../policy/types.ts";
import { digest64 } from "./digest.ts";
import type { LinkInfo } from "./native.ts";
import { type KnownState, numberOfRecord } from "./state.ts";

/**
 * ifindex -> interface id. A device has the interface that names it. One that was renamed keeps its interface
 * until a device of the right name comes: it is still the same guest's. `isSame`: whether the device of this number is
 * still the one that was bound.
 */
export function bindDevices(
  interfaces: readonly ResolvedInterface[],
  links: ReadonlyMap<number, LinkInfo>,
  before: ReadonlyMap<number, string>,
  isSame: (ifindex: number) => boolean,
): Map<number, string> {
  const byName = new Map(
    [...links.values()].filter(({ loopback }) => !loopback).map((link) => [link.name, link]),
  );
  const bindings = new Map<number, string>();
  const missing = new Set<string>();
  for (const { interface: source } of interfaces) {
    const link = byName.get(source.device);
    if (link === undefined) missing.add(source.id);
    else bindings.set(link.ifindex, source.id);
  }
  for (const [ifindex, id] of before) {
    if (!missing.has(id) || !links.has(ifindex) || bindings.has(ifindex)) continue;
    if (isSame(ifindex)) bindings.set(ifindex, id);
  }
  return bindings;
}

/**
 * What tells a device from another that got its number, whatever their names: a link-layer address is drawn at random where
 * nobody gives one. Null: nothing does.
 */
export function faceOf({ kind, mac }: LinkInfo): string | null {
  return mac === "" ? null : `${kind} ${mac}`;
}

/** What the maps say of devices, in the ids of a model. */
export function bindingsOf(known: KnownState, interfaces: readonly ResolvedInterface[]): Map<number, string> {
  const ids = new Map(interfaces.map(({ interface: source }) => [digest64(source.id), source.id]));
  const bindings = new Map<number, string>();
  for (const [ifindex, record] of known.devices) {
    const live = known.live.get(numberOfRecord(record));
    const struct = live === undefined ? undefined : known.records.get(live)?.struct;
    const id = struct === undefined ? undefined : ids.get(struct.id);
    if (id !== undefined) bindings.set(ifindex, id);
  }
  return bindings;
}
