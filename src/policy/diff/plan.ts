/** What an apply would change on this host: what is said otherwise, which interfaces it touches, which verdicts. */
import type { Interface } from "../../model/model.ts";
import { feels } from "../feels.ts";
import type { CompiledPolicy } from "../types.ts";
import { type Enforceable, findDifferences, type NotCompared } from "./diff.ts";
import { joinMembers, type MembersOf } from "./members.ts";
import { diffModels, isUnchanged, type ModelDiff } from "./model.ts";
import { tellDifferences, type VerdictDifference } from "./tell.ts";

/** Why an interface of this host is touched. */
export type Touch =
  /** It was not protected here. */
  | "added"
  /** Its device drops everything from then on. */
  | "removed"
  /** Its own keys say something else: device, MAC, addresses, … */
  | "settings"
  /** The rules that judge it are others. */
  | "rules"
  /** Addresses entered or left groups that its rules ask about. */
  | "members";

export interface TouchedInterface {
  readonly id: string;
  readonly device: string;
  readonly because: readonly Touch[];
  /** Some packet's verdict differs; null: not known. What is added or removed has no verdict to compare. */
  readonly differs: boolean | null;
}

export interface Plan {
  /** The rules say something else; false for other comments, places and order alone. */
  readonly changed: boolean;
  readonly changes: ModelDiff;
  readonly interfaces: readonly TouchedInterface[];
  readonly differences: readonly VerdictDifference[];
  /** Differences beyond those that are told. */
  readonly moreDifferences: number;
  /** Interfaces of which not every difference may be told: their rules overlap in too many ways. */
  readonly notCompared: readonly NotCompared[];
}

/** Differences that are told at most. */
const toldAtMost = 1000;

/**
 * Compares what is enforced with what would be. Yields between slices of work. `now`: seconds of UTC.
 * @throws Error where the oracle does not confirm a difference: a fault of Ringwall
 */
export function* planChange(before: Enforceable, after: Enforceable, now: number): Generator<void, Plan> {
  const changes = diffModels(before.resolved.model, after.resolved.model);
  yield;
  const { found, notCompared } = yield* findDifferences(before, after, now);
  const models = { before: before.resolved.model, after: after.resolved.model };
  const { differences, more } = yield* tellDifferences(found, models, { now, most: toldAtMost });
  const differing = new Set(found.flatMap(({ interfaces }) => interfaces));
  const unknown = new Set(notCompared.flatMap(({ interfaces }) => interfaces));
  const differs = (id: string) => differing.has(id) || (unknown.has(id) ? null : false);
  return {
    changed: !isUnchanged(changes),
    changes,
    interfaces: listTouched(before, after, changes, differs),
    differences,
    moreDifferences: more,
    notCompared,
  };
}

function listTouched(
  before: Enforceable,
  after: Enforceable,
  { interfaces: changed }: ModelDiff,
  differs: (id: string) => boolean | null,
): readonly TouchedInterface[] {
  const membersOf = joinMembers(before.resolved, after.resolved);
  const settings = new Set(changed.filter(({ change }) => change === "modified").map(({ id }) => id));
  const old = indexPolicies(before);
  const fresh = indexPolicies(after);
  const touched: TouchedInterface[] = [];
  for (const [id, { own, policy }] of new Map([...old, ...fresh])) {
    const [first, second] = [old.get(id), fresh.get(id)];
    const because: Touch[] = [];
    if (first === undefined) because.push("added");
    else if (second === undefined) because.push("removed");
    else {
      if (settings.has(id)) because.push("settings");
      if (!sameContent(first.policy, policy)) because.push("rules");
      else if (feelsMembers(membersOf, policy)) because.push("members");
    }
    if (because.length > 0) touched.push({ id, device: own.device, because, differs: differs(id) });
  }
  return touched.sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Placed {
  readonly own: Interface;
  readonly policy: CompiledPolicy;
}

function indexPolicies({ resolved, policies }: Enforceable): ReadonlyMap<string, Placed> {
  return new Map(
    resolved.interfaces.flatMap(({ interface: own, policy: key }) => {
      const policy = policies.get(key);
      return policy === undefined ? [] : [[own.id, { own, policy }] as const];
    }),
  );
}

function sameContent(a: CompiledPolicy, b: CompiledPolicy): boolean {
  return a.content[0] === b.content[0] && a.content[1] === b.content[1];
}

/** A policy whose content is the same has the same network before and after. */
function feelsMembers(membersOf: MembersOf, policy: CompiledPolicy): boolean {
  const { network } = policy.source;
  const { moves } = membersOf({ before: network, after: network });
  return moves.some(({ before, after }) => feels(policy, before, after));
}
