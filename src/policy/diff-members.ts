/** Who holds which address before and after: what tells remotes apart beside prefixes. */
import type { Family } from "../model/model.ts";
import { noIdentity } from "./identity.ts";
import type { Identity, Resolved } from "./types.ts";

/** An address of a network, and the sets of groups behind it; `noIdentity` where nobody holds it. */
export interface Member {
  readonly family: Family;
  readonly bits: bigint;
  readonly before: Identity;
  readonly after: Identity;
}

export type MembersOf = (network: {
  readonly before: string;
  readonly after: string;
}) => Readonly<Record<Family, readonly Member[]>>;

/** Joins the addresses of two models by network, in the order of their bits; each pair of networks once. */
export function joinMembers(before: Resolved, after: Resolved): MembersOf {
  const known = new Map<string, Readonly<Record<Family, readonly Member[]>>>();
  const old = indexByNetwork(before);
  const fresh = indexByNetwork(after);
  return (network) => {
    const key = JSON.stringify([network.before, network.after]);
    const members = known.get(key) ?? joinNetworks(old.get(network.before), fresh.get(network.after));
    known.set(key, members);
    return members;
  };
}

type Holders = Readonly<Record<Family, ReadonlyMap<bigint, Identity>>>;

function indexByNetwork({ addresses }: Resolved): ReadonlyMap<string, Holders> {
  const networks = new Map<string, Record<Family, Map<bigint, Identity>>>();
  for (const { network, address, identity } of addresses) {
    const holders = networks.get(network) ?? { 4: new Map(), 6: new Map() };
    networks.set(network, holders);
    holders[address.family].set(address.bits, identity);
  }
  return networks;
}

function joinNetworks(
  before: Holders | undefined,
  after: Holders | undefined,
): Readonly<Record<Family, readonly Member[]>> {
  const join = (family: Family): readonly Member[] => {
    const [old, fresh] = [before?.[family] ?? new Map(), after?.[family] ?? new Map()];
    return [...new Set([...old.keys(), ...fresh.keys()])]
      .sort((a, b) => (a < b ? -1 : 1))
      .map((bits) => ({
        family,
        bits,
        before: old.get(bits) ?? noIdentity,
        after: fresh.get(bits) ?? noIdentity,
      }));
  };
  return { 4: join(4), 6: join(6) };
}

/** The distinct ways in which addresses of a network change their sets of groups. */
export function listMoves(
  members: Readonly<Record<Family, readonly Member[]>>,
): readonly Pick<Member, "before" | "after">[] {
  const moves = new Map<string, Pick<Member, "before" | "after">>();
  for (const { before, after } of [...members[4], ...members[6]])
    if (before !== after) moves.set(`${before} ${after}`, { before, after });
  return [...moves.values()];
}
