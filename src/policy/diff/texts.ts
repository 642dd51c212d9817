/** Boxes in words: prefixes, ports and times as rules write them, and no list longer than a reader reads. */
import { formatAddress, formatPrefix } from "../../model/cidr.ts";
import type { Family } from "../../model/model.ts";
import type { Interval } from "../intervals.ts";
import { serviceOtherFamily } from "../layout.ts";
import { formatProtocol } from "../near.ts";
import { widthOf } from "../prefixes.ts";
import { icmpOf, tcp, udp } from "../services.ts";
import type { Box } from "./boxes.ts";
import { joinIntervals, serviceDomain } from "./lines.ts";
import { type AddressRange, joinRanges } from "./remotes.ts";
import { subtractRanges } from "./visible.ts";

/** The first of many texts, and how many are left out. */
export interface TextList {
  readonly list: readonly string[];
  readonly more: number;
}

/** Which packets: all with one of these remotes, one of these services, and so on. */
export interface Extent {
  /** Prefixes, or `first-last`. */
  readonly remotes: TextList;
  /** Addresses inside the prefixes of `remotes` that are not meant. */
  readonly exceptRemotes: TextList;
  /** `all`, `tcp`, `tcp 80`, `udp 1000-2000`, `icmp type 8`, `gre`, `protocol 50`, `other protocols`. */
  readonly services: TextList;
  /** What of `all` is not meant. */
  readonly exceptServices: TextList;
  /** Null: every one. */
  readonly sourcePorts: TextList | null;
  readonly locals: TextList | null;
  /** RFC 3339: the packets of this time only. Null: from now on, and without end. */
  readonly from: string | null;
  readonly until: string | null;
}

const shown = 16;
/** A range is told as prefixes up to this number, and as first and last address beyond. */
const prefixesForRange = 3;
/** What lacks no more than so many ranges is told by what it lacks. */
const holesAtMost = 4;

export function listTexts(texts: readonly string[], most = shown): TextList {
  return { list: texts.slice(0, most), more: Math.max(0, texts.length - most) };
}

/** A box in words. `now`: whole seconds of UTC from which times count. */
export function describeBox(box: Box, now: number): Extent {
  const family = box.remotes[0]?.family ?? 4;
  const remotes = joinRanges(box.remotes.flatMap(({ ranges }) => ranges));
  const whole = [{ first: 0n, last: (1n << BigInt(widthOf(family))) - 1n }];
  const holes = subtractRanges(whole, remotes);
  const byHoles = remotes.length > 1 && holes.length <= holesAtMost && holes.length < remotes.length + 1;
  const [from, until] = describeTimes(box.times, now);
  return {
    remotes: listTexts((byHoles ? whole : remotes).flatMap((range) => formatRange(range, family))),
    exceptRemotes: listTexts((byHoles ? holes : []).flatMap((range) => formatRange(range, family))),
    ...describeServices(box, family),
    sourcePorts: box.sourcePorts === null ? null : listTexts(box.sourcePorts.map(formatInterval)),
    locals: box.locals === null ? null : listTexts(box.locals.flatMap((range) => formatRange(range, family))),
    from,
    until,
  };
}

/** A time piece begins at its first second, and ends with the first one that is no longer in it. */
function describeTimes(times: Box["times"], now: number): readonly [string | null, string | null] {
  const [first] = times ?? [];
  const last = times?.at(-1);
  const format = (seconds: number) => new Date(seconds * 1000).toISOString();
  return [
    first === undefined || first.first <= now ? null : format(first.first),
    last === undefined || last.last >= 2 ** 32 - 1 ? null : format(last.last + 1),
  ];
}

/** The prefixes that make up a range, or first and last address where they are many. */
export function formatRange({ first, last }: AddressRange, family: Family): readonly string[] {
  const prefixes: string[] = [];
  for (let at = first; at <= last; ) {
    if (prefixes.length === prefixesForRange)
      return [`${formatAddress({ family, bits: first })}-${formatAddress({ family, bits: last })}`];
    let host = 0n;
    const width = BigInt(widthOf(family));
    while (host < width && (at & (1n << host)) === 0n && at + (1n << (host + 1n)) - 1n <= last) host += 1n;
    prefixes.push(formatPrefix({ family, bits: at, length: Number(width - host) }));
    at += 1n << host;
  }
  return prefixes;
}

function formatInterval({ first, last }: Interval): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function describeServices({ services }: Box, family: Family): Pick<Extent, "services" | "exceptServices"> {
  const intervals = joinIntervals(services.flatMap((one) => one.intervals));
  const blocks = serviceDomain(family).map((block) => {
    const inside = clip(intervals, block);
    return { block, inside, outside: complement(inside, block) };
  });
  const held = describeHeld(blocks, family);
  const missing = describeHeld(
    blocks.map(({ block, outside }) => ({ block, inside: outside })),
    family,
  );
  const byMissing = missing.length < held.length && missing.length <= holesAtMost;
  return {
    services: listTexts(byMissing || missing.length === 0 ? ["all"] : held),
    exceptServices: listTexts(byMissing ? missing : []),
  };
}

/** The services that are inside, protocol by protocol. */
function describeHeld(held: readonly Held[], family: Family): readonly string[] {
  const icmp = icmpOf(family);
  const told = [tcp, udp, icmp].flatMap((protocol) => {
    const { block, inside } = held.find(({ block: { first } }) => first === protocol << 16) ?? {};
    if (block === undefined || inside === undefined || inside.length === 0) return [];
    const name = formatProtocol(protocol);
    if (isWhole(block, inside)) return [name];
    return inside.map((part) =>
      protocol === icmp ? formatIcmp(name, part, block.first) : formatPorts(name, part, block.first),
    );
  });
  return [...told, ...describeOthers(held.filter(({ block }) => block.first === block.last))];
}

/** What of a block is not inside. */
function complement(inside: readonly Interval[], { first, last }: Interval): readonly Interval[] {
  const left: Interval[] = [];
  let at = first;
  for (const part of inside) {
    if (part.first > at) left.push({ first: at, last: part.first - 1 });
    at = part.last + 1;
  }
  return at <= last ? [...left, { first: at, last }] : left;
}

interface Held {
  readonly block: Interval;
  readonly inside: readonly Interval[];
}

/** Protocols without ports: by name or number, runs of them together, and all of them as one. */
function describeOthers(held: readonly Held[]): readonly string[] {
  const numberOf = ({ block }: Held) => (block.first & (serviceOtherFamily - 1)) >>> 16;
  const numbers = held.filter(({ inside }) => inside.length > 0).map(numberOf);
  if (numbers.length === held.length) return ["other protocols"];
  const missing = held.filter(({ inside }) => inside.length === 0).map(numberOf);
  if (numbers.length > 0 && missing.length <= holesAtMost)
    return [`other protocols but ${missing.map((number) => formatProtocol(number)).join(", ")}`];
  return joinIntervals(numbers.map((number) => ({ first: number, last: number }))).map((run) =>
    run.first === run.last ? describeNumber(run.first) : `protocols ${formatInterval(run)}`,
  );
}

function describeNumber(number: number): string {
  const name = formatProtocol(number);
  return /^\d/.test(name) ? `protocol ${name}` : name;
}

function clip(intervals: readonly Interval[], { first, last }: Interval): readonly Interval[] {
  return intervals
    .filter((one) => one.last >= first && one.first <= last)
    .map((one) => ({ first: Math.max(one.first, first), last: Math.min(one.last, last) }));
}

function isWhole(block: Interval, inside: readonly Interval[]): boolean {
  return inside.length === 1 && inside[0]?.first === block.first && inside[0].last === block.last;
}

function formatPorts(name: string, { first, last }: Interval, base: number): string {
  return `${name} ${formatInterval({ first: first - base, last: last - base })}`;
}

/** Types and codes are one number, so a part is one type's codes, or whole types. */
function formatIcmp(name: string, { first, last }: Interval, base: number): string {
  const [low, high] = [first - base, last - base];
  const types = { first: low >>> 8, last: high >>> 8 };
  const codes = { first: low & 0xff, last: high & 0xff };
  if (codes.first === 0 && codes.last === 0xff) return `${name} type ${formatInterval(types)}`;
  if (types.first === types.last) return `${name} type ${types.first} code ${formatInterval(codes)}`;
  return `${name} type ${types.first} code ${codes.first} to type ${types.last} code ${codes.last}`;
}
