/** Where rules come from, whatever keeps them: files on this host, later a store of a fleet. */
import { type Diagnostic, hasErrors } from "../model/diagnostic.ts";
import { type ParseOptions, type ParseResult, parseModelInSlices } from "../model/parse.ts";
import type { SourceText } from "../model/yaml/source.ts";

/** What a store holds at one moment. */
export interface StoreSnapshot {
  /** In the order of their names. */
  readonly files: readonly SourceText[];
  /**
   * What is wrong with the store itself: a file that cannot be read, is no UTF-8, or that others may write.
   * With an error among them the snapshot has to be refused as a whole, though some files are there.
   */
  readonly diagnostics: readonly Diagnostic[];
  /** Digest of all of it: equal snapshots have nothing new to say. */
  readonly digest: string;
}

/** Files that wait on the store's disk, whole and durable, to take their place. */
export interface StagedFiles {
  /** Puts them in place. On an error the old files are in place again, and the error is thrown. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export interface Watching {
  /** Resolves when the signal has ended the watch; rejects with what a callback threw, which ends it too. */
  readonly ended: Promise<void>;
}

export interface Store {
  /** For people: the path. */
  readonly name: string;
  /** The files at a moment when none of them was being changed. Throws the signal's reason on abort. */
  load(signal?: AbortSignal): Promise<StoreSnapshot>;
  /**
   * Calls back with each snapshot that differs from the one last written or given, or loaded before the watch, once it
   * is at rest. Resolves when changes are noticed. Callbacks do not overlap: the next one waits for the promise of
   * the last.
   */
  watch(onChange: (snapshot: StoreSnapshot) => void | Promise<void>, signal: AbortSignal): Promise<Watching>;
  /**
   * Writes files beside the store's own, which they are to replace: `commit` leaves exactly these. Only the
   * names of `path` count. Rejects where they cannot be written; the store is then as before.
   */
  stage(files: readonly SourceText[]): Promise<StagedFiles>;
  /** `stage` and `commit`. */
  write(files: readonly SourceText[]): Promise<void>;
}

/** The model of a snapshot; what is wrong with the store stands before what is wrong in its files. */
export async function readSnapshot(
  snapshot: StoreSnapshot,
  options: ParseOptions,
  hooks: Parameters<typeof parseModelInSlices>[2] = {},
): Promise<ParseResult> {
  const parsed = await parseModelInSlices(snapshot.files, options, hooks);
  const model = hasErrors(snapshot.diagnostics) ? null : parsed.model;
  return { model, diagnostics: [...snapshot.diagnostics, ...parsed.diagnostics] };
}
