/** TCP, UDP, ICMP of both families and IGMP, as far as a verdict needs them. */
import type { Family } from "../../model/model.ts";
import type { Fault, Fragment, Ip, Transport } from "../packet.ts";
import { byteAt, longAt, wordAt } from "./bytes.ts";
import { isNeighbourDiscovery, readNeighbour } from "./neighbour.ts";

export const tcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
const sixFlags = 0x3f;

/** What a transport header is read from. */
export interface Source {
  readonly family: Family;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly fragment: Fragment | null;
  /** Bytes of extension headers between the fragment header and the transport header. */
  readonly before: number;
  /** So many bytes of the payload are looked at: more than any transport header has. */
  readonly room: number;
}

/** A transport header and its length; `short`: it is not whole in these bytes. */
type Read = { readonly transport: Transport; readonly header: number } | "short" | Fault;

/** No flag at all, and SYN with FIN or RST, mean nothing. */
export function areFlagsContradictory(flags: number): boolean {
  if ((flags & sixFlags) === 0) return true;
  return (flags & tcpFlag.syn) !== 0 && (flags & (tcpFlag.fin | tcpFlag.rst)) !== 0;
}

function readTcp(payload: Uint8Array): Read {
  if (payload.length < 20) return "short";
  const header = (byteAt(payload, 12) >> 4) * 4;
  const flags = byteAt(payload, 13);
  if (header < 20 || areFlagsContradictory(flags)) return "malformed";
  if (header > payload.length) return "short";
  return {
    header,
    transport: {
      kind: "tcp",
      sourcePort: wordAt(payload, 0),
      destinationPort: wordAt(payload, 2),
      sequence: longAt(payload, 4),
      acknowledgement: longAt(payload, 8),
      flags,
      length: payload.length - header,
    },
  };
}

/**
 * A length beyond the packet, or less than the header's own, is contradictory. One that leaves bytes over is
 * not: receivers cut the datagram there (RFC 768 does not forbid it, RFC 9868 puts options there).
 */
function readUdp({ payload, fragment }: Source): Read {
  if (payload.length < 8) return "short";
  const length = wordAt(payload, 4);
  const whole = fragment === null || fragment.kind === "atomic";
  if (whole && (length < 8 || length > payload.length)) return "malformed";
  return {
    header: 8,
    transport: { kind: "udp", sourcePort: wordAt(payload, 0), destinationPort: wordAt(payload, 2) },
  };
}

function readIcmp({ family, payload, fragment, room }: Source): Read {
  if (payload.length < 8) return "short";
  const type = byteAt(payload, 0);
  const whole = fragment === null || fragment.kind === "atomic";
  const isNeighbour = family === 6 && whole && isNeighbourDiscovery(type);
  const neighbour = isNeighbour ? readNeighbour(type, payload, room) : null;
  if (typeof neighbour === "string") return neighbour;
  return {
    header: 8,
    transport: {
      kind: "icmp",
      type,
      code: byteAt(payload, 1),
      identifier: wordAt(payload, 4),
      neighbour,
      body: payload.subarray(8, Math.max(8, room)),
    },
  };
}

function readHeader(source: Source): Read {
  const { family, protocol, payload } = source;
  if (protocol === 6) return readTcp(payload);
  if (protocol === 17) return readUdp(source);
  if ((protocol === 1 && family === 4) || (protocol === 58 && family === 6)) return readIcmp(source);
  if (protocol === 2 && family === 4) {
    return payload.length < 8
      ? "short"
      : { header: 8, transport: { kind: "igmp", type: byteAt(payload, 0) } };
  }
  return { header: 0, transport: { kind: "portless" } };
}

/** Reads a payload's transport header; a first fragment must hold it whole. */
export function readTransport(source: Source): Pick<Ip, "fragment" | "badlyCut" | "transport"> | Fault {
  const { fragment } = source;
  if (fragment?.kind === "later") return { fragment, badlyCut: false, transport: { kind: "unseen" } };
  const read = readHeader(source);
  if (read === "malformed" || read === "unsupported") return read;
  if (read === "short") {
    return fragment?.kind === "first"
      ? { fragment, badlyCut: true, transport: { kind: "unseen" } }
      : "malformed";
  }
  const { transport } = read;
  if (fragment?.kind !== "first") return { fragment, badlyCut: false, transport };
  return { fragment: { ...fragment, header: source.before + read.header }, badlyCut: false, transport };
}
