import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ip, readPacket } from "../../../src/policy/packet.ts";
import { gatewayMac, guestMac } from "../../support/bed.ts";
import {
  arp,
  destinationOptions,
  ethernet,
  extension,
  fragment,
  frame,
  hex,
  hopByHop,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv4Option,
  ipv6,
  join,
  type Layer,
  ndOption,
  neighbourSolicitation,
  payload,
  raw,
  routing,
  sourceRoute,
  tcp,
  udp,
  vlan,
} from "../../support/packet.ts";
import { seed } from "../../support/seed.ts";

const link = ethernet({ source: guestMac, destination: gatewayMac });
const ip4 = { source: "192.0.2.11", destination: "198.51.100.7" };
const ip6 = { source: "2001:db8:1::11", destination: "2001:db8:ffff::7" };
const dns = udp({ sourcePort: 40000, destinationPort: 53 });
const syn = tcp({ sourcePort: 40000, destinationPort: 80, flags: "S", sequence: 7 });

/** What a frame is read as: a fault, or its transport's kind, with what is odd about it. */
function read(...layers: readonly Layer[]): string {
  return describePacket(frame(link, ...layers));
}

function describePacket(bytes: Uint8Array): string {
  const packet = readPacket(bytes);
  if (typeof packet === "string") return packet;
  if (packet.body.kind !== "ip") return packet.body.kind;
  const { transport, fragment: part, badlyCut, sourceRoute: routed } = packet.body;
  return [transport.kind, part?.kind, badlyCut ? "badly cut" : "", routed ? "source-routed" : ""]
    .filter(Boolean)
    .join(" ");
}

function readIp(...layers: readonly Layer[]): Ip {
  const packet = readPacket(frame(link, ...layers));
  if (typeof packet === "string" || packet.body.kind !== "ip") throw new Error("is no IP packet");
  return packet.body;
}

const first4 = (...layers: readonly Layer[]): string =>
  read(ipv4({ ...ip4, moreFragments: true }), ...layers);
const bytes = (count: number, protocol: number): Layer => raw(new Uint8Array(count), { protocol });

describe("IPv4 is read as its lengths say", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a datagram", read(ipv4(ip4), dns), "udp"],
    ["options", read(ipv4({ ...ip4, options: ipv4Option(148, hex("0000")) }), dns), "udp"],
    [
      "a source route",
      read(ipv4({ ...ip4, options: sourceRoute(131, "192.0.2.1") }), dns),
      "udp source-routed",
    ],
    [
      "a strict source route behind a NOP",
      read(ipv4({ ...ip4, options: join(hex("01"), sourceRoute(137, "192.0.2.1")) }), dns),
      "udp source-routed",
    ],
    [
      "a source route behind the end of options",
      read(ipv4({ ...ip4, options: join(hex("00"), sourceRoute(137, "192.0.2.1")) }), dns),
      "udp",
    ],
    ["an option without length", read(ipv4({ ...ip4, options: hex("07000000") }), dns), "malformed"],
    ["an option longer than the header", read(ipv4({ ...ip4, options: hex("07090000") }), dns), "malformed"],
    ["an option cut at its type", read(ipv4({ ...ip4, options: hex("01010107") }), dns), "malformed"],
    ["version 5", read(ipv4({ ...ip4, version: 5 }), dns), "malformed"],
    ["a header of 16 bytes", read(ipv4({ ...ip4, headerLength: 16 }), dns), "malformed"],
    ["a header longer than the packet", read(ipv4({ ...ip4, headerLength: 60 }), dns), "malformed"],
    ["a total length beyond the frame", read(ipv4({ ...ip4, totalLength: 29 }), dns), "malformed"],
    ["a total length less than the header", read(ipv4({ ...ip4, totalLength: 19 }), dns), "malformed"],
    ["a header cut short", describePacket(frame(link, ipv4(ip4)).slice(0, 33)), "malformed"],
    ["a multicast source", read(ipv4({ ...ip4, source: "224.0.0.1" }), dns), "malformed"],
    ["a loopback source", read(ipv4({ ...ip4, source: "127.0.0.1" }), dns), "malformed"],
    ["a loopback destination", read(ipv4({ ...ip4, destination: "127.0.0.1" }), dns), "udp"],
    ["a fragment beyond 64 kB", read(ipv4({ ...ip4, fragmentOffset: 65528 }), bytes(16, 17)), "malformed"],
    ["ICMPv6", read(ipv4(ip4), bytes(8, 58)), "portless"],
    ["IGMP", read(ipv4(ip4), igmp({ type: 0x16 })), "igmp"],
    ["half an IGMP message", read(ipv4(ip4), bytes(4, 2)), "malformed"],
  ];
  it.each(cases)("%s", (_name, got, right) => {
    expect(got).toBe(right);
  });

  it("padding behind the packet is no data", () => {
    const padded = readPacket(join(frame(link, ipv4(ip4), syn), new Uint8Array(6)));
    if (typeof padded === "string" || padded.body.kind !== "ip") throw new Error("is no IP packet");
    expect(padded.body.transport).toMatchObject({ kind: "tcp", length: 0 });
  });
});

describe("transport headers", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      "UDP with a length below its header",
      read(ipv4(ip4), udp({ sourcePort: 1, destinationPort: 2, length: 7 })),
      "malformed",
    ],
    [
      "UDP with a length beyond the packet",
      read(ipv4(ip4), udp({ sourcePort: 1, destinationPort: 2, length: 9 })),
      "malformed",
    ],
    [
      "UDP with bytes behind its length",
      read(ipv4(ip4), udp({ sourcePort: 1, destinationPort: 2, length: 8 }), payload(9)),
      "udp",
    ],
    [
      "UDP with length 0 in IPv6",
      read(ipv6(ip6), udp({ sourcePort: 1, destinationPort: 2, length: 0 })),
      "malformed",
    ],
    ["half a UDP header", read(ipv4(ip4), bytes(7, 17)), "malformed"],
    [
      "TCP with options",
      read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, options: hex("020405b4") })),
      "tcp",
    ],
    [
      "TCP with a data offset of 16",
      read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, dataOffset: 16 })),
      "malformed",
    ],
    [
      "TCP with a data offset beyond the packet",
      read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, dataOffset: 24 })),
      "malformed",
    ],
    ["half a TCP header", read(ipv4(ip4), bytes(19, 6)), "malformed"],
    [
      "TCP without flags",
      read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "" })),
      "malformed",
    ],
    [
      "TCP with ECN flags alone",
      read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "EC" })),
      "malformed",
    ],
    ["SYN with FIN", read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "SFA" })), "malformed"],
    ["SYN with RST", read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "SR" })), "malformed"],
    ["SYN with ECN flags", read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "SEC" })), "tcp"],
    ["URG alone", read(ipv4(ip4), tcp({ sourcePort: 1, destinationPort: 2, flags: "U" })), "tcp"],
    ["half an ICMP header", read(ipv4(ip4), bytes(7, 1)), "malformed"],
    ["half an ICMPv6 header", read(ipv6(ip6), bytes(7, 58)), "malformed"],
    ["ICMP in IPv6", read(ipv6(ip6), bytes(8, 1)), "portless"],
    ["a solicitation cut in its target", read(ipv6(ip6), icmpv6({ type: 135 }), payload(15)), "malformed"],
    [
      "an option without length",
      read(ipv6(ip6), neighbourSolicitation("fe80::1", ndOption(1, new Uint8Array(6), 0))),
      "malformed",
    ],
    [
      "an option beyond the message",
      read(ipv6(ip6), neighbourSolicitation("fe80::1", ndOption(1, new Uint8Array(6), 2))),
      "malformed",
    ],
    ["an echo", read(ipv4(ip4), icmp({ type: 8 })), "icmp"],
  ];
  it.each(cases)("%s", (_name, got, right) => {
    expect(got).toBe(right);
  });
});

describe("IPv6 extension headers", () => {
  const walked = [0, 43, 60, 135, 139, 140].map((kind) => extension(kind, { data: hex("010000000000") }));
  const cases: readonly (readonly [string, string, string])[] = [
    ["are walked", read(ipv6(ip6), ...walked, dns), "udp"],
    ["eight of them", read(ipv6(ip6), ...Array.from({ length: 8 }, () => destinationOptions()), dns), "udp"],
    [
      "not nine",
      read(ipv6(ip6), ...Array.from({ length: 9 }, () => destinationOptions()), dns),
      "unsupported",
    ],
    ["512 bytes of them", read(ipv6(ip6), extension(60, { data: new Uint8Array(510) }), dns), "udp"],
    ["not 520", read(ipv6(ip6), extension(60, { data: new Uint8Array(518) }), dns), "unsupported"],
    ["cut short", read(ipv6(ip6), extension(60, { length: 9 }), payload(8)), "malformed"],
    [
      "ESP, AH, none and unknown ones are protocols",
      [50, 51, 59, 99].map((kind) => read(ipv6(ip6), bytes(8, kind))).join(),
      "portless,portless,portless,portless",
    ],
    [
      "a routing header of type 0",
      read(ipv6(ip6), routing({ type: 0, segmentsLeft: 0 }), dns),
      "udp source-routed",
    ],
    ["a routing header of type 4", read(ipv6(ip6), routing({ type: 4, segmentsLeft: 1 }), dns), "udp"],
    ["a payload beyond the frame", read(ipv6({ ...ip6, payloadLength: 9 }), dns), "malformed"],
    ["version 4", read(ipv6({ ...ip6, version: 4 }), dns), "malformed"],
    ["a mapped source", read(ipv6({ ...ip6, source: "::ffff:192.0.2.1" }), dns), "malformed"],
    ["a mapped destination", read(ipv6({ ...ip6, destination: "::ffff:192.0.2.1" }), dns), "malformed"],
    ["loopback", read(ipv6({ ...ip6, source: "::1" }), dns), "malformed"],
    ["nothing behind the header", read(ipv6(ip6)), "portless"],
  ];
  it.each(cases)("%s", (_name, got, right) => {
    expect(got).toBe(right);
  });
});

describe("fragments", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a first one with its whole header", first4(dns, payload(8)), "udp first"],
    ["a first one with half of it", first4(bytes(7, 17)), "unseen first badly cut"],
    [
      "a first one with a TCP header cut in its options",
      first4(tcp({ sourcePort: 1, destinationPort: 2, dataOffset: 24 })),
      "unseen first badly cut",
    ],
    [
      "a first one with contradictory flags",
      first4(tcp({ sourcePort: 1, destinationPort: 2, flags: "SF" })),
      "malformed",
    ],
    [
      "a first one whose UDP length is the whole's",
      first4(udp({ sourcePort: 1, destinationPort: 2, length: 999 })),
      "udp first",
    ],
    ["a later one", read(ipv4({ ...ip4, fragmentOffset: 8 }), bytes(8, 17)), "unseen later"],
    ["an atomic one of IPv6 is whole", read(ipv6(ip6), fragment({}), dns), "udp atomic"],
    [
      "its UDP length counts",
      read(ipv6(ip6), fragment({}), udp({ sourcePort: 1, destinationPort: 2, length: 99 })),
      "malformed",
    ],
    [
      "nested headers",
      read(ipv6(ip6), fragment({}), fragment({ more: true }), dns),
      "unseen atomic badly cut",
    ],
    [
      "nested headers in a first one",
      read(ipv6(ip6), fragment({ more: true }), fragment({}), dns),
      "unseen first badly cut",
    ],
    [
      "a chain that a first one cuts",
      read(ipv6(ip6), fragment({ more: true }), extension(60, { length: 3 })),
      "unseen first badly cut",
    ],
    [
      "a later one behind extension headers",
      read(ipv6(ip6), hopByHop(), fragment({ offset: 8 }), bytes(8, 60)),
      "unseen later",
    ],
  ];
  it.each(cases)("%s", (_name, got, right) => {
    expect(got).toBe(right);
  });

  it("the part that none may overlay reaches to the end of the transport header", () => {
    const part = readIp(
      ipv6(ip6),
      hopByHop(),
      fragment({ more: true, identification: 5 }),
      destinationOptions(),
      syn,
    ).fragment;
    expect(part).toEqual({ kind: "first", header: 8 + 20, identification: 5, protocol: 60 });
  });
});

describe("layer 2", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["two tags", read(vlan({ id: 1, tpid: 0x88a8 }), vlan({ id: 2 }), ipv4(ip4), dns), "udp"],
    ["three tags", read(vlan({ id: 1 }), vlan({ id: 2 }), vlan({ id: 3 }), ipv4(ip4), dns), "unsupported"],
    ["a tag cut short", describePacket(frame(link, vlan({ id: 1 })).slice(0, 17)), "malformed"],
    ["a frame cut short", describePacket(frame(link).slice(0, 13)), "malformed"],
    ["another type", read(raw(new Uint8Array(46), { etherType: 0x88cc })), "other"],
    ["a length instead of a type", read(raw(new Uint8Array(46), { etherType: 0x002e })), "other"],
    [
      "ARP of another hardware",
      read(
        arp({
          operation: 1,
          senderMac: guestMac,
          senderAddress: "0.0.0.0",
          targetAddress: "0.0.0.0",
          hardwareType: 6,
        }),
      ),
      "malformed",
    ],
    [
      "ARP cut short",
      describePacket(
        frame(
          link,
          arp({ operation: 1, senderMac: guestMac, senderAddress: "0.0.0.0", targetAddress: "0.0.0.0" }),
        ).slice(0, 41),
      ),
      "malformed",
    ],
  ];
  it.each(cases)("%s", (_name, got, right) => {
    expect(got).toBe(right);
  });

  it("VLAN 0 is left out of the tags", () => {
    expect(
      readPacket(frame(link, vlan({ id: 0, priority: 7 }), vlan({ id: 9 }), ipv4(ip4), dns)),
    ).toMatchObject({ vlans: [9], etherType: 0x0800 });
  });
});

describe("any bytes", () => {
  it(`are read or refused, never thrown at (seed ${seed})`, () => {
    const types = fc.constantFrom("0800", "86dd", "0806", "8035", "8100", "ffff");
    const sensible = fc.constantFrom(
      "45000020",
      "46000030",
      "60000000",
      "6000000000202c40",
      "4500002000012000",
    );
    fc.assert(
      fc.property(types, sensible, fc.uint8Array({ maxLength: 120 }), (type, head, rest) => {
        readPacket(join(new Uint8Array(12), hex(type), hex(head), rest));
        readPacket(rest);
      }),
      { seed, numRuns: 5000 },
    );
  });
});
