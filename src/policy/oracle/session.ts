/** Sessions of one interface: what tells them apart, and when they have ended. */
import type { Address, Direction } from "../../model/model.ts";
import type { Ip } from "../packet.ts";
import type { Question } from "../rules.ts";
import { addressText } from "./address.ts";
import type { Quoted } from "./quoted.ts";
import type { Timeouts } from "./settings.ts";
import { openTcp, type TcpState } from "./tcp.ts";

/** What a session is, beside its addresses and ports. */
export type SessionState =
  | { readonly kind: "tcp"; readonly tcp: TcpState }
  | { readonly kind: "udp"; replied: boolean }
  | { readonly kind: "icmp" }
  | { readonly kind: "others" };

export interface Session {
  /** As sessionKey() says it. */
  readonly key: string;
  /** The direction of the packet that the session lives by: egress where the guest asked. */
  readonly origin: Direction;
  /** What that packet asked the rules, to ask again. */
  readonly question: Question;
  readonly state: SessionState;
  /** When a packet last refreshed it, s. */
  seen: number;
  /** When its next packet was refused, s; null: it lives. */
  revoked: number | null;
  /** An operator revoked it: no rules bring it back. */
  ended: boolean;
}

/** Echo and timestamp, by request and reply type: their sessions belong to the asker. */
const asked: Readonly<Record<4 | 6, readonly (readonly [number, number])[]>> = {
  4: [
    [8, 0],
    [13, 14],
  ],
  6: [[128, 129]],
};

export function otherDirection(direction: Direction): Direction {
  return direction === "egress" ? "ingress" : "egress";
}

/** What a packet, or a quoted one, is to the sessions, seen in the direction that it goes. */
interface Flow {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly ports: { readonly source: number; readonly destination: number } | null;
  readonly icmp: { readonly type: number; readonly identifier: number } | null;
}

function keyOf(flow: Flow, direction: Direction): string | null {
  const ends = [
    { address: flow.source, port: flow.ports?.source ?? 0 },
    { address: flow.destination, port: flow.ports?.destination ?? 0 },
  ].map(({ address, port }) => `${addressText(address)} ${port}`);
  const [local, remote] = direction === "egress" ? ends : ends.toReversed();
  const plain = `${local} ${remote} ${flow.protocol}`;
  if (flow.icmp === null) return plain;
  const { type, identifier } = flow.icmp;
  const kind = asked[flow.source.family].findIndex((pair) => pair.includes(type));
  if (kind < 0) return null;
  const asks = asked[flow.source.family][kind]?.[0] === type;
  return `${plain} ${kind} ${identifier} asked ${asks ? direction : otherDirection(direction)}`;
}

function flowOf(ip: Ip): Flow {
  const { source, destination, protocol, transport } = ip;
  const ports =
    transport.kind === "tcp" || transport.kind === "udp"
      ? { source: transport.sourcePort, destination: transport.destinationPort }
      : null;
  const icmp = transport.kind === "icmp" ? { type: transport.type, identifier: transport.identifier } : null;
  return { source, destination, protocol, ports, icmp };
}

/** The session that a packet would belong to; null for ICMP that is neither question nor answer. */
export function sessionKey(ip: Ip, direction: Direction): string | null {
  return keyOf(flowOf(ip), direction);
}

/** The session of a packet that an error quotes: it went the other way than the error. */
export function quotedKey(quoted: Quoted, errorDirection: Direction): string | null {
  return keyOf(quoted, otherDirection(errorDirection));
}

/** Does this ICMP type ask, so that it makes a session? */
export function isRequest(ip: Ip): boolean {
  const { family, transport } = ip;
  return transport.kind === "icmp" && asked[family].some(([request]) => request === transport.type);
}

/** What a packet asks the rules of its direction. */
export function questionOf(ip: Ip, direction: Direction): Question {
  const { ports, icmp } = flowOf(ip);
  const out = direction === "egress";
  return {
    remote: out ? ip.destination : ip.source,
    local: out ? ip.source : ip.destination,
    protocol: ip.protocol,
    sourcePort: ports?.source ?? null,
    destinationPort: ports?.destination ?? null,
    icmpType: icmp?.type ?? null,
    icmpCode: ip.transport.kind === "icmp" ? ip.transport.code : null,
  };
}

/** The same packet as an answer to what the other side asked. */
export function mirror(question: Question): Question {
  return { ...question, sourcePort: question.destinationPort, destinationPort: question.sourcePort };
}

/** The state that a packet opens; null where it makes no session. */
export function openState(ip: Ip, sender: Direction): SessionState | null {
  const { transport } = ip;
  switch (transport.kind) {
    case "tcp":
      return { kind: "tcp", tcp: openTcp(sender, transport) };
    case "udp":
      return { kind: "udp", replied: false };
    case "icmp":
      return isRequest(ip) ? { kind: "icmp" } : null;
    case "igmp":
    case "portless":
      return { kind: "others" };
    case "unseen":
      return null;
    default: {
      const never: never = transport;
      return never;
    }
  }
}

/** Seconds of silence that end a session in this state. */
export function timeoutOf(state: SessionState, timeouts: Timeouts): number {
  switch (state.kind) {
    case "tcp":
      return {
        opening: timeouts.tcpOpening,
        established: timeouts.tcpEstablished,
        closing: timeouts.tcpClosing,
      }[state.tcp.phase];
    case "udp":
      return state.replied ? timeouts.udpReplied : timeouts.udpUnreplied;
    case "icmp":
      return timeouts.icmp;
    case "others":
      return timeouts.others;
    default: {
      const never: never = state;
      return never;
    }
  }
}

/** Is the session there at `now`? A revoked one stays: TCP for good, others one timeout more. */
export function isAlive(session: Session, timeouts: Timeouts, now: number): boolean {
  if (session.revoked === null) return now - session.seen < timeoutOf(session.state, timeouts);
  return session.state.kind === "tcp" || now - session.revoked < timeoutOf(session.state, timeouts);
}
