/**
 * What becomes of live sessions under other rules: each is judged again in its original direction, as the
 * kernel does at its next packet (session_revalidate in bpf/include/judge.h).
 */
import type { Address, Direction } from "../model/model.ts";
import type { RuleName } from "./evaluate.ts";
import { type Holders, indexByNetwork } from "./holders.ts";
import { noIdentity } from "./identity.ts";
import { createMatcher, type Match, type MatchQuestion } from "./lookup.ts";
import { nameOrdered } from "./name-ordered.ts";
import type { Reason } from "./reason.ts";
import { serviceOf } from "./service.ts";
import type { CompiledPolicy, PolicySource, Resolved } from "./types.ts";

/** What a session is judged by. */
export interface LiveSession {
  readonly interface: string;
  /** Direction of the packet that opened it. */
  readonly origin: Direction;
  readonly local: Address;
  readonly remote: Address;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** Of the request; 0 where it is no ICMP. */
  readonly icmpType: number;
  readonly icmpCode: number;
}

/** Why a session passes no further packet. */
export interface SessionEnd {
  /** `not-ready`: its interface is no longer on this host, and its device drops everything. */
  readonly reason: Reason;
  /** The rule that refuses it; null where a default does. */
  readonly rule: RuleName | null;
}

export type SessionJudge = (session: LiveSession) => SessionEnd | null;

/**
 * Judges sessions by compiled policies, quickly: for hundreds of thousands. Null: it goes on.
 * `now`: seconds of UTC.
 */
export function createSessionJudge(
  { resolved, policies }: { resolved: Resolved; policies: ReadonlyMap<bigint, CompiledPolicy> },
  now: number,
): SessionJudge {
  const networks = indexByNetwork(resolved);
  const policyOf = new Map(resolved.interfaces.map((one) => [one.interface.id, one.policy]));
  const matchers = new Map<bigint, (session: LiveSession) => SessionEnd | null>();
  const time = Math.floor(now);
  return (session) => {
    const key = policyOf.get(session.interface);
    const compiled = key === undefined ? undefined : policies.get(key);
    if (key === undefined || compiled === undefined) return { reason: "not-ready", rule: null };
    const judge = matchers.get(key) ?? createPolicyJudge(compiled, networks, resolved, time);
    matchers.set(key, judge);
    return judge(session);
  };
}

function createPolicyJudge(
  compiled: CompiledPolicy,
  networks: ReadonlyMap<string, Holders>,
  { model }: Resolved,
  time: number,
): SessionJudge {
  const match = createMatcher(compiled);
  const holders = networks.get(compiled.source.network);
  return (session) => {
    const found = match(askAgain(session, holders, time));
    if (found.verdict === "accept") return null;
    return {
      reason: found.reason,
      rule: nameOrdered(model, findOrdered(compiled.source, session.origin, found)),
    };
  };
}

function findOrdered(source: PolicySource, direction: Direction, { rule }: Match) {
  return rule === null ? undefined : source.sides[direction].rules[rule];
}

function askAgain(session: LiveSession, holders: Holders | undefined, time: number): MatchQuestion {
  const { origin, local, remote, protocol, localPort, remotePort, icmpType, icmpCode } = session;
  const { family, bits } = remote;
  const asked = origin === "ingress" ? localPort : remotePort;
  const hasPorts = protocol === 6 || protocol === 17;
  return {
    direction: origin,
    remote,
    local,
    identity: holders?.[family].get(bits) ?? noIdentity,
    service: serviceOf({ family, protocol, port: asked, icmpType, icmpCode }),
    sourcePort: hasPorts ? (origin === "ingress" ? remotePort : localPort) : 0,
    time,
  };
}
