/** A rule's fields on the command line, by the names that they have in the files. */
import type { Argv } from "yargs";
import { formatPrefix, parsePrefix } from "../model/cidr.ts";
import type { Parsed } from "../model/diagnostic.ts";
import type { RuleEntry } from "../model/entry.ts";
import { formatPortRange, parsePortRange } from "../model/ports.ts";
import { parseProtocol } from "../model/protocol.ts";
import { checkId, isGroupId, isPrefixListId } from "../model/text.ts";
import { parseTime } from "../model/time.ts";
import { usageError } from "./exit.ts";
import { parseBounded } from "./options.ts";

const text = (describe: string) => ({ type: "string", requiresArg: true, describe }) as const;

/** Options for what a rule says. */
export function withRuleFields<T>(parser: Argv<T>) {
  return parser
    .option("direction", {
      ...text("ingress (to the guest) or egress (from it)"),
      choices: ["ingress", "egress"] as const,
    })
    .option("policy", {
      ...text("accept or drop [of a new rule: accept]"),
      choices: ["accept", "drop"] as const,
    })
    .option("protocol", text("all, tcp, udp, icmp, icmpv6, gre or a number"))
    .option("port-range", { ...text("Destination ports, first/last; -1/-1 for every port"), alias: "port" })
    .option("source-port-range", { ...text("Source ports, first/last"), alias: "source-port" })
    .option("icmp-type", text("ICMP type, 0 to 255"))
    .option("icmp-code", text("ICMP code, 0 to 255"))
    .option("from", text("The sender of ingress: a prefix, group or prefix list"))
    .option("to", text("The receiver of egress: a prefix, group or prefix list"))
    .option("remote", text("The same for either direction"))
    .option("local", text("A prefix of the protected side"))
    .option("priority", text("1 (first) to 100; 1 in an advanced group"))
    .option("nic-type", { ...text("In a classic network"), choices: ["intranet", "internet"] as const })
    .option("description", { type: "string", requiresArg: true, describe: "Free text" })
    .option("expires", text("A time (RFC 3339) from which it no longer matches"));
}

/** What yargs makes of them. */
export interface RuleFieldOptions {
  readonly direction: "ingress" | "egress" | undefined;
  readonly policy: "accept" | "drop" | undefined;
  readonly protocol: string | undefined;
  readonly portRange: string | undefined;
  readonly sourcePortRange: string | undefined;
  readonly icmpType: string | undefined;
  readonly icmpCode: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly remote: string | undefined;
  readonly local: string | undefined;
  readonly priority: string | undefined;
  readonly nicType: "intranet" | "internet" | undefined;
  readonly description: string | undefined;
  readonly expires: string | undefined;
}

export type RuleChanges = Partial<RuleEntry>;

export interface ReadFields {
  readonly fields: RuleChanges;
  /** Prefixes that are not taken as they were written. */
  readonly notes: readonly string[];
}

/** The fields that are given, each as a file writes it. @throws CliError 64 naming the option and the right form */
export function readRuleFields(options: RuleFieldOptions): ReadFields {
  const { policy, nicType, description } = options;
  const { direction, remote } = readEnds(options);
  const fields = {
    direction,
    policy,
    protocol: readOption("protocol", options.protocol, (word) => {
      const parsed = parseProtocol(/^[0-9]+$/.test(word) ? Number(word) : word);
      return parsed.ok ? { ok: true, value: parsed.value.protocol } : parsed;
    }),
    portRange: readPorts("port-range", options.portRange),
    sourcePortRange: readPorts("source-port-range", options.sourcePortRange),
    icmpType: parseBounded("icmp-type", options.icmpType, 255),
    icmpCode: parseBounded("icmp-code", options.icmpCode, 255),
    priority: parseBounded("priority", options.priority, 110, 1),
    remote: remote === undefined ? undefined : readRemote(remote.option, remote.text),
    local: options.local === undefined ? undefined : readPrefix("local", options.local),
    nicType,
    description,
    expires: readOption("expires", options.expires, (word) => {
      const parsed = parseTime(word);
      return parsed.ok ? { ok: true, value: word } : parsed;
    }),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { fields: Object.fromEntries(given), notes: [remote?.text, options.local].flatMap(noteCleared) };
}

function readOption<T>(
  option: string,
  word: string | undefined,
  parse: (word: string) => Parsed<T>,
): T | undefined {
  if (word === undefined) return undefined;
  const parsed = parse(word);
  if (!parsed.ok) throw usageError(`--${option}: ${parsed.problem.message}.`);
  return parsed.value;
}

function readPorts(option: string, word: string | undefined): string | undefined {
  const range = readOption(option, word, parsePortRange);
  return range === undefined ? undefined : formatPortRange(range);
}

function noteCleared(word: string | undefined): string[] {
  const parsed = word === undefined ? null : parsePrefix(word);
  if (parsed === null || !parsed.ok || !parsed.value.cleared) return [];
  return [`${word} is taken as ${formatPrefix(parsed.value.prefix)}: it had bits behind its length`];
}

/** Host bits are cleared, as the model does. */
function readPrefix(option: string, word: string): string {
  const parsed = readOption(option, word, parsePrefix);
  return parsed === undefined ? word : formatPrefix(parsed.prefix);
}

function readRemote(option: string, word: string): string {
  // Whether there is such a group or list is for the model to say.
  return isGroupId(word) || isPrefixListId(word) ? word : readPrefix(option, word);
}

interface GivenRemote {
  readonly option: "from" | "to" | "remote";
  readonly text: string;
}

/** `--from` is an ingress rule's remote, `--to` an egress rule's: they say the direction too. */
function readEnds(options: RuleFieldOptions): { direction?: "ingress" | "egress"; remote?: GivenRemote } {
  const given = (["from", "to", "remote"] as const).flatMap((option): GivenRemote[] => {
    const word = options[option];
    return word === undefined ? [] : [{ option, text: word }];
  });
  const [remote, second] = given;
  if (second !== undefined)
    throw usageError(`--${remote?.option} and --${second.option}: a rule has one remote, write one of them.`);
  const implied = remote?.option === "from" ? "ingress" : remote?.option === "to" ? "egress" : undefined;
  const direction = options.direction ?? implied;
  if (implied !== undefined && direction !== implied)
    throw usageError(
      `--${remote?.option} with --direction ${direction}: write --remote, or leave --direction out.`,
    );
  return { ...(direction === undefined ? {} : { direction }), ...(remote === undefined ? {} : { remote }) };
}

/** A whole rule of what is given. @throws CliError 64 naming what is missing */
export function completeRule(fields: RuleChanges): RuleEntry {
  const { direction, remote, policy = "accept", portRange } = fields;
  const protocol = fields.protocol ?? (portRange === undefined ? undefined : "tcp");
  if (remote === undefined)
    throw usageError(
      "Whom is the rule about? Write --from (ingress) or --to (egress): a prefix, group or prefix list.",
    );
  if (direction === undefined)
    throw usageError(
      "Which direction? Write --direction ingress or egress, or --from or --to instead of --remote.",
    );
  if (protocol === undefined)
    throw usageError("Which protocol? Write --protocol all, tcp, udp, icmp, icmpv6, gre or a number.");
  const ports =
    protocol === "tcp" || protocol === "udp"
      ? { portRange: portRange ?? missingPorts(protocol) }
      : portRange === undefined
        ? {}
        : { portRange };
  return orderFields({ ...fields, direction, policy, protocol, remote, ...ports });
}

function missingPorts(protocol: string): never {
  throw usageError(`Which ports? Write --port 80/80, or --port=-1/-1 for every port of ${protocol}.`);
}

const order = [
  "id",
  "direction",
  "policy",
  "protocol",
  "portRange",
  "sourcePortRange",
  "icmpType",
  "icmpCode",
  "priority",
  "remote",
  "local",
  "nicType",
  "description",
  "expires",
  "template",
];

/** In the order of the manual. */
function orderFields(rule: RuleEntry): RuleEntry {
  const sorted = Object.entries(rule).toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return Object.fromEntries(sorted) as RuleEntry;
}

/** @throws CliError 64 where it is no id of a rule */
export function readRuleId(id: string): string {
  const checked = checkId("rule", id);
  if (!checked.ok) throw usageError(`--id: ${checked.problem.message}.`);
  return id;
}
