/** What an agent that starts does about a change that an earlier one left waiting for its confirmation. */
import type { Enforcer } from "../kernel/enforcer.ts";
import type { ConfirmationStatus } from "../kernel/status.ts";
import type { Applier, InForce } from "./apply.ts";
import type { Log } from "./log.ts";
import type { RulesStore } from "./rules-store.ts";
import { readStoreState } from "./store-state.ts";
import type { WaitingFile, WaitingRecord } from "./waiting-record.ts";

export interface TakeOverOptions {
  readonly enforcer: Pick<Enforcer, "confirmation" | "resume" | "decide" | "forget">;
  readonly applier: Applier;
  readonly store: RulesStore;
  readonly file: WaitingFile;
  readonly log: Log;
  readonly onReverted: () => void;
}

/** A change that waits. */
export interface Waiting {
  readonly record: WaitingRecord;
  readonly before: InForce;
  readonly inForce: InForce;
}

/**
 * `kept`: it was confirmed, and is in the store. `reverted`: it was not; the store, and the newest of the history,
 * are as before it.
 */
export type TakenOver = "none" | "waiting" | "kept" | "reverted";

/** @param goOn is handed the change, in force, where it waits on */
export async function takeOver(
  options: TakeOverOptions,
  goOn: (waiting: Waiting) => void,
): Promise<TakenOver> {
  const { enforcer, file } = options;
  const record = await file.read();
  const state = enforcer.confirmation?.state ?? null;
  if (record !== null && state === "waiting") {
    const waiting = await resume(options, record);
    if (waiting !== null) {
      goOn(waiting);
      return "waiting";
    }
  }
  if (enforcer.confirmation?.state === "waiting") await enforcer.decide("undo");
  const outcome = record === null ? "none" : await follow(options, record, state);
  await forgetDecision(options);
  return outcome;
}

/** Null where this agent cannot go on with it: it is undone then. */
async function resume(
  { enforcer, applier, log }: TakeOverOptions,
  record: WaitingRecord,
): Promise<Waiting | null> {
  try {
    const before = { ...(await applier.check(record.before.files)), ...record.before };
    const checked = await applier.check(record.files);
    await enforcer.resume(before, checked);
    const inForce = await applier.keep(record.files, record.digest, checked, record.by);
    log.info({ revision: inForce.revision }, "a change goes on waiting for its confirmation");
    return { record, before, inForce };
  } catch (error) {
    log.error({ err: error }, "a change that waits cannot be gone on with: it is undone");
    return null;
  }
}

/** `state`: what the kernel knows of it; null: nothing (the host was booted, or the change never began). */
async function follow(
  options: TakeOverOptions,
  record: WaitingRecord,
  state: ConfirmationStatus["state"] | null,
): Promise<TakenOver> {
  const { store, log, onReverted } = options;
  const now = await readStoreState(store);
  if (state === "kept" && (now !== record.store || (await writeStore(options, record)))) return "kept";
  if (state === null && now === record.digest) return "kept";
  log.warn({ since: record.since }, "a change was taken back: it was not confirmed");
  onReverted();
  await rememberReverted(options, record);
  return "reverted";
}

/** False where it cannot be written: nobody was told that the change is confirmed, so it is not. */
async function writeStore({ applier, store, log }: TakeOverOptions, record: WaitingRecord): Promise<boolean> {
  try {
    await (await applier.stage(record.files, store.stage)).commit();
    return true;
  } catch (error) {
    log.error({ err: error }, "a change that was being confirmed cannot be written to the store");
    return false;
  }
}

/** The newest revision is what stands in for a store that is damaged: it must not be the one that was taken back. */
async function rememberReverted({ applier, log }: TakeOverOptions, record: WaitingRecord): Promise<void> {
  const { before } = record;
  try {
    const by = { cause: "reverted", of: applier.revisionOf(record.digest) } as const;
    await applier.remember(before.files, before.digest, await applier.check(before.files), by);
  } catch (error) {
    log.error({ err: error }, "what was in force before the change is refused by now");
  }
}

/** A record that cannot be removed does no harm: the kernel and the store say by then what became of it. */
export async function forgetDecision({
  enforcer,
  file,
  log,
}: Pick<TakeOverOptions, "enforcer" | "file" | "log">): Promise<void> {
  try {
    await file.remove();
  } catch (error) {
    log.error({ err: error }, "the record of a change that was decided could not be removed");
  }
  await enforcer.forget();
}
