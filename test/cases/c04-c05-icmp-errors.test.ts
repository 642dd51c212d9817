/** C04 and C05: errors about sessions, from whatever router. */
import { plays } from "../semantics/rows.ts";
import { alive, handshakeOut, wait } from "../semantics/steps.ts";
import { gatewayMac, guestMac } from "../support/bed.ts";
import { ethernet, frame, icmp, ipv4, type Layer, payload, raw, segment, tcp } from "../support/packet.ts";
import { gets, sends, testCases } from "./played.ts";

const aboutConnection =
  "020000000101020000000001080045000038000400003c0180b4cb007101c000020b030453e400000578450005dc040440003e064689c000020bc63364509dfb01bb000003e9";
const aboutNothing =
  "020000000101020000000001080045000038000400003c0180b4cb007101c000020b030453e300000578450005dc040440003e064689c000020bc63364509dfb01bc000003e9";
const question =
  "0200000000010200000001010800450000200005000040118e82c000020bc63364079cbb270f000c70f470696e67";
const nobodyListens =
  "02000000010102000000000108004500003c000600003c019275c6336407c000020b0303e9600000000045000020000500003c119282c000020bc63364079cbb270f000c70f470696e67";

const related = "accept related related";
const asks = sends(question, "accept default-egress new");
const ofIpv4 = { families: [4] } as const;
const handshake = handshakeOut();

/** An error from 203.0.113.1 that quotes the guest's connection, cut behind 64 bytes. */
const router = { source: "203.0.113.1", destination: "192.0.2.11", identification: 77 };
const quoted = segment(
  undefined,
  ipv4({ source: "192.0.2.11", destination: "198.51.100.80" }),
  tcp({ sourcePort: 40443, destinationPort: 443, sequence: 1001, acknowledgement: 5001 }),
  payload(40),
);
const whole = segment(ipv4(router), icmp({ type: 3, code: 4, rest: 1400 }), payload(quoted));
const toGuest = (...layers: Layer[]): Uint8Array =>
  frame(ethernet({ source: gatewayMac, destination: guestMac }), ...layers);
const firstHalf = toGuest(ipv4({ ...router, moreFragments: true }), raw(whole.slice(0, 64), { protocol: 1 }));
const secondHalf = toGuest(ipv4({ ...router, fragmentOffset: 64 }), raw(whole.slice(64), { protocol: 1 }));

testCases({
  'C04: "fragmentation needed" from a router that is not the peer': [
    plays(
      "E1, which quotes the connection, is related, though no rule allows ICMP; E2, which quotes nothing, is not",
      {},
      [
        gets(aboutConnection, "drop no-rule"),
        handshake,
        gets(aboutConnection, related),
        gets(aboutNothing, "drop no-rule"),
        alive(1),
      ],
      ofIpv4,
    ),
    plays(
      "no rule against ICMP stands in its way, only in that of what quotes nothing",
      { rules: ["ingress drop icmpv4 -1/-1 0.0.0.0/0 priority=1"] },
      [handshake, gets(aboutConnection, related), gets(aboutNothing, "drop rule")],
      ofIpv4,
    ),
    plays(
      "the second fragment of an error goes the first's way",
      {},
      [handshake, gets(secondHalf, "drop fragment"), gets(firstHalf, related), gets(secondHalf, related)],
      ofIpv4,
    ),
  ],
  'C05: "port unreachable" for a live UDP session': [
    plays("is related", {}, [asks, gets(nobodyListens, related), alive(1)], ofIpv4),
    plays("without the question it is nobody's", {}, [gets(nobodyListens, "drop no-rule"), asks], ofIpv4),
    plays(
      "refreshes nothing",
      {},
      [asks, wait(20), gets(nobodyListens, related), wait(11), gets(nobodyListens, "drop no-rule"), alive(0)],
      ofIpv4,
    ),
  ],
});
