/** Plays frames at the bed's interface: every step is a line "verdict reason session". */
import type { Direction, Model } from "../../../src/model/model.ts";
import { Oracle } from "../../../src/policy/oracle/oracle.ts";
import type { OracleSettings } from "../../../src/policy/oracle/settings.ts";
import { gatewayMac, guestMac } from "../../support/bed.ts";
import {
  ethernet,
  frame,
  ipv4,
  ipv6,
  type Layer,
  payload,
  type TcpFields,
  tcp,
  udp,
} from "../../support/packet.ts";

export const guest4 = "192.0.2.11";
export const guest6 = "2001:db8:1::11";
export const peer4 = "198.51.100.80";
export const peer6 = "2001:db8:ffff::80";

export interface Play {
  readonly oracle: Oracle;
  /** Judges at eni-1. */
  readonly judge: (direction: Direction, bytes: Uint8Array, time?: number) => string;
  readonly out: (bytes: Uint8Array, time?: number) => string;
  readonly into: (bytes: Uint8Array, time?: number) => string;
}

export function play(model: Model, settings: Partial<OracleSettings> = {}): Play {
  const oracle = new Oracle(model, settings);
  const judge = (direction: Direction, bytes: Uint8Array, time = 0): string => {
    const { verdict, reason, session } = oracle.judge("eni-1", direction, bytes, time);
    return `${verdict} ${reason} ${session}`;
  };
  return {
    oracle,
    judge,
    out: (bytes, time) => judge("egress", bytes, time),
    into: (bytes, time) => judge("ingress", bytes, time),
  };
}

/** From the guest to the gateway's MAC. */
export const sent = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: guestMac, destination: gatewayMac }), ...layers);
/** From the gateway's MAC to the guest. */
export const received = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: gatewayMac, destination: guestMac }), ...layers);

export const toPeer4 = ipv4({ source: guest4, destination: peer4 });
export const toGuest4 = ipv4({ source: peer4, destination: guest4 });
export const toPeer6 = ipv6({ source: guest6, destination: peer6 });
export const toGuest6 = ipv6({ source: peer6, destination: guest6 });

/** TCP between the guest's 40443 and the peer's 443. */
export const tcpOut = (flags: string, fields: Partial<TcpFields> = {}, data = 0): Uint8Array =>
  sent(toPeer4, tcp({ sourcePort: 40443, destinationPort: 443, flags, ...fields }), payload(data));
export const tcpIn = (flags: string, fields: Partial<TcpFields> = {}, data = 0): Uint8Array =>
  received(toGuest4, tcp({ sourcePort: 443, destinationPort: 40443, flags, ...fields }), payload(data));

/** UDP between the guest's 40000 and the peer's 53. */
export const udpOut = sent(toPeer4, udp({ sourcePort: 40000, destinationPort: 53 }), payload("out"));
export const udpIn = received(toGuest4, udp({ sourcePort: 53, destinationPort: 40000 }), payload("in"));

export const passed = "accept session established";

/** The guest's SYN at sequence 1000, the peer's at 5000; both have acknowledged after it. */
export function shakeHands({ out, into }: Play, time = 0): void {
  out(tcpOut("S", { sequence: 1000 }), time);
  into(tcpIn("SA", { sequence: 5000, acknowledgement: 1001 }), time);
  out(tcpOut("A", { sequence: 1001, acknowledgement: 5001 }), time);
}
