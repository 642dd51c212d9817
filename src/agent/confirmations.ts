/**
 * Changes that go back by themselves unless they are confirmed. The kernel keeps the time and goes back with or
 * without an agent; here is what the agent does about it. The store's files are written when a change is
 * confirmed, and not before: after any crash they say what the kernel has, or goes back to.
 *
 *   record on disk ─▶ in force, the kernel's time runs ─▶ confirmed: kept in the kernel, in the store
 *                                                     └─▶ not: the kernel is back, so is the agent's model
 *   ─▶ record removed ─▶ the kernel forgets its decision
 */
import type { Enforcer } from "../kernel/enforcer.ts";
import { digestFiles, type RuleFile } from "./applied.ts";
import { type ApplyOutcome, type Approve, type InForce, notWritten, refusedByKernel } from "./apply.ts";
import type { Peer } from "./credentials.ts";
import { Failure } from "./failure.ts";
import type { Origin } from "./revision-head.ts";
import { readStoreState } from "./store-state.ts";
import { forgetDecision, type TakenOver, type TakeOverOptions, takeOver, type Waiting } from "./take-over.ts";
import type { WaitingRecord } from "./waiting-record.ts";

export interface ConfirmationsOptions extends TakeOverOptions {
  readonly enforcer: Pick<Enforcer, "apply" | "confirmation" | "resume" | "decide" | "forget">;
  /** The store may hold something else by now. */
  readonly onDecided: () => Promise<void>;
}

export interface TimedChange {
  readonly seconds: number;
  /** Digest of the rules that were edited; undefined: any. */
  readonly base: string | undefined;
  readonly by: Origin;
  readonly approve?: Approve | undefined;
}

/** For status and clients. */
export interface WaitingChange {
  readonly revision: number;
  readonly since: string;
  readonly remaining_seconds: number;
}

/** Milliseconds after the deadline, and between looks where the kernel has not decided by then. */
const lookAfter = 50;
const longestSleep = 60_000;

export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #waiting: Waiting | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
    options.applier.refuseWhile(() => this.#whyNot());
  }

  get waiting(): WaitingChange | null {
    const { confirmation } = this.#options.enforcer;
    if (this.#waiting === null || confirmation?.state !== "waiting") return null;
    const { inForce, record } = this.#waiting;
    return {
      revision: inForce.revision,
      since: record.since,
      remaining_seconds: confirmation.remaining_seconds,
    };
  }

  /** A change waits, or was decided this moment: the store is looked at afterwards. */
  get isBusy(): boolean {
    return this.#waiting !== null;
  }

  #whyNot(): string | null {
    if (this.#waiting === null) return null;
    return (
      `Revision ${this.#waiting.inForce.revision} waits for its confirmation: \`ringwall confirm\` keeps it, ` +
      "`ringwall confirm --undo` takes it back; then make the next change."
    );
  }

  /**
   * Brings files into force for `seconds`.
   * @throws Failure `refused` (the rules, a store that cannot be written, another change that waits) or `kernel`
   */
  apply(files: readonly RuleFile[], { seconds, base, by, approve }: TimedChange): Promise<ApplyOutcome> {
    return this.#options.applier.change(base, async (elapsed) => {
      const { applier, file, store } = this.#options;
      const before = applier.inForce;
      if (before === null)
        throw new Failure("refused", "No rules are in force yet that a change could go back to.");
      const digest = digestFiles(files);
      if (digest === before.digest)
        return applier.leaveAsIs(before, { stage: store.stage, approve }, elapsed);
      const checked = await applier.check(files);
      await approve?.(checked);
      await (await applier.stage(files, store.stage)).discard();
      const record = await this.#describe({ files, digest, seconds, by, before });
      await file.write(record);
      const report = await this.#enforce(checked, seconds);
      const inForce = await applier.keep(files, digest, checked, by);
      this.#await({ record, before, inForce });
      return { changed: true, seconds: elapsed(), inForce, report };
    });
  }

  async #describe(change: {
    readonly files: readonly RuleFile[];
    readonly digest: string;
    readonly seconds: number;
    readonly by: Origin;
    readonly before: InForce;
  }): Promise<WaitingRecord> {
    const plain = (files: readonly RuleFile[]) => files.map(({ path, text }) => ({ path, text }));
    const { revision, applied, digest } = change.before;
    return {
      since: new Date().toISOString(),
      seconds: change.seconds,
      by: change.by,
      digest: change.digest,
      files: plain(change.files),
      store: await readStoreState(this.#options.store),
      before: { revision, applied, digest, files: plain(change.before.files) },
    };
  }

  async #enforce(checked: Pick<InForce, "resolved" | "policies">, seconds: number) {
    const { enforcer, file } = this.#options;
    try {
      return await enforcer.apply(checked.resolved, checked.policies, seconds);
    } catch (error) {
      if (enforcer.confirmation?.state === "waiting") await enforcer.decide("undo");
      await file.remove();
      await enforcer.forget();
      throw refusedByKernel(error);
    }
  }

  #await(waiting: Waiting): void {
    this.#waiting = waiting;
    this.#schedule();
  }

  #schedule(least = lookAfter): void {
    const remaining = this.waiting?.remaining_seconds ?? 0;
    this.#timer = setTimeout(() => void this.#look(), Math.min(remaining * 1000 + least, longestSleep));
    this.#timer.unref();
  }

  /** The kernel has gone back, or does so soon. */
  async #look(): Promise<void> {
    const { applier, log, onDecided } = this.#options;
    try {
      await applier.inTurn(async () => {
        if (this.waiting !== null) this.#schedule();
        else if (this.#waiting !== null) await this.#goBack(this.#waiting, null);
      });
      if (this.#waiting === null) await onDecided();
    } catch (error) {
      log.error({ err: error }, "the agent could not follow the kernel, which has gone back");
      this.#schedule(1000);
    }
  }

  /** The kernel is back, or goes back now; so does what the agent knows. `peer`: whoever undid it; null: its time was over. */
  async #goBack(waiting: Waiting, peer: Pick<Peer, "uid" | "pid"> | null): Promise<InForce> {
    const { enforcer, applier, log, onReverted } = this.#options;
    const { before, inForce } = waiting;
    await enforcer.decide("undo");
    const of = inForce.revision;
    const by: Origin = peer === null ? { cause: "reverted", of } : { cause: "undone", of, ...peer };
    const back = await applier.keep(before.files, before.digest, before, by);
    await this.#conclude();
    const why = peer === null ? "it was not confirmed in time" : "it was undone";
    log.warn({ undone: inForce.revision, revision: back.revision, why }, "a change was taken back");
    onReverted();
    return back;
  }

  async #conclude(): Promise<void> {
    clearTimeout(this.#timer);
    await forgetDecision(this.#options);
    this.#waiting = null;
  }

  /**
   * Keeps the change that waits: in the kernel, then in the store.
   * @throws Failure `refused` where none waits (any more), or where the store was edited meanwhile or cannot be
   *   written: the change then waits on
   */
  async confirm(): Promise<InForce> {
    const { applier, onDecided } = this.#options;
    const kept = await applier.inTurn(async () => {
      const waiting = this.#requireWaiting();
      if (this.waiting === null) throw await this.#tooLate(waiting);
      await this.#refuseEdited(waiting);
      const staged = await applier.stage(waiting.record.files, this.#options.store.stage);
      if ((await this.#options.enforcer.decide("keep")) === "reverted") {
        await staged.discard();
        throw await this.#tooLate(waiting);
      }
      await this.#commit(waiting, staged.commit);
      await this.#conclude();
      return waiting.inForce;
    });
    await onDecided();
    return kept;
  }

  #requireWaiting(): Waiting {
    if (this.#waiting === null)
      throw new Failure(
        "refused",
        "No change waits for a confirmation: it was decided already, or none was made with --confirm. `ringwall history` tells.",
      );
    return this.#waiting;
  }

  async #tooLate(waiting: Waiting): Promise<Failure> {
    const { revision } = await this.#goBack(waiting, null);
    const text = `Too late: revision ${waiting.inForce.revision} was taken back; what was in force before is again, as revision ${revision}. Apply it again.`;
    return new Failure("refused", text);
  }

  /** An edit of the store that came after the change is not written over. */
  async #refuseEdited({ record, inForce }: Waiting): Promise<void> {
    const now = await readStoreState(this.#options.store);
    if (now === record.store || now === record.digest) return;
    throw new Failure(
      "refused",
      `${this.#options.store.name} was changed while revision ${inForce.revision} waited, and confirming it would write over that: ` +
        "take the edit back and confirm, or run `ringwall confirm --undo`: the edit is taken up then.",
    );
  }

  async #commit(waiting: Waiting, commit: () => Promise<void>): Promise<void> {
    const { enforcer, applier } = this.#options;
    try {
      await commit();
    } catch (error) {
      const { before, inForce } = waiting;
      await enforcer.forget();
      const outcome = await applier.tryPutBack(before);
      const by = { cause: "reverted", of: inForce.revision } as const;
      await applier.keep(before.files, before.digest, before, by);
      await this.#conclude();
      throw notWritten(error, outcome);
    }
  }

  /**
   * Takes the change that waits back at once, for a client.
   * @returns what is in force then, and the revision that was undone
   * @throws Failure `refused` where none waits
   */
  async undo({
    uid,
    pid,
  }: Pick<Peer, "uid" | "pid">): Promise<{ readonly undone: number; readonly inForce: InForce }> {
    const { applier, onDecided } = this.#options;
    const result = await applier.inTurn(async () => {
      const waiting = this.#requireWaiting();
      const inForce = await this.#goBack(waiting, this.waiting === null ? null : { uid, pid });
      return { undone: waiting.inForce.revision, inForce };
    });
    await onDecided();
    return result;
  }

  /** What became of a change that an earlier agent left. Where it waits on, its rules are in force then. */
  async takeOver(): Promise<TakenOver> {
    return takeOver(this.#options, (waiting) => this.#await(waiting));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
