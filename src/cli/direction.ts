import type { Address, Direction, Interface } from "../model/model.ts";

const ETHERNET_BYTES = 14;
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;

/**
 * Which way a captured frame went at an interface: one that comes from its MAC or from one of its addresses was
 * sent by it, every other one was sent to it.
 */
export function directionOf(frame: Uint8Array, { mac, addresses }: Interface): Direction {
  if (frame.length >= 12 && readBits(frame, 6, 6) === mac) return "egress";
  const source = readSource(frame);
  const own = addresses.some(({ family, bits }) => family === source?.family && bits === source.bits);
  return own ? "egress" : "ingress";
}

/** The sender's address of IPv4, IPv6 or ARP, behind two VLAN tags at most. */
function readSource(frame: Uint8Array): Address | undefined {
  let offset = ETHERNET_BYTES;
  let type = readType(frame, offset);
  for (let tags = 0; tags < 2 && VLAN_TYPES.has(type); tags++) {
    offset += 4;
    type = readType(frame, offset);
  }
  if (type === IPV4 && frame.length >= offset + 20)
    return { family: 4, bits: readBits(frame, offset + 12, 4) };
  if (type === ARP && frame.length >= offset + 28)
    return { family: 4, bits: readBits(frame, offset + 14, 4) };
  if (type === IPV6 && frame.length >= offset + 40)
    return { family: 6, bits: readBits(frame, offset + 8, 16) };
  return undefined;
}

/** The ethertype that stands before `offset`; 0 where the frame ends earlier. */
function readType(frame: Uint8Array, offset: number): number {
  return ((frame[offset - 2] ?? 0) << 8) | (frame[offset - 1] ?? 0);
}

function readBits(frame: Uint8Array, offset: number, size: number): bigint {
  return frame.subarray(offset, offset + size).reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}
