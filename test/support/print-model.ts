/** A model as a rules file that says all of it, in JSON, which is YAML too. */
import { formatAddress, formatPrefix } from "../../src/model/cidr.ts";
import { writeGroup } from "../../src/model/entry.ts";
import { formatMac } from "../../src/model/mac.ts";
import type { Interface, Model, Network, PrefixList } from "../../src/model/model.ts";

function writeNetwork({ type, forwarding, gateways }: Network): object {
  return { type, forwarding, gateways: gateways.map(formatAddress) };
}

function writeList({ name, family, maxEntries, entries }: PrefixList): object {
  return {
    name,
    family: `ipv${family}`,
    maxEntries,
    entries: entries.map(({ prefix, description }) => ({ cidr: formatPrefix(prefix), description })),
  };
}

function writeInterface(own: Interface): object {
  return {
    ...(own.hosts.length === 0 ? {} : { host: own.hosts }),
    device: own.device,
    mac: formatMac(own.mac),
    addresses: own.addresses.map(formatAddress),
    nicType: own.nicType,
    network: own.network,
    groups: own.groups,
    antiSpoofing: own.antiSpoofing,
    allowedAddressPairs: own.allowedAddressPairs.map(({ prefix, mac }) => ({
      address: formatPrefix(prefix),
      ...(mac === null ? {} : { mac: formatMac(mac) }),
    })),
    vlans: own.vlans,
    etherTypes: own.etherTypes,
    ...(own.sessions === null ? {} : { sessions: own.sessions }),
  };
}

const mapOf = <T>(things: ReadonlyMap<string, T>, write: (thing: T) => object): object =>
  Object.fromEntries([...things].map(([id, thing]) => [id, write(thing)]));

/** Of models whose instances have one interface each. */
export function printModel(model: Model): string {
  const instances = [...model.interfaces.values()].map(
    (own) => [own.instance, { interfaces: { [own.id]: writeInterface(own) } }] as const,
  );
  return JSON.stringify({
    version: 1,
    networks: mapOf(model.networks, writeNetwork),
    prefixLists: mapOf(model.prefixLists, writeList),
    groups: mapOf(model.groups, writeGroup),
    instances: Object.fromEntries(instances),
  });
}
