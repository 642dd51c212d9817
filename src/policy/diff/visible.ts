/** Which interfaces of those that share two policies can meet a packet at all. */
import type { Direction, Family, Interface } from "../../model/model.ts";
import { linkLocalOf } from "../identity.ts";
import { lastOf, widthOf } from "../prefixes.ts";
import { type AddressRange, joinRanges, type RemoteClass } from "./remotes.ts";

/** Multicast and loopback as a source, IPv4-mapped at either end: malformed, so the rules never judge them. */
const mapped: AddressRange = { first: 0xffffn << 32n, last: (0xffffn << 32n) + 0xffffffffn };
const never: Readonly<Record<Direction, Readonly<Record<Family, readonly AddressRange[]>>>> = {
  egress: { 4: [], 6: [mapped] },
  ingress: {
    4: [
      { first: 0x7f000000n, last: 0x7fffffffn },
      { first: 0xe0000000n, last: 0xefffffffn },
    ],
    6: [{ first: 1n, last: 1n }, mapped, { first: 0xffn << 120n, last: (1n << 128n) - 1n }],
  },
};

/** `ranges` without `taken`; both in order, disjoint. */
export function subtractRanges(
  ranges: readonly AddressRange[],
  taken: readonly AddressRange[],
): readonly AddressRange[] {
  return ranges.flatMap(({ first, last }) => {
    const left: AddressRange[] = [];
    let at = first;
    for (const hole of taken) {
      if (hole.last < at || hole.first > last) continue;
      if (hole.first > at) left.push({ first: at, last: hole.first - 1n });
      at = hole.last + 1n;
    }
    return at <= last ? [...left, { first: at, last }] : left;
  });
}

/** Ranges that both have; both in order, disjoint. */
export function intersectRanges(
  a: readonly AddressRange[],
  b: readonly AddressRange[],
): readonly AddressRange[] {
  return a.flatMap((range) => clipRanges(b, range));
}

function clipRanges(ranges: readonly AddressRange[], { first, last }: AddressRange): readonly AddressRange[] {
  const clipped: AddressRange[] = [];
  for (const range of ranges) {
    if (range.last < first || range.first > last) continue;
    const begins = range.first < first ? { first, last: range.last } : range;
    clipped.push(begins.last > last ? { first: begins.first, last } : begins);
  }
  return clipped;
}

/** Remotes of a class that the rules judge in this direction. */
export function judgedRemotes(remote: RemoteClass, direction: Direction): readonly AddressRange[] {
  return subtractRanges(remote.ranges, never[direction][remote.family]);
}

/** Remotes that an interface can meet: nobody else may use its listed addresses towards it. */
export function remotesOf(
  own: Interface,
  remotes: readonly AddressRange[],
  family: Family,
  direction: Direction,
): readonly AddressRange[] {
  if (direction === "egress" || own.antiSpoofing !== true) return remotes;
  const listed = own.addresses.filter((address) => address.family === family);
  return subtractRanges(remotes, joinRanges(listed.map(({ bits }) => ({ first: bits, last: bits }))));
}

/** Local addresses of packets: what it sends is from its own, what reaches it may be for any. */
export function localsOf(own: Interface, family: Family, direction: Direction): readonly AddressRange[] {
  const whole = [{ first: 0n, last: (1n << BigInt(widthOf(family))) - 1n }];
  // Without listed addresses only the MAC is checked.
  if (direction === "ingress" || own.antiSpoofing !== true || own.addresses.length === 0) return whole;
  const addresses = [...own.addresses, linkLocalOf(own.mac)].map(({ family: of, bits }) => {
    return { family: of, first: bits, last: bits };
  });
  const pairs = own.allowedAddressPairs.map(({ prefix }) => {
    return { family: prefix.family, first: prefix.bits, last: lastOf(prefix) };
  });
  return joinRanges([...addresses, ...pairs].filter(({ family: of }) => of === family));
}

/** The interfaces that share two policies, and what each can meet on one side. Equal sets are one array. */
export class Visibility {
  readonly #interfaces: readonly Interface[];
  readonly #direction: Direction;
  readonly #mostListed: bigint;
  readonly #sets = new Map<string, readonly string[]>();
  readonly #locals = new Map<string, readonly AddressRange[]>();
  readonly #all = new Map<Family, readonly string[]>();

  /** `interfaces` as they are after the change. */
  constructor(interfaces: readonly Interface[], direction: Direction) {
    this.#interfaces = interfaces;
    this.#direction = direction;
    this.#mostListed = BigInt(Math.max(0, ...interfaces.map(({ addresses }) => addresses.length)));
  }

  /** For one remote class: ids of the interfaces that can meet a packet with these locals (null: any). */
  of(remote: RemoteClass): (locals: readonly AddressRange[] | null) => readonly string[] {
    const { family } = remote;
    const meeting = this.#meeting(remote);
    return (locals) => {
      if (locals !== null || meeting !== this.#interfaces) return this.#among(meeting, family, locals);
      const known = this.#all.get(family) ?? this.#among(meeting, family, null);
      this.#all.set(family, known);
      return known;
    };
  }

  /** A class of more addresses than anybody lists holds some that are somebody else's. */
  #meeting(remote: RemoteClass): readonly Interface[] {
    const judged = judgedRemotes(remote, this.#direction);
    const size = judged.reduce((sum, { first, last }) => sum + (last - first) + 1n, 0n);
    if (size === 0n) return [];
    if (this.#direction === "egress" || size > this.#mostListed) return this.#interfaces;
    return this.#interfaces.filter(
      (own) => remotesOf(own, judged, remote.family, this.#direction).length > 0,
    );
  }

  #among(
    meeting: readonly Interface[],
    family: Family,
    locals: readonly AddressRange[] | null,
  ): readonly string[] {
    const ids = meeting
      .filter((own) => {
        const possible = this.#localsOf(own, family);
        return (locals === null ? possible : intersectRanges(possible, locals)).length > 0;
      })
      .map(({ id }) => id);
    const key = JSON.stringify(ids);
    const known = this.#sets.get(key) ?? ids;
    this.#sets.set(key, known);
    return known;
  }

  #localsOf(own: Interface, family: Family): readonly AddressRange[] {
    const key = `${family} ${own.id}`;
    const known = this.#locals.get(key) ?? localsOf(own, family, this.#direction);
    this.#locals.set(key, known);
    return known;
  }
}
