/**
 * All packets of one side and family as a product of dimensions: remote, service, source port, local, time. Packets
 * that the rules cannot tell apart are one slice of a dimension, so a side of n rules has at most about 2n slices
 * in each. Exact: every slice has a packet, every packet that rules judge is in one.
 */
import type { Direction, Family, Model } from "../model/model.ts";
import { type Bitmap, createBitmap, keyOf, setBit, strideOf } from "./bitmap.ts";
import type { Interval } from "./intervals.ts";
import { bitsFlag } from "./layout.ts";
import { collectMembers } from "./members.ts";
import { cutPieces, type Piece, type Span, type SpanSource } from "./pieces.ts";
import { expiryInterval, serviceInterval, sourcePortInterval } from "./service.ts";
import type { OrderedRule, PolicySide, PolicySource } from "./types.ts";
import {
  localUniverse,
  remoteUniverse,
  serviceUniverse,
  sourcePortUniverse,
  spanOf,
  timeUniverse,
} from "./universe.ts";

/** Packets that look alike in one dimension: the rules that match them there. */
export interface Slice {
  readonly bits: Bitmap;
  /** bitsFlag: do both ends share a group with inner access? Only remotes have any. */
  readonly flags: number;
}

/** A dimension that is a line: its pieces in order, and for each rule the first and last one in which it matches. */
export interface Line {
  readonly pieces: readonly Slice[];
  readonly first: Int32Array;
  /** Before the first one: the rule matches nowhere. */
  readonly last: Int32Array;
}

export interface Dimension {
  /** Each distinct one once. */
  readonly slices: readonly Slice[];
  /** Null: no line. Remotes are none, for members stand apart. */
  readonly line: Line | null;
}

export interface Space {
  readonly family: Family;
  /** 32-bit halves of a bitmap. */
  readonly halves: number;
  /** Remote, service, source port, local address, time. */
  readonly dimensions: readonly Dimension[];
}

/** An address that is somebody's, with the groups behind it. */
export interface KnownAddress {
  readonly bits: bigint;
  readonly groups: readonly string[];
}

/** Known addresses of a network and family, in order. */
export type KnownAddresses = (network: string, family: Family) => readonly KnownAddress[];

/** The addresses of all interfaces of all hosts, and of gateways. */
export function indexAddresses(model: Model): KnownAddresses {
  const { addresses, identities } = collectMembers(model);
  const index = new Map<string, KnownAddress[]>();
  for (const { network, address, identity } of addresses) {
    const key = `${address.family} ${network}`;
    const known = index.get(key) ?? [];
    index.set(key, known);
    known.push({ bits: address.bits, groups: identities.get(identity) ?? [] });
  }
  for (const known of index.values()) known.sort((a, b) => (a.bits < b.bits ? -1 : 1));
  return (network, family) => index.get(`${family} ${network}`) ?? [];
}

/** One source for each rule, from what it spans; null: nothing. */
function sourcesOf<T>(
  rules: readonly OrderedRule[],
  spansOf: (rule: OrderedRule) => readonly Span<T>[],
): SpanSource<T>[] {
  return rules.map((rule) => ({ spans: spansOf(rule), rules: bitmapOf(rules.length, [rule.number]) }));
}

function bitmapOf(rules: number, numbers: Iterable<number>): Bitmap {
  const bits = createBitmap(strideOf(rules));
  for (const number of numbers) setBit(bits, number);
  return bits;
}

function closed(interval: Interval | null): readonly Span<number>[] {
  return interval === null ? [] : [{ first: interval.first, end: interval.last + 1 }];
}

/** Each distinct slice once. */
function distinct(slices: Iterable<Slice>): Slice[] {
  const known = new Map<string, Slice>();
  for (const slice of slices) {
    const key = `${slice.flags} ${keyOf(slice.bits)}`;
    if (!known.has(key)) known.set(key, slice);
  }
  return [...known.values()];
}

/** Every rule matches in pieces that follow each other: what it spans is one interval. */
function lineOf<T>(cut: readonly Piece<T>[], rules: number): Dimension {
  const pieces = cut.map(({ bits }) => ({ bits, flags: 0 }));
  const line = { pieces, first: new Int32Array(rules), last: new Int32Array(rules).fill(-1) };
  for (const [index, { bits }] of pieces.entries()) {
    for (let rule = 0; rule < rules; rule++) {
      if ((((bits[rule >>> 5] ?? 0) >>> (rule & 31)) & 1) === 0) continue;
      if (line.last[rule] === -1) line.first[rule] = index;
      line.last[rule] = index;
    }
  }
  return { slices: distinct(pieces), line };
}

/** Rules that name the same list share one array of prefixes: it is cut once. */
export function remotePieces(side: PolicySide, family: Family): Piece<bigint>[] {
  const { rules, direction } = side;
  const byPrefixes = new Map<readonly unknown[], { spans: Span<bigint>[]; numbers: number[] }>();
  for (const { number, remote } of rules) {
    if (remote.kind !== "prefixes") continue;
    const known = byPrefixes.get(remote.prefixes);
    if (known !== undefined) {
      known.numbers.push(number);
      continue;
    }
    const spans = remote.prefixes.filter((prefix) => prefix.family === family).map(spanOf);
    byPrefixes.set(remote.prefixes, { spans, numbers: [number] });
  }
  const sources = [...byPrefixes.values()].map(({ spans, numbers }) => ({
    spans,
    rules: bitmapOf(rules.length, numbers),
  }));
  return cutPieces(remoteUniverse(family, direction), sources, strideOf(rules.length));
}

/** What a set of groups adds to the rules that match an address. */
function groupSlice(source: PolicySource, side: PolicySide, groups: readonly string[]): Slice {
  const named = side.rules.filter(({ remote }) => remote.kind === "group" && groups.includes(remote.group));
  const shares = (own: readonly string[]): boolean => own.some((group) => groups.includes(group));
  return {
    bits: bitmapOf(
      side.rules.length,
      named.map(({ number }) => number),
    ),
    flags:
      (shares(source.innerGroups) ? bitsFlag.innerAccess : 0) |
      (shares(source.innerGroupsEnforced) ? bitsFlag.innerAccessEnforced : 0),
  };
}

/** The rules and flags of an address of a piece, behind which a set of groups stands. */
export function joinGroups(
  source: PolicySource,
  side: PolicySide,
  bits: Bitmap,
  groups: readonly string[],
): Slice {
  return joinSlices(bits, groupSlice(source, side, groups));
}

function joinSlices(bits: Bitmap, { bits: more, flags }: Slice): Slice {
  return { bits: bits.map((half, index) => half | (more[index] ?? 0)), flags };
}

/** Members by their groups, strangers by prefixes alone; a piece that members fill has no stranger. */
function* remoteSlices(
  pieces: readonly Piece<bigint>[],
  known: readonly KnownAddress[],
  ofGroups: (groups: readonly string[]) => Slice,
): Generator<Slice> {
  let next = 0;
  for (const { first, end, bits } of pieces) {
    while ((known[next]?.bits ?? end) < first) next++;
    const before = next;
    for (let at = known[next]; at !== undefined && at.bits < end; at = known[next]) {
      yield joinSlices(bits, ofGroups(at.groups));
      next++;
    }
    if (end - first > BigInt(next - before)) yield { bits, flags: 0 };
  }
}

function cacheByGroups(make: (groups: readonly string[]) => Slice): (groups: readonly string[]) => Slice {
  const made = new Map<readonly string[], Slice>();
  return (groups) => {
    const slice = made.get(groups) ?? make(groups);
    made.set(groups, slice);
    return slice;
  };
}

export interface SpaceOptions {
  readonly addresses: KnownAddresses;
  /** Seconds of UTC: what expired is no rule, what will expire is one for a while. */
  readonly now: number;
  /** Every address is taken for one of a member of these groups. */
  readonly everyone?: readonly string[];
}

/** The space of one side for one family. */
export function buildSpace(
  source: PolicySource,
  direction: Direction,
  family: Family,
  options: SpaceOptions,
): Space {
  const { addresses, now, everyone } = options;
  const side = source.sides[direction];
  const { rules } = side;
  const stride = strideOf(rules.length);
  const cut = (universe: readonly Span<number>[], spansOf: (rule: OrderedRule) => readonly Span<number>[]) =>
    lineOf(cutPieces(universe, sourcesOf(rules, spansOf), stride), rules.length);
  const everywhere = localUniverse(family, direction);
  const localsOf = ({ rule: { local } }: OrderedRule): readonly Span<bigint>[] => {
    if (local === null) return everywhere;
    return local.family === family ? [spanOf(local)] : [];
  };
  const ofGroups = cacheByGroups((groups) => groupSlice(source, side, groups));
  const pieces = remotePieces(side, family);
  const remotes =
    everyone === undefined
      ? remoteSlices(pieces, addresses(source.network, family), ofGroups)
      : pieces.map(({ bits }) => joinSlices(bits, ofGroups(everyone)));
  return {
    family,
    halves: 2 * stride,
    dimensions: [
      { slices: distinct(remotes), line: null },
      cut(serviceUniverse(family), ({ rule }) => closed(serviceInterval(rule))),
      cut(sourcePortUniverse, ({ rule }) => closed(sourcePortInterval(rule))),
      lineOf(cutPieces(everywhere, sourcesOf(rules, localsOf), stride), rules.length),
      cut(timeUniverse(now), ({ rule }) => closed(expiryInterval(rule))),
    ],
  };
}
