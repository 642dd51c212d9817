/**
 * Which verdicts a change makes differ: exactly, from the rules of both models cut at all their boundaries.
 */
import type { Direction, Interface } from "../../model/model.ts";
import { feels } from "../feels.ts";
import type { CompiledPolicy, Resolved } from "../types.ts";
import { BoxGatherer, type DecidedBoxes } from "./boxes.ts";
import { type Budget, CellFinder, classifyServices } from "./cells.ts";
import { joinMembers, type NetworkMembers } from "./members.ts";
import { classifyRemotes } from "./remotes.ts";
import { uniteSides } from "./union.ts";
import { Visibility } from "./visible.ts";

/** A model as it would be enforced on this host. */
export interface Enforceable {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
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
  readonly members: NetworkMembers;
}

const directions = ["egress", "ingress"] as const;

/** Interfaces of which not every difference may have been found: their rules overlap in too many ways. */
export interface NotCompared {
  readonly interfaces: readonly string[];
  readonly direction: Direction;
}

export interface FoundDifferences {
  readonly found: readonly FoundDifference[];
  readonly notCompared: readonly NotCompared[];
}

/**
 * Pieces of cells, beside remotes and services, of one side of two policies of 200 rules together: some seconds
 * of work. Of more rules fewer: each piece costs as many words.
 */
const piecesAtMost = 1_000_000;
const rulesOfBudget = 200;

/**
 * Every cell in which a verdict differs for an interface that this host has before and after. Yields between
 * slices of work of some milliseconds. `now`: seconds of UTC; only packets from then on count.
 */
export function* findDifferences(
  before: Enforceable,
  after: Enforceable,
  now: number,
  pieces = piecesAtMost,
): Generator<void, FoundDifferences> {
  const found: FoundDifference[] = [];
  const notCompared: NotCompared[] = [];
  for (const pair of pairPolicies(before, after)) {
    for (const direction of directions) {
      const rules = pair.before.sides[direction].rules + pair.after.sides[direction].rules;
      const budget = { left: Math.ceil((pieces * rulesOfBudget) / Math.max(rules, rulesOfBudget)) };
      const decided = yield* compareSides(before.resolved, after.resolved, pair, direction, now, budget);
      found.push(...decided.map((one) => ({ ...one, direction })));
      const interfaces = pair.interfaces.map(({ id }) => id);
      if (budget.left < 0) notCompared.push({ interfaces, direction });
    }
  }
  return { found, notCompared };
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
  return !same || members.moves.some((move) => feels(after, move.before, move.after));
}

function* compareSides(
  before: Resolved,
  after: Resolved,
  pair: PolicyPair,
  direction: Direction,
  now: number,
  budget: Budget,
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
      let visible: ReturnType<Visibility["of"]> | null = null;
      const complete = yield* finder.findIn(remote, services, budget, (cell) => {
        visible ??= visibility.of(remote);
        const interfaces = visible(cell.locals);
        if (interfaces.length > 0) gatherer.add(cell, interfaces);
      });
      gatherer.endRemote(remote);
      if (!complete) return yield* gatherer.finish();
      yield;
    }
  }
  return yield* gatherer.finish();
}
