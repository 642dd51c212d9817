/** What the agent answers to each endpoint. */
import type { Enforcer } from "../kernel/enforcer.ts";
import { EnforcementError } from "../kernel/errors.ts";
import { matchesFilter } from "../kernel/session-codec.ts";
import type { SessionFilter as KernelFilter, Session as KernelSession } from "../kernel/status.ts";
import { parseAddress } from "../model/cidr.ts";
import type { Address } from "../model/model.ts";
import { findEnds, QuestionError } from "../policy/ends.ts";
import { readProtocol } from "../policy/question.ts";
import type { Applier, InForce } from "./apply.ts";
import { answerApply, answerConfirm, answerRelease } from "./changes.ts";
import type { AgentConfig } from "./config.ts";
import type { Confirmations } from "./confirmations.ts";
import { countRules } from "./count-rules.ts";
import {
  describeInterfaces,
  describeProof,
  describeSession,
  describeWaiting,
  listGuarded,
} from "./describe.ts";
import { answerQuestion } from "./explain.ts";
import { Failure } from "./failure.ts";
import type { History } from "./history.ts";
import type { Log } from "./log.ts";
import { LongAnswer } from "./long-answer.ts";
import type { Observed } from "./observed.ts";
import { answerPlan } from "./plan.ts";
import { type Session, type SessionFilter, type StatusReply, sessionsStart } from "./protocol.ts";
import { listRevisions, readRevision, rollBack } from "./revisions.ts";
import type { RulesStore } from "./rules-store.ts";
import type { Handlers } from "./server.ts";
import { listDifferences, type Verifier } from "./verifier.ts";

export interface AnswerSources {
  readonly enforcer: Enforcer;
  readonly applier: Applier;
  readonly history: History;
  readonly confirmations: Confirmations;
  readonly store: RulesStore;
  readonly log: Log;
  readonly config: () => AgentConfig;
  readonly agent: StatusReply["agent"];
  readonly verifier: Pick<Verifier, "verify">;
  readonly observed: Pick<Observed, "answer" | "approve">;
  /** What is wrong with the agent itself. */
  readonly problems: () => readonly string[];
}

/** Makes the handlers of a running agent. */
export function createHandlers(sources: AnswerSources): Handlers {
  const { enforcer, applier } = sources;
  const revisions = { ...sources, host: sources.agent.host };
  return {
    status: async ({ verify }) => {
      if (verify === true) await sources.verifier.verify();
      return answerStatus(sources);
    },
    model: async () => {
      const { revision, digest, files } = requireInForce(applier);
      return { revision, host: sources.agent.host, digest, files: [...files] };
    },
    apply: (request, peer) => answerApply(sources, request, peer),
    plan: (request) =>
      answerPlan({ enforcer, inForce: requireInForce(applier), config: sources.config() }, request),
    confirm: (request, peer) => answerConfirm(sources, request, peer),
    history: () => listRevisions(revisions),
    revision: ({ revision }) => readRevision(revisions, revision),
    rollback: (request, peer) => rollBack(revisions, request, peer),
    release: (request, peer) => answerRelease(sources, request, peer),
    explain: async (request) => {
      const { model } = requireInForce(applier);
      return answerQuestion(model, request, (id, direction, frame) =>
        askLive(enforcer, id, direction, frame),
      );
    },
    observed: (request) => sources.observed.answer(request),
    sessions: async (filter) => {
      const inForce = requireInForce(applier);
      const wanted = readFilter(inForce, filter);
      const pieces = await refuseUnknown(enforcer.sessions(wanted.interface));
      return new LongAnswer(sessionsStart, describeSessions(pieces, wanted, inForce));
    },
    endSessions: async (filter, peer) => {
      const wanted = readFilter(requireInForce(applier), filter);
      const ended = await refuseUnknown(enforcer.endSessions(wanted));
      sources.log.info({ filter, ended, uid: peer.uid, pid: peer.pid }, "ended sessions");
      return { ended };
    },
  };
}

/** Those that a filter names are those that it would end, and revoked ones; none but an interface names all there is. */
async function* describeSessions(
  pieces: AsyncIterable<readonly KernelSession[]>,
  { interface: _, ...narrowed }: KernelFilter,
  inForce: InForce,
): AsyncGenerator<readonly Session[]> {
  const isWhole = Object.keys(narrowed).length === 0;
  for await (const piece of pieces) {
    const wanted = isWhole ? piece : piece.filter((session) => matchesFilter(session, narrowed));
    yield wanted.map((session) => describeSession(session, inForce));
  }
}

/** The rules in force; an agent that is still starting has none. */
export function requireInForce(applier: Applier): InForce {
  if (applier.inForce === null)
    throw new Failure("refused", "No rules are in force yet: the agent is starting.");
  return applier.inForce;
}

function answerStatus({
  enforcer,
  applier,
  confirmations,
  store,
  agent,
  problems,
}: AnswerSources): StatusReply {
  const { inForce, refusal } = applier;
  const status = enforcer.status();
  return {
    agent,
    policy: {
      revision: inForce?.revision ?? 0,
      store: store.name,
      applied: inForce?.applied ?? null,
      groups: inForce?.model.groups.size ?? 0,
      rules: inForce === null ? 0 : countRules(inForce.model),
      interfaces: inForce?.model.interfaces.size ?? 0,
      refused: refusal === null ? null : { time: refusal.time, messages: [...refusal.messages] },
      waiting: describeWaiting(confirmations.waiting),
    },
    proof: describeProof(status),
    interfaces: describeInterfaces(status, inForce),
    removed: status.removed.map((device) => ({ ...device })),
    uplinks: status.uplinks.map((uplink) => ({
      ...uplink,
      ifindex: uplink.ifindex === 0 ? null : uplink.ifindex,
    })),
    maps: status.maps.map((map) => ({ ...map })),
    eventsLost: countLost(enforcer),
    problems: [
      ...problems(),
      ...listGuarded(status),
      ...listDifferences(status, Date.now()),
      ...(status.smallerTables == null ? [] : [status.smallerTables]),
    ],
  };
}

function countLost(enforcer: Enforcer): number {
  const { full, rate } = enforcer.lost();
  return Number(full + rate);
}

/** An interface of another host, or one whose device is not here, has no program to ask. */
async function askLive(
  enforcer: Enforcer,
  interfaceId: string,
  direction: "egress" | "ingress",
  frame: Uint8Array,
) {
  try {
    return await enforcer.ask(interfaceId, direction, frame);
  } catch (error) {
    if (error instanceof EnforcementError && error.code === "UNKNOWN_INTERFACE") return null;
    throw error;
  }
}

async function refuseUnknown<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof EnforcementError && error.code === "UNKNOWN_INTERFACE") {
      throw new Failure("refused", error.message, { cause: error });
    }
    throw error;
  }
}

/** Names of a filter become numbers, addresses, and an interface's id. */
function readFilter(inForce: InForce, filter: SessionFilter): KernelFilter {
  requireNarrowed(filter);
  const protocol = filter.protocol === undefined ? undefined : readProtocolName(filter.protocol);
  return {
    ...(filter.interface === undefined
      ? {}
      : { interface: findInterface(inForce, filter.interface, filter.network) }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(filter.local === undefined ? {} : { local: readAddress("local", filter.local) }),
    ...(filter.remote === undefined ? {} : { remote: readAddress("remote", filter.remote) }),
    ...(filter.localPort === undefined ? {} : { localPort: filter.localPort }),
    ...(filter.remotePort === undefined ? {} : { remotePort: filter.remotePort }),
  };
}

/** A network that narrows nothing was meant to: what came of it would be of every network. */
export function requireNarrowed(filter: {
  interface?: string | undefined;
  network?: string | undefined;
}): void {
  if (filter.network === undefined || filter.interface !== undefined) return;
  throw new Failure(
    "refused",
    "network: says where an interface's address is meant; write the interface, too.",
  );
}

/** The id of the interface that an id, instance, device, MAC or address means. */
export function findInterface(
  { model }: Pick<InForce, "model">,
  text: string,
  network: string | undefined,
): string {
  try {
    const found = findEnds(model, { from: text, to: text, network }).from.interface;
    if (found !== null) return found.id;
    throw new Failure("refused", `${text} is no interface's address here.`);
  } catch (error) {
    if (error instanceof QuestionError) throw new Failure("refused", error.message, { cause: error });
    throw error;
  }
}

function readProtocolName(text: string): number | undefined {
  try {
    return readProtocol(text) ?? undefined;
  } catch (error) {
    if (error instanceof QuestionError) throw new Failure("refused", error.message, { cause: error });
    throw error;
  }
}

function readAddress(key: string, text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Failure("refused", `${key}: ${parsed.problem.message}`);
  return parsed.value;
}
