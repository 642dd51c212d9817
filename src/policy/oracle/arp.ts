/** ARP (RFC 826) and reverse ARP (RFC 903) of IPv4 over Ethernet; any other kind is contradictory. */
import type { Arp, Fault } from "../packet.ts";
import { addressAt, byteAt, macAt, wordAt } from "./bytes.ts";

const ethernetHardware = 1;
const ipv4Protocol = 0x0800;

export function readArp(bytes: Uint8Array, reverse: boolean): Arp | Fault {
  if (bytes.length < 28) return "malformed";
  if (wordAt(bytes, 0) !== ethernetHardware || wordAt(bytes, 2) !== ipv4Protocol) return "malformed";
  if (byteAt(bytes, 4) !== 6 || byteAt(bytes, 5) !== 4) return "malformed";
  return {
    kind: "arp",
    reverse,
    operation: wordAt(bytes, 6),
    senderMac: macAt(bytes, 8),
    senderAddress: addressAt(bytes, 14, 4),
    targetMac: macAt(bytes, 18),
    targetAddress: addressAt(bytes, 24, 4),
  };
}
