import type { ArgumentsCamelCase, Argv } from "yargs";
import { type ExitCode, usageError } from "./exit.ts";

/** Options that every command has (declared in program.ts). */
export interface CommonOptions {
  readonly output: string | undefined;
  readonly json: boolean | undefined;
}

/** A command as program.ts sees it: its own options' types stay inside. */
export interface Command {
  /** `finish` is told how a subcommand ended; of a command without any, `run` says it. */
  build(parser: Argv<CommonOptions>, finish: (code: ExitCode) => void): Argv<unknown>;
  run(args: unknown): Promise<ExitCode>;
  /** Of a family: what is in it, name and positionals as yargs writes them. */
  readonly members: readonly string[];
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
    members: [],
  };
}

/** One of several things that a command does: `group create`. */
export interface Subcommand {
  /** Name and positionals, as yargs writes them. */
  readonly usage: string;
  readonly describe: string;
  readonly command: Command;
}

/** A command that is a family of others. `examples`: command lines and what they are good for. */
export function defineFamily(
  name: string,
  subcommands: readonly Subcommand[],
  examples: readonly (readonly [string, string])[],
): Command {
  return {
    members: subcommands.map(({ usage }) => usage),
    build: (parser, finish) => {
      for (const { usage, describe, command } of subcommands) {
        parser.command(
          usage,
          describe,
          ((inner: Argv<CommonOptions>) => command.build(inner, finish)) as never,
          async (args) => finish(await command.run(args)),
        );
      }
      for (const [line, what] of examples) parser.example(line, what);
      const names = subcommands.map(({ usage }) => usage.split(" ", 1)[0]).join(", ");
      return parser.demandCommand(1, `What of \`${name}\`? Write one of ${names}.`);
    },
    run: async () => {
      throw usageError(`\`ringwall ${name} --help\` lists what it does.`);
    },
  };
}
