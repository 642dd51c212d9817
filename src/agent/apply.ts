import type { Enforcer } from "../kernel/enforcer.ts";
import { EnforcementError } from "../kernel/errors.ts";
import type { ApplyReport } from "../kernel/status.ts";
import type { Limits } from "../model/model.ts";
import { digestFiles, type RuleFile } from "./applied.ts";
import { type Checked, checkRules } from "./check.ts";
import { countRules } from "./count-rules.ts";
import { Failure } from "./failure.ts";
import type { History } from "./history.ts";
import type { Log } from "./log.ts";
import type { Origin } from "./revision-head.ts";
import type { RulesCache } from "./rules-cache.ts";

/** Files that wait on the store's disk to take their place. */
export interface StagedFiles {
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** Writes files beside the store's own, where they wait. */
export type Stage = (files: readonly RuleFile[]) => Promise<StagedFiles>;

/** How a change comes. */
export interface Change {
  /** Writes the files beside the store's; left out where they come from the store. */
  readonly stage?: Stage;
  /** Digest of the rules that were edited: the change is refused when others are in force. */
  readonly base?: string | undefined;
  readonly by: Origin;
  /** Asked before anything changes; what it throws refuses the change. */
  readonly approve?: Approve | undefined;
}

/** Looks at checked rules that are about to come into force. Throws Failure `refused`. */
export type Approve = (checked: Checked) => Promise<void>;

/** What is in force. */
export interface InForce extends Checked {
  readonly files: readonly RuleFile[];
  readonly digest: string;
  readonly revision: number;
  /** When it was applied, RFC 3339. */
  readonly applied: string;
}

export interface ApplyOutcome {
  readonly changed: boolean;
  readonly seconds: number;
  readonly inForce: InForce;
  readonly report: ApplyReport | null;
}

export interface Preview {
  readonly changed: boolean;
  readonly seconds: number;
  readonly checked: Checked;
}

export interface Refusal {
  readonly time: string;
  readonly messages: readonly string[];
}

export interface ApplierOptions {
  readonly enforcer: Pick<Enforcer, "apply">;
  readonly history: History;
  readonly rules: Pick<RulesCache, "read" | "keepSoon">;
  readonly limits: () => Limits;
  readonly host: string;
  readonly log: Log;
  readonly onResult: (result: "applied" | "unchanged" | "refused" | "failed", seconds: number) => void;
  /** Rules came into force: by a change, or because one went back. */
  readonly onInForce?: (before: InForce | null, after: InForce) => void;
  /** The kernel failed to go back to what was in force: the next change begins with that, and one should come soon. */
  readonly onOwed?: () => void;
}

/**
 * Brings rules into force, one change after the other. Each is one step: checked, compiled, proven, staged on
 * the store's disk, in force, in the store. When any part fails, what was in force still is, whole.
 */
export class Applier {
  readonly #options: ApplierOptions;
  #inForce: InForce | null = null;
  #refusal: Refusal | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #whyNot: () => string | null = () => null;
  /** What the kernel has to go back to, and failed at. */
  #owed: InForce | null = null;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  get inForce(): InForce | null {
    return this.#inForce;
  }

  /** The last change that was refused, until one is applied. */
  get refusal(): Refusal | null {
    return this.#refusal;
  }

  /**
   * @param change `stage` writes the files beside the store's; left out where they come from the store. `by`:
   *   who asks, for the history
   * @throws Failure `refused` (the rules, or the store that cannot be written) or `kernel`
   */
  apply(files: readonly RuleFile[], change: Change = { by: { cause: "store" } }): Promise<ApplyOutcome> {
    return this.change(change.base, (elapsed) => this.#applyNow(files, change, elapsed));
  }

  /**
   * Brings into force what the store says. It is read in this change's turn: what is read while another change is made
   * would take that back, although its client was told that it is in force, and the store says so.
   * @throws Failure as `apply` does, and what `load` throws
   */
  applyStored(load: () => Promise<readonly RuleFile[]>): Promise<ApplyOutcome> {
    const change: Change = { by: { cause: "store" } };
    return this.change(undefined, async (elapsed) => this.#applyNow(await load(), change, elapsed));
  }

  /** Changes are refused while this says why. */
  refuseWhile(whyNot: () => string | null): void {
    this.#whyNot = whyNot;
  }

  /** @throws Failure `refused` while no change can be made */
  checkFree(): void {
    const whyNot = this.#whyNot();
    if (whyNot !== null) throw new Failure("refused", whyNot);
  }

  /** Does `work` between two changes. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const outcome = this.#last.then(work);
    this.#last = outcome.catch(() => undefined); // The next change waits for this one's end, not for its success.
    return outcome;
  }

  /**
   * What `apply` would say first: checks, compiles and proves the rules, and changes nothing.
   * @throws Failure `refused` as `apply` does
   */
  async preview(files: readonly RuleFile[], base?: string, approve?: Approve): Promise<Preview> {
    const started = performance.now();
    this.checkBase(base);
    const changed = this.#inForce?.digest !== digestFiles(files);
    const checked = await this.check(files);
    await approve?.(checked);
    return { changed, seconds: (performance.now() - started) / 1000, checked };
  }

  /** @throws Failure `refused` where other rules are in force than those that were edited */
  checkBase(base: string | undefined): void {
    if (base === undefined || base === this.#inForce?.digest) return;
    throw new Failure(
      "refused",
      `The rules were changed meanwhile, revision ${this.#inForce?.revision ?? 0} is in force: run it again.`,
    );
  }

  /** A change in its turn, counted; what it throws is a Failure, and noted. `elapsed`: seconds since it began. */
  change(
    base: string | undefined,
    work: (elapsed: () => number) => Promise<ApplyOutcome>,
  ): Promise<ApplyOutcome> {
    return this.inTurn(async () => {
      // Nobody's rules are wrong by these: they are not noted as a refusal.
      this.checkFree();
      this.checkBase(base);
      const started = performance.now();
      const elapsed = () => (performance.now() - started) / 1000;
      try {
        if (this.#owed !== null) await this.putBack(this.#owed);
        const outcome = await work(elapsed);
        this.#refusal = null;
        this.#options.onResult(outcome.changed ? "applied" : "unchanged", elapsed());
        return outcome;
      } catch (error) {
        const failure =
          error instanceof Failure ? error : new Failure("internal", describeError(error), { cause: error });
        this.#refusal = { time: new Date().toISOString(), messages: failure.message.split("\n") };
        this.#options.onResult(failure.code === "refused" ? "refused" : "failed", elapsed());
        throw failure;
      }
    });
  }

  /** A refusal that came before the rules could be looked at (the store cannot be read). */
  noteRefusal(messages: readonly string[]): void {
    this.#refusal = { time: new Date().toISOString(), messages };
    this.#options.onResult("refused", 0);
  }

  async #applyNow(files: readonly RuleFile[], change: Change, elapsed: () => number): Promise<ApplyOutcome> {
    const digest = digestFiles(files);
    if (this.#inForce?.digest === digest) return this.leaveAsIs(this.#inForce, change, elapsed);
    const { stage, by, approve } = change;
    const checked = await this.check(files);
    await approve?.(checked);
    const staged = stage === undefined ? undefined : await this.stage(files, stage);
    const report = await this.#enforce(checked, staged);
    const inForce = await this.keep(files, digest, checked, by);
    return { changed: true, seconds: elapsed(), inForce, report };
  }

  /** Nothing is in force by that. Throws RefusedRules. */
  check(files: readonly RuleFile[]): Promise<Checked> {
    const { limits, host, rules } = this.#options;
    return checkRules(files, { limits: limits(), host, before: this.#inForce, read: rules.read });
  }

  /** Writes files beside the store's. Throws Failure `refused` with nothing changed. */
  async stage(files: readonly RuleFile[], stage: Stage): Promise<StagedFiles> {
    try {
      return await stage(files);
    } catch (error) {
      const text = `The store cannot be written, so nothing was changed: ${describeError(error)}`;
      throw error instanceof Failure ? error : new Failure("refused", text, { cause: error });
    }
  }

  /** The revision that files of this digest are, or would be. */
  revisionOf(digest: string): number {
    return this.#options.history.revisionOf(digest);
  }

  /**
   * What is in force says the same; the store may not (an edit that was refused, or that nobody has looked at yet).
   * @throws Failure `refused` where the store cannot be written
   */
  async leaveAsIs(
    inForce: InForce,
    { stage, approve }: Pick<Change, "stage" | "approve">,
    elapsed: () => number,
  ): Promise<ApplyOutcome> {
    if (stage !== undefined) {
      await approve?.(inForce);
      const staged = await this.stage(inForce.files, stage);
      await staged.commit().catch((error: unknown) => {
        throw notWritten(error, "What is in force stays.");
      });
    }
    return { changed: false, seconds: elapsed(), inForce, report: null };
  }

  async #enforce(checked: Checked, staged: StagedFiles | undefined): Promise<ApplyReport> {
    const before = this.#inForce;
    let report: ApplyReport;
    try {
      report = await this.#options.enforcer.apply(checked.resolved, checked.policies);
    } catch (error) {
      await staged?.discard();
      throw refusedByKernel(error);
    }
    try {
      await staged?.commit();
    } catch (error) {
      if (before === null) throw notWritten(error, "The rules are in force, but not in the store.");
      throw notWritten(error, await this.tryPutBack(before));
    }
    return report;
  }

  /**
   * Brings what was in force before a change that did not last into force again.
   * @throws Failure `kernel`; it is done before the next change then
   */
  async putBack(before: InForce): Promise<void> {
    this.#owed = before;
    try {
      await this.#options.enforcer.apply(before.resolved, before.policies);
      this.#owed = null;
    } catch (error) {
      const text = `The kernel could not go back to revision ${before.revision}: ${describeError(error)}`;
      throw new Failure("kernel", text, { cause: error });
    }
  }

  /** The same; says what came of it. */
  async tryPutBack(before: InForce): Promise<string> {
    try {
      await this.putBack(before);
      return "What was in force is again.";
    } catch (error) {
      this.#options.onOwed?.();
      return `${describeError(error)}. That is tried again.`;
    }
  }

  /** Knows what came into force, and writes it down. */
  async keep(files: readonly RuleFile[], digest: string, checked: Checked, by: Origin): Promise<InForce> {
    const inForce = { ...checked, files, digest, ...(await this.remember(files, digest, checked, by)) };
    const before = this.#inForce;
    this.#inForce = inForce;
    const { limits, host, rules, onInForce } = this.#options;
    rules.keepSoon(files, { limits: limits(), host });
    onInForce?.(before, inForce);
    return inForce;
  }

  /**
   * Writes into the history what took effect. One that cannot be written costs the next start its memory, not this
   * change its effect.
   */
  async remember(
    files: readonly RuleFile[],
    digest: string,
    { model }: Pick<Checked, "model">,
    by: Origin,
  ): Promise<Pick<InForce, "revision" | "applied">> {
    const { history, log } = this.#options;
    const time = new Date();
    const revision = history.revisionOf(digest);
    const counts = { groups: model.groups.size, rules: countRules(model), interfaces: model.interfaces.size };
    try {
      const { time: applied } = await history.keep({ files, digest, time, by, counts });
      return { revision, applied };
    } catch (error) {
      log.error({ err: error }, "the revision could not be written to the state directory");
      return { revision, applied: time.toISOString() };
    }
  }
}

/** What is told of a store that could not be written. */
export function notWritten(error: unknown, outcome: string): Failure {
  const text = `The store could not be written: ${describeError(error)}. ${outcome}`;
  return new Failure("refused", text, { cause: error });
}

/** What is told of a change that the kernel layer did not make. */
export function refusedByKernel(error: unknown): Failure {
  const isPartly = error instanceof EnforcementError && error.code === "PARTLY";
  const head = isPartly ? "The kernel failed" : "The kernel refused the change; what was in force still is";
  return new Failure("kernel", `${head}. ${describeError(error)}`, { cause: error });
}

/** A sentence for any thrown value. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
