import { digestFiles } from "./applied.ts";
import type { RulesStore } from "./rules-store.ts";

/** What a store holds, or why it cannot be read. Equal states: nobody has edited it in between. */
export async function readStoreState(store: Pick<RulesStore, "load">): Promise<string> {
  try {
    return digestFiles(await store.load());
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
