import type { RuleFile } from "./applied.ts";
import type { Stage } from "./apply.ts";

/** What the agent asks of the place where rules come from. */
export interface RulesStore {
  /** For people: the path. */
  readonly name: string;
  /** All files as they are now; none where there are none. Throws Failure `refused` where they cannot be read. */
  load(): Promise<readonly RuleFile[]>;
  /**
   * Calls back when the files have changed and are at rest again; the next call waits for the end of the last.
   * Settles when changes are noticed, with the function that stops it.
   */
  watch(onChange: () => Promise<void>): Promise<() => void>;
  /** Writes files to the store's disk, where they wait to take their place. */
  readonly stage: Stage;
}
