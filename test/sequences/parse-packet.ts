/** Reads the packet of a line: kind, fields, and what may follow. */
import type { Direction } from "../../src/model/model.ts";
import { addressOf, placeOfInterface } from "../semantics/places.ts";
import { tcpFlags } from "../support/packet.ts";
import {
  type Body,
  type EchoName,
  type ErrorName,
  echoNames,
  errorNames,
  extraNames,
  type NeighbourName,
  neighbourNames,
  type PacketSpec,
  type Ports,
} from "./script.ts";
import type { Words } from "./words.ts";

type Labels = ReadonlyMap<string, PacketSpec>;

const word32 = 2 ** 32 - 1;

function isOneOf<T extends string>(names: readonly T[], word: string): word is T {
  return names.some((name) => name === word);
}

function parsePorts(words: Words): Ports {
  const word = words.next("ports");
  const [source, destination] = (/^(\d+)>(\d+)$/.exec(word) ?? []).slice(1).map(Number);
  if (source === undefined || destination === undefined || Math.max(source, destination) > 65535) {
    throw new SyntaxError(`"${word}" are no ports: write 40443>443, the sender's first`);
  }
  return { source, destination };
}

function parseLength(words: Words, left: number | null): number {
  const word = words.peek() ?? "";
  const match = /^\((\d+)\)$/.exec(word);
  if (match === null && left !== null) return left;
  words.next("a length");
  if (match === null || Number(match[1]) > 60_000) {
    throw new SyntaxError(`"${word}" is no length of data: write (100)`);
  }
  return Number(match[1]);
}

function parseFlags(words: Words): string {
  const word = words.next("TCP's flags");
  if (word === "-") return "";
  try {
    tcpFlags(word);
  } catch {
    throw new SyntaxError(`"${word}" are no TCP flags: write letters of F S R P A U E C, or - for none`);
  }
  return word;
}

function parseTcp(words: Words): Body {
  const ports = parsePorts(words);
  const flags = parseFlags(words);
  const range = words.next("a range of sequence numbers");
  const [first, end, length] = (/^(\d+):(\d+)\((\d+)\)$/.exec(range) ?? []).slice(1).map(Number);
  if (first === undefined || end === undefined || length === undefined || first > word32) {
    throw new SyntaxError(`"${range}" is no range of sequence numbers: write 1000:1100(100)`);
  }
  if ((first + length) % 2 ** 32 !== end) {
    throw new SyntaxError(`${range}: ${length} bytes from ${first} on end at ${(first + length) % 2 ** 32}`);
  }
  const acknowledgement = words.take("ack") ? words.number("an acknowledgement", word32) : 0;
  return { kind: "tcp", ports, flags, sequence: first, length, acknowledgement };
}

function parseError(name: ErrorName, words: Words, labels: Labels): Body {
  const value = words.number(name === "too-big" ? "an MTU" : "a code", name === "too-big" ? word32 : 255);
  words.keyword("quoting", "an error quotes an earlier packet: quoting LABEL");
  const quoted = words.next("the label of a packet");
  if (!labels.has(quoted)) throw new SyntaxError(`no packet above is "as ${quoted}"`);
  const cut = words.take("cut") ? words.number("bytes that are left", 60_000) : null;
  return { kind: "error", name, value, quoted, cut };
}

function parseEcho(name: EchoName, words: Words): Body {
  const identifier = words.number("an identifier", 65535);
  return { kind: "echo", name, identifier, length: parseLength(words, 8) };
}

function parseBody(words: Words, labels: Labels): Body {
  const kind = words.next("tcp, udp, echo, protocol or an ICMP message");
  if (kind === "tcp") return parseTcp(words);
  if (kind === "udp") return { kind, ports: parsePorts(words), length: parseLength(words, null) };
  if (kind === "protocol") {
    return { kind, number: words.number("a protocol", 255), length: parseLength(words, null) };
  }
  if (isOneOf(echoNames, kind)) return parseEcho(kind, words);
  if (isOneOf(errorNames, kind)) return parseError(kind, words, labels);
  if (isOneOf<NeighbourName>(neighbourNames, kind)) return { kind: "neighbour", name: kind };
  const known = ["tcp", "udp", "protocol", ...echoNames, ...errorNames, ...neighbourNames].join(", ");
  throw new SyntaxError(`"${kind}" is no packet: write one of ${known}`);
}

function parsePart(words: Words): NonNullable<PacketSpec["part"]> {
  const word = words.next("bytes of the datagram");
  const [first, end] = (/^(\d+):(\d+)$/.exec(word) ?? []).slice(1).map(Number);
  if (first === undefined || end === undefined || first % 8 !== 0 || end <= first) {
    throw new SyntaxError(
      `"part ${word}" is no fragment: write part 0:64 id 7; it begins at a multiple of 8`,
    );
  }
  words.keyword("id", "a fragment names its datagram: part 0:64 id 7");
  return { first, end, id: words.number("an identification", 65535) };
}

function parseAddress(words: Words): string {
  const word = words.next("a name or an address");
  try {
    addressOf(word, 4);
  } catch {
    throw new SyntaxError(`"${word}" is no name of the bed and no address: write peer, router, far, mate, …`);
  }
  return word;
}

function parseInterface(words: Words): string {
  const word = words.next("an interface");
  try {
    placeOfInterface(word);
  } catch {
    throw new SyntaxError(`"${word}" is no interface of the bed: write eni-1 or eni-2`);
  }
  return word;
}

/** What may follow a packet, by its first word. */
const modifiers: Readonly<Record<string, (words: Words) => Partial<PacketSpec>>> = {
  as: (words) => ({ label: words.next("a label") }),
  on: (words) => ({ on: parseInterface(words) }),
  from: (words) => ({ from: parseAddress(words) }),
  to: (words) => ({ to: parseAddress(words) }),
  with: (words) => ({ extra: words.oneOf(extraNames) }),
  part: (words) => ({ part: parsePart(words) }),
  hops: (words) => ({ hops: words.number("hops", 255) }),
  checksum: (words) => {
    words.oneOf(["wrong"]);
    return { wrongChecksum: true };
  },
};

/** The words up to `expect`. Throws a SyntaxError. */
export function parsePacket(direction: Direction, words: Words, labels: Labels): PacketSpec {
  let packet: PacketSpec = {
    direction,
    body: parseBody(words, labels),
    label: null,
    on: "eni-1",
    from: null,
    to: null,
    extra: null,
    part: null,
    hops: null,
    wrongChecksum: false,
  };
  for (let word = words.peek(); word !== undefined && word !== "expect"; word = words.peek()) {
    const modifier = modifiers[word];
    if (modifier === undefined) {
      throw new SyntaxError(
        `"${word}" follows no packet: write ${Object.keys(modifiers).join(", ")} or expect`,
      );
    }
    words.next(word);
    packet = { ...packet, ...modifier(words) };
  }
  return packet;
}
