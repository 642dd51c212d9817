/** What people call the ends of a packet: an interface by id, instance, device, MAC or address, or an address. */
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "../model/cidr.ts";
import { formatMac, parseMac } from "../model/mac.ts";
import type { Address, Family, Interface, Mac, Model } from "../model/model.ts";
import { nearestWord } from "../model/nearest.ts";
import { holds, isMulticast, madeLinkLocal, sameAddress } from "./oracle/address.ts";

/** A question that cannot be answered as it is put; the message says what to write instead. */
export class QuestionError extends Error {
  override readonly name = "QuestionError";
}

/** One end of a packet. */
export interface End {
  /** Null: no interface of the model; it approves nothing. */
  readonly interface: Interface | null;
  /** As written; null where the interface was meant by another name. */
  readonly address: Address | null;
}

function describe(found: Interface): string {
  return `${found.id} (${found.instance}, ${found.device}, ${formatMac(found.mac)}, ${found.network})`;
}

/** Refuses a name that means several interfaces, listing them. */
function refuseAmbiguous(text: string, found: readonly Interface[]): never {
  const choices = found.map((one) => `\n  ${describe(one)}`).join("");
  throw new QuestionError(`"${text}" means several interfaces; write the id of one:${choices}`);
}

function hasAddress(own: Interface, address: Address): boolean {
  return (
    own.addresses.some((listed) => sameAddress(listed, address)) ||
    sameAddress(madeLinkLocal(own.mac), address)
  );
}

/** Interfaces that a name means: by id alone where one has it, else by instance, device or MAC. */
function findByName(model: Model, text: string): readonly Interface[] {
  const byId = model.interfaces.get(text);
  if (byId !== undefined) return [byId];
  const parsed = parseMac(text);
  const mac = parsed.ok ? parsed.value : null;
  return [...model.interfaces.values()].filter(
    (own) => own.instance === text || own.device === text || own.mac === mac,
  );
}

function hasPair(own: Interface, address: Address): boolean {
  return own.allowedAddressPairs.some(({ prefix }) => holds(prefix, address));
}

/**
 * The interfaces of a network at which packets of an address are judged: the one that has it, listed or made from
 * the MAC; where none has, those whose address pairs hold it (several: whoever has the VIP at the moment).
 */
export function findOwners(model: Model, network: string, address: Address): readonly Interface[] {
  const only = findByAddress(model, network, address);
  if (only !== null) return [only];
  return [...model.interfaces.values()].filter((own) => own.network === network && hasPair(own, address));
}

/** The MAC with which an interface uses an address: its own, or the one that the pair names. */
export function macWith(own: Interface, address: Address): Mac {
  if (hasAddress(own, address)) return own.mac;
  return own.allowedAddressPairs.find(({ prefix }) => holds(prefix, address))?.mac ?? own.mac;
}

/** The interface of a network that has an address, listed or made from the MAC. */
export function findByAddress(model: Model, network: string, address: Address): Interface | null {
  for (const own of model.interfaces.values()) {
    if (own.network === network && hasAddress(own, address)) return own;
  }
  return null;
}

function readAddress(text: string): Address | null {
  const parsed = parseAddress(text);
  return parsed.ok ? parsed.value : null;
}

/** In all networks: those that have it, or those whose pairs hold it. */
function findByAnyAddress(model: Model, address: Address): readonly Interface[] {
  return [...model.networks.keys()].flatMap((network) => findOwners(model, network, address));
}

/**
 * The interface that a text means: id, instance, device, MAC or address; `network` narrows, `words` are other
 * names that may have been meant. Throws a QuestionError for unknown and ambiguous texts.
 */
export function findInterface(
  model: Model,
  text: string,
  { network, words = [] }: { network?: string | undefined; words?: Iterable<string> } = {},
): Interface {
  const address = readAddress(text);
  const named = address === null ? findByName(model, text) : findByAnyAddress(model, address);
  const found = network === undefined ? named : named.filter((own) => own.network === network);
  const [only, ...more] = found;
  if (only === undefined) throw unknownEnd(model, text, words);
  return more.length > 0 ? refuseAmbiguous(text, found) : only;
}

/** Members that a message names. */
const membersNamed = 5;

function refuseGroup(model: Model, id: string): QuestionError {
  const members = [...model.interfaces.values()]
    .filter(({ groups }) => groups.includes(id))
    .map((own) => own.id);
  const few = `${members.slice(0, membersNamed).join(", ")}${members.length > membersNamed ? ", …" : ""}`;
  const how = members.length === 0 ? "an interface; it has no members" : `a member: ${few}`;
  return new QuestionError(`"${id}" is a group: write ${how}`);
}

/** Digits and dots, or hex and colons but no MAC: what is wrong with it as an address is what helps. */
const looksLikeAddress = /^(?:[\d.]*\.[\d.]*|(?=.*::)[\da-f:.%]+\w*)$/i;

function unknownEnd(model: Model, text: string, others: Iterable<string>): QuestionError {
  const words = [...model.interfaces.values()].flatMap((own) => [own.id, own.instance, own.device]);
  if (model.groups.has(text)) return refuseGroup(model, text);
  if (model.prefixLists.has(text))
    return new QuestionError(`"${text}" is a prefix list: write what it holds, or an interface`);
  const parsed = parseAddress(text);
  if (looksLikeAddress.test(text) && !parsed.ok) return new QuestionError(parsed.problem.message);
  if (parsePrefix(text).ok)
    return new QuestionError(`"${text}" is a prefix: write one address of it, or an interface`);
  const nearest = nearestWord(text, [...others, ...words]);
  const hint =
    nearest === null ? "write an interface's id, instance, device, MAC or address" : `write ${nearest}`;
  return new QuestionError(`"${text}" is nothing that these rules know: ${hint}`);
}

/** The network in which two addresses are looked up. */
function findNetwork(model: Model, network: string | undefined, addresses: readonly Address[]): string {
  if (network !== undefined) return network;
  const holding = [...model.networks.keys()].filter((id) =>
    addresses.some((address) => findOwners(model, id, address).length > 0),
  );
  const [only, ...more] = holding;
  const texts = addresses.map(formatAddress).join(" and ");
  if (only === undefined)
    throw new QuestionError(`${texts} are no interface's: nothing here judges such a packet`);
  if (more.length > 0) {
    const choices = holding.map((id) => `--network ${id}`).join(" or ");
    throw new QuestionError(
      `${texts}: several networks have interfaces with these addresses; add ${choices}`,
    );
  }
  return only;
}

/** The one interface at which an address is judged; null: nobody's. */
function findOwner(model: Model, network: string, address: Address): Interface | null {
  const [only, ...more] = findOwners(model, network, address);
  if (only === undefined || more.length === 0) return only ?? null;
  const text = formatAddress(address);
  const choices = [only, ...more].map(({ id }) => `${id}@${text}`).join(" or ");
  throw new QuestionError(`${text} is an address pair of several interfaces: write ${choices}`);
}

/** An interface by one address: `INTERFACE@ADDRESS`. */
export interface PlacedAddress {
  readonly interface: Interface;
  readonly address: Address;
}

/**
 * Reads `INTERFACE@ADDRESS`: one of several addresses, an address pair's, or any other that a packet may carry there
 * (a multicast destination, a forged source). Null: another text.
 */
export function readPlacedAddress(
  model: Model,
  text: string,
  options: { network?: string | undefined; words?: Iterable<string> } = {},
): PlacedAddress | null {
  const at = text.lastIndexOf("@");
  if (at < 1) return null;
  const own = findInterface(model, text.slice(0, at), options);
  const parsed = parseAddress(text.slice(at + 1));
  if (!parsed.ok) throw new QuestionError(`"${text}": ${parsed.problem.message}`);
  return { interface: own, address: parsed.value };
}

/** Refuses an address that the rules never see at its interface. Throws a QuestionError with those that are its own. */
export function requireOwnAddress({ interface: own, address }: PlacedAddress): void {
  if (hasAddress(own, address) || hasPair(own, address) || isMulticast(address)) return;
  const known = [...own.addresses, madeLinkLocal(own.mac)].map(formatAddress);
  const pairs = own.allowedAddressPairs.map(({ prefix }) => formatPrefix(prefix));
  throw new QuestionError(
    `${formatAddress(address)} is not ${own.id}'s: write one of ${[...known, ...pairs].join(", ")}`,
  );
}

/** A text that names an interface, alone or with an address; null: an address alone. */
function readNamed(model: Model, text: string, network: string | undefined): End | null {
  if (readAddress(text) !== null) return null;
  return (
    readPlacedAddress(model, text, { network }) ?? {
      interface: findInterface(model, text, { network }),
      address: null,
    }
  );
}

/**
 * Finds both ends of a packet. An address is looked up in the network of the other end, or in `network`; an address
 * pair's is its interface's.
 * Throws a QuestionError for unknown and ambiguous names.
 */
export function findEnds(
  model: Model,
  names: { readonly from: string; readonly to: string; readonly network?: string | undefined },
): { readonly from: End; readonly to: End } {
  const { network } = names;
  if (network !== undefined && !model.networks.has(network)) {
    const known = [...model.networks.keys()].join(", ");
    throw new QuestionError(`"${network}" is no network of these rules: write one of ${known}`);
  }
  const addresses = { from: readAddress(names.from), to: readAddress(names.to) };
  const named = { from: readNamed(model, names.from, network), to: readNamed(model, names.to, network) };
  const both = [addresses.from, addresses.to].filter((address) => address !== null);
  const end = (address: Address | null, own: End | null, other: End | null): End => {
    if (own !== null || address === null) return own ?? { interface: null, address };
    const where = other?.interface?.network ?? findNetwork(model, network, both);
    return { interface: findOwner(model, where, address), address };
  };
  const ends = {
    from: end(addresses.from, named.from, named.to),
    to: end(addresses.to, named.to, named.from),
  };
  refuseApart(ends.from.interface, ends.to.interface);
  return ends;
}

/** What each would see of the other is an address of its own network, and that may be somebody else's. */
function refuseApart(from: Interface | null, to: Interface | null): void {
  if (from === null || to === null || from.network === to.network) return;
  throw new QuestionError(
    `${from.id} is in network ${from.network}, ${to.id} in ${to.network}, and addresses of different networks never mix: ` +
      "ask each end by itself, with the address that it sees of the other",
  );
}

/** An end's addresses of a family: the one written, or the interface's listed ones, or its link-local address. */
export function addressesOf(end: End, family: Family): readonly Address[] {
  if (end.address !== null) return end.address.family === family ? [end.address] : [];
  if (end.interface === null) return [];
  const listed = end.interface.addresses.filter((address) => address.family === family);
  const bare = end.interface.addresses.length === 0 && family === 6;
  return bare ? [madeLinkLocal(end.interface.mac)] : listed;
}
