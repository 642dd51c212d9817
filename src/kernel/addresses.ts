/** Addresses, prefixes and MACs as the kernel's tables hold them. */
import type { Address, Mac, Prefix } from "../model/model.ts";

const mappedPrefix = 0xffffn << 32n;

/** The low `length` bytes of a number, at most 16 of them, big endian. */
function bigintBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, value >> 64n));
  view.setBigUint64(8, BigInt.asUintN(64, value));
  return length === 16 ? bytes : bytes.slice(16 - length);
}

function bytesBigint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** 16 bytes, IPv4 as IPv4-mapped. */
export function addressBytes(address: Address): Uint8Array {
  return bigintBytes(mappedBits(address), 16);
}

/** The same as a number of 128 bits: a key in memory. */
export function mappedBits(address: Address): bigint {
  return address.family === 4 ? mappedPrefix | address.bits : address.bits;
}

/** The bytes of mappedBits. */
export function mappedBytes(bits: bigint): Uint8Array {
  return bigintBytes(bits, 16);
}

/** The number of 16 bytes. */
export function bytesMapped(bytes: Uint8Array): bigint {
  return bytesBigint(bytes);
}

/** The reverse of addressBytes. */
export function decodeAddress(bytes: Uint8Array): Address {
  const bits = bytesBigint(bytes);
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits };
}

/** 16 bytes of a trie's key: IPv4 in the first four. */
export function trieBytes(prefix: Prefix): Uint8Array {
  return bigintBytes(prefix.family === 4 ? prefix.bits << 96n : prefix.bits, 16);
}

export function macBytes(mac: Mac): Uint8Array {
  return bigintBytes(mac, 6);
}

/** "02:00:00:00:01:01" */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The reverse of formatMac; null for anything else (a device without a MAC). */
export function parseMacBytes(text: string): Uint8Array | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return null;
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

/** The link-local address made from a MAC (RFC 4291, appendix A). */
export function linkLocalBytes(mac: Mac): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macBytes(mac);
  return Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
}

/** struct identity's echo: a recycled element is told from the one looked up (identity_echo in bpf/). */
export function identityEcho(network: bigint, address: bigint): number {
  let fold = Number((network ^ (network >> 32n)) & 0xffffffffn);
  const view = new DataView(bigintBytes(address, 16).buffer);
  for (let offset = 0; offset < 16; offset += 4) fold ^= view.getUint32(offset, true);
  return fold >>> 0;
}
