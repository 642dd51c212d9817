/** Rows of an expectations file: `{from, to, protocol, port?, …, expect, because?}`. */
import type { Policy } from "../model/model.ts";
import { nearestWord } from "../model/nearest.ts";
import { QuestionError } from "./ends.ts";
import { readProtocol } from "./question.ts";

/** A number that a row names; null: every value. */
type Value = number | null;

export interface Expectation {
  readonly from: string;
  readonly to: string;
  /** As written. */
  readonly protocol: string | number;
  /** IP protocol number; null: every protocol. */
  readonly protocolNumber: Value;
  readonly port: Value;
  readonly sourcePort: Value;
  readonly icmpType: Value;
  readonly icmpCode: Value;
  readonly expect: Policy;
  readonly because: string | null;
}

const keys = ["from", "to", "protocol", "port", "sourcePort", "icmpType", "icmpCode", "expect", "because"];

function readText(row: ReadonlyMap<string, unknown>, key: string, example: string): string {
  const value = row.get(key);
  if (typeof value === "string" && value !== "") return value;
  throw new QuestionError(
    `${key} is ${value === undefined ? "missing" : "no text"}: write \`${key}: ${example}\``,
  );
}

function readValue(row: ReadonlyMap<string, unknown>, key: string, last: number, allowed: boolean): Value {
  const value = row.get(key);
  if (value === undefined) return null;
  if (!allowed) throw new QuestionError(`${key}: this protocol has none, leave it out`);
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= last) return value;
  throw new QuestionError(
    `${key} is ${JSON.stringify(value)}: write a number from 0 to ${last}, or leave it out for all`,
  );
}

function readExpect(row: ReadonlyMap<string, unknown>): Policy {
  const value = row.get("expect");
  if (value === "accept" || value === "drop") return value;
  throw new QuestionError(`expect is ${JSON.stringify(value) ?? "missing"}: write \`accept\` or \`drop\``);
}

function readRow(value: unknown): Expectation {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new QuestionError("is no row: write {from: …, to: …, protocol: …, expect: accept}");
  }
  const row = new Map<string, unknown>(Object.entries(value));
  for (const key of row.keys()) {
    if (keys.includes(key)) continue;
    throw new QuestionError(
      `${JSON.stringify(key)} is no key: write ${nearestWord(key, keys) ?? `one of ${keys.join(", ")}`}`,
    );
  }
  const protocol = row.get("protocol") ?? "all";
  if (typeof protocol !== "string" && typeof protocol !== "number") {
    throw new QuestionError(
      "protocol is no text or number: write tcp, udp, icmp, icmpv6, gre, all or a number",
    );
  }
  const protocolNumber = readProtocol(protocol);
  const hasPorts = protocolNumber === 6 || protocolNumber === 17;
  const isIcmp = protocolNumber === 1 || protocolNumber === 58;
  return {
    from: readText(row, "from", "sg-web"),
    to: readText(row, "to", "sg-db"),
    protocol,
    protocolNumber,
    port: readValue(row, "port", 65535, hasPorts),
    sourcePort: readValue(row, "sourcePort", 65535, hasPorts),
    icmpType: readValue(row, "icmpType", 255, isIcmp),
    icmpCode: readValue(row, "icmpCode", 255, isIcmp),
    expect: readExpect(row),
    because: row.get("because") === undefined ? null : readText(row, "because", "…"),
  };
}

/** Runs what concerns each row; one QuestionError has a line for every row that cannot be answered. */
export function eachRow<Row, T>(rows: readonly Row[], run: (row: Row) => T): readonly T[] {
  const wrong: string[] = [];
  const done = rows.flatMap((row, index) => {
    try {
      return [run(row)];
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error;
      wrong.push(`row ${index + 1}: ${error.message}`);
      return [];
    }
  });
  if (wrong.length > 0) throw new QuestionError(wrong.join("\n"));
  return done;
}

/**
 * Reads the rows of an expectations file, as YAML or JSON gives them.
 * Throws a QuestionError that names every wrong row and what to write instead.
 */
export function readExpectations(value: unknown): readonly Expectation[] {
  // Nothing expected is nothing held: a file that lost its rows must not pass a pipeline.
  if (!Array.isArray(value) || value.length === 0) {
    throw new QuestionError(
      "no list of rows: write one `- {from: …, to: …, protocol: …, expect: accept}` a line",
    );
  }
  return eachRow(value, readRow);
}
