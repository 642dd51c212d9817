import { type Logger, pino } from "pino";
import { cleanText } from "../model/printable.ts";

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** auto: text on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "text" | "json";
}

/** What a log is written to; process.stdout is one. */
export interface LogTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Makes the agent's log. Nothing that was read from rules, packets or devices gets a control character into
 * it: JSON lines carry them as \u escapes, text lines as well.
 */
export function createLog(options: LogOptions, target: LogTarget): Log {
  const asText = options.format === "text" || (options.format === "auto" && target.isTTY === true);
  const settings = {
    level: options.level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const write = asText
    ? (line: string) => target.write(`${cleanText(renderLine(line))}\n`)
    : // JSON.stringify escapes C0; what is left stands inside strings, where an escape says the same.
      (line: string) => target.write(`${cleanText(line.trimEnd())}\n`);
  return pino(settings, { write });
}

/** One JSON line of pino as a line for people: time, level, message, and what belongs to it. */
function renderLine(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = new Date(Number(time)).toISOString().slice(11, 19);
  const details = Object.entries(rest).map(([name, value]) => {
    return `${name}=${typeof value === "string" ? quoteIfNeeded(value) : JSON.stringify(value)}`;
  });
  const message = err === undefined ? [] : [readMessage(err)];
  return [clock, String(level).padEnd(5), String(msg ?? ""), ...details, ...message].join(" ");
}

function quoteIfNeeded(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}

function readMessage(error: unknown): string {
  return typeof error === "object" && error !== null && "message" in error
    ? String(error.message)
    : String(error);
}
