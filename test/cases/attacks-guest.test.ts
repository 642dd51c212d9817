/** What a hostile guest tries, by the names of the attacks: frames and verdicts, on the oracle, XDP and tc. */
import {
  announce,
  arpIn,
  arpOut,
  dhcp6Out,
  dhcpOut,
  mateLinkLocal,
  ndOut,
  ownLinkLocal,
} from "../semantics/guest-frames.ts";
import { plays } from "../semantics/rows.ts";
import {
  alive,
  type Body,
  echo,
  echoReply,
  handshakeOut,
  into,
  odd,
  out,
  quoting,
  type Step,
  syn,
  tcp,
  timeExceeded,
  udp,
  unreachable,
  wait,
} from "../semantics/steps.ts";
import { gatewayMac, guest2Mac, guestMac } from "../support/bed.ts";
import {
  destinationOptions,
  ethernet,
  fragment,
  hopByHop,
  ipv6,
  type Layer,
  neighbourAdvertisement,
  neighbourSolicitation,
  raw,
  redirect,
  routerAdvertisement,
  routerSolicitation,
  routing,
  sourceLinkLayer,
  targetLinkLayer,
} from "../support/packet.ts";
import { testCases } from "./played.ts";

const ofIpv4 = { families: [4] } as const;
const ofIpv6 = { families: [6] } as const;
const wrongAddress = "drop spoofed-address";
const wrongMac = "drop spoofed-mac";
const discovery = "accept neighbour-discovery";
const opened = "accept default-egress new";
const passed = "accept session established";
const noRule = "drop no-rule";
const acceptsAll = { rules: ["ingress accept all any", "egress accept all any"] };
const strict = { group: { defaultEgress: "drop", innerAccess: "drop" } };
const own6 = "2001:db8:1::11";
const mate6 = "2001:db8:1::12";

/** What may stand between an IPv6 header and ICMPv6, and whether a fragment header is among it. */
const between: readonly { readonly headers: readonly Layer[]; readonly fragmented: boolean }[] = [
  { headers: [], fragmented: false },
  { headers: [destinationOptions()], fragmented: false },
  { headers: [hopByHop()], fragmented: false },
  { headers: [hopByHop(), destinationOptions()], fragmented: false },
  { headers: [routing({ type: 4, segmentsLeft: 0, addresses: ["2001:db8::1"] })], fragmented: false },
  { headers: [fragment({ offset: 0, more: false, identification: 1 })], fragmented: true },
  { headers: [fragment({ offset: 0, more: true, identification: 2 })], fragmented: true },
  {
    headers: [destinationOptions(), fragment({ offset: 0, more: false, identification: 3 })],
    fragmented: true,
  },
];

/** Each kind of neighbour discovery that a guest might send, behind each of these. */
const grid: readonly Step[] = between.flatMap(({ headers, fragmented }) => {
  const whole = !headers.some((layer) => layer === between[6]?.headers[0]);
  const send = (message: Layer, expected: string, source = own6) =>
    odd(
      "egress",
      () => [
        ethernet({ source: guestMac, destination: "33:33:00:00:00:01" }),
        ipv6({ source, destination: "ff02::1", hopLimit: 255 }),
        ...headers,
        message,
      ],
      expected,
    );
  const fine = fragmented ? "drop neighbour-discovery" : discovery;
  /** Nothing in the first part of a message in parts is looked at: it passes in no case. */
  const forged = (reason: string) => (whole ? reason : "drop neighbour-discovery");
  return [
    send(neighbourSolicitation(mate6, sourceLinkLayer(guestMac)), fine),
    send(neighbourSolicitation(mate6, sourceLinkLayer(guest2Mac)), forged(wrongMac)),
    send(neighbourAdvertisement(own6, targetLinkLayer(guestMac)), fine),
    send(neighbourAdvertisement(own6, targetLinkLayer(guest2Mac)), forged(wrongMac)),
    send(neighbourAdvertisement(mate6, targetLinkLayer(guestMac)), forged(wrongAddress)),
    send(neighbourAdvertisement(own6), wrongAddress, mate6),
    send(routerSolicitation(), fine),
    send(routerAdvertisement(), "drop router-advertisement"),
    send(redirect(mate6, "2001:db8::9"), "drop redirect"),
  ];
});

/** "Go another way to the peer", as a router says it. */
const redirection: Body = (family) =>
  family === 4
    ? quoting([5, 5], { from: "me", to: "peer", body: tcp("40443>443", "A") })(family)
    : [redirect("fe80::99", "2001:db8:ffff::80")];

/** STP, LLDP, MPLS, PPPoE, MACsec, PTP, EAPOL, AoE, FCoE, RoCE, IPX, AppleTalk, … and what means nothing. */
const etherTypes = [
  0x0000, 0x0026, 0x0027, 0x05dc, 0x0600, 0x0801, 0x0805, 0x22f0, 0x22f3, 0x4008, 0x6000, 0x6002, 0x6003,
  0x6004, 0x6558, 0x6559, 0x809b, 0x80f3, 0x8137, 0x8138, 0x8204, 0x8809, 0x880b, 0x8847, 0x8848, 0x8863,
  0x8864, 0x886c, 0x887b, 0x888e, 0x8892, 0x889a, 0x88a2, 0x88a4, 0x88b5, 0x88b6, 0x88b7, 0x88cc, 0x88e5,
  0x88e7, 0x88f5, 0x88f7, 0x8906, 0x8914, 0x8915, 0x891d, 0x893a, 0x894f, 0x9000, 0xffff,
];
const typed = (etherType: number) => () => [
  ethernet({ source: guestMac, destination: gatewayMac }),
  raw(new Uint8Array(60), { etherType }),
];
const typedIn = (etherType: number) => () => [
  ethernet({ source: gatewayMac, destination: guestMac }),
  raw(new Uint8Array(60), { etherType }),
];

/** Flags of a segment without a session, and what an open port's rule, and midstream, make of it. */
const scans: readonly (readonly [flags: string, byRule: string])[] = [
  ["A", "accept rule new"],
  ["F", "accept rule new"],
  ["FA", "accept rule new"],
  ["PA", "accept rule new"],
  ["FPU", "accept rule new"],
  ["R", "accept rule none"],
  ["RA", "accept rule none"],
  ["SA", "accept rule none"],
];
const impossible = ["", "SF", "SR", "SFPU", "SRAFPU"];

testCases({
  "MAC, IPv4, IPv6 and ARP spoofing, gratuitous ARP, an advertisement for another's address": [
    plays("none leaves, even within an open session", acceptsAll, [
      out(syn(80), "accept rule new"),
      out(tcp("40443>80", "A"), wrongMac, { sourceMac: guest2Mac }),
      out(tcp("40443>80", "A"), wrongAddress, { from: "mate" }),
      out(tcp("40443>80", "A"), wrongAddress, { from: "peer", to: "me" }),
    ]),
    plays(
      "ARP, asked for and gratuitous",
      acceptsAll,
      [
        arpOut(wrongAddress, { sender: "mate", target: "mate" }),
        arpOut(wrongAddress, { sender: "192.0.2.1", target: "192.0.2.1" }),
        arpOut(wrongMac, { sender: "me", senderMac: guest2Mac, target: "me" }),
        arpOut("accept arp", { sender: "me", target: "me" }),
        arpIn("accept arp"),
      ],
      ofIpv4,
    ),
    plays(
      "neighbour advertisements",
      acceptsAll,
      [
        announce(mate6, wrongAddress),
        announce(mateLinkLocal, wrongAddress),
        ndOut(neighbourAdvertisement(mate6), wrongAddress, { from: ownLinkLocal }),
        announce(own6, discovery),
      ],
      ofIpv6,
    ),
  ],
  "neighbour discovery behind extension headers, in fragments, with options of another": [
    plays(
      "by a grid of headers and messages: what is not the guest's own never leaves",
      acceptsAll,
      grid,
      ofIpv6,
    ),
    plays(
      "with a hop limit that a router had lowered",
      acceptsAll,
      [254, 64, 1, 0].flatMap((hopLimit) => [
        ndOut(neighbourSolicitation(mate6), "drop neighbour-discovery", { from: own6, ip6: { hopLimit } }),
        ndOut(neighbourAdvertisement(own6), "drop neighbour-discovery", { from: own6, ip6: { hopLimit } }),
        ndOut(routerSolicitation(), "drop neighbour-discovery", { from: own6, ip6: { hopLimit } }),
        ndOut(routerAdvertisement(), "drop router-advertisement", { ip6: { hopLimit } }),
      ]),
      ofIpv6,
    ),
  ],
  "a DHCP server, a router advertisement, a redirect of either family from a guest": [
    plays("are dropped always, though rules accept all", acceptsAll, [
      out(udp("67>68"), "drop dhcp"),
      out(udp("547>546"), "drop dhcp"),
      out(redirection, "drop redirect"),
      out(udp("1>2"), "accept rule new"),
    ]),
  ],
  "40 other ethertypes: STP, LLDP, MPLS, PPPoE and what a bridge would carry": [
    plays(
      "none leaves a guest, none reaches it",
      acceptsAll,
      [
        ...etherTypes.map((type) => odd("egress", typed(type), "drop unsupported")),
        ...etherTypes.map((type) => odd("ingress", typedIn(type), "drop unsupported")),
        out(udp("1>2"), "accept rule new"),
      ],
      ofIpv4,
    ),
  ],
  "what always works as a tunnel": [
    plays(
      "DHCP's ports carry nothing to an address that is no server",
      strict,
      [
        dhcpOut("accept dhcp"),
        dhcpOut("drop default-drop", "198.51.100.7", "192.0.2.11"),
        dhcpOut("drop default-drop", "192.0.2.255", "192.0.2.11"),
        out(udp("68>67"), "drop default-drop", { to: "peer" }),
        out(udp("67>67"), "drop default-drop", { to: "255.255.255.255" }),
      ],
      ofIpv4,
    ),
    plays(
      "nor DHCPv6's, nor neighbour discovery's to where a router would carry it",
      strict,
      [
        dhcp6Out("accept dhcp"),
        dhcp6Out("drop default-drop", "2001:db8:ffff::7", "2001:db8:1::11"),
        dhcp6Out("drop default-drop", "ff05::1:3"),
        ndOut(neighbourSolicitation(mate6), "drop neighbour-discovery", {
          from: own6,
          ip6: { hopLimit: 64 },
        }),
        out(echo(), "drop default-drop"),
      ],
      ofIpv6,
    ),
    plays(
      "ARP, DHCP and neighbour discovery no more than their bounded rate",
      strict,
      [
        ...Array.from({ length: 3 }, () => arpOut("accept arp")),
        arpOut("drop rate-limit"),
        ...Array.from({ length: 3 }, () => dhcpOut("accept dhcp")),
        dhcpOut("drop rate-limit"),
        wait(1),
        arpOut("accept arp"),
      ],
      { ...ofIpv4, settings: { alwaysPerSecond: 3 } },
    ),
    plays(
      "over IPv6 too",
      strict,
      [
        ...Array.from({ length: 3 }, () => announce(own6, discovery)),
        announce(own6, "drop rate-limit"),
        ...Array.from({ length: 3 }, () => dhcp6Out("accept dhcp")),
        dhcp6Out("drop rate-limit"),
        wait(1),
        announce(own6, discovery),
      ],
      { ...ofIpv6, settings: { alwaysPerSecond: 3 } },
    ),
  ],
  "scans with ACK, FIN, RST, XMAS and no flag at all": [
    plays(
      "an open port's are judged by its rule, a closed port's dropped, the impossible malformed",
      { rules: ["ingress accept tcp 80/80 any"] },
      [
        ...scans.flatMap(([flags, byRule], index) => [
          into(tcp(`${1000 + index}>80`, flags), byRule),
          into(tcp(`${1000 + index}>81`, flags), noRule),
        ]),
        ...impossible.flatMap((flags) => [
          into(tcp("2000>80", flags), "drop malformed"),
          into(tcp("2000>81", flags), "drop malformed"),
        ]),
      ],
    ),
    plays(
      "all are dropped where midstream is",
      { rules: ["ingress accept tcp 80/80 any", "egress accept tcp -1/-1 any"] },
      [
        ...scans.flatMap(([flags], index) => [
          into(tcp(`${1000 + index}>80`, flags), "drop midstream"),
          out(tcp(`80>${1000 + index}`, flags), "drop midstream"),
        ]),
        into(tcp("2000>80", "S"), "accept rule new"),
      ],
      { settings: { midstream: "drop" } },
    ),
  ],
  "forged ICMP errors: a blind reset, a quote of what the receiver never sent": [
    plays("no error ends or changes a session, and one about nothing known is dropped", {}, [
      ...handshakeOut(),
      into(quoting(unreachable, { from: "me", to: "peer", body: tcp("40443>444", "A") }), noRule, {
        from: "router",
      }),
      into(quoting(unreachable, { from: "peer", to: "me", body: tcp("443>40443", "A") }), noRule, {
        from: "router",
      }),
      into(quoting(unreachable, { from: "mate", to: "peer", body: tcp("40443>443", "A") }), noRule, {
        from: "router",
      }),
      ...[0, 1, 2, 3, 4].map((code) =>
        into(
          quoting(unreachable, { from: "me", to: "peer", body: tcp("40443>443", "A") }, code),
          "accept related related",
          { from: "router" },
        ),
      ),
      into(
        quoting(timeExceeded, { from: "me", to: "peer", body: tcp("40443>443", "A") }),
        "accept related related",
        { from: "router" },
      ),
      into(redirection, noRule, { from: "router" }),
      wait(900),
      into(tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1001, length: 10 }), passed),
      alive(1),
    ]),
  ],
  "aws-network-policy-agent PR 102: the same addresses and ports in two networks, and two guests of one host":
    [
      plays(
        "a session is its own interface's, whatever another's network holds",
        {
          networks: { "vpc-b": { type: "vpc" } },
          groups: { "sg-b": { network: "vpc-b" } },
          nics: { "eni-3": { network: "vpc-b", groups: ["sg-b"], addresses: ["me"] } },
        },
        [
          out(udp("1>2"), opened),
          into(udp("2>1"), noRule, { on: "eni-3", to: "me" }),
          into(udp("2>1"), passed),
          out(echo(9), opened),
          into(echoReply(9), noRule, { on: "eni-3", to: "me" }),
          into(echoReply(9), passed),
          ...handshakeOut(),
          into(tcp("443>40443", "A"), noRule, { on: "eni-3", to: "me" }),
          alive(0, "eni-3"),
        ],
      ),
      plays(
        "of two guests that talk, each end approves for itself",
        { group: { innerAccess: "drop" }, rules: ["ingress accept tcp 80/80 mate"] },
        [
          out(syn(80), opened, { to: "mate" }),
          into(syn(80), noRule, { on: "eni-2", from: "me", to: "mate" }),
          out(syn(80, 5), opened, { on: "eni-2", from: "mate", to: "me" }),
          into(syn(80, 5), "accept rule new", { from: "mate" }),
          out(tcp("80>5", "SA"), passed, { to: "mate" }),
          into(tcp("80>5", "SA"), passed, { on: "eni-2", from: "me", to: "mate" }),
        ],
      ),
    ],
  "a group's rights by a member's address": [
    plays(
      "no guest has them that is no member: it cannot send from there",
      {
        groups: { "sg-b": {} },
        nics: { "eni-3": { groups: ["sg-b"] } },
        rules: ["ingress accept tcp 80/80 sg-t"],
        group: { innerAccess: "drop" },
      },
      [
        out(syn(80), wrongAddress, { on: "eni-3", from: "mate", to: "me" }),
        into(syn(80), noRule, { from: "third" }),
        into(syn(80), "accept rule new", { from: "mate" }),
        into(syn(80, 2), wrongAddress, { from: "me" }),
      ],
    ),
  ],
});
