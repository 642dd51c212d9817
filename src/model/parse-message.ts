/** What the thread that reads rules files says to the one that asked. */
import type { Diagnostic } from "./diagnostic.ts";
import type { Limits, Model } from "./model.ts";
import type { ParseOptions, ParseProgress } from "./parse.ts";
import type { SourceText } from "./yaml/source.ts";

export interface ParseJob {
  readonly files: readonly SourceText[];
  readonly options: ParseOptions & { readonly limits: Limits };
}

/** A map of the model, some entries at a time: a whole model at once would hold the receiver up. */
type Part = {
  [Name in keyof Model]: { readonly kind: Name; readonly entries: EntriesOf<Model[Name]> };
}[keyof Model];
type EntriesOf<M> =
  M extends ReadonlyMap<infer Key, infer Value> ? readonly (readonly [Key, Value])[] : never;

export type ParseMessage =
  | { readonly kind: "progress"; readonly progress: ParseProgress }
  | Part
  | { readonly kind: "done"; readonly legal: boolean; readonly diagnostics: readonly Diagnostic[] };
