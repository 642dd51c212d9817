/** IPv4 with options, IPv6 with extension headers and fragments. */
import { addressBytes, type Carrier, checksum, join, type Layer, number, pad, write16 } from "./packet.ts";

export interface Ipv4Fields {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** Bytes; a multiple of 8. */
  readonly fragmentOffset?: number;
  /** Padded with zeros to a multiple of 4. */
  readonly options?: Uint8Array;
  readonly version?: number;
  /** Bytes. */
  readonly headerLength?: number;
  readonly totalLength?: number;
  readonly checksum?: number;
}

export function ipv4(fields: Ipv4Fields): Layer {
  const options = pad(fields.options ?? new Uint8Array(0), 4);
  const carrier: Carrier = {
    source: addressBytes(fields.source),
    destination: addressBytes(fields.destination),
  };
  const fragment =
    (fields.dontFragment ? 0x4000 : 0) |
    (fields.moreFragments ? 0x2000 : 0) |
    ((fields.fragmentOffset ?? 0) >> 3);
  return {
    etherType: 0x0800,
    protocol: 4,
    carrier,
    build(rest, { inside }) {
      const length = 20 + options.length;
      const header = join(
        number(((fields.version ?? 4) << 4) | ((fields.headerLength ?? length) >> 2), 1),
        number(fields.tos ?? 0, 1),
        number(fields.totalLength ?? length + rest.length, 2),
        number(fields.identification ?? 0, 2),
        number(fragment, 2),
        number(fields.ttl ?? 64, 1),
        number(fields.protocol ?? inside?.protocol ?? 0, 1),
        number(0, 2),
        carrier.source,
        carrier.destination,
        options,
      );
      return join(write16(header, 10, fields.checksum ?? checksum(header)), rest);
    },
  };
}

/** An IPv4 option: its length byte is right unless given; `data` follows it. */
export function ipv4Option(type: number, data: Uint8Array = new Uint8Array(0), length?: number): Uint8Array {
  return join(number(type, 1), number(length ?? data.length + 2, 1), data);
}

/** Loose (131) or strict (137) source route by these routers. */
export function sourceRoute(type: 131 | 137, ...routers: readonly string[]): Uint8Array {
  return ipv4Option(type, join(number(4, 1), ...routers.map(addressBytes)));
}

/** Router alert (RFC 2113), as IGMP has it. */
export const routerAlert4 = ipv4Option(148, number(0, 2));

export interface Ipv6Fields {
  readonly source: string;
  readonly destination: string;
  readonly nextHeader?: number;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly payloadLength?: number;
  readonly version?: number;
}

export function ipv6(fields: Ipv6Fields): Layer {
  const carrier: Carrier = {
    source: addressBytes(fields.source),
    destination: addressBytes(fields.destination),
  };
  const first =
    (fields.version ?? 6) * 2 ** 28 + (fields.trafficClass ?? 0) * 2 ** 20 + (fields.flowLabel ?? 0);
  return {
    etherType: 0x86dd,
    protocol: 41,
    carrier,
    build: (rest, { inside }) =>
      join(
        number(first, 4),
        number(fields.payloadLength ?? rest.length, 2),
        number(fields.nextHeader ?? inside?.protocol ?? 59, 1),
        number(fields.hopLimit ?? 64, 1),
        carrier.source,
        carrier.destination,
        rest,
      ),
  };
}

/**
 * An extension header of the common form (next header, length in units of 8 bytes after the first, data).
 * `data` is padded with zeros (Pad1 options) so that the header is a multiple of 8 bytes.
 */
export function extension(
  kind: number,
  fields: { data?: Uint8Array; nextHeader?: number; length?: number } = {},
): Layer {
  return {
    protocol: kind,
    build(rest, { inside }) {
      const header = pad(
        join(number(fields.nextHeader ?? inside?.protocol ?? 59, 1), number(0, 1), padded(fields.data)),
        8,
      );
      header[1] = fields.length ?? header.length / 8 - 1;
      return join(header, rest);
    },
  };
}

function padded(data: Uint8Array | undefined): Uint8Array {
  return data === undefined || data.length === 0 ? new Uint8Array(6) : data;
}

export function hopByHop(data?: Uint8Array): Layer {
  return extension(0, data === undefined ? {} : { data });
}

export function destinationOptions(data?: Uint8Array): Layer {
  return extension(60, data === undefined ? {} : { data });
}

/** Router alert (RFC 2711) and a PadN, as MLD has it. */
export const routerAlert6 = Uint8Array.of(5, 2, 0, 0, 1, 0);

export function routing(fields: {
  type: number;
  segmentsLeft: number;
  addresses?: readonly string[];
}): Layer {
  const addresses = (fields.addresses ?? []).map(addressBytes);
  return extension(43, {
    data: join(number(fields.type, 1), number(fields.segmentsLeft, 1), number(0, 4), ...addresses),
  });
}

/** An IPv6 fragment header; `offset` in bytes. Neither offset nor `more`: an atomic fragment. */
export function fragment(fields: {
  offset?: number;
  more?: boolean;
  identification?: number;
  nextHeader?: number;
}): Layer {
  return {
    protocol: 44,
    build: (rest, { inside }) =>
      join(
        number(fields.nextHeader ?? inside?.protocol ?? 59, 1),
        number(0, 1),
        number((fields.offset ?? 0) | (fields.more ? 1 : 0), 2),
        number(fields.identification ?? 0, 4),
        rest,
      ),
  };
}
