/** Which live sessions a change would end: by interface, peer and rule, the biggest of them one by one. */
import type { Session as KernelSession } from "../kernel/status.ts";
import { formatAddress } from "../model/cidr.ts";
import type { RuleName } from "../policy/evaluate.ts";
import type { SessionEnd, SessionJudge } from "../policy/session-judge.ts";
import type { InForce } from "./apply.ts";
import { describeSession } from "./describe.ts";
import type { EndingSession, PlannedSessions } from "./plan-reply.ts";

/** How sessions that a change refuses are dealt with: agent.yaml, establishedSessions. */
export type SessionPolicy = "revalidate" | "keep";

export interface SessionQuestion {
  readonly sessions: readonly KernelSession[];
  readonly judge: SessionJudge;
  /** Interfaces under another generation after the change: revoked sessions of others are not judged again. */
  readonly touched: ReadonlySet<string>;
  readonly inForce: InForce;
  readonly established: SessionPolicy;
  /** Sessions that are told one by one. */
  readonly most: number;
}

interface Ended {
  readonly session: KernelSession;
  readonly end: SessionEnd;
}

/** Peers that are told. */
const peersAtMost = 20;

/** Judges every session under the coming rules. Yields between slices of work. */
export function* planSessions(question: SessionQuestion): Generator<void, PlannedSessions> {
  const { judge, touched, established, most, inForce } = question;
  const ended: Ended[] = [];
  const live = new Map<string, number>();
  let resumes = 0;
  for (const session of question.sessions) {
    // A remembered fragment is none.
    if (session.state === "fragment") continue;
    live.set(session.interface, (live.get(session.interface) ?? 0) + 1);
    const end = judgeOne(session, judge, established);
    const judgedAgain = established === "revalidate" && touched.has(session.interface);
    if (session.revoked) resumes += judgedAgain && end === null && !session.ended ? 1 : 0;
    else if (end !== null) ended.push({ session, end });
    yield;
  }
  yield;
  ended.sort((a, b) => Number(b.session.bytes - a.session.bytes));
  const list: EndingSession[] = [];
  for (const { session, end } of ended.slice(0, most)) {
    list.push({ ...describeSession(session, inForce), end });
    yield;
  }
  return {
    live: [...live.values()].reduce((sum, count) => sum + count, 0),
    ends: ended.length,
    resumes,
    establishedSessions: established,
    interfaces: countByInterface(ended, live),
    peers: countByPeer(ended),
    rules: countByRule(ended),
    list,
    more: Math.max(0, ended.length - most),
  };
}

/** `keep` judges no session again; what leaves this host ends all the same. */
function judgeOne(
  session: KernelSession,
  judge: SessionJudge,
  established: SessionPolicy,
): SessionEnd | null {
  const end = judge(session);
  return established === "keep" && end !== null && end.reason !== "not-ready" ? null : end;
}

interface Sum {
  ends: number;
  bytes: number;
}

/** Sums by a key, the largest number first. */
function sumBy(
  ended: readonly Ended[],
  keyOf: (one: Ended) => string,
): readonly (Sum & { readonly key: string })[] {
  const sums = new Map<string, Sum>();
  for (const one of ended) {
    const key = keyOf(one);
    const sum = sums.get(key) ?? { ends: 0, bytes: 0 };
    sums.set(key, sum);
    sum.ends += 1;
    sum.bytes += Number(one.session.bytes);
  }
  return [...sums]
    .map(([key, sum]) => ({ key, ...sum }))
    .sort((a, b) => b.ends - a.ends || b.bytes - a.bytes || (a.key < b.key ? -1 : 1));
}

function countByInterface(ended: readonly Ended[], live: ReadonlyMap<string, number>) {
  return sumBy(ended, ({ session }) => session.interface).map(({ key, ends, bytes }) => ({
    interface: key,
    live: live.get(key) ?? 0,
    ends,
    bytes,
  }));
}

function countByPeer(ended: readonly Ended[]) {
  return sumBy(ended, ({ session }) => formatAddress(session.remote))
    .slice(0, peersAtMost)
    .map(({ key, ends, bytes }) => ({ peer: key, ends, bytes }));
}

function countByRule(ended: readonly Ended[]) {
  const ends = new Map<string, { reason: SessionEnd["reason"]; rule: RuleName | null }>();
  return sumBy(ended, ({ end }) => {
    const key = JSON.stringify([end.reason, end.rule]);
    ends.set(key, { reason: end.reason, rule: end.rule });
    return key;
  }).flatMap(({ key, ends: count, bytes }) => {
    const end = ends.get(key);
    return end === undefined ? [] : [{ ...end, ends: count, bytes }];
  });
}
