/** Sets of services in words: for people, and as rules would say them. */
import type { Family } from "../../model/model.ts";
import { protocolNames, protocolNumbers } from "../../model/protocol.ts";
import type { Interval } from "../intervals.ts";
import { serviceOtherFamily } from "../layout.ts";
import { serviceUniverse } from "../universe.ts";
import { everySource, keyOfSet, type ServicePiece, type ServiceSet } from "./service-set.ts";

/** Services of one protocol, in the words of a rule; what is not there is every value. */
export interface ServiceEntry {
  /** A name, a number, `all`, or `others`: every protocol that has neither ports nor ICMP types. */
  readonly protocol: string | number;
  readonly ports?: string;
  readonly icmpTypes?: string;
  readonly icmpCodes?: string;
  readonly sourcePorts?: readonly string[];
}

/** Everything that packets of a family can be. */
export function everyService(family: Family): ServiceSet {
  return serviceUniverse(family).map(({ first, end }) => ({ first, last: end - 1, sources: everySource }));
}

function normalize(set: ServiceSet, family: Family): ServiceSet {
  // Pieces end at the ends of protocols, however they were joined.
  return serviceUniverse(family).flatMap(({ first, end }) =>
    set
      .filter((piece) => piece.first < end && piece.last >= first)
      .map((piece) => ({
        first: Math.max(piece.first, first),
        last: Math.min(piece.last, end - 1),
        sources: piece.sources,
      })),
  );
}

function nameProtocol(number: number): string | number {
  return protocolNames.find((name) => protocolNumbers[name] === number) ?? number;
}

function rangeText({ first, last }: Interval): string {
  return `${first}/${last}`;
}

/** Whole types together, the rest type by type. */
function icmpEntries(number: number, { first, last }: Interval): ServiceEntry[] {
  const protocol = nameProtocol(number);
  if (first === 0 && last === 0xffff) return [{ protocol }];
  const entries: ServiceEntry[] = [];
  let at = first;
  while (at <= last) {
    const type = at >> 8;
    const whole = (at & 0xff) === 0 && last >= (type << 8) + 0xff;
    if (whole) {
      const lastType = ((last + 1) >> 8) - 1;
      entries.push({ protocol, icmpTypes: rangeText({ first: type, last: lastType }) });
      at = (lastType + 1) << 8;
    } else {
      const end = Math.min(last, (type << 8) + 0xff);
      const codes = rangeText({ first: at & 0xff, last: end & 0xff });
      entries.push({ protocol, icmpTypes: rangeText({ first: type, last: type }), icmpCodes: codes });
      at = end + 1;
    }
  }
  return entries;
}

function describePiece(piece: ServicePiece, family: Family): ServiceEntry[] {
  const other = piece.first >= serviceOtherFamily;
  const number = other ? (piece.first - serviceOtherFamily) >> 16 : piece.first >> 16;
  const inside = { first: piece.first & 0xffff, last: piece.last & 0xffff };
  if (!other && number === (family === 4 ? 1 : 58)) return icmpEntries(number, inside);
  if (number !== 6 && number !== 17) return [{ protocol: other ? number : nameProtocol(number) }];
  const ports = inside.first === 0 && inside.last === 65535 ? {} : { ports: rangeText(inside) };
  const sources =
    piece.sources === everySource ? {} : { sourcePorts: piece.sources.map((one) => rangeText(one)) };
  return [{ protocol: nameProtocol(number), ...ports, ...sources }];
}

/** Protocols that have no ports and no types: alike for most rules. */
function isPlain(piece: ServicePiece, family: Family): boolean {
  if (piece.first >= serviceOtherFamily) return true;
  return ![6, 17, family === 4 ? 1 : 58].includes(piece.first >> 16);
}

/** A set as entries, TCP first, then UDP, ICMP and others by number. */
export function listServices(set: ServiceSet, family: Family): readonly ServiceEntry[] {
  if (set.length === 0) return [];
  const pieces = normalize(set, family);
  const all = everyService(family);
  if (keyOfSet(pieces) === keyOfSet(all)) return [{ protocol: "all" }];
  const plain = pieces.filter((piece) => isPlain(piece, family));
  const named = pieces.filter((piece) => !isPlain(piece, family));
  const rank = ({ first }: ServicePiece): number => [6, 17, 1, 58].indexOf(first >> 16);
  const entries = named.sort((a, b) => rank(a) - rank(b)).flatMap((piece) => describePiece(piece, family));
  const everyPlain = plain.length === all.filter((piece) => isPlain(piece, family)).length;
  return [
    ...entries,
    ...(everyPlain ? [{ protocol: "others" }] : plain.flatMap((piece) => describePiece(piece, family))),
  ];
}

function shortRange(text: string): string {
  const [first = "", last = ""] = text.split("/");
  return first === last ? first : `${first}-${last}`;
}

function conditionOf({ sourcePorts, icmpCodes }: ServiceEntry): string {
  if (sourcePorts !== undefined) return ` from port ${sourcePorts.map(shortRange).join(",")}`;
  return icmpCodes === undefined ? "" : ` code ${shortRange(icmpCodes)}`;
}

/** `tcp 80,443; udp 53 from port 53; icmp type 8`. */
export function formatServices(entries: readonly ServiceEntry[]): string {
  const groups = new Map<
    string,
    { readonly head: string; readonly tail: string; readonly ranges: string[] }
  >();
  for (const entry of entries) {
    const icmp = entry.icmpTypes !== undefined;
    const head = `${entry.protocol}${icmp ? " type" : ""}`;
    const tail = conditionOf(entry);
    const group = groups.get(`${head}|${tail}`) ?? { head, tail, ranges: [] };
    groups.set(`${head}|${tail}`, group);
    const range = entry.ports ?? entry.icmpTypes;
    if (range !== undefined) group.ranges.push(shortRange(range));
  }
  return [...groups.values()]
    .map(({ head, tail, ranges }) => `${head}${ranges.length === 0 ? "" : ` ${ranges.join(",")}`}${tail}`)
    .join("; ");
}
