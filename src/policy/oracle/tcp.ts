/**
 * A TCP session's state: docs/semantics.md, "Sessions". Sequence numbers decide what changes the state, never
 * whether a segment passes.
 */
import type { Direction } from "../../model/model.ts";
import type { Transport } from "../packet.ts";
import { tcpFlag } from "./transport.ts";

export type Segment = Extract<Transport, { kind: "tcp" }>;

interface Side {
  /** The lowest acknowledgement of this side's bytes that counts; null: nothing of it was seen yet. */
  base: number | null;
  /** Sequence after its highest byte. */
  next: number;
  acknowledged: boolean;
  finished: boolean;
}

export interface TcpState {
  phase: "opening" | "established" | "closing";
  readonly sides: Readonly<Record<Direction, Side>>;
}

/** Whether a segment keeps the session alive. */
export type Effect = "refreshes" | "changes-nothing";

/** Advances beyond this are old or forged sequence numbers. */
const advanceMax = 2 ** 30;

/** How far `to` is ahead of `from`, modulo 2^32. */
function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}

export function hasFlag(segment: Segment, flag: keyof typeof tcpFlag): boolean {
  return (segment.flags & tcpFlag[flag]) !== 0;
}

/** Opens a connection, as far as this segment says. */
export function isSyn(segment: Segment): boolean {
  return hasFlag(segment, "syn") && !hasFlag(segment, "ack");
}

/** Sequence after the segment's last byte; SYN and FIN count one. */
function endOf(segment: Segment): number {
  const flags = (hasFlag(segment, "syn") ? 1 : 0) + (hasFlag(segment, "fin") ? 1 : 0);
  return (segment.sequence + segment.length + flags) >>> 0;
}

function newSide(): Side {
  return { base: null, next: 0, acknowledged: false, finished: false };
}

/** The state of a session that begins with this segment: a SYN, or any other that is picked up. */
export function openTcp(sender: Direction, segment: Segment): TcpState {
  const state: TcpState = { phase: "opening", sides: { egress: newSide(), ingress: newSide() } };
  if (isSyn(segment)) begin(state.sides[sender], segment);
  else track(state.sides[sender], segment);
  state.sides[sender].finished = hasFlag(segment, "fin");
  return state;
}

function begin(side: Side, segment: Segment): void {
  side.base = (segment.sequence + 1) >>> 0;
  side.next = endOf(segment);
}

function track(side: Side, segment: Segment): void {
  const end = endOf(segment);
  if (side.base === null) {
    side.base = segment.sequence;
    side.next = end;
  } else if (distance(side.next, end) < advanceMax) {
    side.next = end;
  }
}

function otherOf(direction: Direction): Direction {
  return direction === "egress" ? "ingress" : "egress";
}

/** Does a RST end the session, as its receiver would believe it? */
function resets(state: TcpState, own: Side, other: Side, segment: Segment): boolean {
  if (own.finished || other.finished) return true;
  if (own.base !== null && segment.sequence === own.next) return true;
  if (state.phase !== "opening" || !hasFlag(segment, "ack")) return false;
  return other.base !== null && segment.acknowledgement === other.next;
}

/**
 * A FIN is right where it ends what its side has sent so far, or sends anew. The first that is seen of a side
 * cannot be wrong: both FINs of a session that was picked up late close it, so that it lends nothing to the next.
 */
function finishes(own: Side, segment: Segment): boolean {
  return own.base === null || distance(segment.sequence, own.next) <= segment.length + 1;
}

function acknowledges(other: Side, segment: Segment): boolean {
  if (!hasFlag(segment, "ack") || other.base === null) return false;
  return distance(other.base, segment.acknowledgement) <= distance(other.base, other.next);
}

function followSyn(own: Side, segment: Segment): Effect {
  const repeated = own.base !== null;
  begin(own, segment);
  return repeated ? "changes-nothing" : "refreshes";
}

function followOther(state: TcpState, own: Side, other: Side, segment: Segment): Effect {
  if (hasFlag(segment, "fin")) {
    if (!finishes(own, segment)) return "changes-nothing";
    own.finished = true;
  }
  if (hasFlag(segment, "syn")) {
    // Data on the SYN (RFC 7413) may be left unacknowledged.
    if (!acknowledges(other, segment)) return "changes-nothing";
    begin(own, segment);
  } else {
    track(own, segment);
  }
  if (acknowledges(other, segment)) own.acknowledged = true;
  if (state.phase === "opening" && own.acknowledged && other.acknowledged) state.phase = "established";
  if (own.finished && other.finished) state.phase = "closing";
  return "refreshes";
}

/** Changes the state by a segment that belongs to the session. A SYN in closing is the caller's. */
export function followTcp(state: TcpState, sender: Direction, segment: Segment): Effect {
  const own = state.sides[sender];
  const other = state.sides[otherOf(sender)];
  if (hasFlag(segment, "rst")) {
    if (!resets(state, own, other, segment)) return "changes-nothing";
    state.phase = "closing";
    return "refreshes";
  }
  // What is past opening has no use for a SYN, with ACK or without: it is old, or forged.
  if (hasFlag(segment, "syn") && state.phase !== "opening") return "changes-nothing";
  return isSyn(segment) ? followSyn(own, segment) : followOther(state, own, other, segment);
}
