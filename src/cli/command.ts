import type { ArgumentsCamelCase, Argv } from "yargs";
import type { ExitCode } from "./exit.ts";

/** Options that every command has (declared in program.ts). */
export interface CommonOptions {
  readonly output: string | undefined;
  readonly json: boolean | undefined;
}

/** A command as program.ts sees it: its own options' types stay inside. */
export interface Command {
  build(parser: Argv<CommonOptions>): Argv<unknown>;
  run(args: unknown): Promise<ExitCode>;
}

/**
 * Joins a command's options and what it does. `run` gets the types that `build` declares, so an option cannot
 * be read under a name that it does not have.
 */
export function defineCommand<T>(
  build: (parser: Argv<CommonOptions>) => Argv<T>,
  run: (args: ArgumentsCamelCase<T>) => Promise<ExitCode>,
): Command {
  return {
    build,
    // yargs gives to the handler what the builder of the same command declared.
    run: (args) => run(args as ArgumentsCamelCase<T>),
  };
}
