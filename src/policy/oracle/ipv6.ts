/** IPv6 (RFC 8200) and the walk over its extension headers. */
import type { Fault, Fragment, Ip } from "../packet.ts";
import { addressAt, byteAt, longAt, wordAt } from "./bytes.ts";
import { areForbidden } from "./ipv4.ts";
import { readTransport } from "./transport.ts";

const fragmentHeader = 44;
const routingHeader = 43;
/** Hop-by-hop, routing, fragment, destination options, mobility, HIP, shim6. Others are protocols. */
const extensionHeaders = [0, routingHeader, fragmentHeader, 60, 135, 139, 140];
const headersMax = 8;
const bytesMax = 512;
const datagramMax = 65535;

/** Where a walk over extension headers ended. */
export interface Walk {
  readonly protocol: number;
  /** Where the transport header begins, in the payload. */
  readonly start: number;
  /** Where the fragmentable part begins, in the payload. */
  readonly fragmentStart: number;
  readonly fragment: Fragment | null;
  readonly sourceRoute: boolean;
  /** It ended at a second fragment header, or where a first fragment ends. */
  readonly badlyCut: boolean;
}

interface Progress extends Walk {
  readonly headers: number;
}

function readFragmentHeader(payload: Uint8Array, at: Progress): Fragment | Fault {
  const field = wordAt(payload, at.start + 2);
  const offset = field & 0xfff8;
  const of = { identification: longAt(payload, at.start + 4), protocol: byteAt(payload, at.start) };
  if (offset + payload.length - at.start - 8 > datagramMax) return "malformed";
  if (offset > 0) return { kind: "later", offset, ...of };
  return (field & 1) === 1 ? { kind: "first", header: 0, ...of } : { kind: "atomic" };
}

function endsShort(at: Progress): Progress | Fault {
  return at.fragment?.kind === "first" ? { ...at, badlyCut: true } : "malformed";
}

function step(payload: Uint8Array, at: Progress): Progress | Fault {
  const isFragment = at.protocol === fragmentHeader;
  if (isFragment && at.fragment !== null) return { ...at, badlyCut: true };
  if (at.headers === headersMax) return "unsupported";
  if (at.start + 8 > payload.length) return endsShort(at);
  const length = isFragment ? 8 : (byteAt(payload, at.start + 1) + 1) * 8;
  if (at.start + length > payload.length) return endsShort(at);
  if (at.start + length > bytesMax) return "unsupported";
  const next = {
    ...at,
    protocol: byteAt(payload, at.start),
    start: at.start + length,
    headers: at.headers + 1,
  };
  if (isFragment) {
    const fragment = readFragmentHeader(payload, at);
    return typeof fragment === "string" ? fragment : { ...next, fragment, fragmentStart: next.start };
  }
  const routesBySource = at.protocol === routingHeader && byteAt(payload, at.start + 2) === 0;
  return { ...next, sourceRoute: at.sourceRoute || routesBySource };
}

/** Walks the extension headers of a payload: at most 8, and 512 bytes; where that is not enough, unsupported. */
export function walkExtensions(payload: Uint8Array, first: number): Walk | Fault {
  let at: Progress = {
    protocol: first,
    start: 0,
    fragmentStart: 0,
    fragment: null,
    sourceRoute: false,
    badlyCut: false,
    headers: 0,
  };
  while (extensionHeaders.includes(at.protocol) && at.fragment?.kind !== "later" && !at.badlyCut) {
    const next = step(payload, at);
    if (typeof next === "string") return next;
    at = next;
  }
  return at;
}

/** Reads what stands behind an Ethernet type 0x86dd, of which `room` bytes are looked at. */
export function readIpv6(bytes: Uint8Array, room: number): Ip | Fault {
  if (bytes.length < 40 || byteAt(bytes, 0) >> 4 !== 6) return "malformed";
  const end = 40 + wordAt(bytes, 4);
  if (end > bytes.length) return "malformed";
  const source = addressAt(bytes, 8, 6);
  const destination = addressAt(bytes, 24, 6);
  if (areForbidden(source, destination)) return "malformed";
  const payload = bytes.subarray(40, end);
  const walk = walkExtensions(payload, byteAt(bytes, 6));
  if (typeof walk === "string") return walk;
  const { protocol, fragment, sourceRoute } = walk;
  const inner = walk.badlyCut
    ? { fragment, badlyCut: true, transport: { kind: "unseen" as const } }
    : readTransport({
        family: 6,
        protocol,
        payload: payload.subarray(walk.start),
        fragment,
        before: walk.start - walk.fragmentStart,
        room: room - 40 - walk.start,
      });
  if (typeof inner === "string") return inner;
  const hopLimit = byteAt(bytes, 7);
  return { kind: "ip", family: 6, source, destination, protocol, hopLimit, sourceRoute, ...inner };
}
