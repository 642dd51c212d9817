/** Rules as commands show them, and how a command line says which one is meant. */
import { createHash } from "node:crypto";
import { type RuleEntry, writeRemote, writeRule } from "../model/entry.ts";
import type { Group, Place, Rule } from "../model/model.ts";
import { formatPortRange } from "../model/ports.ts";
import { describeRule } from "../model/rule.ts";
import { formatTime } from "../model/time.ts";
import { refusal } from "./exit.ts";
import { at } from "./find.ts";
import { formatCount } from "./render/format.ts";
import { type Column, renderTable } from "./render/table.ts";
import { contentOf, plainValue } from "./rule-content.ts";
import type { RuleChanges } from "./rule-fields.ts";

/** Every field of a rule, by its name in the files, and where it stands. */
export function recordRule(rule: Rule) {
  return {
    /** Place in its group, from 0: a rule without an id is named by it. */
    index: rule.index,
    id: rule.id,
    direction: rule.direction,
    policy: rule.policy,
    protocol: rule.protocol,
    portRange: formatPortRange(rule.ports),
    sourcePortRange: formatPortRange(rule.sourcePorts),
    icmpType: rule.icmpType,
    icmpCode: rule.icmpCode,
    priority: rule.priority,
    remote: writeRemote(rule.remote),
    local: writeRule(rule).local ?? null,
    nicType: rule.nicType,
    description: rule.description,
    expires: rule.expires === null ? null : formatTime(rule.expires),
    template: rule.template,
    ...recordPlace(rule.place),
  };
}
export type RuleRecord = ReturnType<typeof recordRule>;

export function recordPlace(place: Place | null): { file: string | null; line: number | null } {
  return { file: place?.file ?? null, line: place?.line ?? null };
}

const columns: readonly Column<RuleRecord>[] = [
  { title: "#", value: ({ index }) => String(index), align: "right" },
  { title: "id", value: ({ id }) => id ?? "-" },
  { title: "direction", value: ({ direction }) => direction },
  { title: "priority", value: ({ priority }) => String(priority), align: "right" },
  { title: "policy", value: ({ policy }) => policy },
  { title: "protocol", value: describeService },
  { title: "remote", value: ({ remote }) => remote },
  { title: "also", value: describeRest },
  { title: "at", value: ({ file, line }) => (file === null ? "-" : `${file}:${line}`) },
];

function describeService({ protocol, portRange, icmpType, icmpCode }: RuleRecord): string {
  const ports = portRange === "-1/-1" ? "" : ` ${portRange}`;
  const type = icmpType === null ? "" : ` type ${icmpType}`;
  return `${protocol}${ports}${type}${icmpCode === null ? "" : ` code ${icmpCode}`}`;
}

/** What few rules have. */
function describeRest(rule: RuleRecord): string {
  const { sourcePortRange, local, nicType, expires, template, description } = rule;
  return [
    sourcePortRange === "-1/-1" ? "" : `source port ${sourcePortRange}`,
    local === null ? "" : `local ${local}`,
    nicType === "internet" ? "internet" : "",
    expires === null ? "" : `until ${expires}`,
    template ? "template" : "",
    description,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

export function renderRules(rules: readonly RuleRecord[]): string {
  const used = columns.filter(
    ({ title, value }) => title !== "also" || rules.some((rule) => value(rule) !== ""),
  );
  return rules.length === 0 ? "No rules." : renderTable(rules, used);
}

/** What makes two rules one, whatever is told of them. */
const apart = ["description"];

/** The rule of a group that says what `entry` says; undefined: there is none. */
export function findEqual(group: Group, entry: RuleEntry): Rule | undefined {
  const content = contentOf(entry, apart);
  return group.rules.find((rule) => contentOf(writeRule(rule), apart) === content);
}

/** An id that no rule of the group has. The same rule gets the same one, so a dry run tells what it will be. */
export function makeRuleId(group: Group, entry: RuleEntry): string {
  const taken = new Set(group.rules.map(({ id }) => id));
  for (let attempt = 0; ; attempt += 1) {
    const digest = createHash("sha256")
      .update(`${group.id} ${attempt} ${contentOf(entry, apart)}`)
      .digest("hex");
    const id = `r-${digest.slice(0, 6)}`;
    if (!taken.has(id)) return id;
  }
}

/**
 * The rule that a word means: its id, or its number in `rule list`.
 * @throws CliError listing the rules
 */
export function requireRule(group: Group, word: string): Rule {
  const number = /^#?([0-9]{1,6})$/.exec(word)?.[1];
  const byId = group.rules.find(({ id }) => id === word);
  const found = byId ?? (number === undefined ? undefined : group.rules[Number(number)]);
  if (found !== undefined) return found;
  throw refusal(`${group.id} has no rule ${word}. ${describeChoices(group.rules)}`);
}

/** Rules that say all of what is given. */
export function selectRules(group: Group, fields: RuleChanges): readonly Rule[] {
  return group.rules.filter((rule) => {
    const record: Readonly<Record<string, unknown>> = recordRule(rule);
    return Object.entries(fields).every(([key, value]) => record[key] === plainValue(key, value));
  });
}

/** The rules to choose from, a line each. */
export function describeChoices(rules: readonly Rule[]): string {
  if (rules.length === 0) return "It has no rules.";
  const lines = rules
    .slice(0, 20)
    .map((rule) => `  #${rule.index} ${rule.id ?? "-"}: ${describeRule(rule)}${at(rule.place)}`);
  const more =
    rules.length > 20 ? [`  … ${formatCount(rules.length - 20)} more: \`ringwall rule list\` shows all`] : [];
  return `Its rules, by number and id:\n${[...lines, ...more].join("\n")}`;
}
