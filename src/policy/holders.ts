import type { Family } from "../model/model.ts";
import type { Identity, Resolved } from "./types.ts";

/** Identities of a network by address. */
export type Holders = Readonly<Record<Family, ReadonlyMap<bigint, Identity>>>;

/** Who holds which address, by network. */
export function indexByNetwork({ addresses }: Resolved): ReadonlyMap<string, Holders> {
  const networks = new Map<string, Record<Family, Map<bigint, Identity>>>();
  for (const { network, address, identity } of addresses) {
    const holders = networks.get(network) ?? { 4: new Map(), 6: new Map() };
    networks.set(network, holders);
    holders[address.family].set(address.bits, identity);
  }
  return networks;
}
