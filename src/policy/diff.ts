/**
 * Which verdicts a change makes differ: exactly, from the rules of both models cut at all their boundaries, and
 * told as few differences, each with a packet on which the oracle says the same.
 */
import type { Direction, Family, Interface, Model } from "../model/model.ts";
import { type Box, BoxGatherer, type DecidedBoxes } from "./diff-boxes.ts";
import { CellFinder, classifyServices } from "./diff-cells.ts";
import { type ExamplePacket, pickExample } from "./diff-example.ts";
import { joinMembers, listMoves, type Member } from "./diff-members.ts";
import { classifyRemotes, type RemoteClass } from "./diff-remotes.ts";
import { describeBox, type Extent } from "./diff-texts.ts";
import { uniteSides } from "./diff-union.ts";
import { Visibility } from "./diff-visible.ts";
import { evaluate, type Verdict } from "./evaluate.ts";
import { feels } from "./feels.ts";
import type { CompiledPolicy, Resolved } from "./types.ts";

/** A model as it would be enforced on this host. */
export interface Enforceable {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

/** Packets that are accepted before and dropped after, or the other way. */
export interface VerdictDifference {
  /** Ids: all that can meet such packets. */
  readonly interfaces: readonly string[];
  readonly direction: Direction;
  /** Of the example, by the oracle. */
  readonly before: Verdict;
  readonly after: Verdict;
  /** Which packets: together exactly these. */
  readonly packets: readonly Extent[];
  /** Extents that are left out of `packets`. */
  readonly more: number;
  readonly example: ExamplePacket;
}

/** One difference as it is found, before it is told. */
export interface FoundDifference extends DecidedBoxes {
  readonly direction: Direction;
}

/** Interfaces that have the same policy before and the same one after. */
interface PolicyPair {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
  /** As they are after. */
  readonly interfaces: Interface[];
  readonly members: Readonly<Record<Family, readonly Member[]>>;
}

const directions = ["egress", "ingress"] as const;

/**
 * Every cell in which a verdict differs for an interface that this host has before and after. Yields between
 * slices of work of about a millisecond. `now`: seconds of UTC; only packets from then on count.
 */
export function* findDifferences(
  before: Enforceable,
  after: Enforceable,
  now: number,
): Generator<void, readonly FoundDifference[]> {
  const found: FoundDifference[] = [];
  for (const pair of pairPolicies(before, after)) {
    for (const direction of directions) {
      const decided = yield* compareSides(before.resolved, after.resolved, pair, direction, now);
      found.push(...decided.map((one) => ({ ...one, direction })));
    }
  }
  return found;
}

/** Pairs that can differ: another content, or members that the policy feels. */
function pairPolicies(before: Enforceable, after: Enforceable): readonly PolicyPair[] {
  const membersOf = joinMembers(before.resolved, after.resolved);
  const old = new Map(before.resolved.interfaces.map((one) => [one.interface.id, one.policy]));
  const pairs = new Map<string, PolicyPair>();
  for (const { interface: own, policy } of after.resolved.interfaces) {
    const oldPolicy = old.get(own.id);
    if (oldPolicy === undefined) continue;
    const known = pairs.get(`${oldPolicy} ${policy}`);
    if (known !== undefined) {
      known.interfaces.push(own);
      continue;
    }
    const [first, second] = [before.policies.get(oldPolicy), after.policies.get(policy)];
    if (first === undefined || second === undefined) continue;
    const network = { before: first.source.network, after: second.source.network };
    const members = membersOf(network);
    pairs.set(`${oldPolicy} ${policy}`, { before: first, after: second, interfaces: [own], members });
  }
  return [...pairs.values()].filter(mayDiffer);
}

function mayDiffer({ before, after, members }: PolicyPair): boolean {
  const same = before.content[0] === after.content[0] && before.content[1] === after.content[1];
  return !same || listMoves(members).some((move) => feels(after, move.before, move.after));
}

function* compareSides(
  before: Resolved,
  after: Resolved,
  pair: PolicyPair,
  direction: Direction,
  now: number,
): Generator<void, readonly DecidedBoxes[]> {
  const policies = { before: pair.before.source, after: pair.after.source };
  const side = uniteSides(policies.before, policies.after, direction);
  const groupsBehind = { before: before.identities, after: after.identities };
  const finder = new CellFinder(side, now);
  const gatherer = new BoxGatherer(now);
  const visibility = new Visibility(pair.interfaces, direction);
  for (const family of [4, 6] as const) {
    const remotes = classifyRemotes({ side, policies, members: pair.members, groupsBehind }, family);
    const services = classifyServices(side, family);
    yield;
    for (const remote of remotes) {
      gatherRemote(remote);
      yield;
    }
    function gatherRemote(remote: RemoteClass): void {
      let visible: ReturnType<Visibility["of"]> | null = null;
      finder.findIn(remote, services, (cell) => {
        visible ??= visibility.of(remote);
        const interfaces = visible(cell.locals);
        if (interfaces.length > 0) gatherer.add(cell, interfaces);
      });
      gatherer.endRemote(remote);
    }
  }
  return gatherer.finish();
}

/** Extents of one difference that are told. */
const extentsShown = 16;

export interface ToldDifferences {
  readonly differences: readonly VerdictDifference[];
  /** Differences beyond those that are told. */
  readonly more: number;
}

/**
 * Tells differences, joining those that say the same of other interfaces; at most `most` of them.
 * @throws Error where the oracle does not confirm one: a fault of Ringwall
 */
export function* tellDifferences(
  found: readonly FoundDifference[],
  models: { readonly before: Model; readonly after: Model },
  { now, most }: { readonly now: number; readonly most: number },
): Generator<void, ToldDifferences> {
  const told = new Map<string, VerdictDifference>();
  for (const one of found) {
    const difference = tellOne(one, models, Math.floor(now));
    yield;
    const { interfaces, example: _, ...rest } = difference;
    const key = JSON.stringify(rest);
    const known = told.get(key);
    const all = [...(known?.interfaces ?? []), ...interfaces].sort();
    told.set(key, { ...(known ?? difference), interfaces: all });
  }
  const all = [...told.values()].sort(compareDifferences);
  return { differences: all.slice(0, most), more: Math.max(0, all.length - most) };
}

/** What is dropped from now on comes first, then what concerns the most interfaces. */
function compareDifferences(a: VerdictDifference, b: VerdictDifference): number {
  const rank = ({ after }: VerdictDifference) => (after.verdict === "drop" ? 0 : 1);
  return rank(a) - rank(b) || b.interfaces.length - a.interfaces.length;
}

function tellOne(
  { boxes, interfaces, direction, before: old, after: fresh }: FoundDifference,
  models: { readonly before: Model; readonly after: Model },
  now: number,
): VerdictDifference {
  const { box, own } = chooseBox(boxes, interfaces, models.after);
  const { packet, question, time } = pickExample(box, own, direction, now);
  const before = evaluate(models.before, own.id, direction, question, time);
  const after = evaluate(models.after, own.id, direction, question, time);
  if (before.verdict !== old.verdict || after.verdict !== fresh.verdict) {
    throw new Error(
      `the comparison of rules says ${old.verdict}, then ${fresh.verdict} of ${JSON.stringify(packet)}; the rules say ` +
        `${before.verdict}, then ${after.verdict}. This is a fault of Ringwall; please report it with both rule sets`,
    );
  }
  const packets = boxes.slice(0, extentsShown).map((one) => describeBox(one, now));
  const more = Math.max(0, boxes.length - extentsShown);
  return { interfaces, direction, before, after, packets, more, example: packet };
}

function chooseBox(boxes: readonly Box[], interfaces: readonly string[], model: Model) {
  const [box] = boxes;
  const own = model.interfaces.get(interfaces[0] ?? "");
  if (box === undefined || own === undefined) throw new Error("a difference without packets or interfaces");
  return { box, own };
}
