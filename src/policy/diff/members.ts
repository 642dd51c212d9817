/** Who holds which address before and after: what tells remotes apart beside prefixes. */
import type { Family } from "../../model/model.ts";
import { type Holders, indexByNetwork } from "../holders.ts";
import { noIdentity } from "../identity.ts";
import type { Identity, Resolved } from "../types.ts";

/** An address of a network, and the sets of groups behind it; `noIdentity` where nobody holds it. */
export interface Member {
  readonly family: Family;
  readonly bits: bigint;
  readonly before: Identity;
  readonly after: Identity;
}

/** All known addresses of a network, in the order of their bits. */
export interface NetworkMembers extends Readonly<Record<Family, readonly Member[]>> {
  /** The distinct ways in which addresses change their sets of groups. */
  readonly moves: readonly Pick<Member, "before" | "after">[];
}

export type MembersOf = (network: { readonly before: string; readonly after: string }) => NetworkMembers;

/** Joins the addresses of two models by network; each pair of networks once. */
export function joinMembers(before: Resolved, after: Resolved): MembersOf {
  const known = new Map<string, NetworkMembers>();
  const old = indexByNetwork(before);
  const fresh = indexByNetwork(after);
  return (network) => {
    const key = JSON.stringify([network.before, network.after]);
    const members = known.get(key) ?? joinNetworks(old.get(network.before), fresh.get(network.after));
    known.set(key, members);
    return members;
  };
}

function joinNetworks(before: Holders | undefined, after: Holders | undefined): NetworkMembers {
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
  const [four, six] = [join(4), join(6)];
  return { 4: four, 6: six, moves: listMoves([...four, ...six]) };
}

function listMoves(members: readonly Member[]): NetworkMembers["moves"] {
  const moves = new Map<string, Pick<Member, "before" | "after">>();
  for (const { before, after } of members)
    if (before !== after) moves.set(`${before} ${after}`, { before, after });
  return [...moves.values()];
}
