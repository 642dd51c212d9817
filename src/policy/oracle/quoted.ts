/** The packet that an ICMP error quotes: enough of it to find its session. */
import type { Address, Family } from "../../model/model.ts";
import { addressAt, byteAt, wordAt } from "./bytes.ts";
import { walkExtensions } from "./ipv6.ts";

export interface Quoted {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** Null where the protocol has no ports. */
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** Null where it is no ICMP of its family. */
  readonly icmp: { readonly type: number; readonly identifier: number } | null;
}

const errorTypes = { 4: [3, 11, 12], 6: [1, 2, 3, 4] };

/** Destination unreachable, packet too big, time exceeded, parameter problem. */
export function isError(family: Family, type: number): boolean {
  return errorTypes[family].includes(type);
}

type Head = Omit<Quoted, "ports" | "icmp"> & { readonly transport: Uint8Array };

/** The total length is not asked: what is quoted is cut, and some stacks quote it in their own byte order. */
function readHead4(body: Uint8Array): Head | null {
  if (body.length < 20 || byteAt(body, 0) >> 4 !== 4) return null;
  const header = (byteAt(body, 0) & 0xf) * 4;
  if (header < 20 || header > body.length || (wordAt(body, 6) & 0x1fff) !== 0) return null;
  return {
    source: addressAt(body, 12, 4),
    destination: addressAt(body, 16, 4),
    protocol: byteAt(body, 9),
    transport: body.subarray(header),
  };
}

function readHead6(body: Uint8Array): Head | null {
  if (body.length < 40 || byteAt(body, 0) >> 4 !== 6) return null;
  const payload = body.subarray(40);
  const walk = walkExtensions(payload, byteAt(body, 6));
  if (typeof walk === "string" || walk.badlyCut || walk.fragment?.kind === "later") return null;
  return {
    source: addressAt(body, 8, 6),
    destination: addressAt(body, 24, 6),
    protocol: walk.protocol,
    transport: payload.subarray(walk.start),
  };
}

/** Reads a quoted packet; null where it is a later fragment, or too little of it is there (RFC 792: 8 bytes). */
export function readQuoted(family: Family, body: Uint8Array): Quoted | null {
  const head = family === 4 ? readHead4(body) : readHead6(body);
  if (head === null) return null;
  const { transport, ...rest } = head;
  const hasPorts = head.protocol === 6 || head.protocol === 17;
  const isIcmp = head.protocol === (family === 4 ? 1 : 58);
  if ((hasPorts || isIcmp) && transport.length < 8) return null;
  return {
    ...rest,
    ports: hasPorts ? { source: wordAt(transport, 0), destination: wordAt(transport, 2) } : null,
    icmp: isIcmp ? { type: byteAt(transport, 0), identifier: wordAt(transport, 4) } : null,
  };
}
