/** What travels between the far side and the guest: talks of a few frames each, the same for both firewalls. */
import fc from "fast-check";
import {
  ethernet,
  frame,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  number,
  payload,
  raw,
  segment,
  tcp,
  udp,
} from "../../support/packet.ts";
import { type Direction, type Family, far, guest, ports, sourcePorts } from "./rule-set.ts";
import { last } from "./write-yaml.ts";

/** Egress is sent by the guest. `make` builds the frame that carries a tag. */
export interface Step {
  readonly direction: Direction;
  readonly make: (tag: number) => Uint8Array;
  /** Sent only when the talk's first step came through: without it, it would be a midstream packet. */
  readonly needsFirst: boolean;
}

export interface Talk {
  readonly kind: "tcp" | "udp" | "echo" | "error" | "others";
  readonly family: Family;
  readonly steps: readonly Step[];
  /** The first step as `evaluate` is asked about it. */
  readonly first: {
    readonly direction: Direction;
    readonly far: string;
    readonly guest: string;
    readonly protocol: number;
    readonly port: number | null;
    readonly sourcePort: number | null;
    readonly icmpType: number | null;
  };
}

export const macs = {
  guest: guest.mac,
  /** The middle's, towards the guest and towards the far side. */
  tap: "02:00:00:00:00:fd",
  out: "02:00:00:00:00:fe",
  far: "02:00:00:00:00:fc",
} as const;

interface Ends {
  readonly family: Family;
  readonly far: string;
  readonly guest: string;
}

const link = (direction: Direction): Layer =>
  direction === "egress"
    ? ethernet({ source: macs.guest, destination: macs.tap })
    : ethernet({ source: macs.far, destination: macs.out });

function network({ family, far: there, guest: here }: Ends, direction: Direction): Layer {
  const addresses =
    direction === "egress" ? { source: here, destination: there } : { source: there, destination: here };
  return family === "ipv4" ? ipv4(addresses) : ipv6(addresses);
}

const tagged = (tag: number): Layer => payload(Uint8Array.of(...Buffer.from("RW-TAG"), ...number(tag, 4)));

const opposite = (direction: Direction): Direction => (direction === "egress" ? "ingress" : "egress");

function step(
  ends: Ends,
  direction: Direction,
  layers: (tag: number) => readonly Layer[],
  needsFirst = false,
) {
  return {
    direction,
    needsFirst,
    make: (tag: number) => frame(link(direction), network(ends, direction), ...layers(tag)),
  };
}

/** Counts up through a rule set: what must not repeat is taken from here. */
export interface Fresh {
  next: number;
}

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const around = (values: readonly number[]) => pick(values.flatMap((value) => [value - 1, value, value + 1]));

const arbitraryEnds: fc.Arbitrary<Ends> = pick<Family>(["ipv4", "ipv6"]).chain((family) =>
  fc.record({ family: fc.constant(family), far: pick(far[family]), guest: pick(guest[family]) }),
);

/** Drawn values; `fresh` makes them a talk that no other of the rule set is. */
export type TalkSeed = (fresh: Fresh) => Talk;

const drawn = fc.record({
  ends: arbitraryEnds,
  direction: pick<Direction>(["egress", "ingress", "ingress"]),
  port: around(ports),
  sourcePort: around(sourcePorts),
  kind: pick<Talk["kind"]>(["tcp", "tcp", "tcp", "udp", "udp", "udp", "echo", "echo", "error", "others"]),
  protocol: pick([47, 50, 112]),
  timestamp: fc.boolean(),
  router: pick([...far.ipv4, ...far.ipv6]),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;

export const arbitraryTalk: fc.Arbitrary<TalkSeed> = drawn.map(
  (values) => (fresh) => makeTalk(values, fresh),
);

const seen = new WeakMap<Fresh, Set<string>>();

/** A source port near the rules' borders, or another one where the flow is already there. */
function freshPort({ ends, port, sourcePort, kind, direction }: Drawn, fresh: Fresh): number {
  const flows = seen.get(fresh) ?? new Set<string>();
  seen.set(fresh, flows);
  const key = [kind === "tcp", ends.far, ends.guest, port, sourcePort, direction].join();
  if (flows.has(key)) return 20_000 + fresh.next++;
  flows.add(key);
  return sourcePort;
}

function makeTalk(values: Drawn, fresh: Fresh): Talk {
  const { ends, direction } = values;
  const asked = { direction, far: ends.far, guest: ends.guest, port: null, sourcePort: null, icmpType: null };
  switch (values.kind) {
    case "tcp":
    case "udp":
    case "error": {
      const sourcePort = freshPort(values, fresh);
      const protocol = values.kind === "tcp" ? 6 : 17;
      const first = { ...asked, protocol, port: values.port, sourcePort };
      const steps = stepsOf(values, sourcePort, fresh);
      return { kind: values.kind, family: ends.family, steps, first };
    }
    case "echo":
      return makeEcho(values, asked, fresh);
    case "others": {
      const bytes =
        values.protocol === 47 ? Uint8Array.of(0, 0, 8, 0) : Uint8Array.of(0, 0, 1, 2, 0, 0, 0, 3);
      const layers = (tag: number) => [raw(bytes, { protocol: values.protocol }), tagged(tag)];
      const steps = [step(ends, direction, layers), step(ends, opposite(direction), layers)];
      return { kind: "others", family: ends.family, steps, first: { ...asked, protocol: values.protocol } };
    }
    default:
      return values.kind satisfies never;
  }
}

function stepsOf(values: Drawn, sourcePort: number, fresh: Fresh): readonly Step[] {
  switch (values.kind) {
    case "tcp":
      return tcpSteps(values, sourcePort);
    case "error":
      return errorSteps(values, sourcePort);
    default:
      return udpSteps(values, sourcePort, fresh);
  }
}

function tcpSteps({ ends, direction, port }: Drawn, sourcePort: number): readonly Step[] {
  const there = { sourcePort, destinationPort: port };
  const back = { sourcePort: port, destinationPort: sourcePort };
  const window = 65_535;
  return [
    step(ends, direction, (tag) => [tcp({ ...there, flags: "S", sequence: 1000, window }), tagged(tag)]),
    step(
      ends,
      opposite(direction),
      (tag) => [tcp({ ...back, flags: "SA", sequence: 5000, acknowledgement: 1001, window }), tagged(tag)],
      true,
    ),
    step(
      ends,
      direction,
      (tag) => [tcp({ ...there, flags: "A", sequence: 1001, acknowledgement: 5001, window }), tagged(tag)],
      true,
    ),
    step(
      ends,
      opposite(direction),
      (tag) => [tcp({ ...back, flags: "PA", sequence: 5001, acknowledgement: 1001, window }), tagged(tag)],
      true,
    ),
  ];
}

/** A question, its answer, the question again, and an answer from a port that was not asked. */
function udpSteps({ ends, direction, port }: Drawn, sourcePort: number, fresh: Fresh): readonly Step[] {
  const there = (tag: number) => [udp({ sourcePort, destinationPort: port }), tagged(tag)];
  const back = (from: number) => (tag: number) => [
    udp({ sourcePort: from, destinationPort: sourcePort }),
    tagged(tag),
  ];
  return [
    step(ends, direction, there),
    step(ends, opposite(direction), back(port)),
    step(ends, direction, there),
    step(ends, opposite(direction), back(40_000 + (fresh.next++ % 20_000))),
  ];
}

/** A datagram, and a router's word that nobody was there. The quote holds no tag but the error's own. */
function errorSteps({ ends, direction, port, router }: Drawn, sourcePort: number): readonly Step[] {
  const datagram = (tag: number) => [udp({ sourcePort, destinationPort: port }), tagged(tag)];
  const isOfFamily = router.includes(":") === (ends.family === "ipv6");
  const sender = direction === "egress" && isOfFamily ? { ...ends, far: router } : ends;
  const error = (tag: number) => {
    const outer = network(sender, opposite(direction));
    const quoted = segment(undefined, network(ends, direction), ...datagram(tag));
    const unreachable = ends.family === "ipv4" ? icmp({ type: 3, code: 3 }) : icmpv6({ type: 1, code: 4 });
    return frame(link(opposite(direction)), outer, unreachable, payload(quoted));
  };
  return [
    step(ends, direction, datagram),
    { direction: opposite(direction), needsFirst: false, make: error },
  ];
}

/** A request, its answer, an answer to another identifier. ICMP has timestamps too. */
function makeEcho(
  { ends, direction, timestamp }: Drawn,
  asked: Omit<Talk["first"], "protocol">,
  fresh: Fresh,
): Talk {
  const isIpv4 = ends.family === "ipv4";
  const [request, reply] = isIpv4 ? (timestamp ? [13, 14] : [8, 0]) : [128, 129];
  const message = (type: number, identifier: number) => (tag: number) => [
    (isIpv4 ? icmp : icmpv6)({ type, identifier, sequence: 1 }),
    tagged(tag),
  ];
  const identifier = fresh.next;
  fresh.next += 2;
  return {
    kind: "echo",
    family: ends.family,
    steps: [
      step(ends, direction, message(request, identifier)),
      step(ends, opposite(direction), message(reply, identifier)),
      step(ends, opposite(direction), message(reply, identifier + 1)),
    ],
    first: { ...asked, protocol: isIpv4 ? 1 : 58, icmpType: request },
  };
}

/** The frame that ends a batch in a direction: one that both firewalls let through. */
export function makeLast(direction: Direction, tag: number): Uint8Array {
  const ends: Ends = { family: "ipv4", far: last.ipv4, guest: guest.ipv4[0] };
  const layers = [udp({ sourcePort: last.port, destinationPort: last.port }), tagged(tag)];
  return frame(link(direction), network(ends, direction), ...layers);
}
