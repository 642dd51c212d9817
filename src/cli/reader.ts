/** Who reads what the program prints: `ringwall monitor | head` is a right use, and its reader may go at any time. */
import { ExitCode } from "./exit.ts";

/** Thrown out of an answer without end, whose reader is gone. */
export class ReaderGone extends Error {}

let isGone = false;

/**
 * Takes a reader that goes for no fault: a command that has an end comes to it, so that its exit code is its finding's,
 * seen or not. What cannot be written for another reason ends the program with a sentence.
 */
export function watchReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") {
      isGone = true;
      return;
    }
    process.stderr.write(`ringwall: the answer cannot be written: ${error.message}\n`);
    process.exit(ExitCode.refused);
  });
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
}

/** Writes a piece of an answer; waits while a slow reader is behind, so that a long one does not pile up in memory. */
export function writeAnswer(text: string): Promise<void> {
  return new Promise((resolve) => {
    if (isGone || process.stdout.write(text)) return resolve();
    const settle = () => {
      process.stdout.off("drain", settle).off("error", settle);
      resolve();
    };
    process.stdout.once("drain", settle).once("error", settle);
  });
}

/** The same for an answer without end. @throws ReaderGone */
export async function writeStreamed(text: string): Promise<void> {
  await writeAnswer(text);
  if (isGone) throw new ReaderGone();
}
