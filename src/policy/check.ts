/**
 * Expectations held against the rules, exactly: addresses and services are cut at every boundary of the rules
 * that concern them, and one packet of each piece is judged by the oracle. No piece is left out.
 */
import { formatAddress } from "../model/cidr.ts";
import type { Direction, Interface, Model, Policy, Rule } from "../model/model.ts";
import { type Cuts, cutsOf, prefixesOf } from "./cuts.ts";
import { QuestionError } from "./ends.ts";
import { evaluate, type Verdict } from "./evaluate.ts";
import { type Expectation, eachRow } from "./expectations.ts";
import { makeMembersToBe } from "./member-to-be.ts";
import { formatProtocol } from "./near.ts";
import { classify, findNamed, type Named, networksOf, type Point, pointsOf } from "./points.ts";
import { groupsOf, matchesBy, type Question, rulesOf } from "./rules.ts";
import { cellsOf, type Service } from "./services.ts";
import { neverSources } from "./universe.ts";

export interface CheckedSide extends Verdict {
  readonly interface: string;
  readonly direction: Direction;
}

/** The first packet that contradicts a row. */
export interface Contradiction {
  readonly verdict: Policy;
  readonly packet: {
    readonly from: { readonly interface: string | null; readonly address: string };
    readonly to: { readonly interface: string | null; readonly address: string };
    readonly protocol: string;
    readonly port: number | null;
    readonly sourcePort: number | null;
    readonly icmpType: number | null;
    readonly icmpCode: number | null;
  };
  readonly sides: readonly CheckedSide[];
  /** The side whose verdict, and rule where there is one, made it so. */
  readonly decides: CheckedSide;
}

export interface CheckedRow {
  readonly expectation: Expectation;
  /** Null: the row is met by every packet that it speaks of. */
  readonly contradiction: Contradiction | null;
}

interface Occasion {
  readonly model: Model;
  readonly row: Expectation;
  readonly now: number;
}

interface Side {
  readonly interface: Interface;
  readonly direction: Direction;
}

function sidesOf(from: Point, to: Point): readonly Side[] {
  const sides: Side[] = [];
  if (from.interface !== null) sides.push({ interface: from.interface, direction: "egress" });
  if (to.interface !== null) sides.push({ interface: to.interface, direction: "ingress" });
  return sides;
}

function questionAt(side: Side, from: Point, to: Point, service: Service): Question {
  return side.direction === "egress"
    ? { ...service, local: from.address, remote: to.address }
    : { ...service, local: to.address, remote: from.address };
}

const noService: Service = {
  protocol: 0,
  sourcePort: null,
  destinationPort: null,
  icmpType: null,
  icmpCode: null,
};

/** The rules of both sides that match these ends, whatever the service. */
function rulesBetween({ model, now }: Occasion, from: Point, to: Point): readonly Rule[] {
  return sidesOf(from, to).flatMap((side) => {
    const asked = { model, judged: side.interface, question: questionAt(side, from, to, noService), now };
    return rulesOf(model, side.interface, side.direction, groupsOf(model, side.interface))
      .map(({ rule }) => rule)
      .filter((rule) => matchesBy(rule, asked, ["expires", "local", "remote"]));
  });
}

function judge({ model, now }: Occasion, from: Point, to: Point, service: Service): readonly CheckedSide[] {
  return sidesOf(from, to).map((side) => ({
    interface: side.interface.id,
    direction: side.direction,
    ...evaluate(model, side.interface.id, side.direction, questionAt(side, from, to, service), now),
  }));
}

function describeEnd(point: Point): Contradiction["packet"]["from"] {
  return { interface: point.interface?.id ?? null, address: formatAddress(point.address) };
}

function contradict(
  sides: readonly CheckedSide[],
  from: Point,
  to: Point,
  service: Service,
): Contradiction | null {
  const dropping = sides.find((side) => side.verdict === "drop");
  const decides = dropping ?? sides.find((side) => side.rule !== null) ?? sides[0];
  if (decides === undefined) return null;
  return {
    verdict: decides.verdict,
    packet: {
      from: describeEnd(from),
      to: describeEnd(to),
      protocol: formatProtocol(service.protocol),
      port: service.destinationPort,
      sourcePort: service.sourcePort,
      icmpType: service.icmpType,
      icmpCode: service.icmpCode,
    },
    sides,
    decides,
  };
}

/** Judges a packet of every piece between two ends; `asked` counts them. */
function checkBetween(
  occasion: Occasion,
  from: Point,
  to: Point,
  asked: { count: number },
): Contradiction | null {
  for (const service of cellsOf(occasion.row, rulesBetween(occasion, from, to), from.address.family)) {
    asked.count += 1;
    const sides = judge(occasion, from, to, service);
    const verdict = sides.some((side) => side.verdict === "drop") ? "drop" : "accept";
    if (verdict !== occasion.row.expect) return contradict(sides, from, to, service);
  }
  return null;
}

/** Two points of these classes between which a packet may go; undefined where there are none. */
function findPair(
  sources: readonly Point[],
  destinations: readonly Point[],
): readonly [Point, Point] | undefined {
  for (const from of sources) {
    for (const to of destinations) {
      if (from.address.family !== to.address.family) continue;
      if (from.interface === null && to.interface === null) continue;
      if (from.interface === null || to.interface === null) return [from, to];
      if (from.interface !== to.interface && from.interface.network === to.interface.network)
        return [from, to];
    }
  }
  return undefined;
}

/** Networks in which a prefix's addresses are looked up: the other end's, or the only one that there is. */
function lookupNetworks(model: Model, named: Named, other: Named): readonly string[] {
  if (named.kind !== "prefix" || other.kind !== "prefix") return networksOf(other);
  const all = [...model.networks.keys()];
  if (all.length === 1) return all;
  throw new QuestionError(
    "from and to are both addresses, and there are several networks: name an interface or a group",
  );
}

function cutsBetween(model: Model, from: readonly Point[], to: readonly Point[]): Cuts {
  const ids = new Set([...from, ...to].flatMap((point) => point.interface?.groups ?? []));
  return cutsOf(
    prefixesOf(
      model,
      [...ids].flatMap((id) => model.groups.get(id) ?? []),
    ),
  );
}

/** Every prefix's boundaries, for the first look; those of the rules concerned tell classes apart later. */
function checkRow(occasion: Occasion, all: Cuts): Contradiction | null {
  const { model, row } = occasion;
  const named = { from: findNamed(model, row.from), to: findNamed(model, row.to) };
  const from = pointsOf(model, named.from, lookupNetworks(model, named.from, named.to), all, true);
  const to = pointsOf(model, named.to, lookupNetworks(model, named.to, named.from), all, false);
  const cuts = cutsBetween(model, from, to);
  const destinations = classify(model, to, from, cuts);
  const asked = { count: 0 };
  for (const source of classify(model, from, to, cuts)) {
    for (const destination of destinations) {
      const pair = findPair(source, destination);
      const contradiction = pair === undefined ? null : checkBetween(occasion, ...pair, asked);
      if (contradiction !== null) return contradiction;
    }
  }
  if (asked.count > 0) return null;
  throw new QuestionError(
    `no packet that rules judge goes from ${row.from} to ${row.to} by ${row.protocol}: ` +
      "both are outside, are one interface, are of different networks, or have no addresses of one family",
  );
}

/**
 * Answers each row for everything that it speaks of: whole prefixes, all members of a group and one to be, every
 * value of a key left out. `now`: seconds of UTC. Throws a QuestionError for rows that speak of nothing.
 */
export function check(
  model: Model,
  rows: readonly Expectation[],
  { now }: { readonly now: number },
): readonly CheckedRow[] {
  const groups = rows.flatMap((row) => [row.from, row.to]).filter((end) => model.groups.has(end));
  const withMembersToBe = makeMembersToBe(model, groups);
  const pairs = [...model.interfaces.values()].flatMap((own) => own.allowedAddressPairs);
  const all = cutsOf([
    ...prefixesOf(model, model.groups.values()),
    ...pairs.map(({ prefix }) => prefix),
    ...neverSources,
  ]);
  return eachRow(rows, (row) => ({
    expectation: row,
    contradiction: checkRow({ model: withMembersToBe([row.from, row.to]), row, now }, all),
  }));
}
