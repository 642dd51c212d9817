/** What is applied: files, and the digest by which equal sets are one revision. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { RevisionHead } from "./revision-head.ts";

export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

/** A revision with its files. */
export interface Applied extends RevisionHead {
  readonly files: readonly RuleFile[];
}

/**
 * Digest of a set of files: equal sets are one revision. Files go by their names without the folder, and one
 * that stands alone by its text, so that what `apply` was given is what it is found to be in the store.
 */
export function digestFiles(files: readonly RuleFile[]): string {
  const hash = createHash("sha256");
  const named = files.map(({ path, text }) => ({ name: files.length === 1 ? "" : basename(path), text }));
  for (const { name, text } of named.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:`).update(text);
  }
  return hash.digest("hex");
}
