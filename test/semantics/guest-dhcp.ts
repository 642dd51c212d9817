/** docs/semantics.md, "What always works": DHCP. */
import { dhcp6In, dhcp6Out, dhcpIn, dhcpOut, ownLinkLocal } from "./guest-frames.ts";
import { plays, type Sentences } from "./rows.ts";
import { into, out, udp, wait } from "./steps.ts";

const strict = { group: { defaultEgress: "drop", innerAccess: "drop" } };
const works = "accept dhcp";
const noEgress = "drop default-drop";
const renew = (expect: string, server: string) => dhcpOut(expect, server, "192.0.2.11", 3);

export const dhcpRows: Sentences = {
  "DHCP as a client: out to the broadcast address": [
    plays(
      "out to everybody, from port 68 to 67 only",
      strict,
      [
        dhcpOut(works),
        dhcpOut(works, "255.255.255.255", "192.0.2.11"),
        out(udp("68>66"), noEgress, { to: "255.255.255.255" }),
        out(udp("67>67"), noEgress, { to: "255.255.255.255" }),
        dhcpOut(noEgress, "192.0.2.255", "192.0.2.11"),
      ],
      { families: [4] },
    ),
    plays(
      "in from port 67 to 68, asked or not, and from no other port",
      strict,
      [
        dhcpIn(works),
        dhcpIn(works, "192.0.2.2", "255.255.255.255"),
        dhcpIn("drop no-rule", "192.0.2.2", "192.0.2.11", [66, 68]),
        dhcpIn("drop no-rule", "192.0.2.2", "192.0.2.11", [67, 69]),
      ],
      { families: [4] },
    ),
    plays(
      "unicast to a server that answered its request, to no other",
      strict,
      [
        renew(noEgress, "192.0.2.2"),
        dhcpOut(works),
        dhcpIn(works, "192.0.2.2"),
        renew(works, "192.0.2.2"),
        renew(noEgress, "192.0.2.3"),
      ],
      { families: [4] },
    ),
    plays(
      "an answer that nobody asked for makes no server",
      strict,
      [
        dhcpIn(works, "192.0.2.2"),
        renew(noEgress, "192.0.2.2"),
        dhcpOut(works),
        renew(noEgress, "192.0.2.2"),
      ],
      { families: [4] },
    ),
    plays(
      "within 60 s of its own request",
      strict,
      [
        dhcpOut(works),
        wait(60),
        dhcpIn(works, "192.0.2.2"),
        renew(works, "192.0.2.2"),
        wait(61),
        dhcpIn(works, "192.0.2.3"),
        renew(noEgress, "192.0.2.3"),
        renew(works, "192.0.2.2"),
      ],
      { families: [4] },
    ),
    plays(
      "within 60 s, also when 32 bits of milliseconds have come round since",
      strict,
      [dhcpOut(works), wait(2 ** 32 / 1000 + 5), dhcpIn(works, "192.0.2.2"), renew(noEgress, "192.0.2.2")],
      { families: [4] },
    ),
    plays(
      "the last four that answered, a known one's new answer takes nobody's place",
      strict,
      [
        dhcpOut(works),
        ...[1, 2, 3, 4].map((server) => dhcpIn(works, `192.0.2.20${server}`)),
        dhcpIn(works, "192.0.2.201"),
        ...[1, 2, 3, 4].map((server) => renew(works, `192.0.2.20${server}`)),
        dhcpIn(works, "192.0.2.205"),
        renew(noEgress, "192.0.2.201"),
        ...[2, 3, 4, 5].map((server) => renew(works, `192.0.2.20${server}`)),
      ],
      { families: [4] },
    ),
    plays(
      "DHCPv6: out to ff02::1:2, in to port 546 of a link-local address",
      strict,
      [
        dhcp6Out(works),
        dhcp6In(works),
        dhcp6In("drop no-rule", "fe80::2", "me"),
        dhcp6Out(noEgress, "ff02::1:3"),
        into(udp("547>545"), "drop no-rule", { from: "fe80::2", to: ownLinkLocal }),
      ],
      { families: [6] },
    ),
    plays(
      "DHCPv6: unicast to a server that answered",
      strict,
      [
        dhcp6Out(noEgress, "fe80::2"),
        dhcp6Out(works),
        dhcp6In(works, "fe80::2"),
        dhcp6Out(works, "fe80::2"),
        dhcp6Out(noEgress, "fe80::3"),
      ],
      { families: [6] },
    ),
  ],
};
