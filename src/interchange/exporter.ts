/** What every export does alike: a rule that the target cannot say is named, and a lost drop refuses all. */
import type { Family, Group, PrefixList, Rule } from "../model/model.ts";
import { describeRule } from "../model/rule.ts";
import { quote } from "../model/text.ts";
import { type Effect, type Finding, type FindingCode, Findings, Unsayable } from "./finding.ts";

export interface Exported {
  readonly text: string;
  readonly findings: readonly Finding[];
}

export class Exporter {
  readonly #findings = new Findings();
  readonly #prefixLists: ReadonlyMap<string, PrefixList>;

  constructor(prefixLists: ReadonlyMap<string, PrefixList>) {
    this.#prefixLists = prefixLists;
  }

  get findings(): readonly Finding[] {
    return this.#findings.list;
  }

  say(effect: Effect, code: FindingCode, group: Group, message: string, write: string | null = null): void {
    this.#findings.add({ code, effect, place: "", group: group.id, message, write });
  }

  /** What `make` gives for a rule, or nothing and a finding where it throws Unsayable. */
  rule<T>(group: Group, rule: Rule, make: () => readonly T[]): readonly T[] {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof Unsayable)) throw error;
      const effect = rule.policy === "accept" ? "left-out" : "refused";
      const place = rule.place === null ? `rules[${rule.index}]` : `${rule.place.file}:${rule.place.line}`;
      const message = `${quote(describeRule(rule))}: ${error.message}`;
      this.#findings.add({ code: error.code, effect, place, group: group.id, message, write: error.write });
      return [];
    }
  }

  /** Entries of a list; none for an unknown one, which no legal model has. */
  list(id: string): { readonly family: Family; readonly entries: PrefixList["entries"] } {
    return this.#prefixLists.get(id) ?? { family: 4, entries: [] };
  }
}

/** @throws Unsayable for what no cloud's rule has */
export function checkCommon(rule: Rule, target: string): void {
  if (rule.expires !== null) throw new Unsayable("rule-kind", `${target} has no rules that expire`);
}

/** `ACCOUNT/sg-x` in its two parts. */
export function splitGroupId(id: string): { readonly account: string | null; readonly group: string } {
  const slash = id.indexOf("/");
  return slash < 0
    ? { account: null, group: id }
    : { account: id.slice(0, slash), group: id.slice(slash + 1) };
}

/** Settings that no cloud's group has; the exported one enforces, so nothing is wider. */
export function nameCommonSettings(exporter: Exporter, group: Group, target: string): void {
  if (group.mode === "observe")
    exporter.say(
      "note",
      "group-setting",
      group,
      `${target} has no groups that only observe: it would enforce`,
    );
  if (group.isDefault)
    exporter.say(
      "note",
      "group-setting",
      group,
      `${target} is not told that this is the network's default group`,
    );
}
