/** Sequences of fragments as frames, and what has to come out of them at the other end. */
import {
  ethernet,
  fragment,
  frame,
  ipv4,
  ipv6,
  type Layer,
  number,
  payload,
  tcp,
  udp,
  vlan,
} from "../support/packet.ts";
import type { SentFrame } from "./frame-pair.ts";

export type Family = "ipv4" | "ipv6";
export type Direction = "egress" | "ingress";

export const macs = { far: "02:00:00:00:00:fc", 1: "02:00:00:00:00:01", 2: "02:00:00:00:00:02" } as const;

/** Listed for the guests, and configured nowhere: nobody answers but the test. */
export const addresses = {
  ipv4: { far: "10.0.0.99", 1: "10.0.0.11", 2: "10.0.0.12" },
  ipv6: { far: "2001:db8::63", 1: "2001:db8::b", 2: "2001:db8::c" },
} as const;

export type Guest = 1 | 2;

/** The tag the interface lists, and one that it does not. */
export const tags = { listed: 7, other: 8 } as const;

export const open = 9080;
/** Refused by the rules of that direction. */
export const closed = { ingress: 9081, egress: 9082 } as const;
export const openTcp = 8080;

export interface Talk {
  readonly direction: Direction;
  readonly family: Family;
  readonly guest: Guest;
  readonly id: number;
  readonly vlan?: number;
}

const tagged = (tag: number): Uint8Array =>
  Uint8Array.from([...Buffer.from("RW-TAG"), ...number(tag, 4), 0, 0, 0, 0, 0, 0]);

function link({ direction, guest, vlan: id }: Talk): Layer[] {
  const [source, destination] = direction === "egress" ? [macs[guest], macs.far] : [macs.far, macs[guest]];
  return [ethernet({ source, destination }), ...(id === undefined ? [] : [vlan({ id })])];
}

function ends({ direction, family, guest }: Talk): { source: string; destination: string } {
  const { far, [guest]: own } = addresses[family];
  return direction === "egress" ? { source: own, destination: far } : { source: far, destination: own };
}

interface Part {
  readonly offset: number;
  readonly more: boolean;
  readonly protocol: 6 | 17;
}

/** The headers in front of a part of a datagram. */
function headers(talk: Talk, { offset, more, protocol }: Part): Layer[] {
  const identification = talk.id;
  return talk.family === "ipv4"
    ? [
        ...link(talk),
        ipv4({ ...ends(talk), protocol, identification, fragmentOffset: offset, moreFragments: more }),
      ]
    : [...link(talk), ipv6(ends(talk)), fragment({ offset, more, identification, nextHeader: protocol })];
}

export interface Step extends SentFrame {
  readonly passes: boolean;
}

/** Bytes of a first fragment's payload, UDP's header and text: where the second one begins. */
export const second = 24;
export const third = second + 16;

/** A first fragment of a datagram to a port, of 2,000 bytes. */
export function first(talk: Talk, port: number, passes: boolean): Step {
  const header = udp({ sourcePort: 5000, destinationPort: port, length: 2008 });
  const before = headers(talk, { offset: 0, more: true, protocol: 17 });
  return { direction: talk.direction, passes, make: (tag) => frame(...before, header, payload(tagged(tag))) };
}

export function later(talk: Talk, offset: number, passes: boolean, part: Partial<Part> = {}): Step {
  const before = headers(talk, { more: true, protocol: 17, ...part, offset });
  return { direction: talk.direction, passes, make: (tag) => frame(...before, payload(tagged(tag))) };
}

const last = (talk: Talk, offset: number, passes: boolean): Step =>
  later(talk, offset, passes, { more: false });

/** A SYN in a first fragment, whole. */
function firstOfTcp(talk: Talk): Step {
  const before = headers(talk, { offset: 0, more: true, protocol: 6 });
  const syn = tcp({
    sourcePort: 6000 + talk.id,
    destinationPort: openTcp,
    flags: "S",
    options: new Uint8Array(4),
  });
  return {
    direction: talk.direction,
    passes: true,
    make: (tag) => frame(...before, syn, payload(tagged(tag))),
  };
}

/** A first fragment that ends within its TCP header. */
function tiny(talk: Talk): Step {
  const before = headers(talk, { offset: 0, more: true, protocol: 6 });
  const bytes = Uint8Array.from([...number(5000, 2), ...number(openTcp, 2), 0, 0, 0, 0]);
  // The frame is longer than its packet: the tag lies in the padding.
  const cut =
    talk.family === "ipv4"
      ? ipv4({ ...ends(talk), protocol: 6, identification: talk.id, moreFragments: true, totalLength: 28 })
      : null;
  const layers =
    cut === null
      ? [...link(talk), ipv6({ ...ends(talk), payloadLength: 16 }), ...before.slice(-1)]
      : [...link(talk), cut];
  return {
    direction: talk.direction,
    passes: false,
    make: (tag) => frame(...layers, payload(bytes), payload(tagged(tag))),
  };
}

/** IPv6: neither offset nor more. */
function atomic(talk: Talk, port: number, passes: boolean): Step {
  const before = headers(talk, { offset: 0, more: false, protocol: 17 });
  const header = udp({ sourcePort: 5000, destinationPort: port });
  return { direction: talk.direction, passes, make: (tag) => frame(...before, header, payload(tagged(tag))) };
}

function nested(talk: Talk): Step {
  const part = () => fragment({ offset: 0, more: true, identification: talk.id });
  const before = [...link(talk), ipv6(ends(talk)), part(), part()];
  const header = udp({ sourcePort: 5000, destinationPort: open, length: 2008 });
  return {
    direction: talk.direction,
    passes: false,
    make: (tag) => frame(...before, header, payload(tagged(tag))),
  };
}

export interface Sequence {
  readonly name: string;
  readonly family?: Family;
  readonly vlan?: number;
  readonly steps: (talk: Talk) => readonly Step[];
}

const inOrder = (talk: Talk, passes: boolean): Step[] => [
  first(talk, open, passes),
  later(talk, second, passes),
  last(talk, third, passes),
];

export const sequences: readonly Sequence[] = [
  { name: "in order", steps: (talk) => inOrder(talk, true) },
  {
    name: "reversed: later ones pass when their first was judged, not before",
    steps: (talk) => [
      last(talk, third, false),
      later(talk, second, false),
      first(talk, open, true),
      later(talk, second, true),
      last(talk, third, true),
    ],
  },
  {
    name: "of a refused datagram",
    steps: (talk) => [
      first(talk, closed[talk.direction], false),
      later(talk, second, false),
      last(talk, third, false),
    ],
  },
  {
    name: "of another datagram",
    steps: (talk) => [first(talk, open, true), later({ ...talk, id: talk.id + 1000 }, second, false)],
  },
  {
    name: "over one another behind the transport header",
    steps: (talk) => [
      first(talk, open, true),
      later(talk, 8, true),
      later(talk, second, true),
      later(talk, second, true),
    ],
  },
  {
    name: "over the TCP header",
    steps: (talk) => [
      firstOfTcp(talk),
      later(talk, 8, false, { protocol: 6 }),
      later(talk, 16, false, { protocol: 6 }),
      later(talk, 24, true, { protocol: 6 }),
    ],
  },
  {
    name: "without the whole TCP header",
    steps: (talk) => [tiny(talk), later(talk, second, false, { protocol: 6 })],
  },
  {
    name: "a refused first one in an accepted one's place",
    steps: (talk) => [
      first(talk, open, true),
      later(talk, second, true),
      first(talk, closed[talk.direction], false),
      later(talk, second, false),
    ],
  },
  {
    name: "atomic: a whole packet, which speaks for no other",
    family: "ipv6",
    steps: (talk) => [
      atomic(talk, open, true),
      atomic(talk, closed[talk.direction], false),
      later(talk, second, false),
    ],
  },
  { name: "nested", family: "ipv6", steps: (talk) => [nested(talk), later(talk, second, false)] },
  {
    name: "behind a VLAN tag that the interface lists",
    vlan: tags.listed,
    steps: (talk) => inOrder(talk, true),
  },
  {
    name: "behind a VLAN tag that it does not list",
    vlan: tags.other,
    steps: (talk) => inOrder(talk, false),
  },
];

/** An ordinary datagram that comes through. */
export const makeLast =
  (guest: Guest) =>
  (direction: Direction, tag: number): Uint8Array => {
    const talk: Talk = { direction, family: "ipv4", guest, id: 0 };
    const header = udp({ sourcePort: 5001, destinationPort: open });
    return frame(...link(talk), ipv4({ ...ends(talk) }), header, payload(tagged(tag)));
  };
