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
  ethernet,
  fragment,
  frame,
  hopByHop,
  icmp,
  ipv4,
  ipv6,
  type Layer,
  neighbourAdvertisement,
  raw,
  redirect,
  routerAdvertisement,
  routing,
  sourceRoute,
  targetLinkLayer,
  udp,
} from "../../support/packet.ts";
import {
  guest4,
  guest6,
  type Play,
  passed,
  peer4,
  peer6,
  play,
  received,
  sent,
  toGuest4,
  toPeer4,
  toPeer6,
  udpIn,
  udpOut,
} from "./oracle-play.ts";

const opened = "accept default-egress new";
const vrrpMac = "00:00:5e:00:01:01";
const stranger = "02:00:00:00:99:99";
const own6 = "fe80::ff:fe00:101";
const datagram = udp({ sourcePort: 1, destinationPort: 2 });

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
describe("a guest's own MAC and addresses", () => {
  const vip = {
    pairs: [
      { address: "192.0.2.100/32", mac: vrrpMac },
      { address: "10.8.0.0/16" },
      { address: "2001:db8:5::/64" },
    ],
  };
  const at = (source: string): Layer =>
    source.includes(":") ? ipv6({ source, destination: peer6 }) : ipv4({ source, destination: peer4 });
  const cases: readonly (readonly [string, Partial<InterfaceText>, Uint8Array, string])[] = [
    ["its listed address passes", {}, udpOut, opened],
    ["another MAC does not", {}, from(stranger, toPeer4, datagram), "drop spoofed-mac none"],
    ["another address does not", {}, sent(at("192.0.2.99"), datagram), "drop spoofed-address none"],
    ["a pair's address goes with the pair's MAC", vip, from(vrrpMac, at("192.0.2.100"), datagram), opened],
    ["not with its own", vip, sent(at("192.0.2.100"), datagram), "drop spoofed-address none"],
    [
      "its own address does not go with the pair's MAC",
      vip,
      from(vrrpMac, toPeer4, datagram),
      "drop spoofed-address none",
    ],
    ["a pair without MAC goes with its own", vip, sent(at("10.8.200.1"), datagram), opened],
    ["a whole prefix is its own", vip, sent(at("2001:db8:5::abcd"), datagram), opened],
    ["the link-local address from its MAC is for all traffic", {}, sent(at(own6), datagram), opened],
    ["another link-local address is not", {}, sent(at("fe80::abcd"), datagram), "drop spoofed-address none"],
    ["0.0.0.0 is not for other traffic", {}, sent(at("0.0.0.0"), datagram), "drop spoofed-address none"],
    [":: is not for other traffic", {}, sent(at("::"), datagram), "drop spoofed-address none"],
    [
      "with addresses: [] only the MAC is checked",
      { addresses: [] },
      sent(at("192.0.2.99"), datagram),
      opened,
    ],
    ["and it is", { addresses: [] }, from(stranger, at("192.0.2.99"), datagram), "drop spoofed-mac none"],
    [
      "antiSpoofing: false lets all pass",
      { antiSpoofing: false },
      from(stranger, at("192.0.2.99"), datagram),
      opened,
    ],
    [
      "observe passes it as observed",
      { antiSpoofing: "observe" },
      sent(at("192.0.2.99"), datagram),
      "accept observed new",
    ],
    [
      "a later fragment is looked at, too",
      {},
      sent(
        ipv4({ source: "192.0.2.99", destination: peer4, fragmentOffset: 64 }),
        raw(new Uint8Array(8), { protocol: 17 }),
      ),
      "drop spoofed-address none",
    ],
  ];
  it.each(cases)("%s", (_name, fields, bytes, right) => {
    expect(guest(fields).out(bytes)).toBe(right);
  });

  it("an old session excuses no spoof", () => {
    const one = guest();
    one.out(udpOut);
    expect(one.out(from(stranger, toPeer4, udp({ sourcePort: 40000, destinationPort: 53 })))).toBe(
      "drop spoofed-mac none",
    );
  });

  it("where anti-spoofing observes, what the rules drop is dropped", () => {
    const rules = [{ direction: "egress", policy: "drop", remote: "0.0.0.0/0" }] as const;
    const one = play(bed(rules, { interface: { antiSpoofing: "observe" } }));
    expect(one.out(sent(ipv4({ source: "192.0.2.99", destination: peer4 }), datagram))).toBe(
      "drop rule none",
    );
  });
});

describe("what reaches a guest", () => {
  const to = (mac: string, ...layers: Layer[]): Uint8Array =>
    frame(ethernet({ source: gatewayMac, destination: mac }), ...layers);
  const self = ipv4({ source: guest4, destination: guest4 });

  it("for another MAC, as bridges flood it, is dropped before any session", () => {
    const one = guest();
    one.out(udpOut);
    expect(one.into(udpIn)).toBe(passed);
    expect(one.into(to(stranger, toGuest4, udp({ sourcePort: 53, destinationPort: 40000 })))).toBe(
      "drop other-mac none",
    );
    expect(one.into(to(vrrpMac, toGuest4, datagram))).toBe("drop other-mac none");
    expect(
      guest({ pairs: [{ address: "192.0.2.100/32", mac: vrrpMac }] }).into(to(vrrpMac, toGuest4, datagram)),
    ).toBe("drop no-rule none");
  });

  it("from its own listed address is spoofed, ARP and neighbour discovery are not", () => {
    const one = guest();
    expect(one.into(received(self, datagram))).toBe("drop spoofed-address none");
    const double = arp({
      operation: "request",
      senderMac: stranger,
      senderAddress: guest4,
      targetAddress: guest4,
    });
    expect(one.into(to("ff:ff:ff:ff:ff:ff", double))).toBe("accept arp none");
    const advertised = neighbourAdvertisement(guest6, targetLinkLayer(stranger));
    expect(
      one.into(received(ipv6({ source: guest6, destination: "ff02::1", hopLimit: 255 }), advertised)),
    ).toBe("accept neighbour-discovery none");
  });

  it("passes anti-spoofing where it is off", () => {
    const one = guest({ antiSpoofing: false });
    expect(one.into(to(stranger, toGuest4, datagram))).toBe("drop no-rule none");
  });
});

describe("what a guest may not send", () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["a DHCP server's answer", sent(toPeer4, udp({ sourcePort: 67, destinationPort: 68 })), "drop dhcp none"],
    [
      "whatever its source port",
      sent(toPeer4, udp({ sourcePort: 9, destinationPort: 68 })),
      "drop dhcp none",
    ],
    [
      "a DHCPv6 server's answer",
      sent(toPeer6, udp({ sourcePort: 547, destinationPort: 546 })),
      "drop dhcp none",
    ],
    [
      "a router advertisement",
      sent(ipv6({ source: own6, destination: "ff02::1", hopLimit: 255 }), routerAdvertisement()),
      "drop router-advertisement none",
    ],
    [
      "one behind extension headers and in a fragment",
      sent(
        ipv6({ source: own6, destination: "ff02::1", hopLimit: 255 }),
        hopByHop(),
        fragment({ more: true }),
        routerAdvertisement(),
      ),
      "drop router-advertisement none",
    ],
    ["a redirect", sent(toPeer4, icmp({ type: 5 })), "drop redirect none"],
    [
      "a redirect of IPv6",
      sent(ipv6({ source: own6, destination: peer6, hopLimit: 255 }), redirect("fe80::2", peer6)),
      "drop redirect none",
    ],
    [
      "a loose source route",
      sent(ipv4({ source: guest4, destination: peer4, options: sourceRoute(131, "192.0.2.1") }), datagram),
      "drop source-route none",
    ],
    [
      "a routing header of type 0",
      sent(toPeer6, routing({ type: 0, segmentsLeft: 1, addresses: [peer6] }), datagram),
      "drop source-route none",
    ],
  ];
  it.each(cases)("%s", (_name, bytes, right) => {
    expect(guest().out(bytes)).toBe(right);
    expect(guest({ antiSpoofing: false }).out(bytes)).toMatch(/^accept|neighbour-discovery/);
  });

  it("from elsewhere, redirects and source routes are judged by the rules", () => {
    expect(guest().into(received(toGuest4, icmp({ type: 5 })))).toBe("drop no-rule none");
    const routed = ipv4({ source: peer4, destination: guest4, options: sourceRoute(131, "192.0.2.1") });
    expect(guest().into(received(routed, datagram))).toBe("drop no-rule none");
  });
});
