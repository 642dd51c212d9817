/** Addresses and prefixes: text to bits and back. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import type { Address, Family, Prefix } from "./model.ts";
import { quote } from "./text.ts";

/** Number of bits of a family's addresses. */
export function addressLength(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** A prefix's mask as a number of its family's length. */
export function prefixMask(family: Family, length: number): bigint {
  const bits = BigInt(addressLength(family));
  return ((1n << bits) - 1n) ^ ((1n << (bits - BigInt(length))) - 1n);
}

export function prefixHolds(prefix: Prefix, address: Address): boolean {
  return (
    prefix.family === address.family &&
    (address.bits & prefixMask(prefix.family, prefix.length)) === prefix.bits
  );
}

/** Every address of `inner` lies in `outer`. */
export function prefixCovers(outer: Prefix, inner: Prefix): boolean {
  return outer.length <= inner.length && prefixHolds(outer, inner);
}

/** The prefix that holds this address alone. */
export function hostPrefix(address: Address): Prefix {
  return { family: address.family, bits: address.bits, length: addressLength(address.family) };
}

/** A string that is equal exactly when the addresses are: for Maps and Sets. */
export function addressKey(address: Address): string {
  return `${address.family}:${address.bits.toString(16)}`;
}

export function prefixKey(prefix: Prefix): string {
  return `${addressKey(prefix)}/${prefix.length}`;
}

function parseBits4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let bits = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return null;
    const byte = Number(part);
    if (byte > 255) return null;
    bits = bits * 256 + byte;
  }
  return BigInt(bits);
}

/** Words of one half of an IPv6 address; a dotted end counts as two words. */
function parseWords(text: string): bigint[] | null {
  if (text === "") return [];
  const words: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const dotted = parseBits4(part);
      if (dotted === null) return null;
      words.push(dotted >> 16n, dotted & 0xffffn);
    } else {
      if (!/^[0-9A-Fa-f]{1,4}$/.test(part)) return null;
      words.push(BigInt(`0x${part}`));
    }
  }
  return words;
}

function parseBits6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2 || text.length > 45) return null;
  const head = parseWords(halves[0] ?? "");
  const tail = parseWords(halves[1] ?? "");
  if (head === null || tail === null) return null;
  const gap = 8 - head.length - tail.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) return null;
  if (halves.length === 2 && (halves[0] ?? "").includes(".")) return null;
  const words = [...head, ...Array<bigint>(gap).fill(0n), ...tail];
  return words.reduce((bits, word) => (bits << 16n) | word, 0n);
}

/** Bits of an address of either family, or null; no prefix, no zone, no octal, no spaces. */
function readAddress(text: string): Address | null {
  const family: Family = text.includes(":") ? 6 : 4;
  const bits = family === 6 ? parseBits6(text) : parseBits4(text);
  return bits === null ? null : { family, bits };
}

const mappedHigh = 0xffffn;

function isMapped(address: Address): boolean {
  return address.family === 6 && address.bits >> 32n === mappedHigh;
}

function unmap(address: Address): Address {
  return { family: 4, bits: address.bits & 0xffffffffn };
}

/** `010.0.0.1` as the address that was probably meant. */
function withoutZeros(text: string): string | null {
  const repaired = text.replace(/(^|\.)0+(?=[0-9])/g, "$1");
  return repaired !== text && readAddress(repaired) !== null ? repaired : null;
}

/**
 * An IPv4 or IPv6 address. Refused: other text, a length, a zone, leading zeros, and IPv4-mapped
 * addresses (::ffff:0:0/96), which the wire never carries.
 */
export function parseAddress(text: string): Parsed<Address> {
  const address = readAddress(text);
  if (address === null) {
    const slash = text.indexOf("/");
    const bare = slash > 0 ? readAddress(text.slice(0, slash)) : null;
    if (bare !== null) {
      return refused("bad-address", `${quote(text)} has a length, an address has none`, formatAddress(bare));
    }
    const zone = text.indexOf("%");
    if (zone > 0 && readAddress(text.slice(0, zone)) !== null) {
      return refused("bad-address", `${quote(text)} has a zone`, text.slice(0, zone));
    }
    const right = withoutZeros(text);
    const how = right === null ? ": write one as `10.0.0.11` or `2001:db8::11`" : "";
    return refused("bad-address", `${quote(text)} is no address${how}`, right);
  }
  if (isMapped(address)) {
    const right = formatAddress(unmap(address));
    return refused("mapped-address", `${quote(text)} is an IPv4 address mapped into IPv6`, right);
  }
  return accepted(address);
}

/** A prefix as written: host bits are cleared, and `cleared` says that there were some. */
export interface WrittenPrefix {
  readonly prefix: Prefix;
  readonly cleared: boolean;
}

/**
 * An IPv4 or IPv6 prefix. Refused: an address without length, other text, leading zeros, and what lies in
 * ::ffff:0:0/96.
 */
export function parsePrefix(text: string): Parsed<WrittenPrefix> {
  const slash = text.indexOf("/");
  const address = readAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) {
    const repaired = slash > 0 ? withoutZeros(text.slice(0, slash)) : null;
    const right = repaired === null ? null : `${repaired}${text.slice(slash)}`;
    const how = right === null ? ": write one as `10.0.0.0/24` or `2001:db8::/64`" : "";
    return refused("bad-prefix", `${quote(text)} is no prefix${how}`, right);
  }
  const bits = addressLength(address.family);
  if (slash < 0) {
    const bare = isMapped(address) ? unmap(address) : address;
    const right = `${formatAddress(bare)}/${addressLength(bare.family)}`;
    return refused("bad-prefix", `${quote(text)} has no length`, right);
  }
  const length = text.slice(slash + 1);
  if (length.includes(","))
    return refused("bad-prefix", `${quote(text)} are several: write each in a rule or an entry of its own`);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) {
    const family = address.family === 4 ? "IPv4" : "IPv6";
    return refused("bad-prefix", `${quote(text)} has no length of ${family}: write /0 to /${bits}`);
  }
  return finishPrefix(text, address, Number(length));
}

function finishPrefix(text: string, address: Address, length: number): Parsed<WrittenPrefix> {
  const prefix = { family: address.family, bits: address.bits & prefixMask(address.family, length), length };
  if (isMapped(address) && length >= 96) {
    const inner = { ...unmap(address), length: length - 96 };
    const right = formatPrefix({ ...inner, bits: inner.bits & prefixMask(4, inner.length) });
    return refused("mapped-address", `${quote(text)} is IPv4 mapped into IPv6`, right);
  }
  return accepted({ prefix, cleared: prefix.bits !== address.bits });
}

/** An address, or a prefix: where either will do, an address is the prefix that holds it alone. */
export function parseAddressOrPrefix(text: string): Parsed<WrittenPrefix> {
  if (text.includes("/")) return parsePrefix(text);
  const parsed = parseAddress(text);
  return parsed.ok ? accepted({ prefix: hostPrefix(parsed.value), cleared: false }) : parsed;
}

function formatBits4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join(".");
}

/** Start and length of the longest run of two or more zero words; the first of equals (RFC 5952, 4.2). */
function longestGap(words: readonly bigint[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < words.length; start += 1) {
    let end = start;
    while (words[end] === 0n) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

function formatBits6(bits: bigint): string {
  if (bits >> 32n === mappedHigh) return `::ffff:${formatBits4(bits & 0xffffffffn)}`;
  const words = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - 16 * index)) & 0xffffn);
  const text = (part: readonly bigint[]): string => part.map((word) => word.toString(16)).join(":");
  const gap = longestGap(words);
  if (gap.start < 0) return text(words);
  return `${text(words.slice(0, gap.start))}::${text(words.slice(gap.start + gap.length))}`;
}

/** The canonical text (RFC 5952). */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatBits4(address.bits) : formatBits6(address.bits);
}

/** `address/length`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}
