/** Protocols and ports of other systems in the words of rules. */
import { type ProtocolName, protocolNames, protocolNumbers } from "../model/protocol.ts";
import { Unsayable } from "./finding.ts";
import type { Importer, Spot } from "./importer.ts";
import type { PlainRule } from "./plain.ts";

/** The part of a rule that is about protocol, ports and ICMP. */
export type Service = Pick<PlainRule, "protocol" | "portRange" | "sourcePortRange" | "icmpType" | "icmpCode">;

/** A number's name where it has one here. @throws Unsayable outside 0..255 */
export function nameProtocol(number: number): ProtocolName | number {
  const name = protocolNames.find((known) => protocolNumbers[known] === number);
  if (name !== undefined) return name;
  if (Number.isInteger(number) && number >= 0 && number <= 255) return number;
  throw new Unsayable("bad-value", `${number} is no IP protocol, which are 0 to 255`);
}

/** The one family that a protocol has packets in; null: both. */
export function familyOf(protocol: string | number): 4 | 6 | null {
  return protocol === "icmp" ? 4 : protocol === "icmpv6" ? 6 : null;
}

/**
 * Ports from first to last, 0 to 65535, of a rule that accepts. Port 0 has no name here: a range that begins
 * with it loses it, and says so. @throws Unsayable
 */
export function acceptPorts(importer: Importer, spot: Spot, first: number, last: number): string {
  checkPorts(first, last);
  if (first === 0 && last === 65535) return "-1/-1";
  if (last === 0) throw new Unsayable("port-zero", "port 0 alone is no range here");
  if (first > 0) return `${first}/${last}`;
  importer.leaveOut("port-zero", spot, `port 0 of 0 to ${last} is no port here`, `1 to ${last}`);
  return `1/${last}`;
}

/** The same of a rule that drops, which must lose nothing. @throws Unsayable */
export function dropPorts(first: number, last: number): string {
  checkPorts(first, last);
  if (first === 0 && last === 65535) return "-1/-1";
  if (first === 0) throw new Unsayable("port-zero", "a drop of port 0 is no range here", "1 and above");
  return `${first}/${last}`;
}

function checkPorts(first: number, last: number): void {
  const legal = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65535;
  if (legal(first) && legal(last) && first <= last) return;
  throw new Unsayable("bad-value", `${first} to ${last} is no range of ports`, "0 to 65535, the lower first");
}

/** @throws Unsayable outside 0..255 */
export function icmpNumber(value: number, what: "type" | "code"): number {
  if (Number.isInteger(value) && value >= 0 && value <= 255) return value;
  throw new Unsayable("bad-value", `${value} is no ICMP ${what}`, "0 to 255");
}
