/** IPv4 (RFC 791) with its options. */
import type { Address } from "../../model/model.ts";
import type { Fault, Fragment, Ip } from "../packet.ts";
import { isLoopback, isMapped, isMulticast } from "./address.ts";
import { addressAt, byteAt, wordAt } from "./bytes.ts";
import { readTransport } from "./transport.ts";

const datagramMax = 65535;

/** No packet may carry such addresses, whoever sends it. */
export function areForbidden(source: Address, destination: Address): boolean {
  return isMulticast(source) || isLoopback(source) || isMapped(source) || isMapped(destination);
}

/** Is there a loose (131) or strict (137) source route? Options that cannot be walked are contradictory. */
export function findSourceRoute(options: Uint8Array): boolean | Fault {
  let found = false;
  for (let offset = 0; offset < options.length; ) {
    const type = byteAt(options, offset);
    if (type === 0) break;
    if (type === 1) {
      offset += 1;
      continue;
    }
    if (offset + 2 > options.length) return "malformed";
    const length = byteAt(options, offset + 1);
    if (length < 2 || offset + length > options.length) return "malformed";
    if (type === 131 || type === 137) found = true;
    offset += length;
  }
  return found;
}

/** Header length and total length, when they agree with each other and with the bytes that are there. */
export function readLengths(bytes: Uint8Array): { header: number; total: number } | Fault {
  if (bytes.length < 20 || byteAt(bytes, 0) >> 4 !== 4) return "malformed";
  const header = (byteAt(bytes, 0) & 0xf) * 4;
  const total = wordAt(bytes, 2);
  return header < 20 || total < header || header > bytes.length ? "malformed" : { header, total };
}

function readFragment(bytes: Uint8Array, length: number): Fragment | null | Fault {
  const field = wordAt(bytes, 6);
  const offset = (field & 0x1fff) * 8;
  const more = (field & 0x2000) !== 0;
  if (offset + length > datagramMax) return "malformed";
  const of = { identification: wordAt(bytes, 4), protocol: byteAt(bytes, 9) };
  if (offset > 0) return { kind: "later", offset, ...of };
  return more ? { kind: "first", header: 0, ...of } : null;
}

/** Reads what stands behind an Ethernet type 0x0800. */
export function readIpv4(bytes: Uint8Array): Ip | Fault {
  const lengths = readLengths(bytes);
  if (typeof lengths === "string") return lengths;
  if (lengths.total > bytes.length) return "malformed";
  const sourceRoute = findSourceRoute(bytes.subarray(20, lengths.header));
  if (typeof sourceRoute === "string") return sourceRoute;
  const source = addressAt(bytes, 12, 4);
  const destination = addressAt(bytes, 16, 4);
  if (areForbidden(source, destination)) return "malformed";
  const payload = bytes.subarray(lengths.header, lengths.total);
  const fragment = readFragment(bytes, payload.length);
  if (typeof fragment === "string") return fragment;
  const protocol = byteAt(bytes, 9);
  const inner = readTransport({ family: 4, protocol, payload, fragment, before: 0, room: payload.length });
  if (typeof inner === "string") return inner;
  const hopLimit = byteAt(bytes, 8);
  return { kind: "ip", family: 4, source, destination, protocol, hopLimit, sourceRoute, ...inner };
}
