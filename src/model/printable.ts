/** Text that may hold anything, made harmless for terminals, logs and pages. */

/** Control, format (bidi overrides, zero-width), surrogate and private characters, and line breaks. */
export const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const unprintables = new RegExp(unprintable, "gu");

/** The text with unprintable characters as `\u{1b}`. */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintables, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The same in the way of JSON and of YAML's double quotes, `\u001b`; line ends stay, they are the document's own. */
export function escapeUnits(text: string): string {
  return text.replace(unprintables, (found) =>
    found === "\n"
      ? found
      : Array.from(
          { length: found.length },
          (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`,
        ).join(""),
  );
}

/** The lines of a text, each as escapeUnprintable makes it. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeUnprintable).join("\n");
}

/**
 * Control characters (C0, C1), line separators, and marks that turn the direction of text. In a name that
 * someone else wrote they could forge a line of a log, or hide one on a terminal.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** `text` on one line, with what a terminal would act on written as \uXXXX. */
export function cleanText(text: string): string {
  return text.replace(unsafe, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
