/** What lint says, and in which words it is asked for. */
import type { Place, Rule } from "../../model/model.ts";
import { nameRule, type RuleName } from "../evaluate.ts";
import type { PlacedRule } from "../order.ts";

export type LintSeverity = "warning" | "note";

/** Every code, with the severity that it has at most and what it means. docs/lint.md says the same at length. */
export const lintCodes = {
  "open-to-world": { severity: "warning", meaning: "A service is open to 0.0.0.0/0 or ::/0." },
  "accept-everything": { severity: "warning", meaning: "A rule accepts every protocol and port." },
  "port-range": { severity: "warning", meaning: "A range of ports is open where a port would do." },
  shadowed: { severity: "warning", meaning: "A rule can never take effect: others decide all its packets." },
  redundant: { severity: "warning", meaning: "A rule changes no verdict of any packet." },
  expired: { severity: "warning", meaning: "A rule has expired." },
  "empty-remote": { severity: "warning", meaning: "A rule names a group or a list that stands for nobody." },
  "other-family": { severity: "warning", meaning: "A rule names a list or group of the other family." },
  "never-judged": { severity: "warning", meaning: "A rule speaks of packets that no rule is asked about." },
  "no-drop-first": {
    severity: "note",
    meaning:
      "Members reach each other on whatever no rule drops: the group does not begin with dropping all.",
  },
  "one-group": { severity: "note", meaning: "One group holds everything of a network." },
  "group-per-instance": { severity: "note", meaning: "Groups stand for single instances, not for roles." },
  "many-rules": { severity: "warning", meaning: "Hundreds of rules judge one interface." },
  "unprotected-interface": {
    severity: "warning",
    meaning: "An interface may use any address in a network whose rules trust groups.",
  },
  "not-examined": {
    severity: "note",
    meaning: "The rules are too entangled to be searched for idle ones in bounded time.",
  },
} as const satisfies Readonly<Record<string, { severity: LintSeverity; meaning: string }>>;

export type LintCode = keyof typeof lintCodes;

/** What to write instead. */
export interface Better {
  readonly text: string;
  /** The line of the rules file, where there is one. */
  readonly yaml: string | null;
  readonly command: string | null;
}

export interface RelatedRule {
  readonly message: string;
  readonly place: Place | null;
  readonly rule: RuleName;
}

export interface Finding {
  readonly code: LintCode;
  readonly severity: LintSeverity;
  /** Null: no file holds it. */
  readonly place: Place | null;
  readonly network: string | null;
  readonly group: string | null;
  readonly rule: RuleName | null;
  /** Those concerned, where it is about interfaces. */
  readonly interfaces: readonly string[];
  readonly message: string;
  readonly better: Better | null;
  readonly related: readonly RelatedRule[];
}

type Details = Pick<Finding, "message" | "better"> &
  Partial<Pick<Finding, "severity" | "interfaces" | "related" | "network" | "group" | "place">>;

/** A finding that is about no single rule. */
export function makeFinding(code: LintCode, details: Details): Finding {
  return {
    code,
    severity: lintCodes[code].severity,
    place: null,
    network: null,
    group: null,
    rule: null,
    interfaces: [],
    related: [],
    ...details,
  };
}

export function makeRuleFinding(code: LintCode, placed: PlacedRule, details: Details): Finding {
  const { group, rule } = placed;
  return {
    ...makeFinding(code, { place: rule.place, network: group.network, group: group.id, ...details }),
    rule: nameRule(placed),
  };
}

export function relateRule(placed: PlacedRule, message: string): RelatedRule {
  return { message, place: placed.rule.place, rule: nameRule(placed) };
}

/** How `rule remove` and `rule modify` are told which rule is meant. */
export function ruleHandle(rule: Rule): string {
  return rule.id ?? String(rule.index);
}

export function removeRule({ group, rule }: PlacedRule, text: string): Better {
  return { text, yaml: null, command: `ringwall rule remove ${group.id} ${ruleHandle(rule)}` };
}

/** What to do about another rule. */
export function keepRule(text: string): Better {
  return { text, yaml: null, command: null };
}
