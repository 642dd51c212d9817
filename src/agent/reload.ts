/**
 * What was edited while the agent runs: rules and agent.yaml. What is wrong is refused until the next edit; what the kernel
 * or the disk failed at is tried again, until it succeeds or another change takes its place.
 */
import { EnforcementError, type EnforcementErrorCode } from "../kernel/errors.ts";
import { type Applier, describeError } from "./apply.ts";
import { RefusedRules, UnreadableRules } from "./check.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import { Retry } from "./retry.ts";
import type { RulesStore } from "./rules-store.ts";

export interface ReloadOptions {
  readonly applier: Pick<Applier, "applyStored" | "inForce">;
  readonly store: Pick<RulesStore, "name" | "load">;
  readonly log: Log;
  /** A change waits for its confirmation: the store is looked at when that is decided. */
  readonly isBusy: () => boolean;
  /** Takes agent.yaml over into the kernel. */
  readonly configure: () => Promise<void>;
  /** The store's rules are in force. */
  readonly onInStep: () => void;
}

const refused = "the change was refused; what was in force stays in force";
const notConfigured = "the kernel did not take over what agent.yaml says";
/** What the same rules would meet again. */
const lasting: ReadonlySet<EnforcementErrorCode> = new Set(["CAPACITY", "INCOMPLETE", "CLOSED"]);

export class Reload {
  readonly #options: ReloadOptions;
  readonly #rules: Retry;
  readonly #settings: Retry;
  /** What was logged last, by its outcome: what fails alike again is not told again. */
  readonly #told = new Map<string, string>();

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#rules = new Retry({
      attempt: () => this.#takeRules(),
      mayPass,
      onFailure: (error, again) => this.#tell(error, again, refused),
    });
    this.#settings = new Retry({
      attempt: options.configure,
      mayPass: () => true,
      onFailure: (error, again) => this.#tell(error, again, notConfigured),
    });
  }

  /** Looks at the store again; what is wrong there is refused as a whole, said, and counted. */
  rules(): Promise<void> {
    this.#told.delete(refused);
    return this.#rules.now();
  }

  settings(): Promise<void> {
    this.#told.delete(notConfigured);
    return this.#settings.now();
  }

  /** A change is in force, and says what the store says. */
  settle(): void {
    this.#rules.settle();
  }

  /** Whether something of a kind is tried again. */
  get pending(): { readonly rules: boolean; readonly settings: boolean } {
    return { rules: this.#rules.again !== null, settings: this.#settings.again !== null };
  }

  /** What is tried again, for status. */
  get problems(): readonly string[] {
    const { name } = this.#options.store;
    const say = (what: string, again: Date | null) =>
      again === null ? [] : [`${what}: tried again at ${again.toISOString()}`];
    return [
      ...say(`what ${name} says could not be brought into force`, this.#rules.again),
      ...say("the settings of agent.yaml could not be brought into force", this.#settings.again),
    ];
  }

  async #takeRules(): Promise<void> {
    const { applier, log, isBusy, onInStep } = this.#options;
    try {
      const { changed, seconds, inForce } = await applier.applyStored(() => this.#load());
      onInStep();
      for (const note of changed ? inForce.notes : []) log.info(note);
      if (changed) log.info({ revision: inForce.revision, seconds }, "applied");
    } catch (error) {
      if (!isBusy()) throw error;
      log.info("the store's rules are looked at when the change that waits for its confirmation is decided");
    }
  }

  async #load() {
    const { store } = this.#options;
    const files = await store.load();
    if (files.length === 0) throw new RefusedRules([`There are no rules in ${store.name} any more.`]);
    return files;
  }

  #tell(error: unknown, again: Date | null, outcome: string): void {
    const { applier, log } = this.#options;
    const text = describeError(error);
    if (text === this.#told.get(outcome)) return;
    this.#told.set(outcome, text);
    for (const line of text.split("\n")) log.error(line);
    const head = { revision: applier.inForce?.revision };
    if (again === null) log.error(head, outcome);
    else
      log.error({ ...head, again: again.toISOString() }, `${outcome}; it is tried again, ever more rarely`);
  }

  stop(): void {
    this.#rules.cancel();
    this.#settings.cancel();
  }
}

/** Whether the reason is not the rules': the same rules may come into force later. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Failure)) return true;
  if (error.code === "refused") return error instanceof UnreadableRules;
  return !(error.cause instanceof EnforcementError && lasting.has(error.cause.code));
}
