/** Floods: endless packets of one kind, of which no two belong together unless they answer each other. */
import type { Direction } from "../../src/model/model.ts";
import {
  arp,
  ethernet,
  frame,
  icmp,
  ipv4,
  ipv6,
  type Layer,
  neighbourSolicitation,
  payload,
  tcp,
  udp,
} from "../support/packet.ts";

export const flooder = { id: "eni-0", mac: "02:00:00:00:01:00", ipv4: "192.0.2.10", ipv6: "2001:db8:1::10" };
const far = { mac: "02:00:00:00:00:01", ipv4: "198.18.0.0", ipv6: "2001:db8:ffff::" };

/** One packet of each unit of a flood. Checksums go wrong with the numbers; nothing at a host's hooks reads them. */
export interface Step {
  readonly direction: Direction;
  readonly template: Uint8Array;
  /** Places of the frame that take the low and the high 16 bits of the unit's number. */
  readonly low: number;
  readonly high: number;
}

export interface Flood {
  readonly name: string;
  readonly steps: readonly Step[];
  /**
   * What others lose to it where all have one set of tables and bounds: their new connections, or the sessions of a
   * table. Nothing: no table or bound knows of it.
   */
  readonly takes: "openings" | "answered" | "established" | "nothing";
}

type Side = "guest" | "uplink";
type Fields = (ports: { sourcePort: number; destinationPort: number }) => Layer;

/** Places in frames of IPv4 without options. */
const at = { identification: 18, source: 28, destination: 32, sourcePort: 34, destinationPort: 36 } as const;
const at6 = { source: 36, destination: 52, sourcePort: 54, destinationPort: 56 } as const;

/** A packet that whoever asks sends (`asks`), or the answer; the asker's port and the far address make it another one. */
function step(side: Side, asks: boolean, port: number, fields: Fields, family: 4 | 6 = 4): Step {
  const direction: Direction = (side === "guest") === asks ? "egress" : "ingress";
  const [from, to] = direction === "egress" ? [flooder, far] : [far, flooder];
  const ports = { sourcePort: asks ? 0 : port, destinationPort: asks ? port : 0 };
  const name = family === 4 ? "ipv4" : "ipv6";
  const addresses = { source: from[name], destination: to[name] };
  const places = family === 4 ? at : at6;
  return {
    direction,
    template: frame(
      ethernet({ source: from.mac, destination: to.mac }),
      family === 4 ? ipv4(addresses) : ipv6(addresses),
      fields(ports),
      payload(12),
    ),
    low: asks ? places.sourcePort : places.destinationPort,
    high: direction === "egress" ? places.destination : places.source,
  };
}

const syn: Fields = (ports) => tcp({ ...ports, flags: "S", sequence: 999 });
const synAck: Fields = (ports) => tcp({ ...ports, flags: "SA", sequence: 4999, acknowledgement: 1012 });
const ack: Fields = (ports) => tcp({ ...ports, flags: "A", sequence: 1012, acknowledgement: 5012 });

/** Echo requests and their answers: identifier and far address are another one each time. */
function echo(side: Side, asks: boolean): Step {
  const made = step(side, asks, 0, () => icmp({ type: asks ? 8 : 0 }));
  return { ...made, low: 38 };
}

/** First fragments; the identification and the far address are another one each time. */
function firstFragment(side: Side): Step {
  const direction: Direction = side === "guest" ? "egress" : "ingress";
  const [from, to] = side === "guest" ? [flooder, far] : [far, flooder];
  const addresses = { source: from.ipv4, destination: to.ipv4, moreFragments: true };
  return {
    direction,
    template: frame(
      ethernet({ source: from.mac, destination: to.mac }),
      ipv4(addresses),
      udp({ sourcePort: 5000, destinationPort: 5000, length: 2000 }),
      payload(16),
    ),
    low: at.identification,
    high: side === "guest" ? at.destination : at.source,
  };
}

/** ARP requests: the address asked for is another one each time. */
function arpRequest(side: Side): Step {
  const [from, to] = side === "guest" ? [flooder, far] : [far, flooder];
  return {
    direction: side === "guest" ? "egress" : "ingress",
    template: frame(
      ethernet({ source: from.mac, destination: "ff:ff:ff:ff:ff:ff" }),
      arp({
        operation: "request",
        senderMac: from.mac,
        senderAddress: from.ipv4,
        targetAddress: to.ipv4,
      }),
    ),
    low: 40,
    high: 38,
  };
}

/** Neighbour solicitations, likewise. */
function solicitation(side: Side): Step {
  const [from, to] = side === "guest" ? [flooder, far] : [far, flooder];
  return {
    direction: side === "guest" ? "egress" : "ingress",
    template: frame(
      ethernet({ source: from.mac, destination: to.mac }),
      ipv6({ source: from.ipv6, destination: to.ipv6, hopLimit: 255 }),
      neighbourSolicitation("2001:db8:ffff::"),
    ),
    low: 76,
    high: 74,
  };
}

function floodsOf(side: Side): readonly Flood[] {
  const ask = (port: number, fields: Fields, family: 4 | 6 = 4) => step(side, true, port, fields, family);
  const answer = (port: number, fields: Fields) => step(side, false, port, fields);
  const whose = side === "guest" ? "from one guest" : "from the uplink to one guest";
  // What always works is bounded where a guest sends it, and remembered nowhere.
  const always = side === "guest" ? "openings" : "nothing";
  return [
    { name: `SYN ${whose}`, steps: [ask(443, syn)], takes: "openings" },
    { name: `SYN over IPv6 ${whose}`, steps: [ask(443, syn, 6)], takes: "openings" },
    { name: `UDP one way ${whose}`, steps: [ask(5000, udp)], takes: "openings" },
    {
      name: `SYN to an open port that answers ${whose}`,
      steps: [ask(443, syn), answer(443, synAck)],
      takes: "openings",
    },
    { name: `answered DNS ${whose}`, steps: [ask(53, udp), answer(53, udp)], takes: "answered" },
    {
      name: `answered echo requests ${whose}`,
      steps: [echo(side, true), echo(side, false)],
      takes: "answered",
    },
    { name: `first fragments ${whose}`, steps: [firstFragment(side)], takes: "openings" },
    { name: `ARP ${whose}`, steps: [arpRequest(side)], takes: always },
    { name: `neighbour solicitations ${whose}`, steps: [solicitation(side)], takes: always },
    {
      name: `whole handshakes ${whose}`,
      steps: [ask(443, syn), answer(443, synAck), ask(443, ack)],
      takes: "established",
    },
  ];
}

export const floods: readonly Flood[] = [
  ...floodsOf("guest"),
  ...floodsOf("uplink"),
  {
    name: "SYN to a closed port from the uplink to one guest",
    steps: [step("uplink", true, 22, syn)],
    takes: "nothing",
  },
];

/** The flood of this name; throws where there is none. */
export function floodNamed(name: string): Flood {
  const kind = floods.find((one) => one.name === name);
  if (kind === undefined) throw new Error(`no flood ${name}`);
  return kind;
}

/** Its packet; throws where it is of two, that answer each other. */
export function stepOf({ name, steps }: Flood): Step {
  const [step, ...more] = steps;
  if (step === undefined || more.length > 0) throw new Error(`${name} is not of one packet`);
  return step;
}
