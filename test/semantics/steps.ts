/** What happens in a row: packets with the verdict that each must have, time that passes, changes of the model. */
import type { Direction, Family } from "../../src/model/model.ts";
import { gatewayMac } from "../support/bed.ts";
import {
  ethernet,
  frame,
  type Ipv4Fields,
  type Ipv6Fields,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  multicastMac,
  payload,
  raw,
  type TcpFields,
  tcp as tcpLayer,
  udp as udpLayer,
  vlan,
} from "../support/packet.ts";
import { addressOf, placeOfInterface } from "./places.ts";
import type { Setting } from "./setting.ts";

export type Step =
  | {
      readonly kind: "packet";
      readonly on: string;
      readonly direction: Direction;
      readonly frame: (family: Family) => Uint8Array;
      /** "verdict reason session", without session: none. A rule may follow: "accept rule new sg-t 0". */
      readonly expect: string;
    }
  | {
      readonly kind: "uplink";
      readonly frame: (family: Family) => Uint8Array;
      readonly expect: "drop" | "leave";
    }
  | { readonly kind: "state"; readonly on: string; readonly state: InterfaceLife }
  | { readonly kind: "sessions"; readonly on: string; readonly alive: number }
  | { readonly kind: "end"; readonly on: string }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "change"; readonly setting: Setting };

/** From attachment to removal. */
export type InterfaceLife = "ready" | "not-ready" | "removed";

/** The layers behind the IP header. */
export type Body = (family: Family) => readonly Layer[];

export interface Way {
  /** The interface; eni-1. */
  readonly on?: string;
  /** Names of the bed, or addresses. */
  readonly from?: string;
  readonly to?: string;
  readonly sourceMac?: string;
  readonly destinationMac?: string;
  readonly vlans?: readonly number[];
  readonly ip4?: Partial<Ipv4Fields>;
  readonly ip6?: Partial<Ipv6Fields>;
}

const ports = (text: string): { sourcePort: number; destinationPort: number } => {
  const [source = "", destination = ""] = text.split(">");
  return { sourcePort: Number(source), destinationPort: Number(destination) };
};

/** "40443>443" and flags; `length` bytes of data. */
export function tcp(way: string, flags: string, fields: Partial<TcpFields> & { length?: number } = {}): Body {
  const { length = 0, ...rest } = fields;
  return () => [tcpLayer({ ...ports(way), flags, ...rest }), payload(length)];
}

/** A SYN to this port. */
export function syn(port: number, source = 40443): Body {
  return tcp(`${source}>${port}`, "S");
}

export function udp(way: string, length = 4): Body {
  return () => [udpLayer(ports(way)), payload(length)];
}

/** A packet of a protocol without ports. */
export function protocol(number: number): Body {
  return () => [raw(new Uint8Array(16), { protocol: number })];
}

/** ICMP of the row's family: types of IPv4 and of IPv6. */
export function icmpOf(
  types: readonly [number, number],
  fields: { code?: number; identifier?: number } = {},
): Body {
  return (family) => [
    family === 4 ? icmp({ type: types[0], ...fields }) : icmpv6({ type: types[1], ...fields }),
    payload(8),
  ];
}

export const echo = (identifier = 1): Body => icmpOf([8, 128], { identifier });
export const echoReply = (identifier = 1): Body => icmpOf([0, 129], { identifier });

/** Bodies that stand for themselves. */
export const layers =
  (...list: readonly Layer[]): Body =>
  () =>
    list;

export function ipLayer(family: Family, from: string, to: string, way: Way = {}): Layer {
  const ends = { source: addressOf(from, family), destination: addressOf(to, family) };
  return family === 4 ? ipv4({ ...ends, ...way.ip4 }) : ipv6({ ...ends, ...way.ip6 });
}

/** An ICMP error that quotes a packet: `from`, `to` and body of the quoted one. */
export function quoting(
  types: readonly [number, number],
  quoted: { from: string; to: string; body: Body },
  code = 0,
): Body {
  return (family) => [
    family === 4 ? icmp({ type: types[0], code }) : icmpv6({ type: types[1], code }),
    ipLayer(family, quoted.from, quoted.to),
    ...quoted.body(family),
  ];
}
export const unreachable = [3, 1] as const;
export const timeExceeded = [11, 3] as const;
export const parameterProblem = [12, 4] as const;

function groupMac(address: string): string | null {
  if (address === "255.255.255.255") return "ff:ff:ff:ff:ff:ff";
  const isGroup = /^(22[4-9]|23\d)\./.test(address) || /^ff[0-9a-f]{2}:/.test(address);
  return isGroup ? multicastMac(address) : null;
}

function writeFrame(direction: Direction, body: Body, way: Way): (family: Family) => Uint8Array {
  const own = placeOfInterface(way.on ?? "eni-1");
  const from = way.from ?? (direction === "egress" ? own.name : "peer");
  const to = way.to ?? (direction === "egress" ? "peer" : own.name);
  return (family) => {
    const destination = groupMac(addressOf(to, family)) ?? (direction === "egress" ? gatewayMac : own.mac);
    return frame(
      ethernet({
        source: way.sourceMac ?? (direction === "egress" ? own.mac : gatewayMac),
        destination: way.destinationMac ?? destination,
      }),
      ...(way.vlans ?? []).map((id) => vlan({ id })),
      ipLayer(family, from, to, way),
      ...body(family),
    );
  };
}

function packet(direction: Direction, body: Body, expect: string, way: Way): Step {
  return {
    kind: "packet",
    on: way.on ?? "eni-1",
    direction,
    frame: writeFrame(direction, body, way),
    expect,
  };
}

/** What the guest sends, to the peer unless said otherwise. */
export function out(body: Body, expect: string, way: Way = {}): Step {
  return packet("egress", body, expect, way);
}

/** What reaches the guest, from the peer unless said otherwise. */
export function into(body: Body, expect: string, way: Way = {}): Step {
  return packet("ingress", body, expect, way);
}

/** A frame of layers, whatever they are. */
export function odd(
  direction: Direction,
  build: (family: Family) => readonly Layer[],
  expect: string,
  on = "eni-1",
): Step {
  return { kind: "packet", on, direction, frame: (family) => frame(...build(family)), expect };
}

/** What comes in at the host's uplink for an interface; the oracle knows none: the device judges what is left. */
export function atUplink(body: Body, expect: "drop" | "leave", way: Way = {}): Step {
  return { kind: "uplink", frame: writeFrame("ingress", body, way), expect };
}

/** From here on, until the next change, the interface is in this state. */
export function becomes(on: string, state: InterfaceLife): Step {
  return { kind: "state", on, state };
}

/** So many sessions of an interface are alive now; remembered first fragments are none. */
export function alive(count: number, on = "eni-1"): Step {
  return { kind: "sessions", on, alive: count };
}

/** An operator ends every session of an interface now. */
export function end(on = "eni-1"): Step {
  return { kind: "end", on };
}

export function wait(seconds: number): Step {
  return { kind: "wait", seconds };
}

/** From here on the model is this. */
export function change(setting: Setting): Step {
  return { kind: "change", setting };
}

/** The guest asks: SYN, SYN-ACK, ACK; next sequences 1001 and 5001. `opened` is what the SYN's verdict is. */
export function handshakeOut(opened = "accept default-egress new", way = "40443>443"): readonly Step[] {
  const back = way.split(">").toReversed().join(">");
  return [
    out(tcp(way, "S", { sequence: 1000 }), opened),
    into(tcp(back, "SA", { sequence: 5000, acknowledgement: 1001 }), "accept session established"),
    out(tcp(way, "A", { sequence: 1001, acknowledgement: 5001 }), "accept session established"),
  ];
}

/** The peer asks, from 50022 to the guest's 22; next sequences 1001 and 5001. */
export function handshakeIn(opened = "accept rule new", way = "50022>22"): readonly Step[] {
  const back = way.split(">").toReversed().join(">");
  return [
    into(tcp(way, "S", { sequence: 1000 }), opened),
    out(tcp(back, "SA", { sequence: 5000, acknowledgement: 1001 }), "accept session established"),
    into(tcp(way, "A", { sequence: 1001, acknowledgement: 5001 }), "accept session established"),
  ];
}
