/** docs/semantics.md, "What always works": ARP, neighbour discovery, MLD and IGMP. */
import {
  fragment,
  hopByHop,
  igmp,
  type Layer,
  mld,
  mldv2Report,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerAdvertisement,
  routerAlert4,
  routerAlert6,
  routerSolicitation,
} from "../support/packet.ts";
import { announce, arpIn, arpOut, dhcpOut, ndIn, ndOut, ownLinkLocal } from "./guest-frames.ts";
import { plays, type Sentences } from "./rows.ts";
import { into, out, syn, type Way, wait } from "./steps.ts";

const discovery = "accept neighbour-discovery";
const refused = "drop neighbour-discovery";
const noRule = "drop no-rule";
const noEgress = "drop default-drop";
/** Nothing passes by rules. */
const strict = {
  group: { defaultEgress: "drop", innerAccess: "drop" },
  rules: ["ingress drop all any", "egress drop all any"],
};
const ruled = "drop rule";
const open = { group: { innerAccess: "drop", defaultEgress: "drop" } };

function igmpOf(type: number): readonly Layer[] {
  return [igmp({ type, group: "224.0.0.251" })];
}

const igmpWay = (ttl: number): Way => ({ to: "224.0.0.251", ip4: { ttl, options: routerAlert4 } });
const mldWay = (hopLimit: number): Way => ({ to: "ff02::16", ip6: { hopLimit } });

function mldSteps(hopLimit: number, verdict: string) {
  return [
    ...[mldv2Report("ff02::fb"), mld(131, "ff02::fb"), mld(132, "ff02::fb")].map((message) =>
      out(() => [hopByHop(routerAlert6), message], verdict, { from: ownLinkLocal, ...mldWay(hopLimit) }),
    ),
    into(() => [hopByHop(routerAlert6), mld(130)], verdict, {
      from: "fe80::1",
      ...mldWay(hopLimit),
      to: "ff02::1",
    }),
  ];
}

const advertised = (verdict: string) => ndIn(routerAdvertisement(), verdict);

export const alwaysRows: Sentences = {
  "Always (what the guest sends at a bounded rate": [
    plays(
      "ARP both ways, though rules drop everything",
      strict,
      [arpOut("accept arp"), arpIn("accept arp"), out(syn(80), ruled), into(syn(80), ruled)],
      { families: [4] },
    ),
    plays(
      "neighbour solicitation and advertisement both ways",
      strict,
      [
        ndOut(neighbourSolicitation("2001:db8:1::1"), discovery, { from: "me" }),
        announce("2001:db8:1::11", discovery),
        ndIn(neighbourSolicitation("2001:db8:1::11"), discovery),
        ndIn(neighbourAdvertisement("2001:db8:1::1"), discovery, { to: "me" }),
        out(syn(80), ruled),
      ],
      { families: [6] },
    ),
    plays(
      "router solicitation out, router advertisement in, not the other way",
      open,
      [
        ndOut(routerSolicitation(), discovery, { to: "ff02::2" }),
        advertised(discovery),
        ndIn(routerSolicitation(), noRule, { to: "ff02::2" }),
        ndOut(routerAdvertisement(), "drop router-advertisement"),
      ],
      { families: [6] },
    ),
    plays(
      "router advertisements where it has no IPv6 address are judged by the rules",
      {
        ...open,
        nic: { addresses: ["192.0.2.11"] },
      },
      [advertised(noRule), ndIn(neighbourSolicitation("fe80::1"), discovery)],
      { families: [6] },
    ),
    plays(
      "with an IPv6 pair, or no address at all, they pass",
      {
        ...open,
        nic: { addresses: ["192.0.2.11"], allowedAddressPairs: [{ address: "2001:db8:5::/64" }] },
        mate: { addresses: [] },
        nics: { "eni-3": { addresses: ["192.0.2.13"], allowedAddressPairs: [{ address: "10.0.0.0/8" }] } },
      },
      [
        advertised(discovery),
        ndIn(routerAdvertisement(), discovery, { on: "eni-2" }),
        ndIn(routerAdvertisement(), noRule, { on: "eni-3" }),
      ],
      { families: [6] },
    ),
    plays(
      "MLD reports out and queries in, with hop limit 1",
      open,
      [...mldSteps(1, discovery), ...mldSteps(2, refused)],
      { families: [6] },
    ),
    plays(
      "MLD the other way is judged by the rules",
      open,
      [
        out(() => [hopByHop(routerAlert6), mld(130)], noEgress, { from: ownLinkLocal, ...mldWay(1) }),
        into(() => [hopByHop(routerAlert6), mld(131, "ff02::fb")], noRule, { from: "fe80::1", ...mldWay(1) }),
        into(() => [hopByHop(routerAlert6), mld(130)], discovery, { from: "fe80::1", ...mldWay(1) }),
      ],
      { families: [6] },
    ),
    plays(
      "IGMP reports out and queries in, with TTL 1; the reason is neighbour-discovery",
      open,
      [
        ...[0x12, 0x16, 0x17, 0x22].map((type) => out(() => igmpOf(type), discovery, igmpWay(1))),
        into(() => igmpOf(0x11), discovery, igmpWay(1)),
        out(() => igmpOf(0x16), refused, igmpWay(2)),
        into(() => igmpOf(0x11), refused, igmpWay(64)),
        out(() => igmpOf(0x11), noEgress, igmpWay(1)),
        into(() => igmpOf(0x16), noRule, igmpWay(1)),
      ],
      { families: [4] },
    ),
    plays(
      "hop limit 255, otherwise drop, whatever the rules say",
      { rules: ["ingress accept all any", "egress accept all any"] },
      [
        ndIn(neighbourSolicitation("2001:db8:1::11"), refused, { ip6: { hopLimit: 254 } }),
        ndIn(neighbourAdvertisement("2001:db8:1::1"), refused, { ip6: { hopLimit: 64 } }),
        ndIn(routerAdvertisement(), refused, { ip6: { hopLimit: 254 } }),
        ndOut(routerSolicitation(), refused, { to: "ff02::2", ip6: { hopLimit: 1 } }),
        announce("2001:db8:1::11", refused, { ip6: { hopLimit: 254 } }),
        announce("2001:db8:1::11", discovery),
      ],
      { families: [6] },
    ),
    plays(
      "no fragment header, not even an atomic one",
      { rules: ["ingress accept all any", "egress accept all any"] },
      [
        into(() => [fragment({ identification: 1 }), neighbourSolicitation("2001:db8:1::11")], refused, {
          from: "fe80::1",
          ip6: { hopLimit: 255 },
        }),
        into(() => [fragment({ identification: 2 }), routerAdvertisement()], refused, {
          from: "fe80::1",
          ip6: { hopLimit: 255 },
        }),
        out(() => [fragment({ identification: 3 }), routerSolicitation()], refused, {
          from: ownLinkLocal,
          to: "ff02::2",
          ip6: { hopLimit: 255 },
        }),
        ndIn(neighbourSolicitation("2001:db8:1::11"), discovery),
      ],
      { families: [6] },
    ),
    plays(
      "what the guest sends is bounded, for each interface and kind apart",
      { ...open, nic: {} },
      [
        arpOut("accept arp"),
        arpOut("accept arp"),
        arpOut("drop rate-limit"),
        dhcpOut("accept dhcp"),
        out(() => igmpOf(0x16), discovery, igmpWay(1)),
        arpOut("accept arp", { on: "eni-2" }),
        wait(1),
        arpOut("accept arp"),
      ],
      { families: [4], settings: { alwaysPerSecond: 2 } },
    ),
    plays(
      "neighbour discovery too",
      open,
      [
        announce("2001:db8:1::11", discovery),
        announce("2001:db8:1::11", discovery),
        announce("2001:db8:1::11", "drop rate-limit"),
        arpOut("accept arp"),
        wait(1),
        announce("2001:db8:1::11", discovery),
      ],
      { families: [6], settings: { alwaysPerSecond: 2 } },
    ),
    plays(
      "what reaches it is unbounded",
      open,
      [
        ...Array.from({ length: 5 }, () => arpIn("accept arp")),
        ...Array.from({ length: 5 }, () => ndIn(neighbourSolicitation("2001:db8:1::11"), discovery)),
        into(syn(80), noRule),
      ],
      { families: [6], settings: { alwaysPerSecond: 2 } },
    ),
  ],
};
