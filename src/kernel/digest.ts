import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** First 64 bits of SHA-256 of a text, never 0: what the kernel knows an id by. */
export function digest64(text: string): bigint {
  const value = createHash("sha256").update(text, "utf8").digest().readBigUInt64BE(0);
  return value === 0n ? 1n : value;
}

/** SHA-256 of a file, the first 16 hex digits: the name that its programs are pinned under. */
export function fileDigest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}
