/** Talks: packets of one flow in the order that two hosts, or something worse, send them. */
import fc from "fast-check";
import type { Direction, Model } from "../../src/model/model.ts";
import { arbitraryEnds, between, type Ends, ip } from "./arbitrary-ends.ts";
import { pools } from "./arbitrary-model.ts";
import { frame, icmp, icmpv6, type Layer, payload, raw, tcp, udp } from "./packet.ts";

/** A frame at an interface; `wait`: seconds since the one before it. */
export interface Step {
  readonly direction: Direction;
  readonly frame: Uint8Array;
  readonly wait: number;
}

const moves = [
  "syn",
  "syn-ack",
  "syn-ack-wrong",
  "ack",
  "data",
  "fin",
  "fin-wrong",
  "rst",
  "rst-ack",
  "rst-wrong",
  "error",
] as const;
type Move = (typeof moves)[number];

interface Turn {
  readonly asker: boolean;
  readonly move: Move;
  readonly wait: number;
}

const handshake: readonly Turn[] = [
  { asker: true, move: "syn", wait: 0 },
  { asker: false, move: "syn-ack", wait: 0 },
  { asker: true, move: "ack", wait: 0 },
];
const goodbye: readonly Turn[] = [
  { asker: true, move: "fin", wait: 1 },
  { asker: false, move: "fin", wait: 0 },
  { asker: true, move: "ack", wait: 0 },
];

/** Never exactly a timeout: which side of it counts is a test of its own. */
const wait = fc.constantFrom(0, 0, 0, 0, 0, 1, 3, 9.5, 11, 29, 31, 59, 61, 179, 182, 301, 909, 912);

const turn: fc.Arbitrary<Turn> = fc.record({ asker: fc.boolean(), move: fc.constantFrom(...moves), wait });

const turns: fc.Arbitrary<readonly Turn[]> = fc
  .tuple(
    fc.constantFrom([], handshake, [...handshake, ...goodbye]),
    fc.array(turn, { maxLength: 24, size: "max" }),
  )
  .map(([known, free]) => [...known, ...free]);

/** What each side of a TCP talk has sent. */
class TcpTalk {
  readonly #ends: Ends;
  readonly #asker: Direction;
  readonly #ports: { readonly local: number; readonly remote: number };
  readonly #next = { egress: 0xfffffff0, ingress: 5000 };
  #isn = 1000;
  #last: { direction: Direction; layers: readonly Layer[] } | null = null;

  constructor(ends: Ends, asker: Direction, ports: { local: number; remote: number }) {
    this.#ends = ends;
    this.#asker = asker;
    this.#ports = ports;
  }

  play({ asker, move, wait: pause }: Turn): Step {
    const direction = asker ? this.#asker : opposite(this.#asker);
    if (move === "error") return { ...this.#quote(direction), wait: pause };
    const layers = this.#segment(direction, move);
    this.#last = { direction, layers };
    return { direction, frame: between(this.#ends, direction, ...layers), wait: pause };
  }

  #send(
    direction: Direction,
    flags: string,
    fields: { data?: number; at: number; ack: number },
  ): readonly Layer[] {
    const { local, remote } = this.#ports;
    const [sourcePort, destinationPort] = direction === "egress" ? [local, remote] : [remote, local];
    const numbers = { sequence: fields.at >>> 0, acknowledgement: fields.ack >>> 0 };
    return [tcp({ sourcePort, destinationPort, flags, ...numbers }), payload(fields.data ?? 0)];
  }

  #segment(direction: Direction, move: Exclude<Move, "error">): readonly Layer[] {
    const acknowledgement = this.#next[opposite(direction)];
    const sequence = this.#next[direction];
    const send = (flags: string, data = 0, at = sequence, ack = acknowledgement): readonly Layer[] =>
      this.#send(direction, flags, { data, at, ack });
    switch (move) {
      case "syn":
        this.#isn += 70000;
        this.#next[direction] = this.#isn + 1;
        return send("S", 0, this.#isn, 0);
      case "syn-ack":
        this.#next[direction] = 7001;
        return send("SA", 0, 7000);
      case "syn-ack-wrong":
        return send("SA", 0, 7000, acknowledgement + 12345);
      case "ack":
        return send("A");
      case "data":
        this.#next[direction] = (sequence + 10) >>> 0;
        return send("PA", 10);
      case "fin":
        this.#next[direction] = (sequence + 1) >>> 0;
        return send("FA");
      case "fin-wrong":
        return send("FA", 0, sequence + 1000000);
      case "rst":
        return send("R", 0, sequence, 0);
      case "rst-ack":
        return send("RA", 0, 0);
      case "rst-wrong":
        return send("R", 0, sequence + 77, 0);
      default: {
        const never: never = move;
        return never;
      }
    }
  }

  /** An error about the last segment, to whom sent it; before any segment, about one that nobody sent. */
  #quote(direction: Direction): Omit<Step, "wait"> {
    const last = this.#last ?? {
      direction: opposite(direction),
      layers: this.#segment(opposite(direction), "ack"),
    };
    return {
      direction: opposite(last.direction),
      frame: errorAbout(this.#ends, last.direction, last.layers),
    };
  }
}

export function opposite(direction: Direction): Direction {
  return direction === "egress" ? "ingress" : "egress";
}

/** Destination unreachable, quoting a packet that went in `direction`. */
export function errorAbout(ends: Ends, direction: Direction, layers: readonly Layer[]): Uint8Array {
  const quoted = payload(frame(ip(ends, direction), ...layers));
  const error =
    ends.family === 4 ? icmp({ type: 3, code: 3, rest: 0 }) : icmpv6({ type: 1, code: 4, rest: 0 });
  return between(ends, opposite(direction), error, quoted);
}

const port = fc.constantFrom(...pools.ports);
const portPair = fc.record({ local: port, remote: port });
const direction = fc.constantFrom<Direction>("egress", "ingress");

function tcpTalk(ends: Ends): fc.Arbitrary<readonly Step[]> {
  return fc.tuple(direction, portPair, turns).map(([asker, ports, played]) => {
    const talk = new TcpTalk(ends, asker, ports);
    return played.map((one) => talk.play(one));
  });
}

/** Datagrams, echoes or other packets both ways, and errors about them. */
function simpleTalk(
  ends: Ends,
  layersOf: (direction: Direction) => readonly Layer[],
): fc.Arbitrary<readonly Step[]> {
  const step = fc.record({ direction, error: fc.boolean(), wait }).map((one): Step => {
    const layers = layersOf(one.direction);
    return one.error && one.wait === 0
      ? { direction: opposite(one.direction), frame: errorAbout(ends, one.direction, layers), wait: 0 }
      : { direction: one.direction, frame: between(ends, one.direction, ...layers), wait: one.wait };
  });
  return fc.array(step, { minLength: 1, maxLength: 16, size: "max" });
}

function udpTalk(ends: Ends): fc.Arbitrary<readonly Step[]> {
  return portPair.chain(({ local, remote }) =>
    simpleTalk(ends, (way) => {
      const [sourcePort, destinationPort] = way === "egress" ? [local, remote] : [remote, local];
      return [udp({ sourcePort, destinationPort }), payload("data")];
    }),
  );
}

/** Requests and answers of either side with few identifiers, so that they meet each other's sessions. */
function echoTalk(ends: Ends): fc.Arbitrary<readonly Step[]> {
  const types = ends.family === 4 ? [8, 0, 13, 14, 3, 5] : [128, 129, 1, 2, 3, 4];
  const step = fc
    .record({ direction, type: fc.constantFrom(...types), identifier: fc.constantFrom(1, 7), wait })
    .map((one): Step => {
      const fields = { type: one.type, identifier: one.identifier, sequence: 1 };
      const layer = ends.family === 4 ? icmp(fields) : icmpv6(fields);
      return {
        direction: one.direction,
        frame: between(ends, one.direction, layer, payload(8)),
        wait: one.wait,
      };
    });
  return fc.array(step, { minLength: 1, maxLength: 6 });
}

function otherTalk(ends: Ends): fc.Arbitrary<readonly Step[]> {
  return fc
    .constantFrom(47, 50, 51, 132, 1, 58, 253)
    .chain((protocol) =>
      simpleTalk(ends, () => [
        (protocol === 1 && ends.family === 4) || (protocol === 58 && ends.family === 6)
          ? raw(new Uint8Array(8), { protocol: 47 })
          : raw(new Uint8Array(8), { protocol }),
      ]),
    );
}

export interface Talk {
  readonly interface: string;
  readonly steps: readonly Step[];
}

/** Talks of every protocol at the interfaces of this host. */
export function arbitraryTalk(model: Model): fc.Arbitrary<Talk> {
  return arbitraryEnds(model).chain((ends) =>
    fc
      .oneof(
        { weight: 4, arbitrary: tcpTalk(ends) },
        { weight: 2, arbitrary: udpTalk(ends) },
        { weight: 1, arbitrary: echoTalk(ends) },
        { weight: 1, arbitrary: otherTalk(ends) },
      )
      .map((steps) => ({ interface: ends.interface.id, steps })),
  );
}
