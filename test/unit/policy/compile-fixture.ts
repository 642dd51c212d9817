/** Small models and packets for the tests of resolve, compile, lookup and prove. */
import ipaddr from "ipaddr.js";
import type {
  Address,
  Direction,
  Group,
  Interface,
  Model,
  Network,
  Prefix,
  PrefixList,
  Remote,
  Rule,
} from "../../../src/model/model.ts";
import type { Identity, Resolved } from "../../../src/policy/types.ts";

export function address(text: string): Address {
  const parsed = ipaddr.parse(text);
  const bits = parsed.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: parsed.kind() === "ipv4" ? 4 : 6, bits };
}

export function prefix(text: string): Prefix {
  const [base = "", length = ""] = text.split("/");
  return { ...address(base), length: Number(length) };
}

/** `10.0.0.0/8`, `sg-…` or `pl-…`. */
export function remote(text: string): Remote {
  if (text.startsWith("sg-")) {
    return { kind: "group", group: text };
  }
  return text.startsWith("pl-")
    ? { kind: "prefix-list", list: text }
    : { kind: "prefix", prefix: prefix(text) };
}

/** Ingress, accept, all protocols, from everywhere in IPv4, priority 1, unless said otherwise. */
export function rule(overrides: Partial<Rule> = {}): Rule {
  return {
    id: null,
    direction: "ingress",
    policy: "accept",
    protocol: "all",
    protocolNumber: null,
    ports: null,
    sourcePorts: null,
    icmpType: null,
    icmpCode: null,
    priority: 1,
    remote: remote("0.0.0.0/0"),
    local: null,
    nicType: "intranet",
    description: "",
    expires: null,
    template: false,
    index: 0,
    place: null,
    ...overrides,
  };
}

export function tcp(first: number, last: number, overrides: Partial<Rule> = {}): Rule {
  return rule({ protocol: "tcp", protocolNumber: 6, ports: { first, last }, ...overrides });
}

/** Basic, in vpc-a, innerAccess accept, defaultEgress accept, enforcing; rules get their places. */
export function group(id: string, rules: readonly Rule[] = [], overrides: Partial<Group> = {}): Group {
  return {
    id,
    name: id,
    description: "",
    type: "basic",
    network: "vpc-a",
    innerAccess: "accept",
    defaultEgress: "accept",
    mode: "enforce",
    isDefault: false,
    rules: rules.map((each, index) => ({ ...each, index })),
    tags: new Map(),
    place: null,
    ...overrides,
  };
}

export function network(id: string, overrides: Partial<Network> = {}): Network {
  return { id, type: "vpc", forwarding: "kernel", gateways: [], place: null, ...overrides };
}

export function prefixList(id: string, family: 4 | 6, cidrs: readonly string[]): PrefixList {
  const entries = cidrs.map((cidr) => ({ prefix: prefix(cidr), description: "" }));
  return { id, name: id, family, maxEntries: 1000, entries, place: null };
}

/** In vpc-a and on this host unless said otherwise; the MAC is 02:00:00:00:00:NUMBER. */
export function iface(
  number: number,
  groups: readonly string[],
  addresses: readonly string[],
  overrides: Partial<Interface> = {},
): Interface {
  return {
    id: `eni-${number}`,
    instance: `i-${number}`,
    hosts: [],
    device: `tap${number}`,
    mac: 0x02_00_00_00_00_00n + BigInt(number),
    addresses: addresses.map(address),
    nicType: "intranet",
    network: "vpc-a",
    groups,
    antiSpoofing: true,
    allowedAddressPairs: [],
    vlans: [],
    etherTypes: [],
    sessions: null,
    place: null,
    ...overrides,
  };
}

export function model(parts: {
  readonly networks?: readonly Network[];
  readonly prefixLists?: readonly PrefixList[];
  readonly groups: readonly Group[];
  readonly interfaces: readonly Interface[];
}): Model {
  const byId = <T extends { readonly id: string }>(items: readonly T[]) =>
    new Map(items.map((item) => [item.id, item]));
  return {
    networks: byId(parts.networks ?? [network("vpc-a")]),
    prefixLists: byId(parts.prefixLists ?? []),
    groups: byId(parts.groups),
    interfaces: byId(parts.interfaces),
  };
}

/** A packet that opens a session, seen from one interface. Fields that its protocol lacks are 0. */
export interface TestPacket {
  readonly direction: Direction;
  readonly remote: Address;
  readonly local: Address;
  readonly protocol: number;
  readonly port: number;
  readonly sourcePort: number;
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly time: number;
}

/** TCP to port 80 from 198.51.100.1, now, unless said otherwise. */
export function packet(overrides: Partial<TestPacket> = {}): TestPacket {
  return {
    direction: "ingress",
    remote: address("198.51.100.1"),
    local: address("10.0.0.1"),
    protocol: 6,
    port: 80,
    sourcePort: 40000,
    icmpType: 0,
    icmpCode: 0,
    time: 1000,
    ...overrides,
  };
}

/** What rw_identities answers: the identity of an address of a network, 0 where it is nobody's. */
export function identityFinder(resolved: Resolved): (network: string, of: Address) => Identity {
  const known = new Map(
    resolved.addresses.map((each) => [
      `${each.network} ${each.address.family} ${each.address.bits}`,
      each.identity,
    ]),
  );
  return (id, of) => known.get(`${id} ${of.family} ${of.bits}`) ?? 0n;
}
