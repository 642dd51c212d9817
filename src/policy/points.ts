/** What a row's `from` and `to` stand for: points, each for all ends that the rules cannot tell from it. */
import { parseAddressOrPrefix } from "../model/cidr.ts";
import type { Address, Interface, Model, Prefix } from "../model/model.ts";
import { type Cuts, pieceOf, piecesOf } from "./cuts.ts";
import { addressesOf, findInterface, QuestionError, readPlacedAddress, requireOwnAddress } from "./ends.ts";
import { addressText, holds, isLoopback, isMapped, isMulticast, madeLinkLocal } from "./oracle/address.ts";
import { groupsBehind } from "./rules.ts";

/** An end of packets: an interface with one of its addresses, or an address that is nobody's. */
export interface Point {
  readonly interface: Interface | null;
  readonly address: Address;
}

/** What a text names, before it is looked at more closely. */
export type Named =
  | { readonly kind: "interfaces"; readonly interfaces: readonly Interface[] }
  | { readonly kind: "point"; readonly interface: Interface; readonly address: Address }
  | { readonly kind: "prefix"; readonly prefix: Prefix };

/** What an end of a row names: a group's members, an interface (with an address), or a prefix (an address is one). */
export function findNamed(model: Model, text: string): Named {
  if (model.groups.has(text)) {
    const interfaces = [...model.interfaces.values()].filter((own) => own.groups.includes(text));
    return { kind: "interfaces", interfaces };
  }
  const parsed = parseAddressOrPrefix(text);
  if (parsed.ok) return { kind: "prefix", prefix: parsed.value.prefix };
  if (/^[\d.:a-f]+\//i.test(text)) throw new QuestionError(parsed.problem.message);
  const options = { words: model.groups.keys() };
  const placed = readPlacedAddress(model, text, options);
  if (placed !== null) {
    requireOwnAddress(placed);
    return { kind: "point", ...placed };
  }
  return { kind: "interfaces", interfaces: [findInterface(model, text, options)] };
}

/** The networks in which addresses opposite to this end are looked up. */
export function networksOf(named: Named): readonly string[] {
  switch (named.kind) {
    case "prefix":
      return [];
    case "point":
      return [named.interface.network];
    case "interfaces":
      return [...new Set(named.interfaces.map((own) => own.network))];
    default:
      return named satisfies never;
  }
}

/** Members of a network by address. */
function listMembers(model: Model, network: string): ReadonlyMap<string, Point> {
  const members = new Map<string, Point>();
  for (const own of model.interfaces.values()) {
    if (own.network !== network) continue;
    for (const address of [...own.addresses, madeLinkLocal(own.mac)]) {
      members.set(addressText(address), { interface: own, address });
    }
  }
  return members;
}

/** No packet that the rules judge comes from, or goes to, such an address. */
function isOutside(address: Address, sends: boolean): boolean {
  return isMapped(address) || (sends && (isMulticast(address) || isLoopback(address)));
}

/** What the address pairs of a network's interfaces hold, and whose each is. */
interface Pair {
  readonly interface: Interface;
  readonly prefix: Prefix;
}

function listPairs(model: Model, network: string): readonly Pair[] {
  return [...model.interfaces.values()]
    .filter((own) => own.network === network)
    .flatMap((own) => own.allowedAddressPairs.map(({ prefix }) => ({ interface: own, prefix })));
}

/**
 * A prefix's points in a network: each member that it holds, and of each piece one address of each interface whose
 * pairs hold it, or where there are none one stranger. `cuts` has the ends of the pairs.
 */
function pointsOfPrefix(
  model: Model,
  network: string,
  prefix: Prefix,
  cuts: Cuts,
  sends: boolean,
): readonly Point[] {
  const members = listMembers(model, network);
  const pairs = listPairs(model, network);
  const points = [...members.values()].filter(({ address }) => holds(prefix, address));
  for (const [first, end] of piecesOf(cuts, prefix)) {
    let bits = first;
    while (bits < end && members.has(addressText({ family: prefix.family, bits }))) bits += 1n;
    const address = { family: prefix.family, bits };
    if (bits === end || isOutside(address, sends)) continue;
    const holders = new Set(
      pairs.filter((pair) => holds(pair.prefix, address)).map((pair) => pair.interface),
    );
    if (holders.size === 0) points.push({ interface: null, address });
    else for (const own of holders) points.push({ interface: own, address });
  }
  return points;
}

/** Listed addresses, as rules about groups mean them; what goes by a pair's address is asked by that address. */
export function listMemberPoints(own: Interface): readonly Point[] {
  const end = { interface: own, address: null };
  return ([4, 6] as const).flatMap((family) =>
    addressesOf(end, family).map((address) => ({ interface: own, address })),
  );
}

/** All points of an end; `networks`: where a prefix's addresses are looked up. */
export function pointsOf(
  model: Model,
  named: Named,
  networks: readonly string[],
  cuts: Cuts,
  sends: boolean,
): readonly Point[] {
  switch (named.kind) {
    case "interfaces":
      return named.interfaces.flatMap(listMemberPoints);
    case "point":
      return [{ interface: named.interface, address: named.address }];
    case "prefix":
      return networks.flatMap((network) => pointsOfPrefix(model, network, named.prefix, cuts, sends));
    default:
      return named satisfies never;
  }
}

/** One of each network and nic type among the points: who looks at the other end. */
function observersOf(points: readonly Point[]): readonly Interface[] {
  const observers = new Map<string, Interface>();
  for (const { interface: own } of points) {
    if (own !== null) observers.set(`${own.network} ${own.nicType}`, own);
  }
  return [...observers.values()];
}

/**
 * Points that the rules cannot tell apart are one class: same groups, same pieces, same groups as the other
 * end sees them. Two of each are kept, so that members of one class meet each other.
 */
export function classify(
  model: Model,
  points: readonly Point[],
  others: readonly Point[],
  cuts: Cuts,
): readonly (readonly Point[])[] {
  const observers = observersOf(others);
  const classes = new Map<string, Point[]>();
  for (const point of points) {
    const own = point.interface;
    const key = JSON.stringify([
      own === null ? null : [own.network, own.nicType, [...own.groups].sort()],
      observers.map((observer) => [...groupsBehind(model, observer, point.address)].sort()),
      point.address.family,
      pieceOf(cuts, point.address),
    ]);
    const alike = classes.get(key) ?? [];
    classes.set(key, alike);
    if (alike.length < 2 && !alike.some((one) => one.interface !== null && one.interface === own))
      alike.push(point);
  }
  return [...classes.values()];
}
