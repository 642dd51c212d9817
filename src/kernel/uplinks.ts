/** What the uplink program may judge early: addresses that exactly one interface of this host holds. */
import type { Resolved } from "../policy/types.ts";
import { addressBytes } from "./addresses.ts";
import { digest64 } from "./digest.ts";
import { UplinkKeyStruct } from "./layout.gen.ts";
import { keyText } from "./maps.ts";
import type { KnownState } from "./state.ts";

/** An uplink that exists. */
export interface UplinkDevice {
  readonly ifindex: number;
  /** Ids of the networks that it carries; null: all. */
  readonly networks: readonly string[] | null;
}

export interface UplinkPlan {
  readonly upserts: ReadonlyMap<string, number>;
  readonly deletes: readonly string[];
}

/** `hostAddresses`: mapped bytes as text; they are never judged early. */
export function planUplinks(
  known: KnownState,
  resolved: Resolved,
  uplinks: readonly UplinkDevice[],
  hostAddresses: ReadonlySet<string>,
): UplinkPlan {
  const upserts = new Map<string, number>();
  const wanted = new Set<string>();
  const holders = uplinks.length === 0 ? [] : soleHolders(resolved);
  for (const { ifindex, networks } of uplinks) {
    for (const [addressText, holder] of holders) {
      if (holder === null || hostAddresses.has(addressText)) continue;
      if (networks !== null && !networks.includes(holder.network)) continue;
      const record = known.live.get(known.numbers.get(digest64(holder.id)) ?? -1);
      if (record === undefined) continue;
      const key = keyText(UplinkKeyStruct.encode({ ifindex, address: holder.address }));
      wanted.add(key);
      if (known.uplinks.get(key) !== record) upserts.set(key, record);
    }
  }
  return { upserts, deletes: [...known.uplinks.keys()].filter((key) => !wanted.has(key)) };
}

/**
 * What is right under this model and the one before: while a change waits for its confirmation, an uplink judges
 * by nothing that the change brought, because nobody would take it from there.
 */
export function keepOldUplinks(known: KnownState, plan: UplinkPlan): UplinkPlan {
  const changed = [...plan.upserts.keys()].filter((key) => known.uplinks.has(key));
  return { upserts: new Map(), deletes: [...plan.deletes, ...changed] };
}

interface Holder {
  readonly id: string;
  readonly network: string;
  readonly address: Uint8Array;
}

/** null: more than one interface of this host holds the address, in whatever networks. */
function soleHolders(resolved: Resolved): Map<string, Holder | null> {
  const holders = new Map<string, Holder | null>();
  for (const { interface: source } of resolved.interfaces) {
    for (const address of source.addresses) {
      const bytes = addressBytes(address);
      const text = keyText(bytes);
      holders.set(
        text,
        holders.has(text) ? null : { id: source.id, network: source.network, address: bytes },
      );
    }
  }
  return holders;
}
