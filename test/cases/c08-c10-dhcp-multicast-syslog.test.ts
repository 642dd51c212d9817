/** C08 to C10: what a guest cannot do without, and what is never answered. */
import { plays } from "../semantics/rows.ts";
import { alive, change, into, out, type Step, udp, wait } from "../semantics/steps.ts";
import { gatewayMac, guestMac } from "../support/bed.ts";
import {
  arp,
  dhcp,
  ethernet,
  frame,
  hex,
  hopByHop,
  ipv4,
  ipv6,
  mld,
  routerAlert6,
  udp as udpLayer,
} from "../support/packet.ts";
import { gets, patch, sends, testCases } from "./played.ts";

const ofIpv4 = { families: [4] } as const;
const ofIpv6 = { families: [6] } as const;
const everyone = "ff:ff:ff:ff:ff:ff";
const withoutRights = { rules: ["egress drop all -1/-1 0.0.0.0/0 priority=1"] };

/** A DHCP message: MACs, addresses, ports; 1: of a client, 2: of a server. */
function message(
  [source, destination]: readonly [string, string],
  [from, to]: readonly [string, string],
  [sourcePort, destinationPort]: readonly [number, number],
  operation: 1 | 2,
): Uint8Array {
  return frame(
    ethernet({ source, destination }),
    ipv4({ source: from, destination: to }),
    udpLayer({ sourcePort, destinationPort }),
    dhcp({ operation, message: operation, clientMac: guestMac }),
  );
}
const server = "192.0.2.1";
const guest = "192.0.2.11";
const toEveryone = [guestMac, everyone] as const;
const toServer = [guestMac, gatewayMac] as const;
const discover = message(toEveryone, ["0.0.0.0", "255.255.255.255"], [68, 67], 1);
const offer = message([gatewayMac, everyone], [server, "255.255.255.255"], [67, 68], 2);
const acknowledgement = message([gatewayMac, guestMac], [server, guest], [67, 68], 2);
const renewal = message(toServer, [guest, server], [68, 67], 1);
const answerOfGuest = message(toEveryone, [guest, "255.255.255.255"], [67, 68], 2);
const forgedRenewal = message(toServer, ["192.0.2.99", server], [68, 67], 1);
const dhcpWorks = "accept dhcp";

const arpFor = (operation: "request" | "reply", senderAddress: string): Uint8Array =>
  frame(
    ethernet({ source: guestMac, destination: everyone }),
    arp({ operation, senderMac: guestMac, senderAddress, targetAddress: guest }),
  );

const report =
  "33330000001602000000010186dd600000000024000100000000000000000000000000000000ff0200000000000000000000000000163a000502000001008f006f790000000104000000ff0200000000000000000001ff000011";
const from = (source: string): Uint8Array => patch(report, 22, ...hex(source));
const ownLinkLocal = "fe80000000000000000000fffe000101";
const anothersLinkLocal = "fe80000000000000000000fffe000102";
/** The same one's neighbour solicitation, for its address. */
const solicitation =
  "3333ff00001102000000010186dd6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff000011870076cb0000000020010db8000100000000000000000011";
const query = frame(
  ethernet({ source: gatewayMac, destination: "33:33:00:00:00:01" }),
  ipv6({ source: "fe80::1", destination: "ff02::1", hopLimit: 1 }),
  hopByHop(routerAlert6),
  mld(130),
);
const strict = { group: { defaultEgress: "drop" } };
const neighbours = "accept neighbour-discovery";

const syslog = { rules: ["ingress accept udp 514/514 peers"] };
const logs = (expected: string): Step => into(udp("514>514"), expected);
const passed = "accept session established";

testCases({
  "C08: a guest without any right still gets its lease, and gives none": [
    plays(
      "1 to 4 pass, whoever the server is and though no session has the offer's addresses",
      withoutRights,
      [
        sends(discover, dhcpWorks),
        gets(offer, dhcpWorks),
        gets(acknowledgement, dhcpWorks),
        sends(renewal, dhcpWorks),
        alive(0),
        out(udp("68>67"), "drop rule"),
      ],
      ofIpv4,
    ),
    plays(
      "5: to be a server, and 6: to ask as another, never",
      withoutRights,
      [
        sends(discover, dhcpWorks),
        gets(acknowledgement, dhcpWorks),
        sends(answerOfGuest, "drop dhcp"),
        sends(forgedRenewal, "drop spoofed-address"),
        sends(renewal, dhcpWorks),
      ],
      ofIpv4,
    ),
    plays(
      "a server that did not answer its request, or long ago, is none",
      withoutRights,
      [
        gets(acknowledgement, dhcpWorks),
        sends(renewal, "drop rule"),
        sends(discover, dhcpWorks),
        wait(61),
        gets(acknowledgement, dhcpWorks),
        sends(renewal, "drop rule"),
      ],
      ofIpv4,
    ),
    plays(
      "7: an ARP probe and an announcement pass, one for another's address does not",
      withoutRights,
      [
        sends(arpFor("request", "0.0.0.0"), "accept arp"),
        sends(arpFor("request", guest), "accept arp"),
        sends(arpFor("reply", guest), "accept arp"),
        sends(arpFor("request", "192.0.2.12"), "drop spoofed-address"),
      ],
      ofIpv4,
    ),
  ],
  "C09: the multicast report before duplicate address detection": [
    plays(
      "the report from :: passes, then the solicitation; from the guest's link-local address too",
      strict,
      [
        sends(report, neighbours),
        sends(solicitation, neighbours),
        sends(from(ownLinkLocal), neighbours),
        gets(query, neighbours),
        alive(0),
      ],
      ofIpv6,
    ),
    plays(
      "with hop limit 64, or from another's address, it does not",
      strict,
      [
        sends(patch(report, 21, 64), "drop neighbour-discovery"),
        sends(from(anothersLinkLocal), "drop spoofed-address"),
        sends(report, neighbours),
      ],
      ofIpv6,
    ),
  ],
  "C10: syslog, one direction only": [
    plays("is one session, until it is silent for long; ends when its rule goes, and stays ended", syslog, [
      logs("accept rule new"),
      wait(10),
      logs(passed),
      wait(10),
      logs(passed),
      alive(1),
      wait(45),
      logs("accept rule new"),
      alive(1),
      wait(5),
      change({}),
      wait(1),
      logs("drop no-rule"),
      logs("drop revoked"),
      alive(0),
      wait(30),
      logs("drop no-rule"),
    ]),
  ],
});
