import type { RuleFile } from "../../../src/agent/applied.ts";
import { Failure } from "../../../src/agent/failure.ts";
import type { RulesStore } from "../../../src/agent/rules-store.ts";

/** A store in memory; `edit` is what an editor does. */
export class MemoryStore implements RulesStore {
  readonly name = "/etc/ringwall/rules.d";
  files: readonly RuleFile[];
  unreadable: string | null = null;
  #onChange: (() => Promise<void>) | null = null;

  constructor(files: readonly RuleFile[]) {
    this.files = files;
  }

  async load(): Promise<readonly RuleFile[]> {
    if (this.unreadable !== null) throw new Failure("refused", this.unreadable);
    return this.files;
  }

  async watch(onChange: () => Promise<void>): Promise<() => void> {
    this.#onChange = onChange;
    return () => {
      this.#onChange = null;
    };
  }

  readonly stage = async (files: readonly RuleFile[]) => ({
    commit: async () => this.edit(files),
    discard: async () => undefined,
  });

  edit(files: readonly RuleFile[]): void {
    this.files = files;
    void this.#onChange?.();
  }
}
