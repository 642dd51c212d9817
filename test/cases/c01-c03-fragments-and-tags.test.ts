/** C01 to C03: frames as they were met, in fragments and behind tags. */
import { plays } from "../semantics/rows.ts";
import { alive, into, out, udp, wait } from "../semantics/steps.ts";
import { gatewayMac, guestMac } from "../support/bed.ts";
import {
  arp,
  ethernet,
  frame,
  ipv4,
  ipv6,
  type Layer,
  routerAdvertisement,
  udp as udpLayer,
  vlan,
} from "../support/packet.ts";
import { gets, patch, sends, testCases } from "./played.ts";

const q =
  "0200000000010200000001010800450000390101000040118d3fc000020bc63364359c750035002598d91a2b01000001000000000000076578616d706c65036e65740000ff0001";
const f1 =
  "0200000001010200000000010800450000344242200040112c03c6336435c000020b00359c75004018231a2b81800001000000000000076578616d706c65036e6574";
const f2 =
  "0200000001010200000000010800450000344242000440114bffc6336435c000020b0000ff0001000000000000000000000000000000000000000000000000000000";
const asks = sends(q, "accept default-egress new");
const dressedAsSyn =
  "0200000001010200000000010800450000280202004040068c0dc6336442c000020b9c41005000000001000000005002ffff26cf0000";
const forged =
  "02000000000102000000010188a80064810000c80800450000240003000040118e28c0000263c63364070fa00fa00010468973706f6f66656421";
const own =
  "02000000000102000000010188a80064810000c80800450000240003000040118e80c000020bc63364070fa00fa00010cdcf6d79206f776e2121";

const ofIpv4 = { families: [4] } as const;
const passed = "accept session established";
const dropped = "drop fragment";
const noDatagramsToPeer2 = { rules: ["egress drop udp 4000/4000 198.51.100.7/32"] };

const fromGuest = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: guestMac, destination: gatewayMac }), ...layers);
const inner = [
  ipv4({ source: "192.0.2.11", destination: "198.51.100.9" }),
  udpLayer({ sourcePort: 1, destinationPort: 2 }),
];
/** What no guest may send, whatever stands before it. */
const forbidden: readonly (readonly [readonly Layer[], string])[] = [
  [
    [
      arp({
        operation: "reply",
        senderMac: guestMac,
        senderAddress: "192.0.2.1",
        targetAddress: "192.0.2.12",
      }),
    ],
    "drop spoofed-address",
  ],
  [
    [
      ipv4({ source: "192.0.2.11", destination: "192.0.2.12" }),
      udpLayer({ sourcePort: 67, destinationPort: 68 }),
    ],
    "drop dhcp",
  ],
  [
    [ipv6({ source: "fe80::ff:fe00:101", destination: "ff02::1", hopLimit: 255 }), routerAdvertisement()],
    "drop router-advertisement",
  ],
];
const tags = (...ids: number[]): Layer[] => ids.map((id) => vlan({ id }));

testCases({
  "C01: a large DNS answer comes in two fragments": [
    plays(
      "Q, F1, F2: the second fragment goes the first one's way",
      {},
      [asks, alive(1), gets(f1, passed), gets(f2, passed)],
      ofIpv4,
    ),
    plays(
      "Q, F2, F1, F2: a later fragment before its first is dropped, after it it passes",
      {},
      [asks, gets(f2, dropped), gets(f1, passed), gets(f2, passed), wait(31), gets(f2, dropped)],
      ofIpv4,
    ),
    plays(
      "another source address or identification is another datagram",
      {},
      [
        asks,
        gets(f1, passed),
        gets(patch(f2, 29, 54), dropped),
        gets(patch(f2, 19, 0x43), dropped),
        gets(f2, passed),
      ],
      ofIpv4,
    ),
    plays(
      "without the question, both are dropped",
      {},
      [gets(f1, "drop no-rule"), gets(f2, dropped)],
      ofIpv4,
    ),
  ],
  "C02: a later fragment dressed as an allowed SYN": [
    plays(
      "is dropped and makes no session; the SYN that it plays would be accepted",
      { rules: ["ingress accept tcp 80/80 0.0.0.0/0"] },
      [
        gets(dressedAsSyn, dropped),
        alive(0),
        // The same packet as a whole one: fragment offset 0.
        gets(patch(dressedAsSyn, 20, 0, 0, 0x40, 0x06, 0x8c, 0x4d), "accept rule new"),
        alive(1),
      ],
      ofIpv4,
    ),
  ],
  "C03: two VLAN tags in front of a forged address": [
    plays(
      "tags that the interface does not list are unsupported, whatever is inside",
      noDatagramsToPeer2,
      [sends(forged, "drop unsupported"), sends(own, "drop unsupported")],
      ofIpv4,
    ),
    plays(
      "listed tags are looked through: anti-spoofing and rules hold",
      { ...noDatagramsToPeer2, nic: { vlans: [100, 200] } },
      [
        sends(forged, "drop spoofed-address"),
        sends(own, "drop rule"),
        out(udp("4001>4001"), "accept default-egress new", { vlans: [100, 200] }),
      ],
      ofIpv4,
    ),
    ...[[100], [100, 200]].flatMap((ids) => [
      plays(
        `ARP, a DHCP server's answer and a router advertisement behind ${ids.length} listed`,
        { nic: { vlans: ids } },
        forbidden.map(([layers, expected]) => sends(fromGuest(...tags(...ids), ...layers), expected)),
        ofIpv4,
      ),
      plays(
        `ARP, a DHCP server's answer and a router advertisement behind ${ids.length} that are not listed`,
        {},
        forbidden.map(([layers]) => sends(fromGuest(...tags(...ids), ...layers), "drop unsupported")),
        ofIpv4,
      ),
    ]),
    plays(
      "three tags are too many, though each is listed; VLAN 0 is none",
      { nic: { vlans: [1, 2, 3] } },
      [
        sends(fromGuest(...tags(1, 2, 3), ...inner), "drop unsupported"),
        ...forbidden.map(([layers]) => sends(fromGuest(...tags(1, 2, 3), ...layers), "drop unsupported")),
        sends(fromGuest(...tags(1, 0), ...inner), "accept default-egress new"),
      ],
      ofIpv4,
    ),
    plays("nor do they reach a guest", { rules: ["ingress accept udp 2/2 any"] }, [
      into(udp("1>2"), "drop unsupported", { vlans: [100] }),
      into(udp("1>2"), "drop unsupported", { vlans: [100, 200] }),
      into(udp("1>2"), "accept rule new"),
    ]),
  ],
});
