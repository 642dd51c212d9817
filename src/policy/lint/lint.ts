/** Advice on a rule set: docs/lint.md tells each of them. Pure: the same model and time give the same findings. */
import type { Group, Model, Prefix, Rule } from "../../model/model.ts";
import { formatTime } from "../../model/time.ts";
import type { PlacedRule } from "../order.ts";
import { adviseGroups } from "./advise-groups.ts";
import { adviseIdle } from "./advise-idle.ts";
import { adviseRule } from "./advise-rule.ts";
import { type Finding, makeFinding, makeRuleFinding, removeRule } from "./finding.ts";
import { findIdleRules } from "./idle-rules.ts";

export interface LintResult {
  /** By file, line and code; what has no place comes last. */
  readonly findings: readonly Finding[];
  /** False: idle rules were not searched to the end. */
  readonly complete: boolean;
}

/** A default group that had to be made: its rules are nobody's to mend. */
function isMade(group: Group): boolean {
  return group.isDefault && group.place === null;
}

function prefixesOf(model: Model, { remote }: Rule): readonly Prefix[] {
  switch (remote.kind) {
    case "prefix":
      return [remote.prefix];
    case "prefix-list":
      return model.prefixLists.get(remote.list)?.entries.map(({ prefix }) => prefix) ?? [];
    case "group":
      return [];
    default:
      return remote satisfies never;
  }
}

function adviseExpired(placed: PlacedRule, expires: number): Finding {
  return makeRuleFinding("expired", placed, {
    message: `expired at ${formatTime(Math.floor(expires))}: it matches nothing any more`,
    better: removeRule(placed, "take it out, or give it a later time"),
  });
}

function compareFindings(a: Finding, b: Finding): number {
  if (a.place === null || b.place === null) return Number(a.place === null) - Number(b.place === null);
  if (a.place.file !== b.place.file) return a.place.file < b.place.file ? -1 : 1;
  return a.place.line - b.place.line || (a.code < b.code ? -1 : 1);
}

const unexamined: Finding = makeFinding("not-examined", {
  message: "the rules are too many and too entangled to be searched for idle ones to the end",
  better: { text: "lint the groups in smaller rule sets", yaml: null, command: null },
});

/** @param now seconds of UTC: rules expire */
export function lint(model: Model, { now }: { readonly now: number }): LintResult {
  const { sides, idle, complete } = findIdleRules(model, { now });
  const isIdle = new Set<Rule>(idle.filter(({ kind }) => kind === "shadowed").map(({ rule }) => rule));
  const placed = [...model.groups.values()].flatMap((group) => group.rules.map((rule) => ({ group, rule })));
  const ofRules = placed.flatMap((one) => {
    const { expires } = one.rule;
    if (expires !== null && expires <= now) return [adviseExpired(one, expires)];
    // What a default group that had to be made lets out is the default of every basic group.
    if (isIdle.has(one.rule) || (isMade(one.group) && one.rule.direction === "egress")) return [];
    return adviseRule(one, prefixesOf(model, one.rule));
  });
  const ofIdle = idle.filter(({ group }) => !isMade(group)).map((one) => adviseIdle(model, one));
  const findings = [
    ...ofRules,
    ...ofIdle,
    ...adviseGroups(model, sides, now),
    ...(complete ? [] : [unexamined]),
  ];
  return { findings: findings.sort(compareFindings), complete };
}
