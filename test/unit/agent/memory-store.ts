import type { RuleFile } from "../../../src/agent/applied.ts";
import { Failure } from "../../../src/agent/failure.ts";
import type { RulesStore } from "../../../src/agent/rules-store.ts";

/** A store in memory; `edit` is what an editor does. */
export class MemoryStore implements RulesStore {
  readonly name = "/etc/ringwall/rules.d";
  files: readonly RuleFile[];
  unreadable: string | null = null;
  /** Nothing can be staged. */
  full = false;
  /** What is staged cannot take its place. */
  breaks = false;
  /** What is read from now on is answered when this settles. */
  slow: Promise<void> | null = null;
  #onChange: (() => Promise<void>) | null = null;

  constructor(files: readonly RuleFile[]) {
    this.files = files;
  }

  async load(): Promise<readonly RuleFile[]> {
    if (this.unreadable !== null) throw new Failure("refused", this.unreadable);
    const { files } = this;
    await this.slow;
    return files;
  }

  async watch(onChange: () => Promise<void>): Promise<() => void> {
    this.#onChange = onChange;
    return () => {
      this.#onChange = null;
    };
  }

  readonly stage = async (files: readonly RuleFile[]) => {
    if (this.full) throw new Error("ENOSPC: no space left on device");
    return {
      commit: async () => {
        if (this.breaks) throw new Error("EIO: i/o error");
        this.edit(files);
      },
      discard: async () => undefined,
    };
  };

  edit(files: readonly RuleFile[]): void {
    this.files = files;
    void this.#onChange?.();
  }
}
