import yargs, { type Argv } from "yargs";
import type { Command, CommonOptions } from "./command.ts";
import { ExitCode, usageError } from "./exit.ts";
import { readVersion } from "./install.ts";
import { explainUsage, UsageFault } from "./usage.ts";

interface Entry {
  /** Name and positionals, as yargs writes them. */
  readonly usage: string;
  readonly describe: string;
  /** A command's module, and what it imports, is read only when the command is meant. */
  readonly load: () => Promise<{ command: Command }>;
}

const entries: readonly Entry[] = [
  { usage: "agent", describe: "Run the agent", load: () => import("./commands/agent.ts") },
  {
    usage: "validate [paths..]",
    describe: "Say everything that is wrong with a rule set",
    load: () => import("./commands/validate.ts"),
  },
  {
    usage: "apply <paths..>",
    describe: "Make files the rules in force, and the agent's store",
    load: () => import("./commands/apply.ts"),
  },
  {
    usage: "plan <paths..>",
    describe: "Say what an apply would change, and which live sessions it would end",
    load: () => import("./commands/plan.ts"),
  },
  {
    usage: "history [action] [revision]",
    describe: "List the revisions that were in force, or show what one changed",
    load: () => import("./commands/history.ts"),
  },
  {
    usage: "rollback <revision>",
    describe: "Make the files of an earlier revision the rules again",
    load: () => import("./commands/rollback.ts"),
  },
  {
    usage: "confirm",
    describe: "Keep the change that `apply --confirm` made, or undo it",
    load: () => import("./commands/confirm.ts"),
  },
  {
    usage: "status",
    describe: "Show interfaces, attachment, tables, and what is wrong",
    load: () => import("./commands/status.ts"),
  },
  {
    usage: "explain",
    describe: "Give the verdict for one packet, and why",
    load: () => import("./commands/explain.ts"),
  },
  {
    usage: "check <file>",
    describe: "Hold the rules against a file of expectations",
    load: () => import("./commands/check.ts"),
  },
  {
    usage: "lint [paths..]",
    describe: "Say what good practice is against, and what to write instead",
    load: () => import("./commands/lint.ts"),
  },
  {
    usage: "reachability",
    describe: "Show which group reaches which, on what",
    load: () => import("./commands/reachability.ts"),
  },
  {
    usage: "replay <file>",
    describe: "Send a capture through the kernel programs",
    load: () => import("./commands/replay.ts"),
  },
  {
    usage: "sessions",
    describe: "List sessions, or end some of them",
    load: () => import("./commands/sessions.ts"),
  },
  {
    usage: "import <files..>",
    describe: "Bring rules along: Alibaba Cloud, AWS, OpenStack, Proxmox VE",
    load: () => import("./commands/import.ts"),
  },
  {
    usage: "export <groups..>",
    describe: "Write groups as files, or in a cloud's shape",
    load: () => import("./commands/export.ts"),
  },
  {
    usage: "group",
    describe: "Work on groups: create, show, clone, switch …",
    load: () => import("./commands/group.ts"),
  },
  {
    usage: "rule",
    describe: "Add, remove, modify and list a group's rules",
    load: () => import("./commands/rule.ts"),
  },
  {
    usage: "instance",
    describe: "Add, remove and show instances",
    load: () => import("./commands/instance.ts"),
  },
  {
    usage: "interface",
    describe: "Add, remove and show interfaces; release a device",
    load: () => import("./commands/interface.ts"),
  },
  {
    usage: "join <interface> <groups..>",
    describe: "Put an interface into groups",
    load: () => import("./commands/join.ts"),
  },
  {
    usage: "leave <interface> <groups..>",
    describe: "Take an interface out of groups",
    load: () => import("./commands/leave.ts"),
  },
  {
    usage: "prefix-list",
    describe: "Work on prefix lists and their entries",
    load: () => import("./commands/prefix-list.ts"),
  },
  {
    usage: "observed [group]",
    describe: "Report what passed because groups observe, and would have been dropped",
    load: () => import("./commands/observed.ts"),
  },
  { usage: "monitor", describe: "Follow drops as they happen", load: () => import("./commands/monitor.ts") },
  {
    usage: "doctor",
    describe: "Say what this host lacks, and how to mend it",
    load: () => import("./commands/doctor.ts"),
  },
  {
    usage: "detach",
    describe: "Take Ringwall off this host: everything is open then",
    load: () => import("./commands/detach.ts"),
  },
];

/**
 * Runs one command line.
 * @param written the arguments after the program's name
 * @returns how the program ends; throws CliError for what the user can mend
 */
export async function runProgram(written: readonly string[]): Promise<ExitCode> {
  refuseDash(written);
  const argv = readWords(written);
  let code: ExitCode = ExitCode.done;
  const parser = entries.reduce(
    (program, entry) => addCommand(program, entry, (result) => (code = result)),
    createParser(argv),
  );
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!isUsageFault(error)) throw error;
    throw usageError(await explainUsage(error.message, argv, entries.map(withMembers)));
  }
  return code;
}

/** yargs does not hand all of its own errors over: one comes as it is where an option lacks its value. */
function isUsageFault(error: unknown): error is Error {
  return error instanceof UsageFault || (error instanceof Error && error.name === "YError");
}

/** `help status` and `version` are words of other programs for what options say here. */
function readWords(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === "help") return [...rest, "--help"];
  return first === "version" ? [...rest, "--version"] : argv;
}

/** yargs drops a dash that stands alone: a command would go on with its default, and say that all is well. */
function refuseDash(argv: readonly string[]): void {
  if (!argv.includes("-")) return;
  throw usageError(
    "`-` alone is no path here: write /dev/stdin for what comes through a pipe, --option=- for a value.",
  );
}

function withMembers({ usage, load }: Entry) {
  return { usage, members: async () => (await load()).command.members };
}

function createParser(argv: readonly string[]): Argv<CommonOptions> {
  return (
    yargs([...argv])
      .scriptName("ringwall")
      .usage("$0 COMMAND [options]\n\nSecurity groups for VM hosts, enforced in the kernel.")
      .locale("en")
      .parserConfiguration({ "parse-positional-numbers": false })
      .option("output", {
        alias: "o",
        choices: ["table", "json", "yaml"],
        describe: "How to print (streams: a line or a document each)",
        type: "string",
      })
      .option("json", { type: "boolean", describe: "The same as --output json" })
      .conflicts("output", "json")
      .example("$0 validate rules.d/", "Check rules at a desk, without an agent")
      .example("$0 explain --from eni-web-1 --to eni-db-1 --protocol tcp --port 5432", "Why is this dropped?")
      .example("$0 COMMAND --help", "Examples for one command")
      .strict()
      .check(refuseRepeated, true)
      .check(refuseEmpty, true)
      .recommendCommands()
      .demandCommand(1, 1, "Which command?", "One command at a time.")
      .help()
      .alias("help", "h")
      .version(readVersion())
      .wrap(Math.min(100, process.stdout.columns ?? 100))
      .exitProcess(false)
      .showHelpOnFail(false)
      // yargs hands over its own findings as a message, and what a command threw as an error.
      .fail((message: string | null, error: Error | undefined) => {
        if (error !== undefined && !isUsageFault(error)) throw error;
        throw new UsageFault(message ?? error?.message ?? "The command line is wrong.");
      })
  );
}

/** Positionals of which there may be several. */
const lists = new Set(["paths", "files", "groups", "names", "entries", "interfaces"]);

/** yargs makes a list of an option that is given twice; no option here is one. */
function refuseRepeated(args: Readonly<Record<string, unknown>>): true {
  // "_" and "o" are other names of what has a longer one.
  const repeated = Object.keys(args).find(
    (key) => key.length > 1 && !lists.has(key) && Array.isArray(args[key]),
  );
  if (repeated === undefined) return true;
  throw usageError(`--${repeated} is given twice: once is enough.`);
}

/** Free text, and what says by itself what an empty word would do. */
const mayBeEmpty = new Set(["name", "description", "end", "_"]);

/** An unset variable of a script: an interface that was to have a group, or an address, would have none. */
function refuseEmpty(args: Readonly<Record<string, unknown>>): true {
  const isEmpty = (value: unknown) => value === "" || (Array.isArray(value) && value.includes(""));
  const empty = Object.keys(args).find((key) => isEmpty(args[key]) && !mayBeEmpty.has(key));
  if (empty === undefined) return true;
  throw usageError(`An empty word stands for ${empty}: write what is meant, or leave it out.`);
}

function addCommand(
  program: Argv<CommonOptions>,
  entry: Entry,
  finish: (code: ExitCode) => void,
): Argv<CommonOptions> {
  return program.command(
    entry.usage,
    entry.describe,
    // yargs waits for a builder that is a promise, which its types do not say.
    (async (parser: Argv<CommonOptions>) => (await entry.load()).command.build(parser, finish)) as never,
    async (args) => finish(await (await entry.load()).command.run(args)),
  );
}
