/** Verdicts of compiled rules, in the kernel or in memory, with the rule named as evaluate names it. */
import type { Interface } from "../../src/model/model.ts";
import type { Verdict } from "../../src/policy/evaluate.ts";
import type { OrderedRule } from "../../src/policy/types.ts";
import type { WorldQuestion } from "./world-questions.ts";

export interface NamedVerdict {
  readonly verdict: string;
  readonly reason: string;
  readonly group: string | null;
  readonly index: number | null;
}

/** `rule`: its number among the ordered rules of its side. */
export function nameVerdict(
  {
    verdict,
    reason,
    rule,
  }: { readonly verdict: string; readonly reason: string; readonly rule: number | null },
  ordered: readonly OrderedRule[],
): NamedVerdict {
  const decider = rule === null ? undefined : ordered[rule];
  return { verdict, reason, group: decider?.group ?? null, index: decider?.rule.index ?? null };
}

export function agrees(said: NamedVerdict, oracle: Verdict): boolean {
  return (
    said.verdict === oracle.verdict &&
    said.reason === oracle.reason &&
    said.group === (oracle.rule?.group ?? null) &&
    said.index === (oracle.rule?.index ?? null)
  );
}

/** Who was asked what, and both answers. */
export function describeDifference(
  own: Interface,
  question: WorldQuestion,
  said: NamedVerdict | undefined,
  oracle: Verdict,
): string {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value;
  const [asked, answer, right] = [question, said, oracle].map((value) => JSON.stringify(value, plain));
  return `${own.id} ${asked}: said ${answer}, oracle ${right}`;
}
