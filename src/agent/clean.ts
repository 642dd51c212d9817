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
