/** Big-endian reads. The caller has checked lengths: a read past the end throws, and is a bug. */
import type { Address, Family, Mac } from "../../model/model.ts";

export function byteAt(bytes: Uint8Array, offset: number): number {
  const value = bytes[offset];
  if (value === undefined) throw new RangeError(`byte ${offset} of ${bytes.length}`);
  return value;
}

export function wordAt(bytes: Uint8Array, offset: number): number {
  return byteAt(bytes, offset) * 0x100 + byteAt(bytes, offset + 1);
}

export function longAt(bytes: Uint8Array, offset: number): number {
  return wordAt(bytes, offset) * 0x10000 + wordAt(bytes, offset + 2);
}

function bitsAt(bytes: Uint8Array, offset: number, length: number): bigint {
  let bits = 0n;
  for (let index = 0; index < length; index++) bits = (bits << 8n) | BigInt(byteAt(bytes, offset + index));
  return bits;
}

export function macAt(bytes: Uint8Array, offset: number): Mac {
  return bitsAt(bytes, offset, 6);
}

export function addressAt(bytes: Uint8Array, offset: number, family: Family): Address {
  return { family, bits: bitsAt(bytes, offset, family === 4 ? 4 : 16) };
}
