/** Holes of other firewalls, by their names: guests that are not who they say, and what "always allowed" carried. */

import {
  announce,
  arpIn,
  arpOut,
  dhcp6Out,
  dhcpIn,
  dhcpOut,
  mateLinkLocal,
  ndIn,
  ndOut,
  ownLinkLocal,
  solicit,
} from "../semantics/guest-frames.ts";
import { plays } from "../semantics/rows.ts";
import { becomes, into, odd, out, syn, udp } from "../semantics/steps.ts";
import { gatewayMac, guest2Mac, guestMac } from "../support/bed.ts";
import {
  destinationOptions,
  ethernet,
  fragment,
  ipv6,
  neighbourAdvertisement,
  raw,
  redirect,
  routerAdvertisement,
  targetLinkLayer,
} from "../support/packet.ts";
import { testCases } from "./played.ts";

const ofIpv4 = { families: [4] } as const;
const ofIpv6 = { families: [6] } as const;
const spoofed = "drop spoofed-address";
const neighbours = "accept neighbour-discovery";
const strict = { group: { defaultEgress: "drop", innerAccess: "drop" } };
const own6 = "2001:db8:1::11";
const mate6 = "2001:db8:1::12";

/** ICMPv6 of the guest with headers before it. */
const hidden = (...between: readonly ReturnType<typeof destinationOptions>[]) =>
  ndBehind(between, neighbourAdvertisement(mate6, targetLinkLayer(guestMac)));
const ndBehind =
  (between: readonly ReturnType<typeof destinationOptions>[], message: ReturnType<typeof redirect>) => () => [
    ethernet({ source: guestMac, destination: "33:33:00:00:00:01" }),
    ipv6({ source: own6, destination: "ff02::1", hopLimit: 255 }),
    ...between,
    message,
  ];
const atomic = fragment({ offset: 0, more: false, identification: 1 });
/** A frame of this type from the guest. */
const typed = (etherType: number) => () => [
  ethernet({ source: guestMac, destination: gatewayMac }),
  raw(new Uint8Array(60), { etherType }),
];
/** STP, LLDP, MPLS, PPPoE, MACsec, PTP, RoCE, and what the Neutron report sent. */
const otherTypes = [0x0026, 0x88cc, 0x8847, 0x8848, 0x8863, 0x8864, 0x88e5, 0x88f7, 0x8915, 0x4008];

testCases({
  "CVE-2020-13597, GHSA-59qg-grp7-5r73: a workload's router advertisement": [
    plays(
      "never leaves a guest, whatever the rules accept; nor one that has no IPv6 at all",
      { rules: ["egress accept all -1/-1 ::/0"] },
      [
        ndOut(routerAdvertisement(), "drop router-advertisement"),
        ndOut(redirect("fe80::2", "2001:db8::9"), "drop redirect"),
        out(udp("1>2"), "accept rule new"),
      ],
      ofIpv6,
    ),
    plays(
      "does not reach a guest with IPv4 addresses only, without an IPv6 rule on the host; others get it",
      { nic: { addresses: ["192.0.2.11"] } },
      [
        ndIn(routerAdvertisement(), "drop no-rule"),
        ndOut(routerAdvertisement(), "drop router-advertisement"),
        ndIn(routerAdvertisement(), neighbours, { on: "eni-2" }),
      ],
      ofIpv6,
    ),
  ],
  "OSSA-2016-009 (CVE-2016-5362, CVE-2016-5363, CVE-2015-8914): DHCP, ARP and ICMPv6 past anti-spoofing": [
    plays(
      "DHCP, from its own MAC and its own addresses only",
      strict,
      [
        dhcpOut("accept dhcp"),
        out(udp("68>67"), "drop spoofed-mac", {
          from: "0.0.0.0",
          to: "255.255.255.255",
          sourceMac: guest2Mac,
        }),
        dhcpOut(spoofed, "255.255.255.255", "192.0.2.12"),
      ],
      ofIpv4,
    ),
    plays(
      "ARP, by both its MACs and its address",
      strict,
      [
        arpOut("accept arp"),
        arpOut("drop spoofed-mac", { sourceMac: guest2Mac }),
        arpOut("drop spoofed-mac", { senderMac: guest2Mac }),
        arpOut(spoofed, { sender: "mate" }),
      ],
      ofIpv4,
    ),
    plays(
      "ICMPv6, by address",
      strict,
      [
        announce(own6, neighbours),
        ndOut(neighbourAdvertisement(own6), spoofed, { from: mate6 }),
        ndOut(neighbourAdvertisement(own6), spoofed, { from: mateLinkLocal }),
        dhcp6Out("accept dhcp"),
        dhcp6Out(spoofed, "ff02::1:2", mateLinkLocal),
      ],
      ofIpv6,
    ),
  ],
  "OSSA-2021-001 (CVE-2021-20267): a neighbour advertisement from its own address for another's": [
    plays(
      "is dropped by its target, and by the MAC in its option",
      strict,
      [
        announce(own6, neighbours),
        announce(own6, neighbours, {}, targetLinkLayer(guestMac)),
        ndOut(neighbourAdvertisement(mate6), spoofed, { from: own6 }),
        ndOut(neighbourAdvertisement(mate6), spoofed, { from: ownLinkLocal }),
        announce(own6, "drop spoofed-mac", {}, targetLinkLayer(guest2Mac)),
      ],
      ofIpv6,
    ),
  ],
  "OSSA-2021-004 (CVE-2021-38598): ARP for a MAC that is not the guest's": [
    plays(
      "is dropped, in the frame and in the message; what reaches it is not",
      strict,
      [
        arpOut("accept arp"),
        arpOut("drop spoofed-mac", { senderMac: "02:00:00:00:09:99" }),
        arpOut("drop spoofed-mac", { sourceMac: "02:00:00:00:09:99", senderMac: guestMac }),
        arpIn("accept arp"),
      ],
      ofIpv4,
    ),
  ],
  "CVE-2023-5366: neighbour discovery whose target the firewall did not look at": [
    plays(
      "is looked at behind an extension header, and in a fragment, though it be atomic, nothing is believed",
      strict,
      [
        odd("egress", hidden(), spoofed),
        odd("egress", hidden(destinationOptions()), spoofed),
        odd("egress", hidden(atomic), spoofed),
        odd("egress", ndBehind([atomic], neighbourAdvertisement(own6)), "drop neighbour-discovery"),
        ndOut(neighbourAdvertisement(own6), "drop neighbour-discovery", {
          from: own6,
          ip6: { hopLimit: 64 },
        }),
        ndOut(solicit("2001:db8:1::1").message, neighbours, { ...solicit("2001:db8:1::1").way, from: own6 }),
      ],
      ofIpv6,
    ),
  ],
  "OSSN-0027 and Neutron bug 1838473: what is neither IP nor ARP left a guest that may nothing": [
    plays(
      "is dropped, of whatever type, and so is a forged ARP",
      strict,
      [
        ...otherTypes.map((type) => odd("egress", typed(type), "drop unsupported")),
        arpOut(spoofed, { sender: "192.0.2.1" }),
        arpOut("accept arp"),
      ],
      ofIpv4,
    ),
    plays(
      "also where every rule accepts, but for a type that the interface lists",
      { rules: ["egress accept all -1/-1 0.0.0.0/0"], nic: { etherTypes: [0x88cc] } },
      [odd("egress", typed(0x88cc), "accept ether-type"), odd("egress", typed(0x4008), "drop unsupported")],
      ofIpv4,
    ),
  ],
  "OSSA-2019-004: a bridge that floods every frame to all": [
    plays(
      "another's frames do not reach a guest, though its rules would accept them",
      {
        rules: ["ingress accept tcp 80/80 any"],
      },
      [
        into(syn(80), "drop other-mac", { destinationMac: guest2Mac }),
        into(syn(80), "drop other-mac", { destinationMac: guest2Mac, to: "mate" }),
        into(syn(80), "accept rule new"),
        into(syn(80, 2), "drop other-mac", { destinationMac: "02:00:00:00:09:99" }),
      ],
    ),
  ],
  "OSSA-2015-018 (CVE-2015-5240): a port that was connected before its rules were laid": [
    plays(
      "passes nothing but what always works until its policy is ready, then by its rules",
      {
        rules: ["ingress accept tcp 80/80 any"],
      },
      [
        becomes("eni-1", "not-ready"),
        into(syn(80), "drop not-ready"),
        out(syn(80), "drop not-ready"),
        out(udp("1>2"), spoofed, { from: "mate" }),
        becomes("eni-1", "ready"),
        into(syn(80), "accept rule new"),
      ],
    ),
    plays(
      "has ARP and DHCP meanwhile",
      {},
      [
        becomes("eni-1", "not-ready"),
        arpOut("accept arp"),
        dhcpOut("accept dhcp"),
        dhcpIn("accept dhcp"),
        out(udp("1>2"), "drop not-ready"),
      ],
      ofIpv4,
    ),
  ],
});
