/**
 * A frame's bytes read as docs/semantics.md, "Fragments and odd packets", tells: what the oracle judges.
 * Lengths are the headers' own, bounded by the frame; what stands behind the IP packet (padding) is no data.
 */
import type { Address, Family, Mac } from "../model/model.ts";
import { readArp } from "./oracle/arp.ts";
import { macAt, wordAt } from "./oracle/bytes.ts";
import { readIpv4 } from "./oracle/ipv4.ts";
import { readIpv6 } from "./oracle/ipv6.ts";

/** Why a frame cannot be read. */
export type Fault = "malformed" | "unsupported";

export interface Arp {
  readonly kind: "arp";
  /** Reverse ARP. */
  readonly reverse: boolean;
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderAddress: Address;
  readonly targetMac: Mac;
  readonly targetAddress: Address;
}

/** What a neighbour discovery message says beside its type. */
export interface Neighbour {
  /** Solicitation, advertisement and redirect. */
  readonly target: Address | null;
  /** Of the source and target link-layer address options. */
  readonly macs: readonly Mac[];
}

/** Tells the parts of one datagram from others: protocol as the fragments' own headers have it. */
export interface FragmentOf {
  readonly identification: number;
  readonly protocol: number;
}

export type Fragment =
  /** An IPv6 packet with a fragment header that is whole all the same. */
  | { readonly kind: "atomic" }
  /** `header`: bytes at its start, up to the transport header's end, that no later one may overlay. */
  | ({ readonly kind: "first"; readonly header: number } & FragmentOf)
  | ({ readonly kind: "later"; readonly offset: number } & FragmentOf);

export type Transport =
  | {
      readonly kind: "tcp";
      readonly sourcePort: number;
      readonly destinationPort: number;
      readonly sequence: number;
      readonly acknowledgement: number;
      readonly flags: number;
      /** Bytes of data in this packet. */
      readonly length: number;
    }
  | { readonly kind: "udp"; readonly sourcePort: number; readonly destinationPort: number }
  | {
      /** ICMP in IPv4, ICMPv6 in IPv6. */
      readonly kind: "icmp";
      readonly type: number;
      readonly code: number;
      readonly identifier: number;
      /** Of whole neighbour discovery messages. */
      readonly neighbour: Neighbour | null;
      /** What follows the first eight bytes: in errors, the packet that they quote. */
      readonly body: Uint8Array;
    }
  | { readonly kind: "igmp"; readonly type: number }
  /** A protocol without ports. */
  | { readonly kind: "portless" }
  /** Out of reach: a later fragment, or one that is refused for how it is cut. */
  | { readonly kind: "unseen" };

export interface Ip {
  readonly kind: "ip";
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly hopLimit: number;
  /** A source-route option, or a routing header of type 0. */
  readonly sourceRoute: boolean;
  readonly fragment: Fragment | null;
  /** A first fragment without its whole transport header, or nested fragment headers. */
  readonly badlyCut: boolean;
  readonly transport: Transport;
}

/** Neither IP nor ARP. */
export interface Other {
  readonly kind: "other";
}

export interface Packet {
  readonly sourceMac: Mac;
  readonly destinationMac: Mac;
  /** VLAN ids, outermost first; 0 counts as untagged and is left out. */
  readonly vlans: readonly number[];
  /** Behind the tags. */
  readonly etherType: number;
  readonly body: Arp | Ip | Other;
}

const vlanTypes = [0x8100, 0x88a8];
const tagsMax = 2;

/** Of a frame so many bytes are looked at. */
const frameRoom = 768;

function readBody(etherType: number, bytes: Uint8Array, room: number): Packet["body"] | Fault {
  switch (etherType) {
    case 0x0800:
      return readIpv4(bytes);
    case 0x86dd:
      return readIpv6(bytes, room);
    case 0x0806:
      return readArp(bytes, false);
    case 0x8035:
      return readArp(bytes, true);
    default:
      return vlanTypes.includes(etherType) ? "unsupported" : { kind: "other" };
  }
}

/** Reads a whole Ethernet frame without FCS. */
export function readPacket(frame: Uint8Array): Packet | Fault {
  if (frame.length < 14) return "malformed";
  const vlans: number[] = [];
  let etherType = wordAt(frame, 12);
  let start = 14;
  for (let tags = 0; tags < tagsMax && vlanTypes.includes(etherType); tags++) {
    if (frame.length < start + 4) return "malformed";
    const id = wordAt(frame, start) & 0xfff;
    if (id !== 0) vlans.push(id);
    etherType = wordAt(frame, start + 2);
    start += 4;
  }
  const body = readBody(etherType, frame.subarray(start), frameRoom - start);
  if (typeof body === "string") return body;
  return { sourceMac: macAt(frame, 6), destinationMac: macAt(frame, 0), vlans, etherType, body };
}
