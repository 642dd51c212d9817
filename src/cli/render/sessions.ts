import type { Session } from "../../agent/protocol.ts";
import { formatAge, formatBytes, formatCount } from "./format.ts";
import { formatEndpoint, formatRule } from "./packet.ts";
import { style } from "./style.ts";
import { createTableRenderer } from "./table.ts";

export const noSessions = "No session matches.";

/** Sessions as a table, piece by piece: who asked whom, how it stands, how old, how much, and what let it in. */
export function createSessionRenderer(): (piece: readonly Session[]) => string {
  return createTableRenderer([
    { title: "interface", value: (session) => session.interface },
    { title: "protocol", value: (session) => session.protocol },
    { title: "opened by", value: (session) => formatEndpoint(asker(session)) },
    { title: "towards", value: (session) => formatEndpoint(asked(session)) },
    { title: "state", value: ({ state, revoked }) => (revoked ? style.bad(`revoked (${state})`) : state) },
    { title: "age", value: (session) => formatAge(session.ageSeconds), align: "right" },
    { title: "idle", value: (session) => formatAge(session.idleSeconds), align: "right" },
    { title: "packets", value: (session) => formatCount(session.packets), align: "right" },
    { title: "bytes", value: (session) => formatBytes(session.bytes), align: "right" },
    { title: "by", value: ({ rule, reason }) => (rule === null ? reason : formatRule(rule)) },
  ]);
}

function asker(session: Session) {
  return session.origin === "egress" ? localEnd(session) : remoteEnd(session);
}

function asked(session: Session) {
  return session.origin === "egress" ? remoteEnd(session) : localEnd(session);
}

function localEnd({ local, localPort }: Session) {
  return { address: local, port: localPort };
}

function remoteEnd({ remote, remotePort }: Session) {
  return { address: remote, port: remotePort };
}
