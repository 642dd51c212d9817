/**
 * Which verdicts a change makes differ: exactly, from the rules of both models cut at all their boundaries.
 */
import type { Direction, Interface } from "../../model/model.ts";
import { feels } from "../feels.ts";
import type { CompiledPolicy, Resolved } from "../types.ts";
import { BoxGatherer, type DecidedBoxes } from "./boxes.ts";
import { CellFinder, classifyServices } from "./cells.ts";
import { joinMembers, type NetworkMembers } from "./members.ts";
import { classifyRemotes, type RemoteClass } from "./remotes.ts";
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
  return !same || members.moves.some((move) => feels(after, move.before, move.after));
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
