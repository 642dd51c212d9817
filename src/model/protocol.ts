/** Protocols of rules: names, and numbers that have no name here. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import { nearestWord } from "./nearest.ts";
import { quote } from "./text.ts";

/** IP protocol number of each name; null: all of them. */
export const protocolNumbers = {
  all: null,
  tcp: 6,
  udp: 17,
  icmp: 1,
  icmpv6: 58,
  gre: 47,
} as const satisfies Readonly<Record<string, number | null>>;

export type ProtocolName = keyof typeof protocolNumbers;

export const protocolNames = Object.keys(protocolNumbers) as readonly ProtocolName[];

/** Names that people write and that are numbers (or other names) here. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["any", "all"],
  ["ip", "all"],
  ["*", "all"],
  ["-1", "all"],
  ["icmp6", "icmpv6"],
  ["ipv6-icmp", "icmpv6"],
  ["igmp", "2"],
  ["ipip", "4"],
  ["ipv6", "41"],
  ["esp", "50"],
  ["ah", "51"],
  ["ospf", "89"],
  ["pim", "103"],
  ["vrrp", "112"],
  ["l2tp", "115"],
  ["sctp", "132"],
  ["udplite", "136"],
]);

export function isProtocolName(text: string): text is ProtocolName {
  return Object.hasOwn(protocolNumbers, text);
}

/** The protocols with ports. */
export function hasPorts(protocol: string | number): boolean {
  return protocol === "tcp" || protocol === "udp";
}

export interface Protocol {
  /** As written. */
  readonly protocol: string | number;
  /** IP protocol number; null for `all`. */
  readonly number: number | null;
}

/** `all`, `tcp`, …, or a number 0..255 that has no name here; the right form is named for others. */
export function parseProtocol(written: string | number): Parsed<Protocol> {
  if (typeof written === "number") return parseNumber(written, String(written));
  if (isProtocolName(written)) return accepted({ protocol: written, number: protocolNumbers[written] });
  if (/^[0-9]{1,3}$/.test(written)) return parseNumber(Number(written), written, true);
  const lower = written.trim().toLowerCase();
  const right = isProtocolName(lower)
    ? lower
    : (otherNames.get(lower) ?? nearestWord(lower, [...protocolNames, ...otherNames.keys()]));
  const form = right === null ? null : (otherNames.get(right) ?? right);
  const hint = form === null ? `: write one of ${protocolNames.join(", ")}, or a number` : "";
  return refused("bad-protocol", `${quote(written)} is no protocol here${hint}`, form);
}

function parseNumber(value: number, text: string, quoted = false): Parsed<Protocol> {
  const name = protocolNames.find((known) => protocolNumbers[known] === value);
  if (name !== undefined) return refused("bad-protocol", `${quote(text)} has a name`, name);
  if (value === -1) return refused("bad-protocol", `${quote(text)} is no protocol`, "all");
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    return refused("bad-protocol", `${quote(text)} is no protocol: write a number from 0 to 255`);
  }
  if (quoted) return refused("bad-protocol", `"${text}" is a text, numbers have no quotes`, String(value));
  return accepted({ protocol: value, number: value });
}
