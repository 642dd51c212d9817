/** What the agent answers about earlier revisions, and how it goes back to one. */
import type { Applier, ApplyOutcome } from "./apply.ts";
import type { Confirmations } from "./confirmations.ts";
import type { Peer } from "./credentials.ts";
import { describeWaiting } from "./describe.ts";
import type { History } from "./history.ts";
import type { Log } from "./log.ts";
import type { ApplyReply, HistoryReply, RequestOf, RevisionReply } from "./protocol.ts";
import type { RulesStore } from "./rules-store.ts";

export interface RevisionSources {
  readonly applier: Applier;
  readonly confirmations: Pick<Confirmations, "apply" | "waiting">;
  readonly history: History;
  readonly store: RulesStore;
  readonly log: Log;
  readonly host: string;
}

/** Every revision that is kept, by its head. */
export async function listRevisions({ applier, history, host }: RevisionSources): Promise<HistoryReply> {
  const { revisions, damaged } = await history.list();
  return { revisions: [...revisions], damaged: [...damaged], inForce: applier.inForce?.revision ?? 0, host };
}

/**
 * One revision with its files.
 * @throws Failure `refused` where none of this number is kept
 */
export async function readRevision(
  { history, host }: RevisionSources,
  revision: number,
): Promise<RevisionReply> {
  const { files, ...head } = await history.read(revision);
  const { revisions } = await history.list();
  const before = revisions.find((one) => one.revision < revision)?.revision ?? null;
  return { ...head, files: [...files], before, host };
}

/**
 * Applies the files of an earlier revision as a new one: under the limits of today, and into the store, where it waits
 * for a confirmation when that was given.
 * @throws Failure `refused` where there is no such revision or its rules are refused by now, or `kernel`
 */
export async function rollBack(
  { applier, confirmations, history, store, log }: RevisionSources,
  { revision: of, confirmSeconds: seconds }: RequestOf<"rollback">,
  { uid, pid }: Peer,
): Promise<ApplyReply> {
  const { files } = await history.read(of);
  const by = { cause: "rollback", of, uid, pid } as const;
  const outcome =
    seconds === undefined
      ? await applier.apply(files, { stage: store.stage, by })
      : await confirmations.apply(files, { seconds, base: undefined, by });
  const { changed, inForce } = outcome;
  const said = { revision: inForce.revision, changed, of, uid, pid };
  log.info(seconds === undefined ? said : { ...said, seconds }, "went back to an earlier revision");
  return { ...describeOutcome(outcome), waiting: describeWaiting(confirmations.waiting) };
}

/** What a client is told of a change that took effect. */
export function describeOutcome({ changed, seconds, inForce, report }: ApplyOutcome): ApplyReply {
  return {
    revision: inForce.revision,
    changed,
    seconds,
    interfaces: inForce.resolved.interfaces.length,
    entriesWritten: report?.entriesWritten ?? 0,
    notes: [...inForce.notes],
    waiting: null,
  };
}
