/** The frame of a packet that opens a session, for questions to the kernel's programs. */
import type { Address, Mac } from "../model/model.ts";

export interface FrameEnd {
  readonly mac: Mac;
  readonly address: Address;
  /** null where the protocol has no ports. */
  readonly port: number | null;
}

export interface OpeningPacket {
  readonly from: FrameEnd;
  readonly to: FrameEnd;
  /** IP protocol number. */
  readonly protocol: number;
  /** ICMP only: an echo request where nothing is said. */
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const SYN = 0x02;
const IGMP = 2;
const HOP_LIMIT = 64;
/** What never leaves its link says so: neighbour discovery by 255 (RFC 4861), MLD and IGMP by 1 (RFC 2710, 2236). */
const NEIGHBOUR_HOP_LIMIT = 255;
const LINK_HOP_LIMIT = 1;
/** Whole messages of ICMPv6, in bytes (RFC 4861 4, RFC 2710 3, RFC 3810 5.2); others are header and identifier. */
const MESSAGE_BYTES: ReadonlyMap<number, number> = new Map([
  [130, 24],
  [131, 24],
  [132, 24],
  [134, 16],
  [135, 24],
  [136, 24],
  [137, 40],
]);
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const MLD_TYPES: ReadonlySet<number> = new Set([130, 131, 132, 143]);
const IGMP_REPORT = 0x16;
/** tc's test run takes no IPv6 frame below 54 bytes and no other below 34: the padding of Ethernet is enough. */
const SHORTEST_FRAME = 60;

/**
 * Builds the frame, checksums right: a SYN for TCP, a datagram for UDP, an ICMP message, or an empty payload.
 * Both ends have addresses of one family.
 */
export function buildOpeningFrame(packet: OpeningPacket): Uint8Array {
  const isIpv4 = packet.to.address.family === 4;
  const payload = buildPayload(packet);
  const header = isIpv4 ? buildIpv4(packet, payload.length) : buildIpv6(packet, payload.length);
  const ethernet = [
    ...bytesOf(packet.to.mac, 6),
    ...bytesOf(packet.from.mac, 6),
    ...(isIpv4 ? [0x08, 0x00] : [0x86, 0xdd]),
  ];
  const bytes = [...ethernet, ...header, ...payload];
  const frame = new Uint8Array(Math.max(SHORTEST_FRAME, bytes.length));
  frame.set(bytes);
  return frame;
}

function buildIpv4({ from, to, protocol }: OpeningPacket, length: number): number[] {
  const hops = protocol === IGMP ? LINK_HOP_LIMIT : HOP_LIMIT;
  const header = [0x45, 0, ...word(20 + length), 0, 0, 0x40, 0, hops, protocol, 0, 0];
  header.push(...bytesOf(from.address.bits, 4), ...bytesOf(to.address.bits, 4));
  header.splice(10, 2, ...word(checksum(header)));
  return header;
}

function buildIpv6(packet: OpeningPacket, length: number): number[] {
  const { from, to, protocol } = packet;
  const addresses = [...bytesOf(from.address.bits, 16), ...bytesOf(to.address.bits, 16)];
  return [0x60, 0, 0, 0, ...word(length), protocol, hopLimitOf(packet), ...addresses];
}

function hopLimitOf({ protocol, icmpType }: OpeningPacket): number {
  if (protocol !== ICMPV6 || icmpType === null) return HOP_LIMIT;
  if (MLD_TYPES.has(icmpType)) return LINK_HOP_LIMIT;
  return icmpType >= 133 && icmpType <= 137 ? NEIGHBOUR_HOP_LIMIT : HOP_LIMIT;
}

/** What follows type, code, checksum and four bytes more; neighbour discovery and MLD name whom they are about. */
function buildIcmpv6Body({ from, to, icmpType }: OpeningPacket): number[] {
  const size = (MESSAGE_BYTES.get(icmpType ?? 0) ?? 8) - 8;
  const isMulticast = to.address.bits >> 120n === 0xffn;
  const isAboutSender =
    icmpType === NEIGHBOUR_ADVERTISEMENT || (icmpType === NEIGHBOUR_SOLICITATION && isMulticast);
  const named = isAboutSender ? from.address : to.address;
  return size === 16 ? bytesOf(named.bits, 16) : Array<number>(size).fill(0);
}

function buildPayload(packet: OpeningPacket): number[] {
  const { from, to, protocol } = packet;
  const ports = [...word(from.port ?? 0), ...word(to.port ?? 0)];
  const isIpv4 = to.address.family === 4;
  switch (protocol) {
    case TCP: {
      const segment = [...ports, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, SYN, 0xff, 0xff, 0, 0, 0, 0];
      return withChecksum(segment, 16, pseudoHeader(packet, segment.length));
    }
    case UDP: {
      const datagram = [...ports, ...word(8), 0, 0];
      return withChecksum(datagram, 6, pseudoHeader(packet, datagram.length));
    }
    case ICMP:
    case ICMPV6: {
      // In the other family's packets these numbers are protocols without meaning; the bytes do no harm there.
      const echo = isIpv4 ? 8 : 128;
      const body = isIpv4 ? [] : buildIcmpv6Body(packet);
      const message = [packet.icmpType ?? echo, packet.icmpCode ?? 0, 0, 0, 0, 1, 0, 1, ...body];
      return withChecksum(message, 2, isIpv4 ? [] : pseudoHeader(packet, message.length));
    }
    case IGMP:
      return isIpv4 ? withChecksum([IGMP_REPORT, 0, 0, 0, ...bytesOf(to.address.bits, 4)], 2, []) : [];
    default:
      return [];
  }
}

/** RFC 9293 3.1 for IPv4, RFC 8200 8.1 for IPv6: their sums are over the same values in another order. */
function pseudoHeader({ from, to, protocol }: OpeningPacket, length: number): number[] {
  const size = to.address.family === 4 ? 4 : 16;
  return [
    ...bytesOf(from.address.bits, size),
    ...bytesOf(to.address.bits, size),
    0,
    protocol,
    ...word(length),
  ];
}

function withChecksum(bytes: readonly number[], offset: number, pseudo: readonly number[]): number[] {
  // A sum of zero stands as its complement: zero says that there is none (RFC 768).
  const sum = checksum([...pseudo, ...bytes]) || 0xffff;
  return [...bytes.slice(0, offset), ...word(sum), ...bytes.slice(offset + 2)];
}

function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function word(value: number): [number, number] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function bytesOf(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, index) =>
    Number((value >> BigInt(8 * (size - 1 - index))) & 0xffn),
  );
}
