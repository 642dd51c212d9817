/** Two entries compared key by key, as texts. */
import type { Place } from "../../model/model.ts";

/** A key of an entry, and what it says before and after; null: nothing, or not there. */
export interface FieldChange {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** An entry in words, by key; null: nothing is said. */
export type Described = Readonly<Record<string, string | null>>;

/** The keys that say something else. */
export function diffFields(before: Described, after: Described): readonly FieldChange[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].flatMap((field) => {
    const [old, fresh] = [before[field] ?? null, after[field] ?? null];
    return old === fresh ? [] : [{ field, before: old, after: fresh }];
  });
}

/** `file:line`; null for what no file holds. */
export function formatPlace(place: Place | null): string | null {
  return place === null ? null : `${place.file}:${place.line}`;
}
