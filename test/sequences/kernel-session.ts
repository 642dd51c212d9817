/** A session of the programs' tables, as a script names it. */
import type { Session, SessionStateName } from "../../src/kernel/status.ts";
import type { Direction, Family } from "../../src/model/model.ts";
import { addressOf } from "../semantics/places.ts";
import { address } from "../support/bed.ts";
import { endsOf } from "./build.ts";
import { saySession } from "./judge.ts";
import type { Body, PacketSpec, StateName } from "./script.ts";

const states: Readonly<Record<SessionStateName, StateName>> = {
  "tcp-opening": "opening",
  "tcp-established": "established",
  "tcp-closing": "closing",
  "udp-unreplied": "unreplied",
  "udp-replied": "replied",
  icmp: "icmp",
  others: "others",
  fragment: "none",
};

interface Subject {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** ICMP: whose session it is, and the type of its request. */
  readonly asks: { readonly by: Direction; readonly type: number } | null;
}

function subjectOf(body: Body, direction: Direction, family: Family): Subject | null {
  const other: Direction = direction === "egress" ? "ingress" : "egress";
  switch (body.kind) {
    case "tcp":
      return { protocol: 6, ...body.ports, asks: null };
    case "udp":
      return { protocol: 17, ...body.ports, asks: null };
    case "echo": {
      const isReply = body.name.endsWith("reply");
      const type = body.name.startsWith("echo") ? (family === 4 ? 8 : 128) : 13;
      return {
        protocol: family === 4 ? 1 : 58,
        source: body.identifier,
        destination: body.identifier,
        asks: { by: isReply ? other : direction, type },
      };
    }
    case "protocol":
      return { protocol: body.number, source: 0, destination: 0, asks: null };
    case "neighbour":
    case "error":
      return null;
    default: {
      const never: never = body;
      return never;
    }
  }
}

/** What the packet's session is, `later` seconds after `sessions` were listed. */
export function sayKernelSession(
  sessions: readonly Session[],
  packet: PacketSpec,
  family: Family,
  later: number,
): string {
  const { direction } = packet;
  const subject = subjectOf(packet.body, direction, family);
  if (subject === null) throw new Error("the packet has no session");
  const { from, to } = endsOf(packet);
  const [source, destination] = [address(addressOf(from, family)), address(addressOf(to, family))];
  const out = direction === "egress";
  const found = sessions.find(
    (one) =>
      one.state !== "fragment" &&
      one.protocol === subject.protocol &&
      one.local.bits === (out ? source : destination).bits &&
      one.remote.bits === (out ? destination : source).bits &&
      one.localPort === (out ? subject.source : subject.destination) &&
      one.remotePort === (out ? subject.destination : subject.source) &&
      (subject.asks === null || (one.origin === subject.asks.by && one.icmpType === subject.asks.type)),
  );
  if (found === undefined) return saySession("none", 0);
  const { expires_seconds: expires } = found;
  if (expires !== null && expires <= later) return saySession("none", 0);
  return saySession(
    found.revoked ? "revoked" : states[found.state],
    expires === null ? null : expires - later,
  );
}
