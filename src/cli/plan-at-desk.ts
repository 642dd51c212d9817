/** A plan without an agent: two rule sets compared as files. */
import type { PlanReply } from "../agent/protocol.ts";
import { formatDiagnostic } from "../model/diagnostic.ts";
import type { Model } from "../model/model.ts";
import { compileAll } from "../policy/compile.ts";
import type { Enforceable } from "../policy/diff/diff.ts";
import { planChange } from "../policy/diff/plan.ts";
import { resolve } from "../policy/resolve.ts";
import { type RuleSet, requireModel } from "./rules.ts";

/** Compares two rule sets. `host`: whose interfaces; null: those of every host. */
export function planRuleSets(before: RuleSet, after: RuleSet, host: string | null): PlanReply {
  const steps = planChange(
    makeEnforceable(requireModel(before), host),
    makeEnforceable(requireModel(after), host),
    Date.now() / 1000,
  );
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return {
    revision: null,
    host,
    filesDiffer: textsOf(before) !== textsOf(after),
    ...step.value,
    notes: after.diagnostics.filter(({ severity }) => severity === "note").map(formatDiagnostic),
    sessions: null,
  };
}

/** For every host, interfaces are taken as if all were on one: who is where decides no verdict. */
function makeEnforceable(model: Model, host: string | null): Enforceable {
  if (host !== null) return enforce(model, host);
  const anywhere = [...model.interfaces].map(([id, own]) => [id, { ...own, hosts: [] }] as const);
  const { resolved, policies } = enforce({ ...model, interfaces: new Map(anywhere) }, "");
  return { resolved: { ...resolved, model }, policies };
}

function enforce(model: Model, host: string): Enforceable {
  const resolved = resolve(model, { host });
  return { resolved, policies: compileAll(resolved) };
}

function textsOf({ files }: RuleSet): string {
  return JSON.stringify(files.map(({ text }) => text));
}
