/** Interfaces: fields of a map to an `Interface`. */
import { checkGuestAddress } from "./address.ts";
import {
  addressKey,
  addressLength,
  formatAddress,
  formatPrefix,
  parseAddress,
  parseAddressOrPrefix,
} from "./cidr.ts";
import type { Names } from "./context.ts";
import { atKey, type Cursor, itemsOf, placeOf, report, take } from "./cursor.ts";
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import { checkNetworkName } from "./group.ts";
import { reportLimit } from "./limits.ts";
import { parseMac } from "./mac.ts";
import type { Address, AddressPair, Interface, Network, SessionSizes } from "./model.ts";
import { nearestWord } from "./nearest.ts";
import { type InterfaceFields, interfaceShape } from "./schema.ts";
import { readShape } from "./shape.ts";
import { defaultGroupId } from "./template.ts";
import { quote } from "./text.ts";

/** A name that the kernel gives a netdev (dev_valid_name): at most 15 bytes, no `/`, `:`, space. */
export function checkDevice(name: string): Parsed<string> {
  const legal =
    /^[^\s/:\p{C}]+$/u.test(name) && Buffer.byteLength(name) <= 15 && name !== "." && name !== "..";
  if (legal) return accepted(name);
  return refused(
    "bad-device",
    `${quote(name)} is no device's name: write one as \`ip link\` shows it, at most 15 bytes`,
  );
}

/** A host's name, as hostname(7) has it. */
export function checkHost(name: string): Parsed<string> {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name)) return accepted(name);
  return refused("bad-text", `${quote(name)} is no host's name: write letters, digits, \`.\` and \`-\``);
}

/** null: it has a fault, which has been reported. `defaultOf` gives the default group of a network. */
export function decodeInterface(
  id: string,
  instance: string,
  cursor: Cursor,
  names: Names,
  defaultOf: (network: string) => string | undefined,
): Interface | null {
  const faults = cursor.diagnostics.errorCount;
  const fields = readShape(interfaceShape, cursor);
  const network =
    fields.network === undefined
      ? undefined
      : checkNetworkName(fields.network, atKey(cursor, "network"), names);
  const mac = fields.mac === undefined ? null : take(atKey(cursor, "mac"), "", parseMac(fields.mac));
  const device =
    fields.device === undefined ? null : take(atKey(cursor, "device"), "", checkDevice(fields.device));
  const hosts = decodeHosts(fields, cursor);
  const addresses = decodeAddresses(fields, cursor, network);
  const allowedAddressPairs = decodePairs(fields, cursor, network);
  const groups = decodeGroups(fields, cursor, names, defaultOf);
  checkNicType(fields, cursor, network);
  const vlans = decodeDistinct(fields.vlans ?? [], atKey(cursor, "vlans"), () => null);
  const etherTypes = decodeDistinct(fields.etherTypes ?? [], atKey(cursor, "etherTypes"), whyNotEtherType);
  if (cursor.diagnostics.errorCount > faults) return null;
  if (mac === null || device === null || network === undefined) return null;
  return {
    id,
    instance,
    hosts,
    device,
    mac,
    addresses,
    nicType: fields.nicType ?? "intranet",
    network: network.id,
    groups,
    antiSpoofing: fields.antiSpoofing ?? true,
    allowedAddressPairs,
    vlans,
    etherTypes,
    sessions: completeSizes(fields.sessions),
    place: placeOf(cursor),
  };
}

/** A size left out has been reported: nothing incomplete gets this far. */
function completeSizes(sizes: InterfaceFields["sessions"]): SessionSizes | null {
  if (sizes === undefined) return null;
  return { established: sizes.established, answered: sizes.answered, opening: sizes.opening };
}

function decodeHosts(fields: InterfaceFields, cursor: Cursor): string[] {
  if (fields.host === undefined) return [];
  const at = atKey(cursor, "host");
  const hosts: string[] = [];
  const written = typeof fields.host === "string" ? [[fields.host, at] as const] : itemsOf(at, fields.host);
  for (const [name, place] of written) {
    const host = take(place, "", checkHost(name));
    if (host === null) continue;
    if (hosts.includes(host))
      report(place, "listed-twice", `the host ${quote(host)} stands twice: leave one out`);
    hosts.push(host);
  }
  return hosts;
}

function isGateway(address: Address, network: Network | undefined): boolean {
  return (network?.gateways ?? []).some((gateway) => addressKey(gateway) === addressKey(address));
}

function reportGateway(at: Cursor, address: Address, network: Network | undefined): void {
  const message = `\`${formatAddress(address)}\` is a gateway of network ${quote(network?.id ?? "")}: write the guest's own address`;
  report(at, "gateway-address", message, {
    related: [{ place: network?.place ?? null, message: "the network is" }],
  });
}

function decodeAddresses(fields: InterfaceFields, cursor: Cursor, network: Network | undefined): Address[] {
  const addresses = new Map<string, Address>();
  for (const [text, at] of itemsOf(atKey(cursor, "addresses"), fields.addresses ?? [])) {
    const parsed = take(at, "", parseAddress(text));
    const address = parsed === null ? null : take(at, "", checkGuestAddress(parsed));
    if (address === null) continue;
    if (isGateway(address, network)) reportGateway(at, address, network);
    if (addresses.has(addressKey(address)))
      report(at, "listed-twice", `${quote(text)} stands twice: leave one out`);
    addresses.set(addressKey(address), address);
  }
  return [...addresses.values()];
}

function decodePairs(fields: InterfaceFields, cursor: Cursor, network: Network | undefined): AddressPair[] {
  const pairs: AddressPair[] = [];
  for (const [pair, at] of itemsOf(atKey(cursor, "allowedAddressPairs"), fields.allowedAddressPairs ?? [])) {
    if (pair.address === undefined) continue;
    const place = atKey(at, "address");
    const written = take(place, "", parseAddressOrPrefix(pair.address));
    const mac = pair.mac === undefined ? null : take(atKey(at, "mac"), "", parseMac(pair.mac));
    if (written === null) continue;
    const { prefix, cleared } = written;
    if (cleared) {
      const right = formatPrefix(prefix);
      report(place, "host-bits", `${quote(pair.address)} is taken as ${right}: write \`${right}\``, {
        write: right,
      });
    }
    if (prefix.length === addressLength(prefix.family) && isGateway(prefix, network)) {
      reportGateway(place, prefix, network);
    }
    pairs.push({ prefix, mac });
  }
  return pairs;
}

function decodeGroups(
  fields: InterfaceFields,
  cursor: Cursor,
  names: Names,
  defaultOf: (network: string) => string | undefined,
): string[] {
  const written = fields.groups ?? [];
  const at = atKey(cursor, "groups");
  if (written.length === 0) {
    if (fields.network === undefined) return [];
    return [defaultOf(fields.network) ?? defaultGroupId(fields.network)];
  }
  reportLimit(at, names.limits, "groupsPerInterface", written.length, "groups of this interface");
  const groups: string[] = [];
  for (const [group, place] of itemsOf(at, written)) {
    if (groups.includes(group))
      report(place, "listed-twice", `the group ${quote(group)} stands twice: leave one out`);
    checkMembership(group, place, fields.network, names);
    groups.push(group);
  }
  checkTypes(groups, at, names);
  return groups;
}

function checkMembership(group: string, at: Cursor, network: string | undefined, names: Names): void {
  const found = names.groups.get(group);
  if (found === undefined) {
    const near = nearestWord(group, names.groups.keys());
    const hint =
      near === null ? "declare it under `groups`" : `write \`${near}\`, or declare it under \`groups\``;
    report(at, "unknown-group", `there is no group ${quote(group)}: ${hint}`, { write: near });
    return;
  }
  if (network === undefined || found.network === undefined || found.network === network) return;
  const message =
    `${quote(group)} is a group of network ${quote(found.network)}, the interface is in ${quote(network)}: ` +
    "name a group of the interface's network";
  report(at, "other-network", message, { related: [{ place: found.place, message: "the group is" }] });
}

function checkTypes(groups: readonly string[], at: Cursor, names: Names): void {
  const heads = groups.flatMap((group) => names.groups.get(group) ?? []);
  const basic = heads.find((head) => head.type === "basic");
  const advanced = heads.find((head) => head.type === "advanced");
  if (basic === undefined || advanced === undefined) return;
  const message =
    `${quote(basic.id)} is basic and ${quote(advanced.id)} advanced: ` +
    "an interface is in groups of one type, leave one of them out";
  report(at, "mixed-group-types", message);
}

function checkNicType(fields: InterfaceFields, cursor: Cursor, network: Network | undefined): void {
  if (fields.nicType !== "internet" || network?.type !== "vpc") return;
  const message =
    "`nicType: internet` in a VPC, where interfaces are intranet: write `intranet`, or leave it out";
  report(atKey(cursor, "nicType"), "nic-type", message, { write: "intranet" });
}

/** Why an ethertype cannot be listed, or null. */
function whyNotEtherType(type: number): string | null {
  switch (type) {
    case 0x0800:
    case 0x86dd:
      return "IP, which the rules judge: leave it out";
    case 0x0806:
    case 0x8035:
      return "ARP, which passes as the interface's own: leave it out";
    case 0x8100:
    case 0x88a8:
    case 0x9100:
      return "a VLAN tag: list the VLAN ids under `vlans`";
    default:
      return null;
  }
}

function decodeDistinct(
  written: readonly number[],
  cursor: Cursor,
  whyNot: (value: number) => string | null,
): number[] {
  const values: number[] = [];
  for (const [value, at] of itemsOf(cursor, written)) {
    const why = whyNot(value);
    const text = at.node.kind === "scalar" ? at.node.text : String(value);
    if (why !== null) report(at, "bad-vlan", `${quote(text)} is ${why}`);
    if (values.includes(value)) report(at, "listed-twice", `${quote(text)} stands twice: leave one out`);
    values.push(value);
  }
  return values;
}
