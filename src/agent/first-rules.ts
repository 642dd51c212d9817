import type { RuleFile } from "./applied.ts";
import type { Applier } from "./apply.ts";
import { RefusedRules } from "./check.ts";
import type { Confirmations } from "./confirmations.ts";
import { Failure } from "./failure.ts";
import { describeMissingRules } from "./first-start.ts";
import type { History } from "./history.ts";
import type { Log } from "./log.ts";
import type { RulesStore } from "./rules-store.ts";

export interface FirstRulesOptions {
  readonly store: RulesStore;
  readonly history: History;
  readonly log: Log;
  /** Told why the last good rules stand in for the store's. */
  readonly onLastGood: (why: string) => void;
}

/** The rules that an agent begins with. */
export class FirstRules {
  readonly #options: FirstRulesOptions;

  constructor(options: FirstRulesOptions) {
    this.#options = options;
  }

  /**
   * The store's rules; on a host that had rules once, the last good ones stand in for a store without any.
   * @throws Failure `refused` where there are neither
   */
  async choose(): Promise<readonly RuleFile[]> {
    const { store, history } = this.#options;
    const missing = new Failure("refused", describeMissingRules(store.name));
    try {
      const files = await store.load();
      if (files.length > 0) return files;
      if (history.last === null) throw missing;
      this.#useLastGood(`There are no rules in ${store.name}.`);
    } catch (error) {
      if (error === missing || history.last === null || !(error instanceof Failure)) throw error;
      this.#useLastGood(error.message);
    }
    return history.last.files;
  }

  /**
   * Brings rules into force: those of a change that goes on waiting, or else `chosen`, unless what became of such a
   * change made others of them.
   */
  async bringIntoForce(
    applier: Applier,
    confirmations: Confirmations,
    chosen: readonly RuleFile[],
  ): Promise<void> {
    const outcome = await confirmations.takeOver();
    switch (outcome) {
      case "waiting":
        return;
      case "none":
        return this.#apply(applier, chosen);
      case "kept":
      case "reverted":
        return this.#apply(applier, await this.choose());
      default:
        return outcome satisfies never;
    }
  }

  async #apply(applier: Applier, files: readonly RuleFile[]): Promise<void> {
    try {
      await applier.apply(files);
    } catch (error) {
      const { last } = this.#options.history;
      if (!(error instanceof RefusedRules) || last === null || last.files === files) throw error;
      for (const problem of error.problems) this.#options.log.error(problem);
      this.#useLastGood(error.message);
      await applier.apply(last.files);
      applier.noteRefusal(error.problems);
    }
  }

  #useLastGood(why: string): void {
    this.#options.onLastGood(why);
    this.#options.log.error({ why }, "the store's rules cannot be used; the last good ones stay in force");
  }
}
