/** Answers `plan`: what an apply of these files would change, without changing anything. */
import type { Enforcer } from "../kernel/enforcer.ts";
import { gather } from "../kernel/pieces.ts";
import { type Plan, planChange } from "../policy/diff/plan.ts";
import { createSessionJudge } from "../policy/session-judge.ts";
import { digestFiles } from "./applied.ts";
import type { InForce } from "./apply.ts";
import { type Checked, checkRules } from "./check.ts";
import type { AgentConfig } from "./config.ts";
import type { PlannedSessions, PlanReply } from "./plan-reply.ts";
import { planSessions } from "./plan-sessions.ts";
import type { RequestOf } from "./protocol.ts";
import { runInSlices } from "./slices.ts";

export interface PlanSources {
  readonly enforcer: Pick<Enforcer, "sessions">;
  readonly inForce: InForce;
  readonly config: AgentConfig;
}

/** Sessions that are told one by one: the biggest, or all that a client can still read. */
const sessionsTold = { few: 20, all: 10_000 } as const;

/**
 * Compares the files with what is in force, in slices: the agent answers others meanwhile.
 * @throws Failure `refused` with every problem of the files, as `apply` would
 */
export async function answerPlan(sources: PlanSources, request: RequestOf<"plan">): Promise<PlanReply> {
  const { inForce, config } = sources;
  const { files } = request;
  const checked = await checkRules(files, { limits: config.limits, host: config.host });
  const now = Date.now() / 1000;
  const plan = await runInSlices(planChange(inForce, checked, now));
  return {
    revision: inForce.revision,
    host: config.host,
    filesDiffer: digestFiles(files) !== inForce.digest,
    ...plan,
    notes: checked.notes,
    sessions: await askSessions(sources, checked, plan, {
      now,
      most: request.sessions === true ? sessionsTold.all : sessionsTold.few,
    }),
  };
}

/** Rules that say the same are not applied anew, so they end no session. */
async function askSessions(
  { enforcer, inForce, config }: PlanSources,
  checked: Checked,
  { changed, interfaces }: Plan,
  { now, most }: { readonly now: number; readonly most: number },
): Promise<PlannedSessions> {
  const sessions = await gather(await enforcer.sessions());
  const judge = changed ? createSessionJudge(checked, now) : () => null;
  const established = config.establishedSessions;
  const touched = new Set(interfaces.map(({ id }) => id));
  return runInSlices(planSessions({ sessions, judge, touched, inForce, established, most }));
}
