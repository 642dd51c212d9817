/**
 * A member that a group may have tomorrow: in this group alone, with addresses that nobody has and that as few
 * prefixes of the rules as possible hold. So a row about a group speaks of the group, not of today's members.
 */
import type { Address, Family, Interface, Model, Prefix } from "../model/model.ts";
import { cutsOf, piecesOf, prefixesOf } from "./cuts.ts";
import { addressText, holds } from "./oracle/address.ts";

/** Global unicast: what a guest's address may be. */
const spaces: Readonly<Record<Family, readonly Prefix[]>> = {
  4: [
    { family: 4, bits: 0x0a000000n, length: 8 },
    { family: 4, bits: 0x01000000n, length: 8 },
    { family: 4, bits: 0x80000000n, length: 2 },
  ],
  6: [{ family: 6, bits: 0x2n << 124n, length: 3 }],
};

function freeAddress(model: Model, family: Family, taken: ReadonlySet<string>): Address {
  const prefixes = prefixesOf(model, model.groups.values()).filter((prefix) => prefix.family === family);
  const cuts = cutsOf(prefixes);
  let best: { readonly address: Address; readonly held: number } | null = null;
  for (const [first, end] of spaces[family].flatMap((space) => piecesOf(cuts, space))) {
    let bits = first;
    while (bits < end && taken.has(addressText({ family, bits }))) bits += 1n;
    if (bits === end) continue;
    const address = { family, bits };
    const held = prefixes.filter((prefix) => holds(prefix, address)).length;
    if (best === null || held < best.held) best = { address, held };
  }
  if (best === null) throw new RangeError(`no IPv${family} address is free for a member to be`);
  return best.address;
}

function makeMember(
  model: Model,
  groupId: string,
  network: string,
  turn: number,
  taken: Set<string>,
): Interface {
  const addresses = ([4, 6] as const).map((family) => freeAddress(model, family, taken));
  for (const address of addresses) taken.add(addressText(address));
  return {
    id: `${turn === 0 ? "a" : "another"} member to be of ${groupId}`,
    instance: "",
    hosts: [],
    device: "",
    mac: 0x02ffff000000n + BigInt(taken.size),
    addresses,
    nicType: "intranet",
    network,
    groups: [groupId],
    antiSpoofing: true,
    allowedAddressPairs: [],
    vlans: [],
    etherTypes: [],
    sessions: null,
    place: null,
  };
}

/**
 * Two members to be for each of these groups: they meet others, and each other. The function gives the model with those
 * of the groups that it is told: a row speaks of the groups that it names itself, whatever other rows name.
 */
export function makeMembersToBe(
  model: Model,
  groupIds: Iterable<string>,
): (named: Iterable<string>) => Model {
  const taken = new Set([...model.interfaces.values()].flatMap((own) => own.addresses.map(addressText)));
  const made = new Map<string, readonly Interface[]>();
  for (const groupId of new Set(groupIds)) {
    const group = model.groups.get(groupId);
    if (group === undefined) continue;
    made.set(
      groupId,
      [0, 1].map((turn) => makeMember(model, groupId, group.network, turn, taken)),
    );
  }
  return (named) => {
    const members = [...new Set(named)].flatMap((id) => made.get(id) ?? []);
    if (members.length === 0) return model;
    const own = members.map((member) => [member.id, member] as const);
    return { ...model, interfaces: new Map([...model.interfaces, ...own]) };
  };
}
