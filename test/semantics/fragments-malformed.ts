/** docs/semantics.md, "Fragments and odd packets": what contradicts itself. */
import { gatewayMac, guestMac } from "../support/bed.ts";
import {
  arp,
  ethernet,
  extension,
  icmp,
  ipv4Option,
  payload,
  raw,
  udp as udpLayer,
} from "../support/packet.ts";
import { plays, type Sentences } from "./rows.ts";
import { type Body, into, odd, out, protocol, syn, udp } from "./steps.ts";

const malformed = "drop malformed";
const passed = "accept rule new";
const open = { rules: ["ingress accept all any"] };

/** UDP that says it is so long; it is 12 bytes. */
const saysLength =
  (length: number): Body =>
  () => [udpLayer({ sourcePort: 1, destinationPort: 2, length }), payload(4)];
/** The first bytes of a transport header. */
const cut =
  (number: number, bytes: number): Body =>
  () => [raw(new Uint8Array(bytes).fill(0x50), { protocol: number })];

/** An option of one byte where the header ends, and the packet with it. */
const lastByte = (kind: number): Uint8Array => Uint8Array.of(1, 1, 1, kind);
const nothing: Body = () => [];

export const malformedRows: Sentences = {
  "Contradictory or truncated headers": [
    plays(
      "an IPv4 header that contradicts itself",
      open,
      [
        into(udp("1>2"), malformed, { ip4: { version: 6 } }),
        into(udp("1>2"), malformed, { ip4: { headerLength: 16 } }),
        into(udp("1>2"), malformed, { ip4: { headerLength: 60 } }),
        into(udp("1>2"), malformed, { ip4: { totalLength: 19 } }),
        into(udp("1>2"), malformed, { ip4: { totalLength: 33 } }),
        into(udp("1>2"), passed, { ip4: { totalLength: 32 } }),
        into(udp("1>3"), malformed, { ip4: { options: ipv4Option(7, new Uint8Array(2), 1) } }),
        into(udp("1>3"), malformed, { ip4: { options: ipv4Option(7, new Uint8Array(2), 9) } }),
        into(udp("1>3"), passed, { ip4: { options: ipv4Option(7, new Uint8Array(2)) } }),
        into(nothing, malformed, { ip4: { options: lastByte(7), protocol: 50 } }),
        into(nothing, passed, { ip4: { options: lastByte(0), protocol: 50 } }),
      ],
      { families: [4] },
    ),
    plays(
      "an IPv6 header that contradicts itself",
      open,
      [
        into(udp("1>2"), malformed, { ip6: { version: 4 } }),
        into(udp("1>2"), malformed, { ip6: { payloadLength: 13 } }),
        into(udp("1>2"), passed, { ip6: { payloadLength: 12 } }),
        into((family) => [extension(60, { length: 9 }), ...udp("1>3")(family)], malformed),
        into((family) => [extension(60), ...udp("1>3")(family)], passed),
      ],
      { families: [6] },
    ),
    plays("a transport header that is cut off", open, [
      into(cut(6, 19), malformed),
      into(cut(17, 7), malformed),
      into(cut(132, 4), passed),
      into(syn(80), passed),
    ]),
    plays(
      "an ICMP header that is cut off",
      open,
      [into(cut(1, 7), malformed), into(() => [icmp({ type: 8 })], passed)],
      { families: [4] },
    ),
    plays(
      "an ICMPv6 header that is cut off",
      open,
      [into(cut(58, 7), malformed), into(protocol(1), passed)],
      { families: [6] },
    ),
    plays("a TCP header that is longer than the packet, or shorter than one can be", open, [
      into(() => [raw(tcpHead(0x60), { protocol: 6 })], malformed),
      into(() => [raw(tcpHead(0x40), { protocol: 6 })], malformed),
      into(() => [raw(tcpHead(0x50), { protocol: 6 })], passed),
    ]),
    plays("UDP's length beyond the packet, or below its header; left-over bytes are none", open, [
      into(saysLength(13), malformed),
      into(saysLength(7), malformed),
      into(saysLength(0), malformed),
      into(saysLength(12), passed),
      into(() => [udpLayer({ sourcePort: 1, destinationPort: 3, length: 8 }), payload(4)], passed),
    ]),
    plays(
      "UDP's length in whole packets only: a first fragment is shorter than it says",
      open,
      [
        into(saysLength(1000), passed, { ip4: { moreFragments: true, identification: 1 } }),
        into(saysLength(1000), malformed),
      ],
      { families: [4] },
    ),
    plays(
      "IPv4-mapped addresses on the wire",
      open,
      [
        into(udp("1>2"), malformed, { from: "::ffff:198.51.100.80" }),
        into(udp("1>2"), malformed, { to: "::ffff:192.0.2.11" }),
        out(udp("1>2"), malformed, { to: "::ffff:198.51.100.80" }),
        into(udp("1>2"), passed, { from: "::fffe:c633:6450" }),
      ],
      { families: [6] },
    ),
    plays(
      "a source that is multicast or loopback",
      open,
      [
        into(udp("1>2"), malformed, { from: "224.0.0.1" }),
        into(udp("1>2"), malformed, { from: "239.255.255.255" }),
        into(udp("1>2"), malformed, { from: "127.0.0.1" }),
        out(udp("1>2"), malformed, { from: "127.0.0.1" }),
        into(udp("1>2"), passed, { from: "223.255.255.255" }),
        into(udp("1>2"), passed, { from: "128.0.0.1" }),
      ],
      { families: [4] },
    ),
    plays(
      "a source that is multicast or loopback, IPv6",
      open,
      [
        into(udp("1>2"), malformed, { from: "ff02::1" }),
        into(udp("1>2"), malformed, { from: "::1" }),
        out(udp("1>2"), malformed, { from: "::1" }),
        into(udp("1>2"), passed, { from: "::2" }),
      ],
      { families: [6] },
    ),
    plays("ARP of other hardware or another protocol", {}, [
      odd("ingress", () => arpWith({ hardwareType: 6 }), malformed),
      odd("ingress", () => arpWith({ protocolType: 0x86dd }), malformed),
      odd("ingress", () => arpWith({ hardwareLength: 8 }), malformed),
      odd("ingress", () => arpWith({}), "accept arp"),
    ]),
  ],
};

/** A TCP header of 20 bytes with ACK, that says it is `length` >> 2 bytes long. */
function tcpHead(length: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0x9c, 0x40, 0, 80]);
  bytes.set([length, 0x10], 12);
  return bytes;
}

function arpWith(fields: object) {
  const ends = { senderMac: gatewayMac, senderAddress: "192.0.2.1", targetAddress: "192.0.2.11" };
  return [
    ethernet({ source: gatewayMac, destination: guestMac }),
    arp({ operation: "request", ...ends, ...fields }),
  ];
}
