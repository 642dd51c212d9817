import { describe, expect, it } from "vitest";
import {
  bed,
  gatewayMac,
  group,
  guest2Mac,
  guestMac,
  type InterfaceText,
  model,
  network,
  nic,
} from "../../support/bed.ts";
import {
  arp,
  dhcp,
  ethernet,
  fragment,
  frame,
  hopByHop,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  type Layer,
  mld,
  multicastMac,
  neighbourAdvertisement,
  neighbourSolicitation,
  rarp,
  raw,
  redirect,
  routerAdvertisement,
  routerAlert6,
  routerSolicitation,
  sourceLinkLayer,
  targetLinkLayer,
  udp,
  vlan,
} from "../../support/packet.ts";
import { guest4, guest6, type Play, peer4, peer6, play, received, sent, toGuest4 } from "./oracle-play.ts";

const stranger = "02:00:00:00:99:99";
const own6 = "fe80::ff:fe00:101";

/** The bed's guest with these fields, a neighbour with fe80::22, a gateway fe80::1. */
function guest(fields: Partial<InterfaceText> = {}): Play {
  return play(
    model({
      networks: [network("vpc-a", { gateways: [{ family: 6, bits: (0xfe80n << 112n) | 1n }] })],
      groups: [group("sg-t")],
      interfaces: [
        nic("eni-1", { mac: guestMac, addresses: [guest4, guest6], ...fields }),
        nic("eni-2", { mac: guest2Mac, addresses: ["192.0.2.12", "fe80::22"] }),
      ],
    }),
  );
}

const from = (mac: string, ...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: mac, destination: gatewayMac }), ...layers);
const all = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: guestMac, destination: "ff:ff:ff:ff:ff:ff" }), ...layers);

describe("ARP", () => {
  const claim = (senderMac: string, senderAddress: string): Layer =>
    arp({ operation: "reply", senderMac, senderAddress, targetAddress: "192.0.2.1" });
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["with its own MAC and address", all(claim(guestMac, guest4)), "accept arp none"],
    ["with another MAC inside", all(claim(stranger, guest4)), "drop spoofed-mac none"],
    ["with another's address", all(claim(guestMac, "192.0.2.12")), "drop spoofed-address none"],
    [
      "a probe from 0.0.0.0",
      all(
        arp({ operation: "request", senderMac: guestMac, senderAddress: "0.0.0.0", targetAddress: guest4 }),
      ),
      "accept arp none",
    ],
    ["an answer from 0.0.0.0", all(claim(guestMac, "0.0.0.0")), "drop spoofed-address none"],
    [
      "RARP with its own MAC",
      all(
        rarp({
          operation: "request",
          senderMac: guestMac,
          senderAddress: "0.0.0.0",
          targetMac: guestMac,
          targetAddress: "0.0.0.0",
        }),
      ),
      "accept arp none",
    ],
    [
      "RARP with another MAC",
      all(
        rarp({
          operation: "request",
          senderMac: stranger,
          senderAddress: "0.0.0.0",
          targetAddress: "0.0.0.0",
        }),
      ),
      "drop unsupported none",
    ],
  ];
  it.each(cases)("%s", (_name, bytes, right) => {
    expect(guest().out(bytes)).toBe(right);
  });

  it("reaches the guest from anybody", () => {
    expect(guest().into(received(claim(stranger, "192.0.2.12")))).toBe("accept arp none");
  });
});

describe("neighbour discovery from the guest", () => {
  const nd = (source: string, layer: Layer, hopLimit = 255, ...between: Layer[]): Uint8Array =>
    frame(
      ethernet({ source: guestMac, destination: multicastMac("ff02::1") }),
      ipv6({ source, destination: "ff02::1", hopLimit }),
      ...between,
      layer,
    );
  const works = "accept neighbour-discovery none";
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["a solicitation", nd(guest6, neighbourSolicitation("2001:db8:1::1", sourceLinkLayer(guestMac))), works],
    [
      "one with another's MAC in its option",
      nd(guest6, neighbourSolicitation("2001:db8:1::1", sourceLinkLayer(stranger))),
      "drop spoofed-mac none",
    ],
    ["duplicate address detection", nd("::", neighbourSolicitation(guest6)), works],
    [
      "an advertisement of its own",
      nd(guest6, neighbourAdvertisement(guest6, targetLinkLayer(guestMac))),
      works,
    ],
    [
      "an advertisement of another's address",
      nd(guest6, neighbourAdvertisement("2001:db8:1::12", targetLinkLayer(guestMac))),
      "drop spoofed-address none",
    ],
    [
      "an advertisement with another's MAC",
      nd(guest6, neighbourAdvertisement(guest6, targetLinkLayer(stranger))),
      "drop spoofed-mac none",
    ],
    [
      "any free link-local address",
      nd("fe80::abcd", neighbourAdvertisement("fe80::abcd", targetLinkLayer(guestMac))),
      works,
    ],
    [
      "not another's listed one",
      nd("fe80::22", neighbourSolicitation("fe80::1")),
      "drop spoofed-address none",
    ],
    [
      "not the one made from another's MAC",
      nd("fe80::ff:fe00:102", neighbourSolicitation("fe80::1")),
      "drop spoofed-address none",
    ],
    ["not a gateway's", nd("fe80::1", neighbourSolicitation("fe80::2")), "drop spoofed-address none"],
    [
      "not a gateway's as target",
      nd(own6, neighbourAdvertisement("fe80::1", targetLinkLayer(guestMac))),
      "drop spoofed-address none",
    ],
    ["a router solicitation", nd("::", routerSolicitation()), works],
    [
      "a wrong hop limit",
      nd(guest6, neighbourSolicitation("2001:db8:1::1"), 254),
      "drop neighbour-discovery none",
    ],
    [
      "an atomic fragment header",
      nd(guest6, neighbourSolicitation("2001:db8:1::1"), 255, fragment({})),
      "drop neighbour-discovery none",
    ],
    [
      "a fragment header",
      nd(guest6, neighbourSolicitation("2001:db8:1::1"), 255, fragment({ more: true })),
      "drop neighbour-discovery none",
    ],
    [
      "behind destination options",
      nd(guest6, neighbourSolicitation("2001:db8:1::1"), 255, hopByHop()),
      works,
    ],
    ["a listener report", nd("::", mld(131, "ff02::1:ff00:11"), 1, hopByHop(routerAlert6)), works],
    [
      "a listener's query is judged by the rules",
      nd(own6, mld(130), 1, hopByHop(routerAlert6)),
      "accept default-egress none",
    ],
  ];
  it.each(cases)("%s", (_name, bytes, right) => {
    expect(guest().out(bytes)).toBe(right);
  });
});

describe("what always reaches a guest", () => {
  const strict = bed([
    { policy: "drop", remote: "0.0.0.0/0" },
    { policy: "drop", remote: "::/0" },
  ]);
  const nd = (layer: Layer, hopLimit: number): Uint8Array =>
    received(ipv6({ source: "fe80::1", destination: "ff02::1", hopLimit }), layer);
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["a router advertisement", nd(routerAdvertisement(), 255), "accept neighbour-discovery none"],
    ["not from afar", nd(routerAdvertisement(), 64), "drop neighbour-discovery none"],
    ["a listener query", nd(mld(130), 1), "accept neighbour-discovery none"],
    ["a listener report is judged by the rules", nd(mld(131, "ff02::5"), 1), "drop rule none"],
    ["a redirect is judged by the rules", nd(redirect("fe80::2", peer6), 255), "drop rule none"],
    ["an echo is judged by the rules", nd(icmpv6({ type: 128 }), 255), "drop rule none"],
    [
      "an IGMP query",
      received(ipv4({ source: peer4, destination: "224.0.0.1", ttl: 1 }), igmp({ type: 0x11 })),
      "accept neighbour-discovery none",
    ],
    [
      "not from afar",
      received(ipv4({ source: peer4, destination: "224.0.0.1", ttl: 2 }), igmp({ type: 0x11 })),
      "drop neighbour-discovery none",
    ],
    [
      "an IGMP report is judged by the rules",
      received(ipv4({ source: peer4, destination: "224.0.0.1", ttl: 1 }), igmp({ type: 0x16 })),
      "drop rule none",
    ],
    [
      "DHCP from a server",
      received(toGuest4, udp({ sourcePort: 67, destinationPort: 68 })),
      "accept dhcp none",
    ],
    [
      "not from another port",
      received(toGuest4, udp({ sourcePort: 66, destinationPort: 68 })),
      "drop rule none",
    ],
    [
      "DHCPv6 to a link-local address",
      received(
        ipv6({ source: "fe80::1", destination: own6 }),
        udp({ sourcePort: 547, destinationPort: 546 }),
      ),
      "accept dhcp none",
    ],
    [
      "not to another",
      received(
        ipv6({ source: "fe80::1", destination: guest6 }),
        udp({ sourcePort: 547, destinationPort: 546 }),
      ),
      "drop rule none",
    ],
  ];
  it.each(cases)("%s", (_name, bytes, right) => {
    expect(play(strict).into(bytes)).toBe(right);
  });

  it("router advertisements only where there is IPv6, or no address at all", () => {
    const advertisement = nd(routerAdvertisement(), 255);
    expect(guest({ addresses: [guest4] }).into(advertisement)).toBe("drop no-rule none");
    expect(guest({ addresses: [] }).into(advertisement)).toBe("accept neighbour-discovery none");
    expect(guest({ addresses: [guest4], pairs: [{ address: "2001:db8::/64" }] }).into(advertisement)).toBe(
      "accept neighbour-discovery none",
    );
  });
});

describe("DHCP as a client", () => {
  const ask = (to: string): Uint8Array =>
    sent(
      ipv4({ source: guest4, destination: to }),
      udp({ sourcePort: 68, destinationPort: 67 }),
      dhcp({ operation: 1, message: 3, clientMac: guestMac }),
    );
  const answer = (server: string): Uint8Array =>
    received(ipv4({ source: server, destination: guest4 }), udp({ sourcePort: 67, destinationPort: 68 }));
  const strict = bed([], { group: { defaultEgress: "drop" } });

  it("speaks alone to the last four servers that answered", () => {
    const one = play(strict);
    one.out(ask("255.255.255.255"));
    for (const last of [1, 2, 3, 4, 5]) one.into(answer(`203.0.113.${last}`), 60);
    expect([1, 2, 3, 4, 5].map((last) => one.out(ask(`203.0.113.${last}`), 5000))).toEqual([
      "drop default-drop none",
      ...Array.from({ length: 4 }, () => "accept dhcp none"),
    ]);
  });

  it("a known server's new answer takes nobody's place", () => {
    const one = play(strict);
    one.out(ask("255.255.255.255"));
    for (const last of [1, 2, 3, 4, 2, 2, 2]) one.into(answer(`203.0.113.${last}`));
    expect(one.out(ask("203.0.113.1"))).toBe("accept dhcp none");
  });

  it("DHCPv6 goes to all servers, from any free link-local address", () => {
    const solicit = (to: string): Uint8Array =>
      sent(ipv6({ source: "fe80::abcd", destination: to }), udp({ sourcePort: 546, destinationPort: 547 }));
    expect(play(strict).out(solicit("ff02::1:2"))).toBe("accept dhcp none");
    expect(play(strict).out(solicit("fe80::1"))).toBe("drop default-drop none");
  });
});

describe("the rate of what always works", () => {
  const probe = all(
    arp({ operation: "request", senderMac: guestMac, senderAddress: guest4, targetAddress: guest4 }),
  );
  it("is bounded for what the guest sends, for each kind, in windows of a second", () => {
    const one = play(bed(), { alwaysPerSecond: 2 });
    expect([0, 0.5, 0.9].map((time) => one.out(probe, time))).toEqual([
      "accept arp none",
      "accept arp none",
      "drop rate-limit none",
    ]);
    const other = sent(
      ipv6({ source: guest6, destination: "ff02::1", hopLimit: 255 }),
      neighbourSolicitation("fe80::1"),
    );
    expect(one.out(other, 0.9)).toBe("accept neighbour-discovery none");
    expect(one.out(probe, 1)).toBe("accept arp none");
  });

  it("is unbounded for what reaches it", () => {
    const one = play(bed(), { alwaysPerSecond: 1 });
    const times = Array.from({ length: 20 }, () =>
      one.into(
        received(
          arp({
            operation: "reply",
            senderMac: gatewayMac,
            senderAddress: "192.0.2.1",
            targetAddress: guest4,
          }),
        ),
      ),
    );
    expect(new Set(times)).toEqual(new Set(["accept arp none"]));
  });
});

describe("frames that are neither IP nor ARP", () => {
  const other = (etherType: number): Layer => raw(new Uint8Array(46), { etherType });
  it("pass where the interface lists their type, from its own MAC", () => {
    const one = guest({ etherTypes: [0x88b5] });
    expect(one.out(sent(other(0x88b5)))).toBe("accept ether-type none");
    expect(one.into(received(other(0x88b5)))).toBe("accept ether-type none");
    expect(one.out(sent(other(0x88cc)))).toBe("drop unsupported none");
    expect(one.out(from(stranger, other(0x88b5)))).toBe("drop spoofed-mac none");
  });

  it("need every tag of their stack listed", () => {
    const one = guest({ etherTypes: [0x88b5], vlans: [7] });
    expect(one.out(sent(vlan({ id: 7 }), other(0x88b5)))).toBe("accept ether-type none");
    expect(one.out(sent(vlan({ id: 7 }), vlan({ id: 8 }), other(0x88b5)))).toBe("drop unsupported none");
  });
});
