/** What yargs finds wrong with a command line, said with the words of the command line at hand. */
import { nearestWord } from "../model/nearest.ts";

/** A finding of yargs, before a user is told of it. */
export class UsageFault extends Error {}

/** A command as far as its command lines go. */
export interface Usage {
  /** Name and positionals, as yargs writes them. */
  readonly usage: string;
  /** The same of what a family holds; empty for any other command. */
  members(): Promise<readonly string[]>;
}

/** The word that a usage begins with. */
export function nameOf(usage: string): string {
  return usage.split(" ", 1)[0] ?? usage;
}

/** What to tell of a finding: what is wrong, what to write, and which help has more. */
export async function explainUsage(
  message: string,
  argv: readonly string[],
  commands: readonly Usage[],
): Promise<string> {
  const names = commands.map(({ usage }) => nameOf(usage));
  const at = argv.findIndex((word) => names.includes(word));
  const command = commands[names.indexOf(argv[at] ?? "")];
  if (command === undefined) return explainUnknown(message, argv);
  const name = nameOf(command.usage);
  const members = await command.members();
  const word = argv.slice(at + 1).find((one) => !one.startsWith("-"));
  const member = members.find((usage) => argv.slice(at + 1).includes(nameOf(usage)));
  if (members.length > 0 && member === undefined && word !== undefined)
    return `${explainNoMember(name, word, members.map(nameOf))}\n\`ringwall ${name} --help\` lists them.`;
  const meant = member === undefined ? command.usage : `${name} ${member}`;
  const help = member === undefined ? name : `${name} ${nameOf(member)}`;
  return `${reword(message, meant)}\n\`ringwall ${help} --help\` shows examples.`;
}

function explainUnknown(message: string, argv: readonly string[]): string {
  const word = argv[0];
  const named = word === undefined || word.startsWith("-") || message.startsWith("Unknown command");
  const found = named
    ? reword(message, "")
    : `No command \`${word}\`. ${message.replace(/^Unknown argument.*$/, "")}`;
  return `${found.trim()}\n\`ringwall --help\` lists the commands.`;
}

function explainNoMember(name: string, word: string, members: readonly string[]): string {
  const near = nearestWord(word, members);
  const right = near === null ? `one of ${members.join(", ")}` : `\`ringwall ${name} ${near}\``;
  return `There is no \`${name} ${word}\`: write ${right}.`;
}

/** yargs' own sentences as ours; what is not known here stays as it is. `usage`: of the command that was meant. */
function reword(message: string, usage: string): string {
  const [first = "", ...rest] = message.split("\n").map((line) => line.trim());
  if (first.startsWith("Not enough non-option arguments")) return `Write \`ringwall ${usage}\`.`;
  const valueless = /^Not enough arguments following: (.*)$/.exec(first)?.[1];
  if (valueless !== undefined) return `--${valueless} stands without its value: write one behind it.`;
  const missing = /^Missing required arguments?: (.*)$/.exec(first)?.[1];
  if (missing !== undefined) return `Write ${listOptions(missing.split(", "))}, too.`;
  const [, one, other] = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(first) ?? [];
  if (one !== undefined) return `--${one} and --${other} are mutually exclusive: write one of them.`;
  if (first === "Implications failed:")
    return rest
      .filter((line) => line !== "")
      .map(rewordImplied)
      .join("\n");
  if (first === "Invalid values:")
    return rest
      .filter((line) => line !== "")
      .map(rewordInvalid)
      .join("\n");
  return message;
}

function listOptions(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(", ");
}

/** ` from -> to`: the one is good for nothing without the other. */
function rewordImplied(line: string): string {
  const [, option, other] = /^(\S+) -> (\S+)$/.exec(line) ?? [];
  return option === undefined ? line : `--${option} goes with --${other}: write both.`;
}

/** `Argument: output, Given: "xml", Choices: "table", "json", "yaml"`. */
function rewordInvalid(line: string): string {
  const [, option, given, choices] = /^Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(line) ?? [];
  return option === undefined ? line : `--${option} ${given}: write one of ${choices}.`;
}
