/** Every packet that the rules may be asked about, dimension by dimension. */
import type { Direction, Family, Prefix } from "../model/model.ts";
import { serviceOtherFamily } from "./layout.ts";
import { type Span, withoutSpans } from "./pieces.ts";
import { lastOf, widthOf } from "./prefixes.ts";
import { secondsEnd } from "./service.ts";

/** Multicast, loopback and IPv4-mapped: packets from there are malformed, the rules never judge them. */
export const neverSources: readonly Prefix[] = [
  { family: 4, bits: 0x7f000000n, length: 8 },
  { family: 4, bits: 0xe0000000n, length: 4 },
  { family: 6, bits: 1n, length: 128 },
  { family: 6, bits: 0xffffn << 32n, length: 96 },
  { family: 6, bits: 0xffn << 120n, length: 8 },
];

/** IPv4-mapped: malformed as a destination, too. */
const neverDestinations: readonly Prefix[] = neverSources.filter(({ length }) => length === 96);

/** No packet's protocol: extension headers of IPv6. */
export const extensionHeaders: readonly number[] = [0, 43, 44, 60, 135, 139, 140];

const icmp = 1;
const icmpv6 = 58;
const protocolsWithCells: readonly number[] = [6, 17];

export function spanOf(prefix: Prefix): Span<bigint> {
  return { first: prefix.bits, end: lastOf(prefix) + 1n };
}

function addressesWithout(family: Family, never: readonly Prefix[]): Span<bigint>[] {
  const holes: Span<bigint>[] = [];
  for (const prefix of never) if (prefix.family === family) holes.push(spanOf(prefix));
  holes.sort((a, b) => (a.first < b.first ? -1 : 1));
  const whole = { first: 0n, end: 1n << BigInt(widthOf(family)) };
  return withoutSpans(whole, holes);
}

const sources = { 4: addressesWithout(4, neverSources), 6: addressesWithout(6, neverSources) };
const destinations = { 4: addressesWithout(4, neverDestinations), 6: addressesWithout(6, neverDestinations) };

/** Addresses that the far end of packets of one direction may have. */
export function remoteUniverse(family: Family, direction: Direction): readonly Span<bigint>[] {
  return direction === "ingress" ? sources[family] : destinations[family];
}

/** Addresses that the protected end may have. */
export function localUniverse(family: Family, direction: Direction): readonly Span<bigint>[] {
  return direction === "ingress" ? destinations[family] : sources[family];
}

/** The service numbers (enum service) that packets of a family can have. */
export function serviceUniverse(family: Family): readonly Span<number>[] {
  const own = family === 4 ? icmp : icmpv6;
  const other = family === 4 ? icmpv6 : icmp;
  const spans: Span<number>[] = [];
  for (let protocol = 0; protocol < 256; protocol++) {
    if (protocol === other || (family === 6 && extensionHeaders.includes(protocol))) continue;
    const first = protocol << 16;
    const wide = protocol === own || protocolsWithCells.includes(protocol);
    spans.push({ first, end: first + (wide ? 0x10000 : 1) });
  }
  const strange = serviceOtherFamily + (other << 16);
  spans.push({ first: strange, end: strange + 1 });
  return spans;
}

export const sourcePortUniverse: readonly Span<number>[] = [{ first: 0, end: 65536 }];

/** Whole seconds of UTC from now on. */
export function timeUniverse(now: number): readonly Span<number>[] {
  return [{ first: Math.floor(now), end: secondsEnd + 1 }];
}
