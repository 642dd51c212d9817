/** Neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, 3810): ICMPv6 messages. */
import { addressBytes, join, type Layer, macBytes, number, pad } from "./packet.ts";
import { icmpv6 } from "./packet-transport.ts";

/** A neighbour discovery option: source link-layer 1, target link-layer 2; `length` in units of 8 bytes. */
export function ndOption(type: number, data: Uint8Array, length?: number): Uint8Array {
  const bytes = pad(join(number(type, 1), number(0, 1), data), 8);
  bytes[1] = length ?? bytes.length / 8;
  return bytes;
}

export const sourceLinkLayer = (mac: string): Uint8Array => ndOption(1, macBytes(mac));
export const targetLinkLayer = (mac: string): Uint8Array => ndOption(2, macBytes(mac));

function message(type: number, rest: number, body: Uint8Array, code = 0): Layer {
  const head = icmpv6({ type, code, rest });
  return { protocol: 58, build: (inner, around) => head.build(join(body, inner), around) };
}

export function routerSolicitation(...options: readonly Uint8Array[]): Layer {
  return message(133, 0, join(...options));
}

export function routerAdvertisement(...options: readonly Uint8Array[]): Layer {
  return message(134, 0x40000708, join(new Uint8Array(8), ...options));
}

export function neighbourSolicitation(target: string, ...options: readonly Uint8Array[]): Layer {
  return message(135, 0, join(addressBytes(target), ...options));
}

/** Flags: solicited and override. */
export function neighbourAdvertisement(target: string, ...options: readonly Uint8Array[]): Layer {
  return message(136, 0x60000000, join(addressBytes(target), ...options));
}

export function redirect(target: string, destination: string, ...options: readonly Uint8Array[]): Layer {
  return message(137, 0, join(addressBytes(target), addressBytes(destination), ...options));
}

/** MLD of version 1: query 130, report 131, done 132. */
export function mld(type: 130 | 131 | 132, group = "::"): Layer {
  return message(type, type === 130 ? 0x27100000 : 0, addressBytes(group));
}

/** A report of MLDv2 (143): one EXCLUDE record for each group. */
export function mldv2Report(...groups: readonly string[]): Layer {
  const records = groups.map((group) => join(Uint8Array.of(4, 0, 0, 0), addressBytes(group)));
  return message(143, groups.length, join(...records));
}

/** The solicited-node multicast group of an address. */
export function solicitedNode(address: string): string {
  const [a, b, c] = addressBytes(address).slice(-3);
  const text = (value: number | undefined): string => (value ?? 0).toString(16).padStart(2, "0");
  return `ff02::1:ff${text(a)}:${text(b)}${text(c)}`;
}

/** The Ethernet address of an IPv4 or IPv6 multicast group. */
export function multicastMac(address: string): string {
  const bytes = addressBytes(address);
  const tail = bytes.slice(-4);
  if (bytes.length === 4) tail[1] = (tail[1] ?? 0) & 0x7f;
  const mac = bytes.length === 4 ? [0x01, 0x00, 0x5e, ...tail.slice(1)] : [0x33, 0x33, ...tail];
  return mac.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The link-local address made from a MAC (RFC 4291, appendix A). */
export function linkLocal(mac: string): string {
  const [a = 0, b, c, d, e, f] = macBytes(mac);
  const pair = (high: number | undefined, low: number | undefined): string =>
    (((high ?? 0) << 8) | (low ?? 0)).toString(16);
  return `fe80::${pair(a ^ 2, b)}:${pair(c, 0xff)}:${pair(0xfe, d)}:${pair(e, f)}`;
}
