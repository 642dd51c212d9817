/** A rule as one writes it: the line of a rules file, and a few words. */
import { writeRule } from "../model/entry.ts";
import type { Rule } from "../model/model.ts";

/** Keys and values in the order of the files. */
export type RuleFieldText = readonly (readonly [string, string])[];

/** What a rules file says of a rule; what is the default there is left out. */
export function listRuleFields(rule: Rule): RuleFieldText {
  return Object.entries(writeRule(rule)).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as const],
  );
}

const plainText = /^[A-Za-z0-9_./-]+$/;

/** A flow map on one line, as a rules file has it. */
export function formatRuleLine(fields: RuleFieldText): string {
  const quoted = (key: string, value: string): string =>
    plainText.test(value) && key !== "description" ? value : JSON.stringify(value);
  return `{${fields.map(([key, value]) => `${key}: ${quoted(key, value)}`).join(", ")}}`;
}

/** `tcp 80`, `udp 1000-2000`, `icmp type 8`, `every protocol`. */
export function describeService(rule: Rule): string {
  if (rule.protocolNumber === null) return "every protocol";
  if (rule.ports !== null) {
    const { first, last } = rule.ports;
    return `${rule.protocol} ${first === last ? first : `${first}-${last}`}`;
  }
  if (rule.icmpType !== null) {
    return `${rule.protocol} type ${rule.icmpType}${rule.icmpCode === null ? "" : ` code ${rule.icmpCode}`}`;
  }
  const ported = rule.protocol === "tcp" || rule.protocol === "udp";
  return ported ? `${rule.protocol}, every port` : String(rule.protocol);
}
