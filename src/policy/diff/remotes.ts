/**
 * The remote dimension of two policies: addresses in classes that neither policy's rules can tell apart. One
 * sweep over the sorted ends of all prefixes, with the addresses of members between them.
 */
import type { Family, Prefix } from "../../model/model.ts";
import { addBits, type Bitmap, clearBit, createBitmap, keyOf, setBit, strideOf } from "../bitmap.ts";
import { noIdentity } from "../identity.ts";
import { lastOf, widthOf } from "../prefixes.ts";
import type { Identity, PolicySource } from "../types.ts";
import type { Member } from "./members.ts";
import { type Era, eras, type Inner, type UnionSide } from "./union.ts";

/** Addresses from first to last, both in. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Which rules and which inner access an address has in one policy. */
export interface RemoteBits {
  readonly rules: Bitmap;
  readonly inner: Inner;
}

export interface RemoteClass extends Readonly<Record<Era, RemoteBits>> {
  readonly family: Family;
  /** In order, none touching the next. */
  readonly ranges: readonly AddressRange[];
}

/** What the sweep needs of the two policies. */
export interface RemoteSources {
  readonly side: UnionSide;
  readonly policies: Readonly<Record<Era, PolicySource>>;
  /** Known addresses of the policies' network, in the order of their bits. */
  readonly members: Readonly<Record<Family, readonly Member[]>>;
  readonly groupsBehind: Readonly<Record<Era, ReadonlyMap<Identity, readonly string[]>>>;
}

interface Edge {
  readonly at: bigint;
  readonly begins: boolean;
  readonly era: Era;
  readonly rules: readonly number[];
}

interface OpenRange {
  first: bigint;
  last: bigint;
}

/** The classes of one family; every address is in exactly one. */
export function classifyRemotes(sources: RemoteSources, family: Family): readonly RemoteClass[] {
  const { side } = sources;
  const stride = strideOf(side.rules.length);
  const end = 1n << BigInt(widthOf(family));
  const edges = listEdges(side, family).filter(({ at }) => at < end);
  const active = { before: createBitmap(stride), after: createBitmap(stride) };
  const collector = new ClassCollector(sources, family, stride);
  const members = sources.members[family];
  let next = 0;
  let member = 0;
  for (let at = 0n; at < end; ) {
    for (let edge = edges[next]; edge?.at === at; edge = edges[++next]) applyEdge(active, edge);
    const last = (edges[next]?.at ?? end) - 1n;
    collector.enter(active);
    for (let known = members[member]; known !== undefined && known.bits <= last; known = members[++member]) {
      if (collector.isStranger(known)) continue;
      if (known.bits > at) collector.addStrangers(at, known.bits - 1n);
      collector.addMember(known);
      at = known.bits + 1n;
    }
    if (at <= last) collector.addStrangers(at, last);
    at = last + 1n;
  }
  return collector.classes();
}

function applyEdge(active: Readonly<Record<Era, Bitmap>>, { begins, era, rules }: Edge): void {
  for (const rule of rules) {
    if (begins) setBit(active[era], rule);
    else clearBit(active[era], rule);
  }
}

/** Rules that share an array of prefixes (a prefix list) share its edges. Ends come before beginnings. */
function listEdges(side: UnionSide, family: Family): Edge[] {
  const edges: Edge[] = [];
  for (const era of eras) {
    const sources = new Map<readonly Prefix[], number[]>();
    for (const [place, one] of side.rules.entries()) {
      const remote = one[era]?.remote;
      if (remote?.kind !== "prefixes") continue;
      const known = sources.get(remote.prefixes);
      if (known === undefined) sources.set(remote.prefixes, [place]);
      else known.push(place);
    }
    for (const [prefixes, rules] of sources) {
      for (const { first, last } of joinPrefixes(prefixes, family)) {
        edges.push({ at: first, begins: true, era, rules }, { at: last + 1n, begins: false, era, rules });
      }
    }
  }
  return edges.sort((a, b) => (a.at === b.at ? Number(a.begins) - Number(b.begins) : a.at < b.at ? -1 : 1));
}

/** Prefixes of a family as ranges in order that do not touch. */
export function joinPrefixes(prefixes: readonly Prefix[], family: Family): readonly AddressRange[] {
  return joinRanges(
    prefixes
      .filter((prefix) => prefix.family === family)
      .map((prefix) => ({ first: prefix.bits, last: lastOf(prefix) })),
  );
}

/** Ranges in order, those that touch or overlap joined. */
export function joinRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const joined: OpenRange[] = [];
  for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const open = joined.at(-1);
    if (open === undefined || first > open.last + 1n) joined.push({ first, last });
    else if (last > open.last) open.last = last;
  }
  return joined;
}

/** Gathers pieces of the sweep into classes. Within a piece of the prefixes an identity's class is looked up once. */
class ClassCollector {
  readonly #sources: RemoteSources;
  readonly #family: Family;
  readonly #stride: number;
  readonly #classes = new Map<string, { ranges: OpenRange[]; bits: Record<Era, RemoteBits> }>();
  readonly #identities: Record<Era, Map<Identity, RemoteBits>> = { before: new Map(), after: new Map() };
  readonly #rulesOfGroups: Record<Era, ReadonlyMap<string, readonly number[]>>;
  #active: Readonly<Record<Era, Bitmap>>;
  #here = new Map<string, OpenRange[]>();

  constructor(sources: RemoteSources, family: Family, stride: number) {
    this.#sources = sources;
    this.#family = family;
    this.#stride = stride;
    this.#active = { before: createBitmap(stride), after: createBitmap(stride) };
    this.#rulesOfGroups = {
      before: indexGroups(sources.side, "before"),
      after: indexGroups(sources.side, "after"),
    };
  }

  /** The next addresses lie in these rules' prefixes. */
  enter(active: Readonly<Record<Era, Bitmap>>): void {
    this.#active = active;
    this.#here = new Map();
  }

  /** Whether no rule and no inner access tells it from any other address. */
  isStranger(member: Member): boolean {
    return eras.every((era) => {
      const { rules, inner } = this.#bitsOf(era, member[era]);
      return !inner.all && !inner.enforced && rules.every((half) => half === 0);
    });
  }

  addStrangers(first: bigint, last: bigint): void {
    this.#add(noIdentity, noIdentity, first, last);
  }

  addMember({ before, after, bits }: Member): void {
    this.#add(before, after, bits, bits);
  }

  #add(before: Identity, after: Identity, first: bigint, last: bigint): void {
    const pair = `${before} ${after}`;
    const ranges = this.#here.get(pair) ?? this.#rangesOf(before, after);
    this.#here.set(pair, ranges);
    const open = ranges.at(-1);
    if (open?.last === first - 1n) open.last = last;
    else ranges.push({ first, last });
  }

  #rangesOf(before: Identity, after: Identity): OpenRange[] {
    const bits = { before: this.#join("before", before), after: this.#join("after", after) };
    const key = eras
      .map((era) => {
        const { rules, inner } = bits[era];
        return `${Number(inner.all)}${Number(inner.enforced)}${keyOf(rules)}`;
      })
      .join("|");
    const known = this.#classes.get(key);
    if (known !== undefined) return known.ranges;
    const ranges: OpenRange[] = [];
    this.#classes.set(key, { ranges, bits });
    return ranges;
  }

  #join(era: Era, identity: Identity): RemoteBits {
    const { rules, inner } = this.#bitsOf(era, identity);
    const all = this.#active[era].slice();
    addBits(all, rules);
    return { rules: all, inner };
  }

  #bitsOf(era: Era, identity: Identity): RemoteBits {
    const known = this.#identities[era].get(identity);
    if (known !== undefined) return known;
    const groups = this.#sources.groupsBehind[era].get(identity) ?? [];
    const rules = createBitmap(this.#stride);
    for (const group of groups)
      for (const place of this.#rulesOfGroups[era].get(group) ?? []) setBit(rules, place);
    const { innerGroups, innerGroupsEnforced } = this.#sources.policies[era];
    const bits = {
      rules,
      inner: {
        all: innerGroups.some((group) => groups.includes(group)),
        enforced: innerGroupsEnforced.some((group) => groups.includes(group)),
      },
    };
    this.#identities[era].set(identity, bits);
    return bits;
  }

  classes(): readonly RemoteClass[] {
    const family = this.#family;
    return [...this.#classes.values()].map(({ ranges, bits }) => ({ family, ranges, ...bits }));
  }
}

function indexGroups(side: UnionSide, era: Era): ReadonlyMap<string, readonly number[]> {
  const index = new Map<string, number[]>();
  for (const [place, one] of side.rules.entries()) {
    const remote = one[era]?.remote;
    if (remote?.kind !== "group") continue;
    const known = index.get(remote.group);
    if (known === undefined) index.set(remote.group, [place]);
    else known.push(place);
  }
  return index;
}
