/** docs/semantics.md, "What a guest may not do": what it may not send, and what may not reach it. */
import { gatewayMac, guest2Mac, guestMac } from "../support/bed.ts";
import {
  icmp,
  neighbourAdvertisement,
  redirect,
  routerAdvertisement,
  routerSolicitation,
  routing,
  sourceLinkLayer,
  sourceRoute,
  targetLinkLayer,
} from "../support/packet.ts";
import {
  announce,
  arpIn,
  arpOut,
  mateLinkLocal,
  ndIn,
  ndOut,
  ownLinkLocal,
  solicit,
} from "./guest-frames.ts";
import { plays, type Sentences } from "./rows.ts";
import { into, out, quoting, syn, tcp, udp } from "./steps.ts";

const opened = "accept default-egress new";
const wrongAddress = "drop spoofed-address";
const wrongMac = "drop spoofed-mac";
const strangerMac = "02:00:00:00:99:99";
/** With its own more than a record holds. */
const many = ["third", "fourth", "fifth"];
const lenient = { nic: { antiSpoofing: false } };
const watching = { nic: { antiSpoofing: "observe" } };

export const forbiddenRows: Sentences = {
  "The first paragraph holds unless `antiSpoofing: false`": [
    plays("it holds for another interface of the same group", lenient, [
      out(syn(80), opened, { from: "far" }),
      out(syn(80), opened, { sourceMac: strangerMac }),
      out(syn(80), wrongAddress, { on: "eni-2", from: "far" }),
      into(syn(80), "accept inner-access new", { from: "me" }),
      into(syn(80), "accept inner-access new", { from: "mate", destinationMac: strangerMac }),
      out(udp("67>68"), opened),
    ]),
    plays(
      "what it sends is still judged by the rules",
      { ...lenient, rules: ["egress drop tcp 25/25 any"] },
      [out(syn(25), "drop rule", { from: "far" }), out(syn(26), opened, { from: "far" })],
    ),
    plays(
      "where it observes: counted, passes as `observed`",
      { ...watching, rules: ["egress drop tcp 25/25 any"] },
      [
        out(syn(80), "accept observed new", { from: "far" }),
        out(syn(80), "accept observed new", { sourceMac: strangerMac }),
        out(syn(80), opened, { to: "peer2" }),
        out(syn(25), "drop rule", { from: "far" }),
        out(syn(80), wrongAddress, { on: "eni-2", from: "far" }),
      ],
    ),
    plays(
      "what always works does, and a wrong hop limit is none, for all three",
      lenient,
      [
        ndOut(neighbourAdvertisement("2001:db8:1::11"), "accept neighbour-discovery", { from: "me" }),
        ndOut(neighbourAdvertisement("2001:db8:1::11"), "drop neighbour-discovery", {
          from: "me",
          ip6: { hopLimit: 64 },
        }),
        ndOut(neighbourAdvertisement("2001:db8:1::99"), "accept neighbour-discovery", { from: "me" }),
        arpOut("accept arp", { sender: "mate" }),
      ],
      { families: [6] },
    ),
    plays(
      "observed ARP passes as such",
      watching,
      [
        arpOut("accept observed", { sender: "mate" }),
        arpOut("accept arp"),
        arpOut(wrongAddress, { on: "eni-2", sender: "third" }),
      ],
      { families: [4] },
    ),
  ],
  "Not: send from a MAC or an address that is not its own": [
    plays("another MAC", {}, [
      out(syn(80), wrongMac, { sourceMac: strangerMac }),
      out(syn(80), wrongMac, { sourceMac: guest2Mac }),
      out(syn(80), opened),
    ]),
    plays(
      "another address: a member's, a stranger's, none",
      {},
      [
        out(syn(80), wrongAddress, { from: "mate" }),
        out(syn(80), wrongAddress, { from: "far" }),
        out(syn(80), wrongAddress, { from: "192.0.2.10" }),
        out(syn(80), opened),
      ],
      { families: [4] },
    ),
    plays(
      "another IPv6 address: a member's, a stranger's, its neighbour's",
      {},
      [
        out(syn(80), wrongAddress, { from: "mate" }),
        out(syn(80), wrongAddress, { from: "2001:db8:1::10" }),
        out(syn(80), wrongAddress, { from: "::" }),
        out(syn(80), wrongAddress, { from: mateLinkLocal }),
        out(syn(80), opened),
      ],
      { families: [6] },
    ),
    plays("an open session does not help", {}, [
      out(udp("1>2"), opened),
      out(udp("1>2"), wrongMac, { sourceMac: strangerMac }),
      out(udp("1>2"), "accept session established"),
    ]),
    plays(
      "ARP: another sender's MAC, another sender's address",
      {},
      [
        arpOut(wrongMac, { senderMac: strangerMac }),
        arpOut(wrongMac, { sourceMac: strangerMac }),
        arpOut(wrongAddress, { sender: "mate" }),
        arpOut("accept arp"),
      ],
      { families: [4] },
    ),
    plays(
      "neighbour discovery: another target, another link-layer address",
      {},
      [
        announce("2001:db8:1::11", "accept neighbour-discovery", {}, targetLinkLayer(guestMac)),
        announce("2001:db8:1::11", wrongMac, {}, targetLinkLayer(strangerMac)),
        announce("2001:db8:1::12", wrongAddress, { from: "me" }, targetLinkLayer(guestMac)),
        announce(mateLinkLocal, wrongAddress, { from: "me" }),
        ndOut(solicit("2001:db8:1::1", sourceLinkLayer(strangerMac)).message, wrongMac, { from: "me" }),
        ndOut(solicit("2001:db8:1::1", sourceLinkLayer(guestMac)).message, "accept neighbour-discovery", {
          from: "me",
        }),
      ],
      { families: [6] },
    ),
    plays(
      "a DHCP server's answer: UDP to port 68 or 546, over either family",
      { rules: ["egress accept all any"] },
      [
        out(udp("67>68"), "drop dhcp"),
        out(udp("1>68"), "drop dhcp"),
        out(udp("547>546"), "drop dhcp"),
        out(udp("67>69"), "accept rule new"),
        out(udp("547>545"), "accept rule new"),
        out(tcp("1>68", "S"), "accept rule new"),
      ],
    ),
    plays(
      "router advertisements and redirects of IPv6",
      { rules: ["egress accept all any"] },
      [
        ndOut(routerAdvertisement(), "drop router-advertisement"),
        ndOut(redirect("fe80::1", "2001:db8::1"), "drop redirect"),
        ndOut(routerSolicitation(), "accept neighbour-discovery", { to: "ff02::2" }),
      ],
      { families: [6] },
    ),
    plays(
      "redirects",
      { rules: ["egress accept all any"] },
      [
        out(quoting([5, 5], { from: "peer", to: "me", body: udp("1>2") }), "drop redirect"),
        out(() => [icmp({ type: 9 })], "accept rule none"),
      ],
      { families: [4] },
    ),
    plays(
      "source routes, loose and strict",
      { rules: ["egress accept all any"] },
      [
        out(syn(80), "drop source-route", { ip4: { options: sourceRoute(131, "203.0.113.1") } }),
        out(syn(80), "drop source-route", { ip4: { options: sourceRoute(137, "203.0.113.1") } }),
        out(syn(80), "accept rule new", { ip4: { options: Uint8Array.of(148, 4, 0, 0) } }),
      ],
      { families: [4] },
    ),
    plays(
      "routing header 0, whatever is left in it",
      { rules: ["egress accept all any"] },
      [
        out(
          (family) => [routing({ type: 0, segmentsLeft: 1, addresses: ["2001:db8::1"] }), ...syn(80)(family)],
          "drop source-route",
        ),
        out(
          (family) => [routing({ type: 0, segmentsLeft: 0, addresses: ["2001:db8::1"] }), ...syn(80)(family)],
          "drop source-route",
        ),
        out(
          (family) => [routing({ type: 4, segmentsLeft: 0, addresses: ["2001:db8::1"] }), ...syn(80)(family)],
          "accept rule new",
        ),
      ],
      { families: [6] },
    ),
  ],
  "An IP packet to a guest from one of its **listed** addresses": [
    plays(
      "is spoofed, whatever the rules say and whoever is a member",
      { rules: ["ingress accept all any"] },
      [
        into(syn(80), wrongAddress, { from: "me" }),
        into(udp("1>2"), wrongAddress, { from: "me", to: "mate" }),
        into(syn(80), "accept rule new", { from: "mate" }),
        into(syn(80), "accept rule new", { from: "me", on: "eni-2" }),
      ],
    ),
    plays("each of many", { nic: { addresses: ["me", ...many] }, rules: ["ingress accept all any"] }, [
      into(syn(80), wrongAddress, { from: "third" }),
      into(syn(80), wrongAddress, { from: "fifth" }),
      into(syn(80), "accept rule new", { from: "vip" }),
      out(syn(80), "accept default-egress new", { from: "fifth" }),
    ]),
    plays(
      "not from its link-local address, or a pair's",
      {
        rules: ["ingress accept all any"],
        nic: { allowedAddressPairs: [{ address: "2001:db8:1::100" }] },
      },
      [
        into(syn(80), "accept rule new", { from: ownLinkLocal }),
        into(syn(80), "accept rule new", { from: "vip" }),
        into(syn(80), wrongAddress, { from: "me" }),
      ],
      { families: [6] },
    ),
    plays(
      "ARP is not: a duplicate is found",
      {},
      [arpIn("accept arp", "me"), into(syn(80), wrongAddress, { from: "me" })],
      { families: [4] },
    ),
    plays(
      "neighbour discovery is not: a duplicate is found",
      {},
      [
        ndIn(
          neighbourAdvertisement("2001:db8:1::11", targetLinkLayer(strangerMac)),
          "accept neighbour-discovery",
          { from: "me" },
        ),
        into(syn(80), wrongAddress, { from: "me" }),
      ],
      { families: [6] },
    ),
  ],
  "A unicast frame to a guest for a MAC": [
    plays("before any session, and though the rules allow it", { rules: ["ingress accept tcp 22/22 any"] }, [
      into(syn(22), "drop other-mac", { destinationMac: strangerMac }),
      into(syn(22), "accept rule new"),
      into(syn(22), "drop other-mac", { destinationMac: guest2Mac }),
      into(syn(22), "accept session established"),
      out(tcp("22>40443", "SA"), "accept session established"),
    ]),
    plays(
      "a pair's MAC is not another's, a group's is not unicast",
      {
        rules: ["ingress accept all any"],
        nic: { allowedAddressPairs: [{ address: "10.9.0.1", mac: "00:00:5e:00:01:01" }] },
      },
      [
        into(syn(22), "accept rule new", { destinationMac: "00:00:5e:00:01:01" }),
        into(syn(22, 2), "drop other-mac", { destinationMac: "00:00:5e:00:01:02" }),
        into(syn(22, 3), "accept rule new", { destinationMac: "ff:ff:ff:ff:ff:ff" }),
        into(syn(22, 4), "accept rule new", { destinationMac: "01:00:5e:00:00:fb" }),
        into(syn(22, 5), "drop other-mac", { destinationMac: gatewayMac }),
      ],
    ),
  ],
};
