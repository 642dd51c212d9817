/**
 * The matrix: which group reaches which, on what, exactly; both ends are asked. `all`: accepted between any two
 * members; `some`: between at least two. What rules do not judge (what always works, spoofing) is outside.
 */
import type { Direction, Family, Model } from "../../model/model.ts";
import { listServices, type ServiceEntry } from "./format.ts";
import { NetworkReach } from "./network-reach.ts";
import { nameOutside, type OutsideName, type OutsidePiece } from "./outside.ts";
import { intersectSets, keyOfSet, type ServiceSet, subtractSets, uniteSets } from "./service-set.ts";

/** The end of a cell that is every address that is nobody's. */
export const internet = "internet";

export interface FamilyReach {
  /** Accepted for every pair of members (and every outside address). */
  readonly all: readonly ServiceEntry[];
  /** Accepted for at least one pair. */
  readonly some: readonly ServiceEntry[];
  /** Of these, what is not accepted for every pair. */
  readonly partly: readonly ServiceEntry[];
  /** Of the internet: which addresses are in for what; addresses with the same services together. */
  readonly outside?: readonly (OutsideName & Pick<FamilyReach, "all" | "some" | "partly">)[];
}

export interface ReachCell {
  readonly from: string;
  readonly to: string;
  /** Null: no two ends have addresses of this family. */
  readonly ipv4: FamilyReach | null;
  readonly ipv6: FamilyReach | null;
}

export interface NetworkMatrix {
  readonly network: string;
  readonly groups: readonly { readonly id: string; readonly members: number }[];
  /** Row by row, the internet last. */
  readonly cells: readonly ReachCell[];
}

export interface ReachOptions {
  /** Seconds of UTC. */
  readonly now: number;
  /** Only these groups; empty: all of the networks. */
  readonly groups?: readonly string[];
  /** Only this network. */
  readonly network?: string | undefined;
}

interface Bounds {
  readonly all: ServiceSet;
  readonly some: ServiceSet;
}

/** The least and the most of many sets; null of none. */
function boundSets(sets: Iterable<ServiceSet>): Bounds | null {
  let bounds: Bounds | null = null;
  for (const set of sets) {
    bounds =
      bounds === null
        ? { all: set, some: set }
        : { all: intersectSets(bounds.all, set), some: uniteSets(bounds.some, set) };
  }
  return bounds;
}

function describe({ all, some }: Bounds, family: Family): FamilyReach {
  const partly = subtractSets(some, all);
  return {
    all: listServices(all, family),
    some: listServices(some, family),
    partly: listServices(partly, family),
  };
}

function reachBetween(reach: NetworkReach, family: Family, from: string, to: string): FamilyReach | null {
  const targets = reach.classesOf(family, to);
  const sets = reach
    .classesOf(family, from)
    .flatMap((source) =>
      targets.map((target) => reach.between(source, target)).filter((set) => set !== null),
    );
  const bounds = boundSets(sets);
  return bounds === null ? null : describe(bounds, family);
}

/** Outside pieces with the same services go together. */
function reachOutside(
  reach: NetworkReach,
  family: Family,
  group: string,
  direction: Direction,
): FamilyReach | null {
  const classes = reach.classesOf(family, group);
  if (classes.length === 0) return null;
  const pieces = reach.outside(family, classes);
  const alike = new Map<string, { readonly bounds: Bounds; readonly pieces: Set<OutsidePiece> }>();
  for (const piece of pieces) {
    const { stranger } = piece;
    if (stranger === null) continue;
    const bounds = boundSets(classes.map((members) => reach.acrossBorder(direction, members, stranger)));
    if (bounds === null) continue;
    const key = `${keyOfSet(bounds.all)}|${keyOfSet(bounds.some)}`;
    const known = alike.get(key) ?? { bounds, pieces: new Set() };
    alike.set(key, known);
    known.pieces.add(piece);
  }
  const parts = [...alike.values()];
  const least = boundSets(parts.map(({ bounds }) => bounds.all));
  const most = boundSets(parts.map(({ bounds }) => bounds.some));
  if (least === null || most === null) return null;
  const open = parts.filter(({ bounds }) => bounds.some.length > 0);
  return {
    ...describe({ all: least.all, some: most.some }, family),
    outside: open.map((part) => ({
      ...nameOutside(family, pieces, part.pieces),
      ...describe(part.bounds, family),
    })),
  };
}

function cell(reach: NetworkReach, from: string, to: string): ReachCell {
  const ofFamily = (family: Family): FamilyReach | null => {
    if (from === internet) return reachOutside(reach, family, to, "ingress");
    if (to === internet) return reachOutside(reach, family, from, "egress");
    return reachBetween(reach, family, from, to);
  };
  return { from, to, ipv4: ofFamily(4), ipv6: ofFamily(6) };
}

function countMembers(model: Model, group: string): number {
  return [...model.interfaces.values()].filter(({ groups }) => groups.includes(group)).length;
}

function matrixOf(model: Model, network: string, options: ReachOptions): NetworkMatrix | null {
  const wanted = options.groups ?? [];
  const groups = [...model.groups.values()]
    .filter((group) => group.network === network && (wanted.length === 0 || wanted.includes(group.id)))
    .map(({ id }) => ({ id, members: countMembers(model, id) }));
  if (groups.length === 0) return null;
  const reach = new NetworkReach(model, network, options.now);
  const ends = [...groups.map(({ id }) => id), internet];
  const cells = ends.flatMap((from) =>
    ends.flatMap((to) => (from === internet && to === internet ? [] : [cell(reach, from, to)])),
  );
  return { network, groups, cells };
}

/** One matrix for each network that has groups; addresses of different networks never meet. */
export function findReachability(model: Model, options: ReachOptions): readonly NetworkMatrix[] {
  const networks = [...model.networks.keys()].filter(
    (id) => options.network === undefined || id === options.network,
  );
  return networks.flatMap((network) => matrixOf(model, network, options) ?? []);
}
