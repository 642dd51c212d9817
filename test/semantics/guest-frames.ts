/** Frames of ARP, neighbour discovery, MLD, IGMP and DHCP, as steps. */
import { gatewayMac } from "../support/bed.ts";
import {
  arp,
  dhcp,
  dhcpv6,
  ethernet,
  type Layer,
  multicastMac,
  neighbourAdvertisement,
  neighbourSolicitation,
  solicitedNode,
  udp,
} from "../support/packet.ts";
import { addressOf, placeOfInterface } from "./places.ts";
import { type Body, into, odd, out, type Step, type Way } from "./steps.ts";

const everybody = "ff:ff:ff:ff:ff:ff";

export interface ArpWay {
  readonly on?: string;
  readonly sourceMac?: string;
  readonly senderMac?: string;
  readonly sender?: string;
  readonly target?: string;
  readonly operation?: "request" | "reply";
}

/** ARP from the guest: a request that is its own, unless said otherwise. */
export function arpOut(expect: string, way: ArpWay = {}): Step {
  const { on = "eni-1" } = way;
  const own = placeOfInterface(on);
  return odd(
    "egress",
    () => [
      ethernet({ source: way.sourceMac ?? own.mac, destination: everybody }),
      arp({
        operation: way.operation ?? "request",
        senderMac: way.senderMac ?? way.sourceMac ?? own.mac,
        senderAddress: addressOf(way.sender ?? own.name, 4),
        targetAddress: addressOf(way.target ?? "192.0.2.1", 4),
      }),
    ],
    expect,
    on,
  );
}

/** An ARP request to the guest, from the gateway. */
export function arpIn(expect: string, sender = "192.0.2.1"): Step {
  return odd(
    "ingress",
    () => [
      ethernet({ source: gatewayMac, destination: everybody }),
      arp({
        operation: "request",
        senderMac: gatewayMac,
        senderAddress: addressOf(sender, 4),
        targetAddress: addressOf("me", 4),
      }),
    ],
    expect,
  );
}

/** The link-local addresses of eni-1, eni-2, and the gateway. */
export const ownLinkLocal = "fe80::ff:fe00:101";
export const mateLinkLocal = "fe80::ff:fe00:102";
export const gatewayLinkLocal = "fe80::1";

const hop255 = { hopLimit: 255 };

/** ICMPv6 that the guest sends, from its link-local address to all nodes, with hop limit 255. */
export function ndOut(message: Layer, expect: string, way: Way = {}): Step {
  const { ip6 = {} } = way;
  return out(() => [message], expect, {
    from: ownLinkLocal,
    to: "ff02::1",
    ...way,
    ip6: { ...hop255, ...ip6 },
  });
}

/** ICMPv6 that reaches the guest, from the gateway to all nodes, with hop limit 255. */
export function ndIn(message: Layer, expect: string, way: Way = {}): Step {
  const { ip6 = {} } = way;
  return into(() => [message], expect, {
    from: gatewayLinkLocal,
    to: "ff02::1",
    ...way,
    ip6: { ...hop255, ...ip6 },
  });
}

/** Who has this address? To its solicited-node group. */
export function solicit(target: string, ...options: readonly Uint8Array[]) {
  const way = { to: solicitedNode(target), destinationMac: multicastMac(solicitedNode(target)) };
  return { message: neighbourSolicitation(target, ...options), way };
}

/** I have this address, from it. */
export function announce(
  target: string,
  expect: string,
  way: Way = {},
  ...options: readonly Uint8Array[]
): Step {
  return ndOut(neighbourAdvertisement(target, ...options), expect, { from: target, ...way });
}

const clientMac = placeOfInterface("eni-1").mac;

/** A DHCP request of the guest: to everybody, or to one server. */
export function dhcpOut(expect: string, to = "255.255.255.255", from = "0.0.0.0", message = 1): Step {
  const body: Body = () => [
    udp({ sourcePort: 68, destinationPort: 67 }),
    dhcp({ operation: 1, message, clientMac }),
  ];
  return out(body, expect, { from, to });
}

/** A server's answer to the guest. */
export function dhcpIn(
  expect: string,
  from = "192.0.2.2",
  to = "192.0.2.11",
  ports: readonly [number, number] = [67, 68],
): Step {
  const body: Body = () => [
    udp({ sourcePort: ports[0], destinationPort: ports[1] }),
    dhcp({ operation: 2, message: 2, clientMac }),
  ];
  return into(body, expect, { from, to });
}

export function dhcp6Out(expect: string, to = "ff02::1:2", from = ownLinkLocal): Step {
  return out(() => [udp({ sourcePort: 546, destinationPort: 547 }), dhcpv6({ message: 1 })], expect, {
    from,
    to,
  });
}

export function dhcp6In(expect: string, from = "fe80::2", to = ownLinkLocal): Step {
  return into(() => [udp({ sourcePort: 547, destinationPort: 546 }), dhcpv6({ message: 2 })], expect, {
    from,
    to,
  });
}
