import { escapeLines } from "../model/printable.ts";
import { CliError, ExitCode } from "./exit.ts";
import { runProgram } from "./program.ts";
import { ReaderGone, watchReader } from "./reader.ts";

/** What an error that nobody foresaw looks like to a user: a line, and how to see more. */
function describeUnexpected(error: unknown): string {
  if (process.env.RINGWALL_DEBUG === "1") {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const line = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
  return `${line}\nThis is not an answer that Ringwall foresaw. RINGWALL_DEBUG=1 shows where it comes from.`;
}

watchReader();
try {
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  if (error instanceof ReaderGone) process.exit(ExitCode.done);
  process.exitCode = error instanceof CliError ? error.exitCode : ExitCode.refused;
  const message = error instanceof CliError ? error.message : describeUnexpected(error);
  process.stderr.write(`ringwall: ${escapeLines(message)}\n`);
}
