/** Small models built by hand, for tests of the policy: one network, guests, groups with a few rules. */
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
} from "../../src/model/model.ts";
import { addressBytes, macBytes } from "./packet.ts";

function bitsOf(bytes: Uint8Array): bigint {
  return bytes.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

export function address(text: string): Address {
  const bytes = addressBytes(text);
  return { family: bytes.length === 4 ? 4 : 6, bits: bitsOf(bytes) };
}

/** "10.0.0.0/8"; host bits are cleared. */
export function prefix(text: string): Prefix {
  const [base = "", length = ""] = text.split("/");
  const { family, bits } = address(base);
  const host = BigInt((family === 4 ? 32 : 128) - Number(length));
  return { family, bits: (bits >> host) << host, length: Number(length) };
}

export function mac(text: string): bigint {
  return bitsOf(macBytes(text));
}

const protocolNumbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, gre: 47 };

/** What a test says of a rule; left out: ingress, accept, priority 1, every port, nothing else asked. */
export type RuleText = Partial<Omit<Rule, "remote" | "local" | "ports" | "sourcePorts">> & {
  readonly remote: string;
  readonly local?: string;
  /** "80/80" */
  readonly ports?: string;
  readonly sourcePorts?: string;
};

function remoteOf(text: string): Remote {
  if (text.includes("/")) return { kind: "prefix", prefix: prefix(text) };
  return text.startsWith("pl-") ? { kind: "prefix-list", list: text } : { kind: "group", group: text };
}

function portsOf(text: string | undefined): Rule["ports"] {
  if (text === undefined || text === "-1/-1") return null;
  const [first = "", last = ""] = text.split("/");
  return { first: Number(first), last: Number(last) };
}

export function rule(text: RuleText, index = 0): Rule {
  const { remote, local, ports, sourcePorts, ...rest } = text;
  const protocol = rest.protocol ?? "all";
  const number = typeof protocol === "number" ? protocol : (protocolNumbers[protocol] ?? null);
  return {
    id: null,
    direction: "ingress",
    policy: "accept",
    icmpType: null,
    icmpCode: null,
    priority: 1,
    nicType: "intranet",
    description: "",
    expires: null,
    template: false,
    index,
    place: null,
    ...rest,
    protocol,
    protocolNumber: number,
    ports: portsOf(ports),
    sourcePorts: portsOf(sourcePorts),
    remote: remoteOf(remote),
    local: local === undefined ? null : prefix(local),
  };
}

export function group(
  id: string,
  fields: Partial<Omit<Group, "rules">> & { rules?: readonly RuleText[] } = {},
): Group {
  const { rules = [], ...rest } = fields;
  return {
    id,
    name: "",
    description: "",
    type: "basic",
    network: "vpc-a",
    innerAccess: "accept",
    defaultEgress: "accept",
    mode: "enforce",
    isDefault: false,
    tags: new Map(),
    place: null,
    ...rest,
    rules: rules.map(rule),
  };
}

export type InterfaceText = Partial<Omit<Interface, "mac" | "addresses" | "allowedAddressPairs">> & {
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly pairs?: readonly { readonly address: string; readonly mac?: string }[];
};

export function nic(id: string, fields: InterfaceText): Interface {
  const { mac: written, addresses, pairs = [], ...rest } = fields;
  return {
    id,
    instance: id.replace("eni", "i"),
    hosts: [],
    device: id.replace("eni-", "tap"),
    nicType: "intranet",
    network: "vpc-a",
    groups: ["sg-t"],
    antiSpoofing: true,
    vlans: [],
    etherTypes: [],
    sessions: null,
    place: null,
    ...rest,
    mac: mac(written),
    addresses: addresses.map(address),
    allowedAddressPairs: pairs.map((pair) => ({
      prefix: prefix(pair.address),
      mac: pair.mac === undefined ? null : mac(pair.mac),
    })),
  };
}

export function network(id: string, fields: Partial<Network> = {}): Network {
  return { id, type: "vpc", forwarding: "kernel", gateways: [], place: null, ...fields };
}

export function prefixList(id: string, family: 4 | 6, entries: readonly string[]): PrefixList {
  return {
    id,
    name: "",
    family,
    maxEntries: 1000,
    entries: entries.map((entry) => ({ prefix: prefix(entry), description: "" })),
    place: null,
  };
}

export function model(parts: {
  networks?: readonly Network[];
  prefixLists?: readonly PrefixList[];
  groups: readonly Group[];
  interfaces: readonly Interface[];
}): Model {
  const byId = <T extends { readonly id: string }>(list: readonly T[]): Map<string, T> =>
    new Map(list.map((one) => [one.id, one]));
  return {
    networks: byId(parts.networks ?? [network("vpc-a")]),
    prefixLists: byId(parts.prefixLists ?? []),
    groups: byId(parts.groups),
    interfaces: byId(parts.interfaces),
  };
}

export const guestMac = "02:00:00:00:01:01";
export const guest2Mac = "02:00:00:00:01:02";
export const gatewayMac = "02:00:00:00:00:01";

/** The bed of the cases from the field: `sg-t` with these rules, two guests in it. */
export function bed(
  rules: readonly RuleText[] = [],
  fields: {
    group?: Partial<Group>;
    interface?: Partial<InterfaceText>;
    interfaces?: readonly Interface[];
  } = {},
): Model {
  const { rules: _, ...rest } = fields.group ?? {};
  return model({
    groups: [group("sg-t", { ...rest, rules })],
    interfaces: [
      nic("eni-1", { mac: guestMac, addresses: ["192.0.2.11", "2001:db8:1::11"], ...fields.interface }),
      nic("eni-2", { mac: guest2Mac, addresses: ["192.0.2.12", "2001:db8:1::12"] }),
      ...(fields.interfaces ?? []),
    ],
  });
}

export const both: readonly Direction[] = ["egress", "ingress"];
