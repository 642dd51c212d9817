import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The same ids are asked for at every change and every look: each is hashed once. */
const known = new Map<string, bigint>();
/** More than a host has interfaces; then it begins anew. */
const knownMax = 65_536;

/** First 64 bits of SHA-256 of a text, never 0: what the kernel knows an id by. */
export function digest64(text: string): bigint {
  const before = known.get(text);
  if (before !== undefined) return before;
  const value = createHash("sha256").update(text, "utf8").digest().readBigUInt64BE(0) || 1n;
  if (known.size >= knownMax) known.clear();
  known.set(text, value);
  return value;
}

/** SHA-256 of a file, the first 16 hex digits: the name that its programs are pinned under. */
export function fileDigest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}
