/** Addresses, as the oracle needs them: written apart from the compiler's, so that they err apart. */
import type { Address, Family, Mac, Prefix } from "../../model/model.ts";

export function address(family: Family, bits: bigint): Address {
  return { family, bits };
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.bits === b.bits;
}

export function addressText(value: Address): string {
  return `${value.family}:${value.bits.toString(16)}`;
}

/** Does the prefix hold the address? Families never meet. */
export function holds(prefix: Prefix, value: Address): boolean {
  if (prefix.family !== value.family) return false;
  const hostBits = BigInt((prefix.family === 4 ? 32 : 128) - prefix.length);
  return prefix.bits >> hostBits === value.bits >> hostBits;
}

const linkLocalHead = 0xfe80n << 112n;

/** The link-local address made from a MAC (RFC 4291, appendix A). */
export function madeLinkLocal(mac: Mac): Address {
  const turned = mac ^ (0x02n << 40n);
  const high = turned >> 24n;
  const low = turned & 0xffffffn;
  return address(6, linkLocalHead | (high << 40n) | (0xfffen << 24n) | low);
}

export function isLinkLocal(value: Address): boolean {
  return value.family === 6 && value.bits >> 118n === linkLocalHead >> 118n;
}

export function isMulticast(value: Address): boolean {
  return value.family === 4 ? value.bits >> 28n === 0xen : value.bits >> 120n === 0xffn;
}

export function isLoopback(value: Address): boolean {
  return value.family === 4 ? value.bits >> 24n === 127n : value.bits === 1n;
}

/** ::ffff:0:0/96, which the wire must never carry. */
export function isMapped(value: Address): boolean {
  return value.family === 6 && value.bits >> 32n === 0xffffn;
}

export function isUnspecified(value: Address): boolean {
  return value.bits === 0n;
}

export const broadcast: Address = address(4, 0xffffffffn);

/** ff02::1:2, all DHCPv6 relays and servers. */
export const dhcpServers6: Address = address(6, (0xff02n << 112n) | 0x10002n);

/** The group bit of an Ethernet address: multicast and broadcast. */
export function isGroupMac(mac: Mac): boolean {
  return ((mac >> 40n) & 1n) === 1n;
}
