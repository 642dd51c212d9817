/** Addresses that an interface may have, and the one that it makes from its MAC. */
import { formatAddress } from "./cidr.ts";
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import type { Address, Mac } from "./model.ts";

/** Why a guest cannot have this address as its own, or null. */
function whyNotUnicast(address: Address): string | null {
  const { family, bits } = address;
  if (bits === 0n) return "the unspecified address";
  if (family === 4) {
    if (bits >> 24n === 0n) return "in 0.0.0.0/8, this network";
    if (bits >> 24n === 127n) return "a loopback address";
    if (bits === 0xffffffffn) return "the broadcast address";
    return bits >> 28n === 0xen ? "a multicast address" : null;
  }
  if (bits === 1n) return "the loopback address";
  return bits >> 120n === 0xffn ? "a multicast address" : null;
}

/** Refuses what no interface can have: unspecified, loopback, multicast, broadcast. */
export function checkGuestAddress(address: Address): Parsed<Address> {
  const why = whyNotUnicast(address);
  if (why === null) return accepted(address);
  return refused("bad-address", `\`${formatAddress(address)}\` is ${why}: write an interface's own address`);
}

/** The link-local address made from a MAC (EUI-64, RFC 4291 appendix A). */
export function linkLocalAddress(mac: Mac): Address {
  const flipped = mac ^ (0x02n << 40n);
  const identifier = ((flipped >> 24n) << 40n) | (0xfffen << 24n) | (flipped & 0xffffffn);
  return { family: 6, bits: (0xfe80n << 112n) | identifier };
}
