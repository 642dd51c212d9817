/** Holes of other firewalls, by their names: lengths and headers that were believed. */
import { plays } from "../semantics/rows.ts";
import { alive, into, layers, odd, out, protocol, syn, udp } from "../semantics/steps.ts";
import { gatewayMac, guestMac } from "../support/bed.ts";
import { ethernet, ipv4, payload, raw, tcp, udp as udpLayer } from "../support/packet.ts";
import { testCases } from "./played.ts";

const ofIpv4 = { families: [4] } as const;
const ofIpv6 = { families: [6] } as const;
const malformed = "drop malformed";

/** A SYN to port 80 whose frame goes on behind the packet. */
const padded = (bytes: number) => () => [
  ethernet({ source: gatewayMac, destination: guestMac }),
  ipv4({ source: "198.51.100.80", destination: "192.0.2.11", totalLength: 40 }),
  tcp({ sourcePort: 40443, destinationPort: 80, flags: "S" }),
  payload(bytes),
];
/** DHCPv6 of the guest whose option says that it is longer than the message. */
const wrongOption = [
  udpLayer({ sourcePort: 546, destinationPort: 547 }),
  raw(Uint8Array.of(1, 0, 0, 1, 0, 1, 0xff, 0xff, 0, 1), {}),
];

testCases({
  "CVE-2020-35498: padding behind the packet": [
    plays(
      "is no data: the packet has its own verdict, padded to the frame's least or to the MTU",
      { rules: ["ingress accept tcp 80/80 any"] },
      [
        odd("ingress", padded(0), "accept rule new"),
        odd("ingress", padded(6), "accept session established"),
        odd("ingress", padded(1460), "accept session established"),
        alive(1),
      ],
      ofIpv4,
    ),
  ],
  "CVE-2023-1668: protocol 0 that made rules for all packets": [
    plays(
      "matches `all` and its own number only, and opens nothing to others",
      { rules: ["ingress accept 0 -1/-1 any"] },
      [
        into(protocol(0), "accept rule new"),
        into(syn(80), "drop no-rule"),
        into(udp("1>2"), "drop no-rule"),
        into(protocol(47), "drop no-rule"),
      ],
      ofIpv4,
    ),
    plays(
      "is dropped where only other protocols are accepted",
      { rules: ["ingress accept tcp -1/-1 any", "ingress accept udp -1/-1 any"] },
      [into(protocol(0), "drop no-rule"), into(syn(80), "accept rule new")],
      ofIpv4,
    ),
  ],
  "CVE-2016-10377: lengths that run below zero": [
    plays(
      "an IPv4 header shorter than its least, or longer than the packet, is malformed",
      { rules: ["ingress accept all -1/-1 any"] },
      [
        into(syn(80), malformed, { ip4: { headerLength: 0 } }),
        into(syn(80), malformed, { ip4: { headerLength: 16 } }),
        into(syn(80), malformed, { ip4: { headerLength: 60 } }),
        into(syn(80), malformed, { ip4: { totalLength: 0 } }),
        into(syn(80), malformed, { ip4: { totalLength: 19 } }),
        into(syn(80), malformed, { ip4: { totalLength: 65535 } }),
        into(syn(80), "accept rule new"),
        alive(1),
      ],
      ofIpv4,
    ),
    plays(
      "and so is IPv6 that says more than there is",
      { rules: ["ingress accept all -1/-1 any"] },
      [
        into(syn(80), malformed, { ip6: { payloadLength: 65535 } }),
        into(syn(80), malformed, { ip6: { payloadLength: 19 } }),
        into(syn(80), "accept rule new"),
      ],
      ofIpv6,
    ),
  ],
  "CVE-2026-5367: a DHCPv6 option's length": [
    plays(
      "is not read: no option decides, and the message is judged by its addresses and ports",
      { group: { defaultEgress: "drop" } },
      [
        out(layers(...wrongOption), "accept dhcp", { from: "fe80::ff:fe00:101", to: "ff02::1:2" }),
        out(layers(...wrongOption), "drop default-drop", { from: "me", to: "peer" }),
        out(layers(...wrongOption), "drop spoofed-address", { from: "mate", to: "ff02::1:2" }),
      ],
      ofIpv6,
    ),
  ],
});
