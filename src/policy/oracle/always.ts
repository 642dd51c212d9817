/** What always works: docs/semantics.md, "What a guest may not do, and what always works". */
import type { Address, Direction, Interface } from "../../model/model.ts";
import type { Ip, Packet } from "../packet.ts";
import type { Reason } from "../reason.ts";
import { broadcast, dhcpServers6, isLinkLocal, sameAddress } from "./address.ts";
import type { DhcpMemory } from "./dhcp.ts";
import { icmp6 } from "./neighbour.ts";
import { mayUseIpv6 } from "./own.ts";

/** Kinds that the guest's rate is bounded by, each apart. */
export type AlwaysKind = "arp" | "neighbour-discovery" | "dhcp";

/** A packet that always works, one that only looks like it, or neither. */
export type Always = { readonly kind: AlwaysKind } | { readonly refused: Reason } | null;

const igmpQuery = 0x11;
/** Reports of versions 1, 2, 3, and leaving, which is how version 2 reports the end. */
const igmpReports = [0x12, 0x16, 0x22, 0x17];
const mldReports: readonly number[] = [icmp6.mldReport, icmp6.mldDone, icmp6.mldReport2];

/** The hop limit that a message of this direction must have to be one that always works; null for others. */
function hopLimitOf(own: Interface, direction: Direction, ip: Ip): 1 | 255 | null {
  const { transport } = ip;
  if (transport.kind === "igmp") {
    const listened =
      direction === "egress" ? igmpReports.includes(transport.type) : transport.type === igmpQuery;
    return listened ? 1 : null;
  }
  if (ip.family !== 6 || transport.kind !== "icmp") return null;
  const { type } = transport;
  if (type === icmp6.neighbourSolicitation || type === icmp6.neighbourAdvertisement) return 255;
  if (direction === "egress") {
    if (type === icmp6.routerSolicitation) return 255;
    return mldReports.includes(type) ? 1 : null;
  }
  if (type === icmp6.routerAdvertisement) return mayUseIpv6(own) ? 255 : null;
  return type === icmp6.mldQuery ? 1 : null;
}

function judgeNeighbour(own: Interface, direction: Direction, ip: Ip): Always {
  const hopLimit = hopLimitOf(own, direction, ip);
  if (hopLimit === null) return null;
  const right = ip.hopLimit === hopLimit && ip.fragment === null;
  return right ? { kind: "neighbour-discovery" } : { refused: "neighbour-discovery" };
}

function isDhcpSent(
  memory: DhcpMemory,
  ip: Ip,
  source: number,
  destination: number,
  everyone: Address,
): boolean {
  const { transport } = ip;
  if (transport.kind !== "udp") return false;
  if (transport.sourcePort !== source || transport.destinationPort !== destination) return false;
  return sameAddress(ip.destination, everyone) || memory.knows(ip.destination);
}

/** Is it DHCP as a client's: out to all servers or a known one, in from a server? */
function isDhcp(memory: DhcpMemory, direction: Direction, ip: Ip): boolean {
  const { transport } = ip;
  if (transport.kind !== "udp") return false;
  if (direction === "egress") {
    return ip.family === 4
      ? isDhcpSent(memory, ip, 68, 67, broadcast)
      : isDhcpSent(memory, ip, 546, 547, dhcpServers6);
  }
  if (ip.family === 4) return transport.sourcePort === 67 && transport.destinationPort === 68;
  return transport.destinationPort === 546 && isLinkLocal(ip.destination);
}

/** Does this packet always work at this interface? Its rate is the caller's. */
export function findAlways(own: Interface, memory: DhcpMemory, direction: Direction, packet: Packet): Always {
  const { body } = packet;
  switch (body.kind) {
    case "arp":
      return { kind: "arp" };
    case "ip":
      return (
        judgeNeighbour(own, direction, body) ?? (isDhcp(memory, direction, body) ? { kind: "dhcp" } : null)
      );
    case "other":
      return null;
    default: {
      const never: never = body;
      return never;
    }
  }
}
