import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { createMatcher, type Match } from "../../../src/policy/lookup.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { serviceOf } from "../../../src/policy/service.ts";
import type { PolicySource } from "../../../src/policy/types.ts";
import {
  askedId,
  questionsOf,
  type RuleSet,
  ruleSetsOf,
  type Universe,
  universeModel,
} from "../../support/universe.ts";
import { universes } from "../../support/universes.ts";
import type { WorldQuestion } from "../../support/world-questions.ts";
import { identityFinder } from "./compile-fixture.ts";

/** Rule sets that are compiled at once. */
const together = 200;

type Ask = (question: WorldQuestion) => string;

/** Who asks the compiled maps at the interface of each place. */
function createAsks(subject: Model, count: number): Ask[] {
  const resolved = resolve(subject, { host: "here" });
  const compiled = compileAll(resolved);
  const identify = identityFinder(resolved);
  const keys = new Map(resolved.interfaces.map((one) => [one.interface.id, one.policy]));
  return Array.from({ length: count }, (_, at) => {
    const policy = compiled.get(keys.get(askedId(at)) ?? 0n);
    if (policy === undefined) throw new Error(`${askedId(at)} has no policy`);
    const match = createMatcher(policy);
    return (question) =>
      say(match(lookupOf(question, identify(`net-${at}`, question.remote))), policy.source, question);
  });
}

function lookupOf(question: WorldQuestion, identity: bigint) {
  const { direction, remote, local, protocol, time } = question;
  const service = serviceOf({
    family: remote.family,
    protocol,
    port: question.destinationPort ?? 0,
    icmpType: question.icmpType ?? 0,
    icmpCode: question.icmpCode ?? 0,
  });
  return { direction, remote, local, identity, service, sourcePort: question.sourcePort ?? 0, time };
}

function say({ verdict, reason, rule }: Match, source: PolicySource, { direction }: WorldQuestion): string {
  const ordered = rule === null ? undefined : source.sides[direction].rules[rule];
  return `${verdict} ${reason} ${ordered === undefined ? "-" : `${ordered.group} ${ordered.rule.index}`}`;
}

function sayRight(subject: Model, at: number, question: WorldQuestion): string {
  const { verdict, reason, rule } = evaluate(
    subject,
    askedId(at),
    question.direction,
    question,
    question.time,
  );
  return `${verdict} ${reason} ${rule === null ? "-" : `${rule.group} ${rule.index}`}`;
}

/** Differences, and the number of verdicts. */
function compareSets(universe: Universe, sets: readonly RuleSet[], differences: string[]): number {
  const subject = universeModel(universe, sets);
  const questions = questionsOf(universe);
  for (const [at, ask] of createAsks(subject, sets.length).entries()) {
    for (const question of questions) {
      const [said, right] = [ask(question), sayRight(subject, at, question)];
      if (said !== right && differences.length < 20)
        differences.push(
          `${JSON.stringify(sets[at])} ${JSON.stringify(question, plain)}: ${said}, right ${right}`,
        );
    }
  }
  return sets.length * questions.length;
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString(16) : value;

describe("compiled rules of tiny universes", () => {
  for (const universe of universes) {
    it(`are right for every set of up to ${universe.most} rules and every packet: ${universe.name}`, () => {
      const sets = ruleSetsOf(universe);
      const differences: string[] = [];
      let verdicts = 0;
      for (let begin = 0; begin < sets.length; begin += together)
        verdicts += compareSets(universe, sets.slice(begin, begin + together), differences);
      console.log(`${universe.name}: ${sets.length} rule sets, ${verdicts} verdicts`);
      expect(differences).toEqual([]);
    }, 120_000);
  }
});
