import { formatDiagnostic } from "../model/diagnostic.ts";
import type { Limits, Model } from "../model/model.ts";
import { parseModelApart } from "../model/parse-apart.ts";
import { shareModel } from "../model/share.ts";
import { type CompiledBefore, compileAll } from "../policy/compile.ts";
import { prove } from "../policy/prove.ts";
import { proveResolved } from "../policy/prove-source.ts";
import { resolve } from "../policy/resolve.ts";
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import type { RuleFile } from "./applied.ts";
import { Failure } from "./failure.ts";
import type { ReadRules } from "./rules-cache.ts";

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
 * @param options.before rules that were checked: what these have in common with them is taken over
 * @throws RefusedRules with every problem at its place
 */
export async function checkRules(
  files: readonly RuleFile[],
  options: {
    readonly limits: Limits;
    readonly host: string;
    readonly before?: Checked | null;
    readonly read?: ReadRules;
  },
): Promise<Checked> {
  const { limits, host, before = null, read: readRules = parseModelApart } = options;
  const { model: read, diagnostics } = await readRules(files, { limits, host });
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic);
  if (read === null || errors.length > 0) throw new RefusedRules(errors);
  const model = before === null ? read : shareModel(before.model, read);
  const resolved = resolve(model, { host, before: before?.resolved ?? null });
  const policies = compileAll(resolved, before);
  proveAll({ resolved, policies }, host, before);
  const notes = diagnostics.filter(({ severity }) => severity === "note").map(formatDiagnostic);
  return { model, resolved, policies, notes };
}

/**
 * What is written to the kernel is proven there, when it was read back. This proof comes before: it refuses while no
 * map has been touched, and it is the only one that policies get which a change leaves as they are in the kernel,
 * because their digest says that they need not be written. For 1,000 policies it takes less than compiling them.
 */
function proveAll({ resolved, policies }: CompiledBefore, host: string, before: Checked | null): void {
  const wrong = proveResolved(resolved, host, before?.resolved ?? null);
  if (wrong !== null) throw unproven(`What was made of the rules is not what they say: ${wrong}.`);
  for (const [key, source] of resolved.policies) {
    const compiled = policies.get(key);
    // Proven then, for the same rules and identities.
    if (compiled !== undefined && before?.policies.get(key) === compiled && compiled.source === source)
      continue;
    const problem =
      compiled === undefined ? "there is none" : prove(source, resolved.identities, compiled)?.message;
    if (problem !== undefined)
      throw unproven(
        `The compiled policy of ${source.groups.join(", ")} does not say what its rules say: ${problem}.`,
      );
  }
}

function unproven(text: string): RefusedRules {
  return new RefusedRules([`${text} This is a fault of Ringwall; please report it with the rules.`]);
}

/** Rules that are wrong: each problem is a line, as `file:line:column: message`. */
export class RefusedRules extends Failure {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("refused", problems.join("\n"));
    this.problems = problems;
  }
}

/** Rules that could not be read: they may be right, and readable later. */
export class UnreadableRules extends RefusedRules {}
