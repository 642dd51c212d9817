/** Neighbour discovery (RFC 4861): what a message claims. */
import type { Mac } from "../../model/model.ts";
import type { Fault, Neighbour } from "../packet.ts";
import { addressAt, byteAt, macAt } from "./bytes.ts";

export const icmp6 = {
  mldQuery: 130,
  mldReport: 131,
  mldDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
  mldReport2: 143,
} as const;

/** Bytes before the options, by type from 133 on. */
const fixedLengths = [8, 16, 24, 24, 40];

export function isNeighbourDiscovery(type: number): boolean {
  return type >= icmp6.routerSolicitation && type <= icmp6.redirect;
}

/**
 * The different MACs of link-layer address options, of which `room` bytes are looked at; an option without length, or
 * beyond the end, is contradictory.
 */
function readMacs(options: Uint8Array, room: number): readonly Mac[] | Fault {
  const macs = new Map<string, Mac>();
  for (let offset = 0; offset < options.length; ) {
    if (offset + 8 > options.length) return "malformed";
    if (offset + 8 > room) return "unsupported";
    const length = byteAt(options, offset + 1) * 8;
    if (length === 0 || offset + length > options.length) return "malformed";
    const type = byteAt(options, offset);
    if (type === 1 || type === 2) {
      const mac = macAt(options, offset + 2);
      macs.set(String(mac), mac);
    }
    offset += length;
  }
  return [...macs.values()];
}

/** Reads a whole message of types 133 to 137, of which `room` bytes are looked at. */
export function readNeighbour(type: number, message: Uint8Array, room: number): Neighbour | Fault {
  const fixed = fixedLengths[type - icmp6.routerSolicitation] ?? 0;
  if (message.length < fixed) return "malformed";
  const macs = readMacs(message.subarray(fixed), room - fixed);
  if (typeof macs === "string") return macs;
  return { target: fixed >= 24 ? addressAt(message, 8, 6) : null, macs };
}
