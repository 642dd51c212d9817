/** What a guest may not send, and what may not reach it: docs/semantics.md, "What a guest may not do". */
import type { Address, Direction, Interface, Mac, Model } from "../../model/model.ts";
import type { Arp, Ip, Packet } from "../packet.ts";
import type { Reason } from "../reason.ts";
import { isGroupMac, isUnspecified } from "./address.ts";
import { icmp6, isNeighbourDiscovery } from "./neighbour.ts";
import { isFreeLinkLocal, isListed, isOwnAddress, isOwnMac, isOwnMadeLinkLocal } from "./own.ts";

/** The interface that sends, in its model. */
interface Sender {
  readonly model: Model;
  readonly own: Interface;
}

/** With `addresses: []` only MACs are checked. */
function isUnchecked(own: Interface): boolean {
  return own.addresses.length === 0;
}

function isUdp(ip: Ip, source: number, destination: number): boolean {
  const { transport } = ip;
  return (
    transport.kind === "udp" && transport.sourcePort === source && transport.destinationPort === destination
  );
}

function icmpv6Type(ip: Ip): number | null {
  return ip.family === 6 && ip.transport.kind === "icmp" ? ip.transport.type : null;
}

function isMld(type: number | null): boolean {
  return (
    type === icmp6.mldQuery || type === icmp6.mldReport || type === icmp6.mldDone || type === icmp6.mldReport2
  );
}

/** `0.0.0.0` and `::` are its own where it cannot have another address yet. */
function mayBeUnspecified(ip: Ip): boolean {
  if (ip.family === 4) return isUdp(ip, 68, 67) || ip.transport.kind === "igmp";
  const type = icmpv6Type(ip);
  return type === icmp6.neighbourSolicitation || type === icmp6.routerSolicitation || isMld(type);
}

/** For neighbour discovery, MLD and DHCPv6 any free link-local address is its own. */
function usesFreeLinkLocal(ip: Ip): boolean {
  const type = icmpv6Type(ip);
  return (type !== null && isNeighbourDiscovery(type)) || isMld(type) || isUdp(ip, 546, 547);
}

function maySendFrom({ model, own }: Sender, mac: Mac, ip: Ip): boolean {
  if (isUnchecked(own) || isOwnAddress(own, mac, ip.source)) return true;
  if (isUnspecified(ip.source)) return mayBeUnspecified(ip);
  if (isOwnMadeLinkLocal(own, mac, ip.source)) return true;
  return usesFreeLinkLocal(ip) && isFreeLinkLocal(model, own, mac, ip.source);
}

function mayClaim({ model, own }: Sender, mac: Mac, claimed: Address): boolean {
  return isUnchecked(own) || isOwnAddress(own, mac, claimed) || isFreeLinkLocal(model, own, mac, claimed);
}

/**
 * A message's own link-layer options name own MACs; what it binds to them (an advertisement's target, a
 * solicitation's source) is an address that may be sent with that MAC. More than two MACs are nobody's: no stack reads
 * them all.
 */
function judgeNeighbour(sender: Sender, packet: Packet, ip: Ip): Reason | null {
  if (ip.transport.kind !== "icmp" || ip.transport.neighbour === null) return null;
  const { type, neighbour } = ip.transport;
  if (!neighbour.macs.every((mac) => isOwnMac(sender.own, mac))) return "spoofed-mac";
  if (neighbour.macs.length > 2) return "spoofed-mac";
  const isAdvertisement = type === icmp6.neighbourAdvertisement;
  const claimed = isAdvertisement ? neighbour.target : ip.source;
  if (claimed === null || (isUnspecified(claimed) && !isAdvertisement)) return null;
  const macs = neighbour.macs.length > 0 ? neighbour.macs : [packet.sourceMac];
  return macs.every((mac) => mayClaim(sender, mac, claimed)) ? null : "spoofed-address";
}

/** Requests of ARP (a probe, RFC 5227) and of reverse ARP: what answers has an address. */
const arpRequests = [1, 3];

function judgeArp({ own }: Sender, arp: Arp): Reason | null {
  if (!isOwnMac(own, arp.senderMac)) return "spoofed-mac";
  const probes = isUnspecified(arp.senderAddress) && arpRequests.includes(arp.operation);
  const free = isUnchecked(own) || probes;
  return free || isOwnAddress(own, arp.senderMac, arp.senderAddress) ? null : "spoofed-address";
}

/** Of DHCP and DHCPv6: what is sent to them is a server's answer. */
const dhcpClientPorts = [68, 546];

function judgeForbidden(ip: Ip): Reason | null {
  const { transport } = ip;
  if (ip.sourceRoute) return "source-route";
  if (transport.kind === "udp" && dhcpClientPorts.includes(transport.destinationPort)) return "dhcp";
  if (transport.kind === "icmp") {
    if (icmpv6Type(ip) === icmp6.routerAdvertisement) return "router-advertisement";
    if (transport.type === (ip.family === 4 ? 5 : icmp6.redirect)) return "redirect";
  }
  return null;
}

function judgeSent(sender: Sender, packet: Packet): Reason | null {
  if (!isOwnMac(sender.own, packet.sourceMac)) return "spoofed-mac";
  const { body } = packet;
  switch (body.kind) {
    case "arp":
      return judgeArp(sender, body);
    case "ip":
      if (!maySendFrom(sender, packet.sourceMac, body)) return "spoofed-address";
      return judgeForbidden(body) ?? judgeNeighbour(sender, packet, body);
    case "other":
      return null;
    default: {
      const never: never = body;
      return never;
    }
  }
}

function comesFromItself(own: Interface, { body }: Packet): boolean {
  if (body.kind !== "ip" || !isListed(own, body.source)) return false;
  const type = icmpv6Type(body);
  return type === null || !isNeighbourDiscovery(type);
}

function judgeReceived(own: Interface, packet: Packet): Reason | null {
  if (comesFromItself(own, packet)) return "spoofed-address";
  return isGroupMac(packet.destinationMac) || isOwnMac(own, packet.destinationMac) ? null : "other-mac";
}

/** Why anti-spoofing refuses a packet; null where it does not. Whether it holds for the interface is the caller's. */
export function findMisdeed(
  model: Model,
  own: Interface,
  direction: Direction,
  packet: Packet,
): Reason | null {
  return direction === "egress" ? judgeSent({ model, own }, packet) : judgeReceived(own, packet);
}
