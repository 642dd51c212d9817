/** TCP, UDP, ICMP of both families, DHCP of both families. */
import {
  type Around,
  addressBytes,
  checksum,
  join,
  type Layer,
  macBytes,
  number,
  pad,
  pseudoChecksum,
  write16,
} from "./packet.ts";

const tcpFlagBits = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 } as const;

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** Letters of F S R P A U E C; "" is no flag at all. */
  readonly flags?: string;
  readonly window?: number;
  /** Padded with zeros to a multiple of 4. */
  readonly options?: Uint8Array;
  /** Bytes. */
  readonly dataOffset?: number;
  readonly checksum?: number;
}

/** The flag bits of letters. */
export function tcpFlags(letters: string): number {
  let bits = 0;
  for (const letter of letters) {
    const bit = tcpFlagBits[letter as keyof typeof tcpFlagBits];
    if (bit === undefined) throw new Error(`TCP flag "${letter}" is none of F S R P A U E C`);
    bits |= bit;
  }
  return bits;
}

export function tcp(fields: TcpFields): Layer {
  const options = pad(fields.options ?? new Uint8Array(0), 4);
  return {
    protocol: 6,
    build(rest, { carrier }) {
      const bytes = join(
        number(fields.sourcePort, 2),
        number(fields.destinationPort, 2),
        number(fields.sequence ?? 0, 4),
        number(fields.acknowledgement ?? 0, 4),
        number(((fields.dataOffset ?? 20 + options.length) >> 2) << 4, 1),
        number(tcpFlags(fields.flags ?? "A"), 1),
        number(fields.window ?? 65535, 2),
        number(0, 4),
        options,
        rest,
      );
      return write16(bytes, 16, fields.checksum ?? pseudoChecksum(bytes, 6, carrier));
    },
  };
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length?: number;
  readonly checksum?: number;
}

export function udp(fields: UdpFields): Layer {
  return {
    protocol: 17,
    build(rest, { carrier }) {
      const bytes = join(
        number(fields.sourcePort, 2),
        number(fields.destinationPort, 2),
        number(fields.length ?? 8 + rest.length, 2),
        number(0, 2),
        rest,
      );
      return write16(bytes, 6, fields.checksum ?? (pseudoChecksum(bytes, 17, carrier) || 0xffff));
    },
  };
}

export interface IcmpFields {
  readonly type: number;
  readonly code?: number;
  /** Echo and timestamp: identifier and sequence; errors: MTU and the like as `rest` (32 bits). */
  readonly identifier?: number;
  readonly sequence?: number;
  readonly rest?: number;
  readonly checksum?: number;
}

function icmpBytes(fields: IcmpFields, body: Uint8Array): Uint8Array {
  const rest =
    fields.rest === undefined
      ? join(number(fields.identifier ?? 0, 2), number(fields.sequence ?? 0, 2))
      : number(fields.rest, 4);
  return join(number(fields.type, 1), number(fields.code ?? 0, 1), number(0, 2), rest, body);
}

/** ICMP of IPv4. An error's quoted packet is the layers that follow. */
export function icmp(fields: IcmpFields): Layer {
  return {
    protocol: 1,
    build(rest) {
      const bytes = icmpBytes(fields, rest);
      return write16(bytes, 2, fields.checksum ?? checksum(bytes));
    },
  };
}

/** ICMPv6; its checksum covers the pseudo header. */
export function icmpv6(fields: IcmpFields): Layer {
  return {
    protocol: 58,
    build(rest: Uint8Array, { carrier }: Around) {
      const bytes = icmpBytes(fields, rest);
      return write16(bytes, 2, fields.checksum ?? pseudoChecksum(bytes, 58, carrier));
    },
  };
}

/** IGMP (version 2 form): query 0x11, reports 0x12 0x16 0x22, leave 0x17. */
export function igmp(fields: { type: number; group?: string; maxResponse?: number }): Layer {
  return {
    protocol: 2,
    build(rest) {
      const bytes = join(
        number(fields.type, 1),
        number(fields.maxResponse ?? 0, 1),
        number(0, 2),
        addressBytes(fields.group ?? "0.0.0.0"),
        rest,
      );
      return write16(bytes, 2, checksum(bytes));
    },
  };
}

/** A DHCP message (RFC 2131) with its message type option: discover 1, offer 2, request 3, ack 5. */
export function dhcp(fields: { operation: 1 | 2; message: number; clientMac: string }): Layer {
  const options = Uint8Array.of(0x63, 0x82, 0x53, 0x63, 53, 1, fields.message, 255);
  const fixed = join(
    Uint8Array.of(fields.operation, 1, 6, 0, 0x12, 0x34, 0x56, 0x78),
    new Uint8Array(20),
    macBytes(fields.clientMac),
    new Uint8Array(10 + 64 + 128),
  );
  return { build: (rest) => join(fixed, options, rest) };
}

/** A DHCPv6 message (RFC 8415): solicit 1, advertise 2, request 3, reply 7. */
export function dhcpv6(fields: { message: number }): Layer {
  return { build: (rest) => join(Uint8Array.of(fields.message, 1, 2, 3), rest) };
}
