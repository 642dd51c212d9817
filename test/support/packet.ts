/**
 * Frames for tests, stacked layer on layer:
 *
 *   frame(ethernet({source, destination}), ipv4({source, destination}), tcp({destinationPort: 80, flags: "S"}))
 *
 * Type fields, lengths and checksums are right unless they are given: every one of them may be given, so that
 * a wrong one is as easy to write as a right one. Addresses and MACs are text.
 */
import ipaddr from "ipaddr.js";

/** The network header that a transport header stands in: what its checksum covers. */
export interface Carrier {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** What a layer knows of its neighbours while it is built. */
export interface Around {
  /** The layer inside, when there is one. */
  readonly inside: Layer | undefined;
  /** The nearest IP header outside. */
  readonly carrier: Carrier | undefined;
}

export interface Layer {
  /** What the Ethernet type field before this layer says. */
  readonly etherType?: number;
  /** What the protocol or next-header field before this layer says. */
  readonly protocol?: number;
  /** Set by IP headers. */
  readonly carrier?: Carrier;
  build(payload: Uint8Array, around: Around): Uint8Array;
}

/** The bytes of stacked layers, outermost first. */
export function frame(...layers: readonly Layer[]): Uint8Array {
  return segment(undefined, ...layers);
}

/** The bytes of layers that stand inside `network`, without it: what to cut fragments from. */
export function segment(network: Layer | undefined, ...layers: readonly Layer[]): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0);
  for (let index = layers.length - 1; index >= 0; index--) {
    const carrier = layers.slice(0, index).findLast((layer) => layer.carrier !== undefined)?.carrier;
    const around = { inside: layers[index + 1], carrier: carrier ?? network?.carrier };
    bytes = layers[index]?.build(bytes, around) ?? bytes;
  }
  return bytes;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Bytes of hex text; white space is passed over. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function macBytes(mac: string): Uint8Array {
  return hex(mac.replaceAll(":", ""));
}

export function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

/** Big-endian bytes of a number. */
export function number(value: number, bytes: 1 | 2 | 3 | 4): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (value / 2 ** (8 * (bytes - 1 - index))) & 0xff);
}

/** Zero bytes at the end until the length is a multiple of `unit`. */
export function pad(bytes: Uint8Array, unit: number): Uint8Array {
  return join(bytes, new Uint8Array((unit - (bytes.length % unit)) % unit));
}

/** The Internet checksum (RFC 1071). */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The checksum of a transport header and its payload under its pseudo header. */
export function pseudoChecksum(bytes: Uint8Array, protocol: number, carrier: Carrier | undefined): number {
  if (carrier === undefined) return checksum(bytes);
  const head = join(carrier.source, carrier.destination, number(bytes.length, 4), number(protocol, 4));
  return checksum(join(head, bytes));
}

/** Writes a 16-bit big-endian field. */
export function write16(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  bytes.set(number(value, 2), offset);
  return bytes;
}

/** Bytes as they are: text, bytes, or so many zeros. */
export function payload(content: string | Uint8Array | number): Layer {
  const bytes =
    typeof content === "string"
      ? new TextEncoder().encode(content)
      : typeof content === "number"
        ? new Uint8Array(content)
        : content;
  return { build: (rest) => join(bytes, rest) };
}

/** Bytes as they are, with what the header before them shall call them. */
export function raw(bytes: Uint8Array, names: { protocol?: number; etherType?: number }): Layer {
  return { ...names, build: (rest) => join(bytes, rest) };
}

export function ethernet(fields: { source: string; destination: string; type?: number }): Layer {
  const head = join(macBytes(fields.destination), macBytes(fields.source));
  return {
    build: (rest, { inside }) => join(head, number(fields.type ?? inside?.etherType ?? 0, 2), rest),
  };
}

/** A VLAN tag; `tpid` 0x8100 (802.1Q) or 0x88a8 (802.1ad). */
export function vlan(fields: { id: number; priority?: number; tpid?: number; type?: number }): Layer {
  const tag = number(((fields.priority ?? 0) << 13) | fields.id, 2);
  return {
    etherType: fields.tpid ?? 0x8100,
    build: (rest, { inside }) => join(tag, number(fields.type ?? inside?.etherType ?? 0, 2), rest),
  };
}

export interface ArpFields {
  readonly operation: "request" | "reply" | number;
  readonly senderMac: string;
  readonly senderAddress: string;
  readonly targetMac?: string;
  readonly targetAddress: string;
  readonly hardwareType?: number;
  readonly protocolType?: number;
  readonly hardwareLength?: number;
  readonly protocolLength?: number;
}

function arpBody(fields: ArpFields, operation: number): Uint8Array {
  return join(
    number(fields.hardwareType ?? 1, 2),
    number(fields.protocolType ?? 0x0800, 2),
    number(fields.hardwareLength ?? 6, 1),
    number(fields.protocolLength ?? 4, 1),
    number(operation, 2),
    macBytes(fields.senderMac),
    addressBytes(fields.senderAddress),
    macBytes(fields.targetMac ?? "00:00:00:00:00:00"),
    addressBytes(fields.targetAddress),
  );
}

export function arp(fields: ArpFields): Layer {
  const operations = { request: 1, reply: 2 };
  const operation = typeof fields.operation === "number" ? fields.operation : operations[fields.operation];
  return { etherType: 0x0806, build: (rest) => join(arpBody(fields, operation), rest) };
}

/** Reverse ARP (RFC 903): request 3, reply 4. QEMU sends requests when a guest has moved. */
export function rarp(fields: ArpFields): Layer {
  const operations = { request: 3, reply: 4 };
  const operation = typeof fields.operation === "number" ? fields.operation : operations[fields.operation];
  return { etherType: 0x8035, build: (rest) => join(arpBody(fields, operation), rest) };
}

export * from "./packet-ip.ts";
export * from "./packet-neighbour.ts";
export * from "./packet-transport.ts";
