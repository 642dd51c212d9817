import { formatDiagnostic } from "../model/diagnostic.ts";
import { FileStore } from "../store/file.ts";
import type { Store } from "../store/store.ts";
import type { RuleFile } from "./applied.ts";
import { RefusedRules, UnreadableRules } from "./check.ts";
import type { RulesStore } from "./rules-store.ts";

/** The rules of a file or directory, as the agent wants them. */
export function openFileStore(path: string): RulesStore {
  return adaptStore(new FileStore(path, { recovers: true }));
}

/** A store that is itself wrong (a file that others may write, no UTF-8) has no rules to give. */
export function adaptStore(store: Store): RulesStore {
  return {
    name: store.name,
    async load(): Promise<readonly RuleFile[]> {
      const { files, diagnostics } = await store.load();
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      if (errors.length === 0) return files;
      const isUnreadable = errors.some(({ code }) => code === "file-unreadable");
      const Refusal = isUnreadable ? UnreadableRules : RefusedRules;
      throw new Refusal(errors.map(formatDiagnostic));
    },
    async watch(onChange) {
      const stop = new AbortController();
      await store.watch(onChange, stop.signal);
      return () => stop.abort();
    },
    stage: (files) => store.stage(files),
  };
}
