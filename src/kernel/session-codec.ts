/** Sessions as the programs keep them, and as people read them. */
import type { Address } from "../model/model.ts";
import { decodeAddress } from "./addresses.ts";
import { elapsed } from "./jiffies.ts";
import {
  RuleNumber,
  SessionFlag,
  type SessionKeyStruct,
  SessionState,
  type SessionStruct,
} from "./layout.gen.ts";
import { reasonName } from "./names.ts";
import type { Session, SessionFilter, SessionStateName, SessionTableName } from "./status.ts";

const stateNames: ReadonlyMap<number, SessionStateName> = new Map([
  [SessionState.STATE_TCP_OPENING, "tcp-opening"],
  [SessionState.STATE_TCP_ESTABLISHED, "tcp-established"],
  [SessionState.STATE_TCP_CLOSING, "tcp-closing"],
  [SessionState.STATE_UDP_UNREPLIED, "udp-unreplied"],
  [SessionState.STATE_UDP_REPLIED, "udp-replied"],
  [SessionState.STATE_ICMP, "icmp"],
  [SessionState.STATE_OTHERS, "others"],
  [SessionState.STATE_FRAGMENT, "fragment"],
]);

/** When and under which timeouts entries are read. */
export interface SessionClock {
  /** Jiffies, low 32 bits. */
  readonly now: number;
  readonly hz: number;
  /** Jiffies, by enum session_state. */
  readonly timeouts: readonly number[];
}

const tcpStates: readonly number[] = [
  SessionState.STATE_TCP_OPENING,
  SessionState.STATE_TCP_ESTABLISHED,
  SessionState.STATE_TCP_CLOSING,
];

// offsetof() of the three fields that a sweep reads of each entry; the layout's test holds them.
const seenOffset = 0;
const stateOffset = 8;
const flagsOffset = 9;

/** A revoked TCP session stays revoked without a time limit, so its time means nothing (session_is_over in C). */
function isTimeless({ flags, state }: Pick<SessionStruct, "flags" | "state">): boolean {
  return (flags & SessionFlag.SESSION_REVOKED) !== 0 && tcpStates.includes(state);
}

/** Whether the programs would still find an entry, without decoding all of it. */
export function isAlive(values: DataView, offset: number, clock: SessionClock): boolean {
  if (isTimeless(readTimes(values, offset))) return true;
  const seen = values.getUint32(offset + seenOffset, true);
  const timeout = clock.timeouts[values.getUint8(offset + stateOffset)] ?? 0;
  return elapsed(seen, clock.now) < timeout;
}

/** A quarter of the way round of the 32 bits that `seen` has: 12 days at 1000 jiffies a second. */
const longIdle = 2 ** 30;
/** Another CPU's time may lie this little in the future. */
const slack = 2 ** 20;

/** Whether an entry idles for so long that its time is about to come round, which would make it look alive again. */
export function isAncient(values: DataView, offset: number, clock: SessionClock): boolean {
  if (isTimeless(readTimes(values, offset))) return false;
  const idle = (clock.now - values.getUint32(offset + seenOffset, true)) >>> 0;
  return idle >= longIdle && idle < 2 ** 32 - slack;
}

/** What of an entry says how long it has been silent, and how long it may be. */
export function readTimes(
  values: DataView,
  offset: number,
): { readonly seen: number; readonly state: number; readonly flags: number } {
  return {
    seen: values.getUint32(offset + seenOffset, true),
    state: values.getUint8(offset + stateOffset),
    flags: values.getUint8(offset + flagsOffset),
  };
}

/** How entries of one interface are read. */
export interface SessionReading extends SessionClock {
  /** That the interface is under: of an entry that lives by another one, the number of its rule means nothing. */
  readonly generation: number;
}

export function describeSession(
  interfaceId: string,
  table: SessionTableName,
  key: SessionKeyStruct,
  entry: SessionStruct,
  clock: SessionReading,
): Session {
  const idle = elapsed(entry.seen, clock.now);
  const timeout = clock.timeouts[entry.state] ?? 0;
  return {
    interface: interfaceId,
    table,
    local: decodeAddress(key.local),
    remote: decodeAddress(key.remote),
    protocol: key.protocol,
    localPort: key.localPort,
    remotePort: key.remotePort,
    icmpType: entry.icmp >>> 8,
    icmpCode: entry.icmp & 0xff,
    origin: entry.flags & SessionFlag.SESSION_ORIGIN_INGRESS ? "ingress" : "egress",
    state: stateNames.get(entry.state) ?? "others",
    revoked: (entry.flags & SessionFlag.SESSION_REVOKED) !== 0,
    ended: (entry.flags & SessionFlag.SESSION_ENDED) !== 0,
    age_seconds: elapsed(entry.opened, clock.now) / clock.hz,
    idle_seconds: idle / clock.hz,
    expires_seconds: isTimeless(entry) ? null : Math.max(0, timeout - idle) / clock.hz,
    packets: entry.packets,
    bytes: entry.bytes,
    rule: entry.rule === RuleNumber.RULE_NONE || entry.generation !== clock.generation ? null : entry.rule,
    reason: reasonName(entry.reason),
  };
}

function isSameAddress(left: Address, right: Address): boolean {
  return left.family === right.family && left.bits === right.bits;
}

/** Whether a session is one of those that a filter means. Remembered fragments are no sessions. */
export function matchesFilter(session: Session, filter: SessionFilter): boolean {
  return (
    session.state !== "fragment" &&
    (filter.interface === undefined || filter.interface === session.interface) &&
    (filter.protocol === undefined || filter.protocol === session.protocol) &&
    (filter.local === undefined || isSameAddress(filter.local, session.local)) &&
    (filter.remote === undefined || isSameAddress(filter.remote, session.remote)) &&
    (filter.localPort === undefined || filter.localPort === session.localPort) &&
    (filter.remotePort === undefined || filter.remotePort === session.remotePort)
  );
}
