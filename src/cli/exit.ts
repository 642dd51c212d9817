/** How the program ends. The numbers are a promise to scripts (docs/troubleshooting.md lists them). */
export const ExitCode = {
  done: 0,
  /** Refused, invalid, or an expectation that is not met. */
  refused: 1,
  /** Only `plan --detailed-exitcode`: there are changes. */
  changes: 2,
  noAgent: 3,
  kernelRefused: 4,
  usage: 64,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An end that a user can act on: printed as it is, without a stack trace. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  /** `message` may have several lines; it says what was wrong, where, and what to write instead. */
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** A command line that cannot be meant. */
export function usageError(message: string): CliError {
  return new CliError(ExitCode.usage, message);
}

/** A refusal: the rules, the file or the question is wrong. */
export function refusal(message: string): CliError {
  return new CliError(ExitCode.refused, message);
}
