/** What the oracle says of one frame. */
import type { RuleName, Verdict } from "../evaluate.ts";
import type { Reason } from "../reason.ts";

export type SessionUse = "none" | "new" | "established" | "related";

export interface Judgement extends Verdict {
  readonly session: SessionUse;
}

export function drop(reason: Reason, rule: RuleName | null = null): Judgement {
  return { verdict: "drop", reason, session: "none", rule };
}

export function accept(
  reason: Reason,
  session: SessionUse = "none",
  rule: RuleName | null = null,
): Judgement {
  return { verdict: "accept", reason, session, rule };
}

/** A verdict of the rules, with the use of sessions that an accepted packet makes. */
export function withSession(verdict: Verdict, session: SessionUse): Judgement {
  return { ...verdict, session: verdict.verdict === "accept" ? session : "none" };
}
