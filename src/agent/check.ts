import { formatDiagnostic } from "../model/diagnostic.ts";
import type { Limits, Model } from "../model/model.ts";
import { parseModelInSlices } from "../model/parse.ts";
import { compileAll } from "../policy/compile.ts";
import { prove } from "../policy/prove.ts";
import { resolve } from "../policy/resolve.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import type { RuleFile } from "./applied.ts";
import { Failure } from "./failure.ts";

/** Rules that may be given to the kernel. */
export interface Checked {
  readonly model: Model;
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
  /** What is worth saying about legal rules, as `file:line:column: note: …`. */
  readonly notes: readonly string[];
}

/**
 * Checks, resolves, compiles and proves rules; nothing is in force by that.
 * @throws RefusedRules with every problem at its place
 */
export async function checkRules(
  files: readonly RuleFile[],
  options: { readonly limits: Limits; readonly host: string },
): Promise<Checked> {
  const { model, diagnostics } = await parseModelInSlices(files, options);
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic);
  if (model === null || errors.length > 0) throw new RefusedRules(errors);
  const resolved = resolve(model, { host: options.host });
  const policies = compileAll(resolved);
  for (const [key, compiled] of policies) {
    const failure = prove(compiled.source, resolved.identities, compiled);
    if (failure === null) continue;
    const groups = compiled.source.groups.join(", ");
    throw new RefusedRules([
      `The compiled policy of ${groups} (${key.toString(16)}) does not say what its rules say: ` +
        `${JSON.stringify(failure, (_name, value: unknown) => (typeof value === "bigint" ? `${value}` : value))}. ` +
        "This is a fault of Ringwall; please report it with the rules.",
    ]);
  }
  const notes = diagnostics.filter(({ severity }) => severity === "note").map(formatDiagnostic);
  return { model, resolved, policies, notes };
}

/** Rules that are wrong: each problem is a line, as `file:line:column: message`. */
export class RefusedRules extends Failure {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("refused", problems.join("\n"));
    this.problems = problems;
  }
}
