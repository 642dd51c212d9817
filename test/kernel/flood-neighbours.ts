/** Guests whose sessions live beside a flood: 10,000 established ones, and new connections 50 ms away. */
import type { Direction } from "../../src/model/model.ts";
import {
  arp,
  ethernet,
  frame,
  ipv4,
  ipv6,
  linkLocal,
  neighbourSolicitation,
  payload,
  tcp,
  udp,
} from "../support/packet.ts";
import type { FloodBed } from "./flood-bed.ts";

export interface Guest {
  readonly id: string;
  readonly mac: string;
  readonly address: string;
}

export const neighbours: readonly Guest[] = [1, 2, 3, 4].map((number) => ({
  id: `eni-${number}`,
  mac: `02:00:00:00:01:0${number}`,
  address: `192.0.2.1${number}`,
}));
const far = { mac: "02:00:00:00:00:01", address: "203.0.113.80" };

interface Ports {
  readonly local: number;
  readonly remote: number;
}

function packet(guest: Guest, direction: Direction, ports: Ports, flags: string): Uint8Array {
  const [from, to] = direction === "egress" ? [guest, far] : [far, guest];
  const [sourcePort, destinationPort] =
    direction === "egress" ? [ports.local, ports.remote] : [ports.remote, ports.local];
  const [mine, theirs] = direction === "egress" ? [1000, 5000] : [5000, 1000];
  const sequence = flags === "S" || flags === "SA" ? mine - 1 : mine;
  return frame(
    ethernet({ source: from.mac, destination: to.mac }),
    ipv4({ source: from.address, destination: to.address }),
    flags === "udp"
      ? udp({ sourcePort, destinationPort })
      : tcp({ sourcePort, destinationPort, flags, sequence, acknowledgement: flags === "S" ? 0 : theirs }),
    payload(flags.includes("S") ? 0 : 10),
  );
}

interface Burst {
  readonly direction: Direction;
  readonly packets: readonly Uint8Array[];
}

/** Packets that open a session, in their order; `udp`: a question and its answer. */
const openings = {
  tcp: [
    ["egress", "S"],
    ["ingress", "SA"],
    ["egress", "A"],
  ],
  udp: [
    ["egress", "udp"],
    ["ingress", "udp"],
  ],
} as const;
/** Sessions that are opened side by side: few enough for the table of unproven ones. */
const together = 500;

/** Sessions of one guest that were opened by it and answered, and a packet of each in either direction. */
export class Sessions {
  readonly kind: keyof typeof openings;
  readonly #guest: Guest;
  readonly #bursts: readonly Burst[];
  readonly frames: Readonly<Record<Direction, readonly Uint8Array[]>>;

  constructor(guest: Guest, kind: keyof typeof openings, count: number) {
    this.kind = kind;
    this.#guest = guest;
    const remote = kind === "tcp" ? 8443 : 8053;
    const ports = Array.from({ length: count }, (_, index) => ({ local: 20_000 + index, remote }));
    const build = (some: readonly Ports[], direction: Direction, flags: string) =>
      some.map((one) => packet(guest, direction, one, flags));
    const flags = kind === "tcp" ? "A" : "udp";
    this.frames = { egress: build(ports, "egress", flags), ingress: build(ports, "ingress", flags) };
    this.#bursts = Array.from({ length: Math.ceil(count / together) }, (_, index) =>
      ports.slice(index * together, (index + 1) * together),
    ).flatMap((some) =>
      openings[kind].map(([direction, flags]) => ({ direction, packets: build(some, direction, flags) })),
    );
  }

  get count(): number {
    return this.frames.egress.length;
  }

  /** Throws where one of the packets is refused. */
  open(bed: FloodBed): void {
    for (const { direction, packets } of this.#bursts) {
      if (bed.run(this.#guest.id, direction, packets) !== packets.length)
        throw new Error(`a session of ${this.#guest.id} was refused at ${direction}`);
    }
  }

  /** The guest speaks in the part `turn` of `turns` of its sessions. */
  speak(bed: FloodBed, turn: number, turns: number): void {
    const size = Math.ceil(this.count / turns);
    bed.run(this.#guest.id, "egress", this.frames.egress.slice(turn * size, (turn + 1) * size));
  }

  /** Sessions of which a packet from outside no longer passes: no rule would let it in. */
  lost(bed: FloodBed): number {
    const { egress, ingress } = this.frames;
    const heard = bed.run(this.#guest.id, "ingress", ingress);
    bed.run(this.#guest.id, "egress", egress);
    return ingress.length - heard;
  }
}

/** Who has the gateway's address, in both families. */
function askForGateway({ mac, address }: Guest): readonly Uint8Array[] {
  return [
    frame(
      ethernet({ source: mac, destination: "ff:ff:ff:ff:ff:ff" }),
      arp({ operation: "request", senderMac: mac, senderAddress: address, targetAddress: "192.0.2.1" }),
    ),
    frame(
      ethernet({ source: mac, destination: far.mac }),
      ipv6({ source: linkLocal(mac), destination: linkLocal(far.mac), hopLimit: 255 }),
      neighbourSolicitation(linkLocal(far.mac)),
    ),
  ];
}

/** Connections that neighbours open meanwhile, each after asking for its gateway's MAC. */
export class Openings {
  readonly #bed: FloodBed;
  readonly #waiting: { readonly guest: Guest; readonly ports: Ports; readonly due: number }[] = [];
  #next = 0;
  tried = 0;
  succeeded = 0;

  constructor(bed: FloodBed) {
    this.#bed = bed;
  }

  /** Each neighbour asks for its gateway and, where it may, sends a SYN; `now` in seconds. */
  start(now: number, roundTrip: number): void {
    for (const guest of neighbours) {
      const ports = { local: 40_000 + (this.#next++ % 20_000), remote: 9443 };
      this.tried++;
      const questions = askForGateway(guest);
      if (this.#bed.run(guest.id, "egress", questions) < questions.length) continue;
      if (this.#bed.run(guest.id, "egress", [packet(guest, "egress", ports, "S")]) === 0) continue;
      this.#waiting.push({ guest, ports, due: now + roundTrip });
    }
  }

  /** Answers that are due: SYN-ACK in, acknowledgement out, first bytes in. */
  answer(now: number): void {
    for (let first = this.#waiting[0]; first !== undefined && first.due <= now; first = this.#waiting[0]) {
      this.#waiting.shift();
      const { guest, ports } = first;
      const send = (direction: Direction, flags: string) =>
        this.#bed.run(guest.id, direction, [packet(guest, direction, ports, flags)]) === 1;
      if (send("ingress", "SA") && send("egress", "A") && send("ingress", "A")) this.succeeded++;
    }
  }
}
