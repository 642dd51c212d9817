/** A model's compiled policies as one judge that can be compared with the reference. */
import { expect } from "vitest";
import type { Interface, Model, Rule } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { createMatcher, type Match } from "../../../src/policy/lookup.ts";
import { prove } from "../../../src/policy/prove.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { serviceOf } from "../../../src/policy/service.ts";
import type { CompiledPolicy } from "../../../src/policy/types.ts";
import { identityFinder, type TestPacket } from "./compile-fixture.ts";
import type { ReferenceVerdict } from "./compile-reference.ts";

/** Compiles once; the judge answers for any interface of the model, with rules by group and place. */
export function createJudge(subject: Model): (of: Interface, packet: TestPacket) => ReferenceVerdict {
  const resolved = resolve(subject, { host: "kvm-1" });
  const identify = identityFinder(resolved);
  const compiled = compileAll(resolved);
  const matchers = new Map([...compiled].map(([key, each]) => [key, createMatcher(each)]));
  const keys = new Map(resolved.interfaces.map((each) => [each.interface.id, each.policy]));
  for (const each of compiled.values()) {
    expect(prove(each.source, resolved.identities, each)).toBeNull();
  }
  return (of, asked) => {
    const key = keys.get(of.id) ?? 0n;
    const match = matchers.get(key)?.({
      ...asked,
      identity: identify(of.network, asked.remote),
      service: serviceOf({ ...asked, family: asked.remote.family }),
    });
    if (match === undefined) {
      throw new Error(`${of.id} has no policy`);
    }
    return nameRule(match, resolved.policies.get(key)?.sides[asked.direction].rules ?? []);
  };
}

function nameRule(match: Match, rules: readonly { group: string; rule: Rule }[]): ReferenceVerdict {
  const decider = match.rule === null ? undefined : rules[match.rule];
  return {
    ...match,
    rule: decider === undefined ? null : { group: decider.group, index: decider.rule.index },
  };
}

/** The interface that a test asks: the model's first. */
export function firstInterface(subject: Model): Interface {
  const [first] = subject.interfaces.values();
  if (first === undefined) {
    throw new Error("the model has no interface to ask");
  }
  return first;
}

/** The compiled policy of the model's first interface. */
export function compileFirst(subject: Model): CompiledPolicy {
  const [first] = compileAll(resolve(subject, { host: "kvm-1" })).values();
  if (first === undefined) {
    throw new Error("the model has no policy");
  }
  return first;
}
