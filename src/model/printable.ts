/** Text that may hold anything, made harmless for terminals, logs and pages. */

/** Control, format (bidi overrides, zero-width), surrogate and private characters, and line breaks. */
export const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const unprintables = new RegExp(unprintable, "gu");

/** The text with unprintable characters as `\u{1b}`. */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintables, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}
