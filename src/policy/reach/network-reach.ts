/** Who reaches whom in one network, on what: members by classes that the rules cannot tell apart. */
import type { Address, Direction, Family, Interface, Model } from "../../model/model.ts";
import { cutsOf, prefixesOf } from "../cuts.ts";
import { policyKeyOf } from "../identity.ts";
import { classify, listMemberPoints, type Point } from "../points.ts";
import { resolve } from "../resolve.ts";
import { groupsBehind } from "../rules.ts";
import { indexAddresses, type KnownAddresses } from "../space.ts";
import type { PolicySource } from "../types.ts";
import { listOutside, type OutsidePiece } from "./outside.ts";
import { intersectSets, type ServiceSet } from "./service-set.ts";
import { SideReach } from "./side-reach.ts";

/** Points that the rules cannot tell apart: one or two stand for all. */
export type PointClass = readonly Point[];

export class NetworkReach {
  readonly #model: Model;
  readonly #network: string;
  readonly #policies: ReadonlyMap<bigint, PolicySource>;
  readonly #sides = new Map<string, SideReach>();
  readonly #meetings = new Map<string, ServiceSet>();
  readonly #addresses: KnownAddresses;
  readonly #now: number;
  readonly #numbers = new Map<PointClass, number>();
  readonly #classes: Readonly<Record<Family, ReadonlyMap<string, readonly PointClass[]>>>;

  /** @param now seconds of UTC */
  constructor(model: Model, network: string, now: number) {
    this.#model = model;
    this.#network = network;
    this.#now = now;
    this.#policies = resolveNetwork(model, network);
    this.#addresses = indexAddresses(model);
    const members = [...model.interfaces.values()].filter((own) => own.network === network);
    const points = members.flatMap(listMemberPoints);
    const groups = [...model.groups.values()].filter((group) => group.network === network);
    const classes = classify(model, points, points, cutsOf(prefixesOf(model, groups)));
    this.#classes = { 4: groupClasses(classes, 4), 6: groupClasses(classes, 6) };
    for (const one of classes) this.#numbers.set(one, this.#numbers.size);
  }

  /** The members of a group, as far as the rules tell them apart. */
  classesOf(family: Family, group: string): readonly PointClass[] {
    return this.#classes[family].get(group) ?? [];
  }

  /** The outside world, as far as these members tell its addresses apart. */
  outside(family: Family, members: readonly PointClass[]): readonly OutsidePiece[] {
    const ids = new Set(members.flatMap(([point]) => point?.interface?.groups ?? []));
    const groups = [...ids].flatMap((id) => this.#model.groups.get(id) ?? []);
    return listOutside(this.#model, this.#network, family, { addresses: this.#addresses, groups });
  }

  /** What members of one class reach of another; null where no two different interfaces are in them. */
  between(from: PointClass, to: PointClass): ServiceSet | null {
    const pair = findPair(from, to);
    if (pair === null) return null;
    const key = `${this.#numbers.get(from)} ${this.#numbers.get(to)}`;
    const known = this.#meetings.get(key) ?? this.#meet(...pair);
    this.#meetings.set(key, known);
    return known;
  }

  #meet(from: Point, to: Point): ServiceSet {
    const sent = this.#accepted("egress", from, to.address);
    return sent.length === 0 ? sent : intersectSets(sent, this.#accepted("ingress", to, from.address));
  }

  /** What an outside address reaches of a class, or a class of it. */
  acrossBorder(direction: Direction, members: PointClass, stranger: Address): ServiceSet {
    const [point] = members;
    return point === undefined ? [] : this.#accepted(direction, point, stranger);
  }

  #accepted(direction: Direction, { interface: own, address }: Point, remote: Address): ServiceSet {
    if (own === null) return [];
    const key = `${policyKeyOf(own.network, own.nicType, own.groups)} ${direction} ${address.family}`;
    const side = this.#sides.get(key) ?? this.#open(own, direction, address.family);
    this.#sides.set(key, side);
    return side.accepted(address, remote, groupsBehind(this.#model, own, remote));
  }

  #open(own: Interface, direction: Direction, family: Family): SideReach {
    const source = this.#policies.get(policyKeyOf(own.network, own.nicType, own.groups));
    if (source === undefined) throw new RangeError(`interface ${own.id} has no policy`);
    return new SideReach(source, direction, family, this.#now);
  }
}

function groupClasses(classes: readonly PointClass[], family: Family): Map<string, PointClass[]> {
  const byGroup = new Map<string, PointClass[]>();
  for (const one of classes) {
    const [point] = one;
    if (point?.address.family !== family) continue;
    for (const group of point.interface?.groups ?? []) {
      const known = byGroup.get(group);
      if (known === undefined) byGroup.set(group, [one]);
      else known.push(one);
    }
  }
  return byGroup;
}

/** Policies of all hosts' interfaces. */
function resolveNetwork(model: Model, network: string): ReadonlyMap<bigint, PolicySource> {
  const own = [...model.interfaces.values()].filter((one) => one.network === network);
  const interfaces = new Map(own.map((one) => [one.id, { ...one, hosts: [] }]));
  return resolve({ ...model, interfaces }, { host: "" }).policies;
}

function findPair(from: PointClass, to: PointClass): readonly [Point, Point] | null {
  for (const one of from) {
    for (const other of to) if (one.interface !== other.interface) return [one, other];
  }
  return null;
}
