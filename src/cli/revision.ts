import { usageError } from "./exit.ts";

/** The number of a revision on the command line. */
export function parseRevision(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw usageError(`${text} is no revision: write a number, as \`ringwall history\` lists them.`);
}
