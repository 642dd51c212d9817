/**
 * What the agent and its clients say to each other: HTTP over a unix socket, JSON in both directions. Both ends
 * check what they are told against these schemas, so neither trusts the other's version.
 */
import * as z from "zod";
import type { Explanation } from "../policy/explain.ts";
import { longestConfirmation } from "./bounds.ts";
import { observedReply, observedRequest, promotion } from "./observed-reply.ts";
import { planReply } from "./plan-reply.ts";
import { revisionHead } from "./revision-head.ts";
import { statusReply, statusRequest, waitingChange } from "./status-reply.ts";

export type { JudgedHit, ObservedReply, Promotion, UnlistedHits } from "./observed-reply.ts";
export type { EndingSession, PlannedSessions, PlanReply } from "./plan-reply.ts";
export type { Origin, RevisionHead } from "./revision-head.ts";
export type { InterfaceStatus, ProofStatus, StatusReply, WaitingChange } from "./status-reply.ts";

export const defaultSocketPath = "/run/ringwall/ringwall.sock";

const direction = z.enum(["egress", "ingress"]);
const count = z.number().int().nonnegative();

/** A rule as verdicts name it. */
export const ruleReference = z.object({
  group: z.string(),
  /** Place in its group, from 0. */
  index: count,
  priority: z.number(),
  policy: z.enum(["accept", "drop"]),
  /** Line of its file; null for one that no file holds. */
  line: count.nullable(),
  id: z.string().nullable(),
});

const ruleFile = z.object({ path: z.string().min(1).max(4096), text: z.string() });
/** The change goes back by itself after them, unless it is confirmed. */
const confirmSeconds = z.number().min(1).max(longestConfirmation).optional();
export const applyRequest = z.strictObject({
  files: z.array(ruleFile).min(1),
  /** Digest of the rules that were edited (`model` gives it): refused when others are in force by now. */
  base: z.string().optional(),
  /** Checked, compiled and proven; nothing is changed. */
  dryRun: z.boolean().optional(),
  confirmSeconds,
  /** Where groups go from observe to enforce: how far to look back for hits, and whether to go on with them. */
  promotion: promotion.optional(),
});
export const applyReply = z.object({
  revision: count,
  /** False where the files say what was in force already. */
  changed: z.boolean(),
  seconds: z.number(),
  interfaces: count,
  entriesWritten: count,
  notes: z.array(z.string()),
  waiting: waitingChange.nullable(),
});
export type ApplyReply = z.infer<typeof applyReply>;

/** `undo`: the change is taken back at once instead. */
export const confirmRequest = z.strictObject({ undo: z.boolean().optional() });
export const confirmReply = z.object({
  outcome: z.enum(["confirmed", "undone"]),
  /** The revision that waited. */
  change: count,
  /** The one that is in force now. */
  revision: count,
});
export type ConfirmReply = z.infer<typeof confirmReply>;

export const question = z.strictObject({
  from: z.string(),
  to: z.string(),
  protocol: z.string(),
  port: z.number().int().optional(),
  sourcePort: z.number().int().optional(),
  icmpType: z.number().int().optional(),
  icmpCode: z.number().int().optional(),
  network: z.string().optional(),
  /** List the rules that were considered. */
  considered: z.boolean().optional(),
});
export type Question = z.infer<typeof question>;

/** What the kernel's programs said to the same packet, at the ends that this host has. */
export interface KernelAnswer {
  readonly verdict: "accept" | "drop";
  /** Verdict and reason are the rules' at every end that was asked. */
  readonly agrees: boolean;
  /** Where it does not agree, or has one of the ends alone: what each end said. */
  readonly sides?: readonly {
    readonly interface: string;
    readonly direction: "egress" | "ingress";
    readonly verdict: "accept" | "drop";
    readonly reason: string;
  }[];
}

/** What `explain` prints. `kernel` is null where no program could be asked. */
export interface ExplainReply extends Explanation {
  readonly kernel: KernelAnswer | null;
}

const verdict = z.enum(["accept", "drop"]);
const side = z.looseObject({
  interface: z.string(),
  direction,
  verdict,
  reason: z.string(),
  rule: ruleReference.nullable(),
});
/** The skeleton is checked, what hangs on it is taken as it comes: it is printed only. */
export const explainReply: z.ZodType<ExplainReply> = z
  .looseObject({
    verdict,
    sides: z.array(side),
    kernel: z.looseObject({ verdict, agrees: z.boolean() }).nullable(),
  })
  .transform((reply) => reply as unknown as ExplainReply);

export const modelReply = z.object({
  revision: count,
  host: z.string(),
  /** Of the files: the `base` of a change to them. */
  digest: z.string(),
  files: z.array(ruleFile),
});
export const releaseRequest = z.strictObject({ device: z.string().min(1).max(15) });
/** A device that no interface holds, and that is open now. */
export const releaseReply = z.object({ device: z.string(), ifindex: count });
export type ReleaseReply = z.infer<typeof releaseReply>;

export const planRequest = z.strictObject({
  files: z.array(ruleFile).min(1),
  /** List every session that would end, not the biggest alone. */
  sessions: z.boolean().optional(),
});

export const historyReply = z.object({
  /** Newest first. */
  revisions: z.array(revisionHead),
  /** Files of the history that cannot be read, and why. */
  damaged: z.array(z.string()),
  /** 0: nothing is in force yet. */
  inForce: count,
  host: z.string(),
});
export type HistoryReply = z.infer<typeof historyReply>;
export const revisionRequest = z.strictObject({ revision: z.number().int().positive() });
export const rollbackRequest = z.strictObject({ ...revisionRequest.shape, confirmSeconds });
/** A revision, its files, and the number of the one before it that is kept; null: there is none. */
export const revisionReply = z.object({
  ...revisionHead.shape,
  files: z.array(ruleFile),
  before: count.nullable(),
  host: z.string(),
});
export type RevisionReply = z.infer<typeof revisionReply>;

/** Every field narrows; an empty filter is every session. */
export const sessionFilter = z.strictObject({
  interface: z.string().optional(),
  protocol: z.string().optional(),
  local: z.string().optional(),
  remote: z.string().optional(),
  localPort: z.number().int().min(0).max(65535).optional(),
  remotePort: z.number().int().min(0).max(65535).optional(),
  /** Narrows `interface`, where two networks have one address. */
  network: z.string().optional(),
});
export type SessionFilter = z.infer<typeof sessionFilter>;

export const session = z.object({
  interface: z.string(),
  protocol: z.string(),
  local: z.string(),
  localPort: count.nullable(),
  remote: z.string(),
  remotePort: count.nullable(),
  /** Direction of the packet that opened it. */
  origin: direction,
  state: z.string(),
  revoked: z.boolean(),
  ageSeconds: z.number(),
  idleSeconds: z.number(),
  /** Until it is forgotten when nothing comes; null: never, it is a revoked TCP session. */
  expiresSeconds: z.number().nullable(),
  packets: count,
  bytes: count,
  reason: z.string(),
  rule: ruleReference.nullable(),
});
export type Session = z.infer<typeof session>;
export const sessionsReply = z.object({ sessions: z.array(session) });
/**
 * There may be millions: the reply's lines are this one, a session each with a comma behind all but the last, and
 * `listEnd`. So it is JSON as a whole, and its reader need not wait for the whole.
 */
export const sessionsStart = '{"sessions":[';
export const listEnd = "]}";
export const endSessionsReply = z.object({ ended: count });

export const eventLine = z.object({
  time: z.string(),
  /** null: it is no longer in the rules. */
  interface: z.string().nullable(),
  direction,
  verdict: z.string(),
  reason: z.string(),
  rule: ruleReference.nullable(),
  /** tcp, udp, …, a number, arp, or the ethertype in hex. */
  protocol: z.string(),
  source: z.string().nullable(),
  sourcePort: count.nullable(),
  destination: z.string().nullable(),
  destinationPort: count.nullable(),
  icmpType: count.nullable(),
  icmpCode: count.nullable(),
  tcpFlags: z.string().nullable(),
  sourceMac: z.string(),
  destinationMac: z.string(),
  bytes: count,
  hook: z.string(),
});
export type EventLine = z.infer<typeof eventLine>;
/** Stands in the stream where events were left out because the reader was slow. */
export const lostLine = z.object({ lost: count });
export const eventsRequest = z.strictObject({
  interface: z.string().optional(),
  network: z.string().optional(),
});
export type EventsRequest = z.infer<typeof eventsRequest>;
export const streamLine = z.union([eventLine, lostLine]);
export type StreamLine = z.infer<typeof streamLine>;

const nothing = z.strictObject({});

function endpoint<Request extends z.ZodType, Reply extends z.ZodType>(
  path: string,
  request: Request,
  reply: Reply,
) {
  return { path, request, reply };
}

/** Every question that is answered once. All are POST with a JSON body, `{}` where there is nothing to say. */
export const endpoints = {
  status: endpoint("/v1/status", statusRequest, statusReply),
  model: endpoint("/v1/model", nothing, modelReply),
  apply: endpoint("/v1/apply", applyRequest, applyReply),
  plan: endpoint("/v1/plan", planRequest, planReply),
  confirm: endpoint("/v1/confirm", confirmRequest, confirmReply),
  history: endpoint("/v1/history", nothing, historyReply),
  revision: endpoint("/v1/history/revision", revisionRequest, revisionReply),
  rollback: endpoint("/v1/rollback", rollbackRequest, applyReply),
  release: endpoint("/v1/release", releaseRequest, releaseReply),
  explain: endpoint("/v1/explain", question, explainReply),
  observed: endpoint("/v1/observed", observedRequest, observedReply),
  sessions: endpoint("/v1/sessions", sessionFilter, sessionsReply),
  endSessions: endpoint("/v1/sessions/end", sessionFilter, endSessionsReply),
} as const;
export type Endpoints = typeof endpoints;
export type EndpointName = keyof Endpoints;
export type RequestOf<Name extends EndpointName> = z.infer<Endpoints[Name]["request"]>;
export type ReplyOf<Name extends EndpointName> = z.infer<Endpoints[Name]["reply"]>;

/** The stream of drops: JSON lines until one side ends it. */
export const eventsPath = "/v1/events";

/** refused: the rules or the question; kernel: the kernel refused; forbidden: the peer may not. */
export const failureCode = z.enum(["refused", "kernel", "forbidden", "request", "internal"]);
export type FailureCode = z.infer<typeof failureCode>;
export const failureReply = z.object({ error: z.object({ code: failureCode, message: z.string() }) });
