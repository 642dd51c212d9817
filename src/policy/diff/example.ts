/** One packet of a box: what a person would try, where the box has it. */
import { formatAddress } from "../../model/cidr.ts";
import type { Address, Direction, Family, Interface } from "../../model/model.ts";
import type { Interval } from "../intervals.ts";
import { serviceOtherFamily } from "../layout.ts";
import { formatProtocol } from "../near.ts";
import type { Question } from "../rules.ts";
import { icmpOf, tcp, udp } from "../services.ts";
import type { Box } from "./boxes.ts";
import { joinIntervals } from "./lines.ts";
import { type AddressRange, joinRanges } from "./remotes.ts";
import { intersectRanges, judgedRemotes, localsOf, remotesOf } from "./visible.ts";

/** A packet that opens a session, as the interface meets it. */
export interface ExamplePacket {
  readonly interface: string;
  readonly direction: Direction;
  readonly protocol: string;
  readonly local: string;
  readonly localPort: number | null;
  readonly remote: string;
  readonly remotePort: number | null;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  /** RFC 3339; null: now. */
  readonly time: string | null;
}

export interface Example {
  readonly packet: ExamplePacket;
  readonly question: Question;
  /** Seconds of UTC. */
  readonly time: number;
}

/** Addresses of documentation (RFC 5737, RFC 3849): they stand for anybody. */
const anybody: Readonly<Record<Family, readonly bigint[]>> = {
  4: [0xcb007109n, 0xc6336407n, 0xc0000209n],
  6: [(0x20010db8n << 96n) | 0xffff_0000_0000_0000_0007n, (0x20010db8n << 96n) | 0x7n],
};
/** A port that systems choose for themselves. */
const ephemeralPorts = [49152];
/** What people try first. */
const knownPorts = [443, 80, 22, 53];

/**
 * A packet of the box at an interface that can meet it (`own`, as it is after the change).
 * `now`: whole seconds of UTC.
 */
export function pickExample(box: Box, own: Interface, direction: Direction, now: number): Example {
  const family = box.remotes[0]?.family ?? 4;
  const judged = joinRanges(box.remotes.flatMap((remote) => judgedRemotes(remote, direction)));
  const remote = pickAddress(remotesOf(own, judged, family, direction), anybody[family], family);
  const locals = localsOf(own, family, direction);
  const possible = box.locals === null ? locals : intersectRanges(locals, box.locals);
  const listed = own.addresses.filter((one) => one.family === family).map(({ bits }) => bits);
  const local = pickAddress(possible, [...listed, ...anybody[family]], family);
  const service = pickService(joinIntervals(box.services.flatMap((one) => one.intervals)), family);
  const hasPorts = service.protocol === tcp || service.protocol === udp;
  const sourcePort = hasPorts
    ? pickNumber(box.sourcePorts ?? [{ first: 0, last: 65535 }], ephemeralPorts)
    : null;
  const time = box.times?.[0]?.first ?? now;
  const question = { ...service, remote, local, sourcePort };
  return { question, time, packet: describePacket(question, own.id, direction, time > now ? time : null) };
}

function describePacket(
  question: Question,
  id: string,
  direction: Direction,
  time: number | null,
): ExamplePacket {
  const { sourcePort, destinationPort, icmpType, icmpCode } = question;
  const asks = direction === "egress";
  return {
    interface: id,
    direction,
    protocol: formatProtocol(question.protocol),
    local: formatAddress(question.local),
    localPort: asks ? sourcePort : destinationPort,
    remote: formatAddress(question.remote),
    remotePort: asks ? destinationPort : sourcePort,
    icmpType,
    icmpCode,
    time: time === null ? null : new Date(time * 1000).toISOString(),
  };
}

/** A wanted address that is there; else the second of the first range (the first often names a network). */
function pickAddress(ranges: readonly AddressRange[], wanted: readonly bigint[], family: Family): Address {
  const holds = (bits: bigint) => ranges.some(({ first, last }) => first <= bits && bits <= last);
  const [range] = ranges;
  if (range === undefined) throw new Error("a box without addresses was taken for one that has some");
  const other = range.first < range.last ? range.first + 1n : range.first;
  return { family, bits: wanted.find(holds) ?? other };
}

function pickNumber(intervals: readonly Interval[], wanted: readonly number[]): number {
  const [first] = intervals;
  if (first === undefined) throw new Error("a box without ports was taken for one that has some");
  const known = wanted.find((number) => intervals.some((one) => one.first <= number && number <= one.last));
  return known ?? (first.first === 0 && first.last > 0 ? 1 : first.first);
}

/** Ports and types say more than a number, so TCP comes first, then UDP, then ICMP. */
function pickService(
  intervals: readonly Interval[],
  family: Family,
): Omit<Question, "remote" | "local" | "sourcePort"> {
  const none = { destinationPort: null, icmpType: null, icmpCode: null };
  for (const protocol of [tcp, udp, icmpOf(family)]) {
    const base = protocol << 16;
    const inside = intervals
      .filter(({ first, last }) => last >= base && first <= base + 0xffff)
      .map(({ first, last }) => ({ first: Math.max(0, first - base), last: Math.min(0xffff, last - base) }));
    if (inside.length === 0) continue;
    if (protocol !== icmpOf(family))
      return { ...none, protocol, destinationPort: pickNumber(inside, knownPorts) };
    const number = pickNumber(inside, [family === 4 ? 8 << 8 : 128 << 8]);
    return { ...none, protocol, icmpType: number >>> 8, icmpCode: number & 0xff };
  }
  const first = intervals[0]?.first ?? 0;
  return { ...none, protocol: (first & (serviceOtherFamily - 1)) >>> 16 };
}
