/** A rule as one writes it: the line of a rules file, and a few words. */
import { formatPrefix } from "../model/cidr.ts";
import type { Remote, Rule } from "../model/model.ts";
import { formatPortRange } from "../model/ports.ts";
import { formatTime } from "../model/time.ts";

export function formatRemote(remote: Remote): string {
  switch (remote.kind) {
    case "prefix":
      return formatPrefix(remote.prefix);
    case "group":
      return remote.group;
    case "prefix-list":
      return remote.list;
    default:
      return remote satisfies never;
  }
}

/** Keys and values in the order of the files. */
export type RuleFieldText = readonly (readonly [string, string])[];

/** What a rules file says of a rule; what is the default there is left out. */
export function listRuleFields(rule: Rule): RuleFieldText {
  const fields: (readonly [string, string])[] = [];
  const add = (key: string, value: string | number | null): void => {
    if (value !== null) fields.push([key, String(value)]);
  };
  add("id", rule.id);
  add("direction", rule.direction);
  add("policy", rule.policy);
  add("protocol", rule.protocol);
  add("portRange", formatPortRange(rule.ports));
  add("sourcePortRange", rule.sourcePorts === null ? null : formatPortRange(rule.sourcePorts));
  add("icmpType", rule.icmpType);
  add("icmpCode", rule.icmpCode);
  add("remote", formatRemote(rule.remote));
  add("local", rule.local === null ? null : formatPrefix(rule.local));
  add("priority", rule.priority === 1 || rule.template ? null : rule.priority);
  add("nicType", rule.nicType === "intranet" ? null : rule.nicType);
  add("expires", rule.expires === null ? null : formatTime(rule.expires));
  add("description", rule.description === "" ? null : rule.description);
  add("template", rule.template ? "true" : null);
  return fields;
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
