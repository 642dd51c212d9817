/** Digests that name things in the kernel: the same input gives the same number on every host and restart. */
import { createHash } from "node:crypto";

/**
 * First 64 bits of the SHA-256 of the parts; never 0, which means "none" in the kernel's maps.
 * Different lists of parts never hash the same text.
 */
export function digest64(parts: readonly string[]): bigint {
  const value = hash(JSON.stringify(parts)).readBigUInt64LE(0);
  return value === 0n ? 1n : value;
}

/** First 128 bits of the SHA-256 of a text and, behind it, bytes. */
export function digest128(text: string, bytes: Uint8Array): [bigint, bigint] {
  // The length keeps text and bytes apart.
  const value = hash(`${text.length}:${text}`, bytes);
  return [value.readBigUInt64LE(0), value.readBigUInt64LE(8)];
}

function hash(text: string, bytes?: Uint8Array): Buffer {
  const sha = createHash("sha256").update(text);
  if (bytes !== undefined) {
    sha.update(bytes);
  }
  return sha.digest();
}

/** What each digest stands for, so that two things never share one unseen. */
export class DigestRegistry {
  readonly #kind: string;
  readonly #known = new Map<bigint, string>();

  /** @param kind what the digests name, for the error's text */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /**
   * Notes that `digest` stands for `meaning`.
   * @throws Error when it already stands for something else: the kernel could not tell the two apart.
   */
  claim(digest: bigint, meaning: string): void {
    const known = this.#known.get(digest);
    if (known === undefined) {
      this.#known.set(digest, meaning);
      return;
    }
    if (known !== meaning) {
      const hex = digest.toString(16).padStart(16, "0");
      throw new Error(
        `${this.#kind} ${hex} would stand for both ${known} and ${meaning}: rename a group or network of one of them`,
      );
    }
  }
}
