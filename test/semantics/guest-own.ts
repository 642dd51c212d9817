/** docs/semantics.md, "What a guest may not do": which addresses are its own. */
import { guestMac } from "../support/bed.ts";
import {
  hopByHop,
  igmp,
  mld,
  mldv2Report,
  neighbourAdvertisement,
  routerAlert4,
  routerAlert6,
  routerSolicitation,
  sourceLinkLayer,
  targetLinkLayer,
} from "../support/packet.ts";
import {
  announce,
  arpOut,
  dhcp6Out,
  dhcpOut,
  gatewayLinkLocal,
  mateLinkLocal,
  ndOut,
  ownLinkLocal,
  solicit,
} from "./guest-frames.ts";
import { plays, type Sentences } from "./rows.ts";
import { into, out, syn, udp } from "./steps.ts";

const opened = "accept default-egress new";
const wrongAddress = "drop spoofed-address";
const wrongMac = "drop spoofed-mac";
const vrrpMac = "00:00:5e:00:01:01";
const discovery = "accept neighbour-discovery";
const privacy = "fe80::1234:5678:9abc:def0";

const gateways = { networks: { "vpc-a": { type: "vpc", gateways: ["192.0.2.1", "fe80::1"] } } };

function pairs(...list: readonly { address: string; mac?: string }[]) {
  return { nic: { allowedAddressPairs: list } };
}

const otherMac = "00:00:5e:00:01:02";
const thirdMac = "00:00:5e:00:01:03";
/** A virtual address with two MACs, and another one with a third. */
const virtual = pairs(
  { address: "2001:db8:1::100/128", mac: vrrpMac },
  { address: "2001:db8:1::100/128", mac: otherMac },
  { address: "2001:db8:1::101/128", mac: thirdMac },
);
const bindsTarget = (macs: readonly string[], expected: string) =>
  announce("2001:db8:1::100", expected, { sourceMac: vrrpMac }, ...macs.map(targetLinkLayer));
const bindsSource = (from: string, macs: readonly string[], expected: string, sourceMac = guestMac) => {
  const { message, way } = solicit("2001:db8:1::1", ...macs.map(sourceLinkLayer));
  return ndOut(message, expected, { ...way, from, sourceMac });
};

const mldOut = (message: ReturnType<typeof mld>, expect: string, from: string) =>
  out(() => [hopByHop(routerAlert6), message], expect, { from, to: "ff02::16", ip6: { hopLimit: 1 } });

export const ownRows: Sentences = {
  "`allowedAddressPairs` (VIPs": [
    plays(
      "a VIP, of either family",
      pairs({ address: "192.0.2.100" }, { address: "2001:db8:1::100" }),
      [
        out(syn(80), opened, { from: "vip" }),
        out(syn(80, 2), opened),
        out(syn(80), wrongAddress, { from: "192.0.2.101" }),
        arpOut("accept arp", { sender: "192.0.2.100" }),
        arpOut(wrongAddress, { sender: "192.0.2.101" }),
      ],
      { families: [4] },
    ),
    plays(
      "a VIP of IPv6, with its neighbour discovery",
      pairs({ address: "2001:db8:1::100" }),
      [
        out(syn(80), opened, { from: "vip" }),
        out(syn(80), wrongAddress, { from: "2001:db8:1::101" }),
        announce("2001:db8:1::100", discovery),
        announce("2001:db8:1::101", wrongAddress, { from: "me" }),
      ],
      { families: [6] },
    ),
    plays(
      "a router guest's pod network, and a /64 for privacy addresses",
      pairs({ address: "10.244.0.0/16" }, { address: "2001:db8:5::/64" }),
      [
        out(syn(80), opened, { from: "10.244.255.255" }),
        out(syn(80), wrongAddress, { from: "10.245.0.0" }),
        into(syn(80), "drop no-rule", { to: "10.244.0.7" }),
      ],
      { families: [4] },
    ),
    plays(
      "a /64 for privacy addresses",
      pairs({ address: "2001:db8:5::/64" }),
      [
        out(syn(80), opened, { from: "2001:db8:5::dead:beef" }),
        out(syn(80), wrongAddress, { from: "2001:db8:6::dead:beef" }),
      ],
      { families: [6] },
    ),
    plays(
      "a pair that holds 0.0.0.0 makes it its own",
      pairs({ address: "0.0.0.0/0" }),
      [out(syn(80), opened, { from: "0.0.0.0" }), out(syn(80), opened, { from: "far" })],
      { families: [4] },
    ),
    plays(
      "a virtual address's duplicates are looked for from its MAC, and from no other",
      pairs({ address: "2001:db8:1::100/128", mac: vrrpMac }),
      [
        ndOut(solicit("2001:db8:1::100").message, discovery, {
          ...solicit("2001:db8:1::100").way,
          from: "::",
          sourceMac: vrrpMac,
        }),
        ndOut(solicit("2001:db8:1::100").message, wrongMac, {
          ...solicit("2001:db8:1::100").way,
          from: "::",
          sourceMac: "00:00:5e:00:01:02",
        }),
      ],
      { families: [6] },
    ),
    plays(
      "with a MAC, from that MAC only; without, from its own only",
      pairs({ address: "192.0.2.100/32", mac: vrrpMac }, { address: "2001:db8:1::100/128", mac: vrrpMac }),
      [
        out(syn(80), opened, { from: "vip", sourceMac: vrrpMac }),
        out(syn(80), wrongAddress, { from: "vip" }),
        out(syn(80), wrongAddress, { sourceMac: vrrpMac }),
        out(syn(80), wrongMac, { from: "vip", sourceMac: "00:00:5e:00:01:02" }),
      ],
    ),
  ],
  "What neighbour discovery binds to link-layer addresses": [
    plays(
      "an advertisement its target, to one, to two, to no third",
      virtual,
      [
        bindsTarget([vrrpMac], discovery),
        bindsTarget([vrrpMac, otherMac], discovery),
        bindsTarget([vrrpMac, vrrpMac, otherMac, vrrpMac], discovery),
        bindsTarget([vrrpMac, thirdMac], wrongAddress),
        bindsTarget([thirdMac, vrrpMac], wrongAddress),
        bindsTarget([vrrpMac, "00:00:5e:00:01:04"], wrongMac),
        bindsTarget([vrrpMac, otherMac, thirdMac], wrongMac),
        announce("::", wrongAddress, { from: "me" }),
      ],
      { families: [6] },
    ),
    plays(
      "a solicitation its source, unless that is unspecified",
      virtual,
      [
        bindsSource("me", [guestMac], discovery),
        bindsSource("me", [vrrpMac], wrongAddress),
        bindsSource("me", [guestMac, vrrpMac], wrongAddress),
        bindsSource("vip", [vrrpMac], discovery, vrrpMac),
        bindsSource("vip", [otherMac, vrrpMac], discovery, vrrpMac),
        bindsSource("vip", [thirdMac], wrongAddress, vrrpMac),
        bindsSource(privacy, [guestMac], discovery),
        bindsSource(privacy, [vrrpMac], wrongAddress),
        bindsSource("::", [], discovery),
        ndOut(routerSolicitation(sourceLinkLayer(vrrpMac)), wrongAddress, { from: "me", to: "ff02::2" }),
        ndOut(routerSolicitation(sourceLinkLayer(guestMac)), discovery, { from: "me", to: "ff02::2" }),
      ],
      { families: [6] },
    ),
  ],
  "Its own are the listed addresses": [
    plays("each of them, and no more", { nic: { addresses: ["me", "third"] } }, [
      out(syn(80), opened),
      out(syn(80), opened, { from: "third" }),
      out(syn(80), wrongAddress, { from: "fourth" }),
    ]),
    plays(
      "0.0.0.0 for DHCP, ARP probes and IGMP, for nothing else",
      {},
      [
        dhcpOut("accept dhcp"),
        arpOut("accept arp", { sender: "0.0.0.0", target: "192.0.2.11" }),
        arpOut(wrongAddress, { sender: "0.0.0.0", target: "192.0.2.11", operation: "reply" }),
        out(() => [igmp({ type: 0x16, group: "224.0.0.251" })], discovery, {
          from: "0.0.0.0",
          to: "224.0.0.251",
          ip4: { ttl: 1, options: routerAlert4 },
        }),
        out(syn(80), wrongAddress, { from: "0.0.0.0" }),
        out(udp("68>69"), wrongAddress, { from: "0.0.0.0", to: "255.255.255.255" }),
      ],
      { families: [4] },
    ),
    plays(
      "`::` for duplicate address detection, router solicitation and MLD, for nothing else",
      {},
      [
        ndOut(solicit("2001:db8:1::11").message, discovery, { ...solicit("2001:db8:1::11").way, from: "::" }),
        ndOut(routerSolicitation(), discovery, { from: "::", to: "ff02::2" }),
        mldOut(mldv2Report("ff02::fb"), discovery, "::"),
        ndOut(neighbourAdvertisement("2001:db8:1::11"), wrongAddress, { from: "::" }),
        out(udp("1>2"), wrongAddress, { from: "::" }),
        dhcp6Out(wrongAddress, "ff02::1:2", "::"),
      ],
      { families: [6] },
    ),
    plays(
      "any fe80::/10 address for neighbour discovery, MLD and DHCPv6",
      gateways,
      [
        announce(privacy, discovery, {}, targetLinkLayer(guestMac)),
        ndOut(routerSolicitation(), discovery, { from: privacy, to: "ff02::2" }),
        mldOut(mld(131, "ff02::fb"), discovery, privacy),
        dhcp6Out("accept dhcp", "ff02::1:2", privacy),
        announce("febf::1", discovery),
        announce("fec0::1", wrongAddress),
        out(udp("1>2"), wrongAddress, { from: privacy }),
      ],
      { families: [6] },
    ),
    plays(
      "not another interface's, not a gateway's, not from another MAC",
      gateways,
      [
        announce(mateLinkLocal, wrongAddress),
        announce(gatewayLinkLocal, wrongAddress),
        mldOut(mld(131, "ff02::fb"), wrongAddress, gatewayLinkLocal),
        dhcp6Out(wrongAddress, "ff02::1:2", mateLinkLocal),
        announce(privacy, wrongMac, { sourceMac: "02:00:00:00:99:99" }),
        announce(privacy, discovery),
      ],
      { families: [6] },
    ),
    plays(
      "a gateway that nobody listed is an address like others",
      {},
      [announce(gatewayLinkLocal, discovery), announce(mateLinkLocal, wrongAddress)],
      { families: [6] },
    ),
    plays(
      "an address that a member lists under fe80::/10 is that member's",
      {
        mate: { addresses: ["mate", "fe80::77"] },
        networks: { "vpc-b": { type: "vpc" } },
        groups: { "sg-b": { network: "vpc-b" } },
        nics: { "eni-3": { network: "vpc-b", groups: ["sg-b"], addresses: ["fe80::78"] } },
      },
      [announce("fe80::77", wrongAddress), announce("fe80::78", discovery)],
      { families: [6] },
    ),
    plays(
      "for other traffic the link-local address made from its MAC",
      {},
      [
        out(udp("1>2"), opened, { from: ownLinkLocal }),
        out(udp("1>2"), wrongAddress, { from: mateLinkLocal }),
        out(udp("1>2"), wrongAddress, { from: "fe80::ff:fe00:109" }),
      ],
      { families: [6] },
    ),
  ],
};
