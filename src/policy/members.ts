/** Whose an address is: every interface of every host, and the gateways. */
import type { Address, Family, Interface, Model } from "../model/model.ts";
import { DigestRegistry } from "./digest.ts";
import { identityOf, linkLocalOf, sortIds } from "./identity.ts";
import type { Identity, ResolvedAddress } from "./types.ts";

/** The known addresses of a model and the sets of groups behind them. */
export interface Members {
  readonly addresses: readonly ResolvedAddress[];
  readonly identities: ReadonlyMap<Identity, readonly string[]>;
}

interface Holder {
  readonly network: string;
  readonly address: Address;
  readonly groups: Set<string>;
  gateway: boolean;
}

/**
 * Every listed address and the link-local one of each MAC, whatever host the interface is on, with the identity
 * of its groups; and gateways. An address that two interfaces hold (one lists what the other's MAC makes) stands
 * for the groups of both: it is a member's address of each.
 * @throws Error when two sets of groups have the same digest
 */
export function collectMembers(model: Model): Members {
  const identities = new Map<Identity, readonly string[]>();
  const registry = new DigestRegistry("identity");
  const identify = createIdentifier(registry, identities);
  const addresses = collectHolders(model).map((holder) => ({
    network: holder.network,
    address: holder.address,
    identity: identify(holder.network, holder.groups),
    gateway: holder.gateway,
  }));
  return { addresses, identities };
}

/** Whether its addresses are members' addresses: on a classic network only those of intranet interfaces are. */
export function standsForGroups(
  model: Model,
  { nicType, network }: Pick<Interface, "nicType" | "network">,
): boolean {
  return nicType === "intranet" || model.networks.get(network)?.type !== "classic";
}

function collectHolders(model: Model): readonly Holder[] {
  const holders: Holder[] = [];
  const networks = new Map<string, Readonly<Record<Family, Map<bigint, Holder>>>>();
  const hold = (network: string, address: Address): Holder => {
    const addresses = networks.get(network) ?? { 4: new Map(), 6: new Map() };
    networks.set(network, addresses);
    const known = addresses[address.family].get(address.bits);
    if (known !== undefined) {
      return known;
    }
    const holder: Holder = { network, address, groups: new Set(), gateway: false };
    addresses[address.family].set(address.bits, holder);
    holders.push(holder);
    return holder;
  };
  for (const iface of model.interfaces.values()) {
    const groups = standsForGroups(model, iface) ? iface.groups : [];
    for (const address of [...iface.addresses, linkLocalOf(iface.mac)]) {
      const holder = hold(iface.network, address);
      for (const group of groups) {
        holder.groups.add(group);
      }
    }
  }
  for (const network of model.networks.values()) {
    for (const address of network.gateways) {
      hold(network.id, address).gateway = true;
    }
  }
  return holders;
}

/** Hashes each set once, however many addresses stand for it. */
function createIdentifier(registry: DigestRegistry, identities: Map<Identity, readonly string[]>) {
  const known = new Map<string, Identity>();
  return (network: string, groups: ReadonlySet<string>): Identity => {
    const sorted = sortIds(groups);
    const meaning =
      sorted.length === 0 ? "the empty set" : `the groups ${sorted.join(", ")} of network ${network}`;
    const before = known.get(meaning);
    if (before !== undefined) {
      return before;
    }
    const identity = identityOf(network, sorted);
    registry.claim(identity, meaning);
    known.set(meaning, identity);
    identities.set(identity, sorted);
    return identity;
  };
}
