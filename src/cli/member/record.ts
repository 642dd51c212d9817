/** Interfaces as commands show them. */
import { formatAddress, formatPrefix } from "../../model/cidr.ts";
import { formatMac } from "../../model/mac.ts";
import type { Interface } from "../../model/model.ts";
import { recordPlace } from "../rule-record.ts";

/** Every field of an interface, by its name in the files. */
export function recordInterface(own: Interface) {
  return {
    id: own.id,
    instance: own.instance,
    /** Empty: the host that reads the rules. */
    hosts: own.hosts,
    device: own.device,
    network: own.network,
    mac: formatMac(own.mac),
    addresses: own.addresses.map(formatAddress),
    groups: own.groups,
    nicType: own.nicType,
    antiSpoofing: own.antiSpoofing,
    allowedAddressPairs: own.allowedAddressPairs.map(({ prefix, mac }) => ({
      address: formatPrefix(prefix),
      mac: mac === null ? null : formatMac(mac),
    })),
    vlans: own.vlans,
    etherTypes: own.etherTypes,
    sessions: own.sessions,
    ...recordPlace(own.place),
  };
}
export type InterfaceRecord = ReturnType<typeof recordInterface>;
