import type { Argv } from "yargs";
import { defaultWindow, longestConfirmation, longestWindow } from "../agent/bounds.ts";
import type { Promotion } from "../agent/protocol.ts";
import { usageError } from "./exit.ts";

/**
 * Of a positional that takes several words: help would otherwise name an empty list as its default. Where there are none
 * yargs makes a list of that default.
 */
export const several = {
  type: "string",
  array: true,
  default: undefined,
  coerce: (words: readonly (string | undefined)[]) => words.filter((word) => word !== undefined),
} as const;

export interface AgentOptions {
  readonly socket: string | undefined;
}

/** For commands that ask the agent. */
export function withSocket<T>(parser: Argv<T>): Argv<T & AgentOptions> {
  return parser.option("socket", {
    type: "string",
    requiresArg: true,
    describe: "The agent's socket [default: $RINGWALL_SOCKET or /run/ringwall/ringwall.sock]",
  });
}

export interface RulesOptions {
  readonly rules: string | undefined;
  readonly host: string | undefined;
}

/** For commands that work without an agent, too. */
export function withRules<T>(parser: Argv<T>): Argv<T & RulesOptions> {
  return parser
    .option("rules", {
      type: "string",
      requiresArg: true,
      describe: "Rules of this file or directory instead of the agent's; needs no agent",
    })
    .option("host", {
      type: "string",
      requiresArg: true,
      describe: "With --rules: the host whose interfaces are judged [default: this host's name]",
    })
    .check(({ rules, host, paths }) => {
      if (host === undefined || rules !== undefined || (Array.isArray(paths) && paths.length > 0))
        return true;
      throw usageError("--host goes with --rules: an agent judges its own host's interfaces.");
    }, false);
}

/** A number on the command line within its bounds; the message names the option. */
export function parseBounded(
  option: string,
  text: string | undefined,
  last: number,
  first = 0,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= first && value <= last))
    throw usageError(`--${option} ${text}: write a number from ${first} to ${last}.`);
  return value;
}

export interface ConfirmOptions {
  readonly confirm: string | undefined;
}

/** For commands whose change may go back by itself. */
export function withConfirm<T>(parser: Argv<T>): Argv<T & ConfirmOptions> {
  return parser.option("confirm", {
    type: "string",
    requiresArg: true,
    describe: "Go back by itself after this span (`60s`, `5m`) unless `ringwall confirm` is run",
  });
}

/** What of a request says when the change goes back; nothing where it stays. */
export function readConfirm({ confirm }: ConfirmOptions): { readonly confirmSeconds?: number } {
  if (confirm === undefined) return {};
  const confirmSeconds = parseSpan("confirm", confirm);
  if (confirmSeconds >= 1 && confirmSeconds <= longestConfirmation) return { confirmSeconds };
  throw usageError(`--confirm ${confirm}: write a span from 1s to ${longestConfirmation / 3600}h.`);
}

export interface PromotionOptions {
  readonly window: string | undefined;
  readonly evenSo: boolean | undefined;
}

/** For commands that may take groups from observe to enforce. */
export function withPromotion<T>(parser: Argv<T>) {
  return parser
    .option("window", {
      type: "string",
      requiresArg: true,
      describe: `From observe to enforce: look back so far for what would be dropped [default: ${defaultWindow / 3600}h]`,
    })
    .option("even-so", {
      type: "boolean",
      describe: "From observe to enforce, although something would be dropped",
    });
}

/** What is said of a promotion, for the agent. @throws CliError for a span that is none */
export function readPromotion({ window, evenSo }: PromotionOptions): Promotion {
  return {
    ...(window === undefined ? {} : { windowSeconds: parseWindow(window) }),
    ...(evenSo === undefined ? {} : { evenSo }),
  };
}

/** How far to look back, in seconds. */
export function parseWindow(text: string): number {
  const seconds = parseSpan("window", text);
  if (seconds >= 1 && seconds <= longestWindow) return seconds;
  throw usageError(`--window ${text}: write a span from 1s to ${longestWindow / 3600}h.`);
}

/** A span such as `60s`, `5m`, `1h`, in seconds. */
export function parseSpan(option: string, text: string): number {
  const match = /^(\d{1,7})(s|m|h)?$/.exec(text);
  const unit = { s: 1, m: 60, h: 3600 }[match?.[2] ?? "s"] ?? 1;
  if (match === null) throw usageError(`--${option} ${text}: write a span, \`60s\` or \`5m\`.`);
  return Number(match[1]) * unit;
}
