/** Holes of other firewalls, by their names: rules that did not mean what they said. */

import { expect } from "vitest";
import { plays, refusesRule, takesRule } from "../semantics/rows.ts";
import {
  alive,
  atUplink,
  change,
  echo,
  echoReply,
  handshakeIn,
  into,
  out,
  protocol,
  syn,
  tcp,
  udp,
  wait,
} from "../semantics/steps.ts";
import { testCases } from "./played.ts";

const opened = "accept default-egress new";
const passed = "accept session established";

testCases({
  "GHSA-c66w-hq56-4q97: an echo request with the identifier of the guest's own": [
    plays("a request never belongs to the asker's session; the answer does", {}, [
      out(echo(7), opened),
      into(echo(7), "drop no-rule"),
      into(echoReply(7), passed),
      into(echo(7), "drop no-rule"),
      into(echoReply(8), "drop no-rule"),
      alive(1),
    ]),
    plays(
      "nor the other way: who may ask a guest is not asked by it",
      {
        rules: ["ingress accept icmp -1/-1 any", "egress drop all -1/-1 any"],
      },
      [into(echo(7), "accept rule new"), out(echo(7), "drop rule"), out(echoReply(7), passed)],
    ),
  ],
  "CVE-2025-64715: an empty set that was read as everything": [
    plays(
      "a list without entries matches nothing, in accept and in drop",
      {
        lists: { "pl-none": [] },
        rules: [
          "ingress accept tcp 80/80 pl-none",
          "ingress drop tcp 81/81 pl-none",
          "ingress accept tcp 81/81 any",
        ],
      },
      [into(syn(80), "drop no-rule"), into(syn(81), "accept rule new")],
    ),
    plays(
      "so does a group without members",
      {
        groups: { "sg-none": {} },
        rules: [
          "ingress accept tcp 80/80 sg-none",
          "ingress drop tcp 81/81 sg-none",
          "ingress accept tcp 81/81 any",
        ],
      },
      [
        into(syn(80), "drop no-rule"),
        into(syn(81), "accept rule new"),
        into(syn(80, 2), "drop no-rule", { from: "far" }),
      ],
    ),
    plays(
      "so does a list that lost its entries, at once and for live sessions",
      {
        lists: { "pl-a": ["peers"] },
        rules: ["ingress accept udp 53/53 pl-a"],
      },
      [
        into(udp("1>53"), "accept rule new"),
        change({ lists: { "pl-a": [] }, rules: ["ingress accept udp 53/53 pl-a"] }),
        into(udp("1>53"), "drop no-rule"),
        into(udp("2>53"), "drop no-rule"),
      ],
    ),
  ],
  "GO-2024-3208: a deny hidden by a narrower allow": [
    plays(
      "by priority, whatever the length of a prefix",
      {
        rules: ["ingress drop tcp 80/80 any priority=1", "ingress accept tcp 80/80 peer priority=2"],
      },
      [into(syn(80), "drop rule none sg-t 0"), into(syn(80, 2), "drop rule", { from: "far" })],
    ),
    plays(
      "at equal priority drop, however wide",
      {
        rules: [
          "ingress accept tcp 80/80 peer",
          "ingress accept tcp 80/80 peers",
          "ingress drop tcp 80/80 any",
        ],
      },
      [into(syn(80), "drop rule none sg-t 2"), into(syn(81), "drop no-rule")],
    ),
    plays(
      "and an allow that comes first is not hidden by a wider deny",
      {
        rules: ["ingress drop tcp 80/80 any priority=2", "ingress accept tcp 80/80 peer priority=1"],
      },
      [into(syn(80), "accept rule new sg-t 1"), into(syn(80, 2), "drop rule", { from: "far" })],
    ),
  ],
  "GO-2024-3072: a member whose groups changed in a race": [
    plays(
      "what counts is the last state, whichever way it came about",
      {
        groups: { "sg-a": { rules: ["ingress accept tcp 80/80 any"] }, "sg-b": {} },
        nic: { groups: ["sg-b"] },
      },
      [
        into(syn(80), "drop no-rule"),
        ...[["sg-a"], ["sg-b"], ["sg-a", "sg-b"], ["sg-b"], ["sg-a"]].flatMap((groups, turn) => [
          change({
            groups: { "sg-a": { rules: ["ingress accept tcp 80/80 any"] }, "sg-b": {} },
            nic: { groups },
          }),
          into(syn(80, 100 + turn), groups.includes("sg-a") ? "accept rule new" : "drop no-rule"),
        ]),
      ],
    ),
  ],
  "CVE-2023-27594: a source that was taken for the host": [
    plays(
      "the host's own address is judged as any other, both ways, and never dropped early",
      {
        rules: ["egress drop tcp 22/22 any", "ingress accept tcp 443/443 any"],
      },
      [
        into(syn(80), "drop no-rule", { from: "far" }),
        into(syn(443), "accept rule new", { from: "far" }),
        out(syn(22), "drop rule", { to: "far" }),
        atUplink(syn(80), "leave", { to: "far" }),
        atUplink(syn(80), "drop"),
      ],
    ),
  ],
  "CVE-2026-33726, CVE-2026-56743: policy skipped in one way of forwarding; a prefix that let members in": [
    plays(
      "a prefix means its addresses: no member of the network that is not in it",
      {
        group: { innerAccess: "drop" },
        rules: ["ingress accept tcp 80/80 peers"],
      },
      [
        into(syn(80), "accept rule new"),
        into(syn(80), "drop no-rule", { from: "mate" }),
        into(syn(80, 2), "drop no-rule", { from: "router" }),
      ],
    ),
    plays(
      "what an uplink program leaves is judged at the device, and what it drops would have been",
      {
        rules: ["ingress accept tcp 80/80 peers"],
      },
      [
        atUplink(syn(80), "leave"),
        into(syn(80), "accept rule new"),
        atUplink(syn(81), "drop"),
        into(syn(81), "drop no-rule"),
      ],
    ),
  ],
  "CVE-2025-0650: egress rules skipped for UDP where DNS was at hand": [
    plays(
      "no port is past the rules: DNS, DHCP's ports and any other",
      {
        rules: ["egress drop udp -1/-1 any"],
      },
      [
        out(udp("5000>53"), "drop rule"),
        out(udp("53>53"), "drop rule"),
        out(udp("5000>5353"), "drop rule"),
        out(udp("68>67"), "drop rule"),
        out(udp("546>547"), "drop rule"),
        out(syn(53), opened),
      ],
    ),
  ],
  "OSSA-2015-021 (CVE-2015-7713): changes that running instances never got": [
    plays(
      "a live session that the new rules refuse ends at its next packet, either way, and stays ended",
      {
        rules: ["ingress accept tcp 22/22 any"],
      },
      [
        handshakeIn(),
        change({}),
        into(tcp("50022>22", "A", { sequence: 1001, acknowledgement: 5001 }), "drop no-rule"),
        out(tcp("22>50022", "A", { sequence: 5001, acknowledgement: 1001 }), "drop revoked"),
        wait(300),
        into(tcp("50022>22", "A", { sequence: 1001, acknowledgement: 5001 }), "drop revoked"),
        alive(0),
      ],
    ),
  ],
  "OSSA-2014-014: a prefix that is none stopped all later updates": [
    refusesRule(
      "is refused, at its place",
      { remote: "10.0.0.0/33" },
      { code: "bad-prefix", says: /10\.0\.0\.0\/33/ },
    ),
    refusesRule("so is an empty one", { remote: "" }, { code: "bad-remote", says: /authorization object/ }),
  ],
  "OSSA-2019-001: ports with a protocol that has none": [
    refusesRule(
      "are refused for VRRP, SCTP's number and ICMP",
      { protocol: 112, portRange: "80/80" },
      { code: "bad-ports", says: /-1\/-1/ },
    ),
    refusesRule("for GRE", { protocol: "gre", portRange: "80/80" }, { code: "bad-ports", says: /-1\/-1/ }),
    takesRule("and VRRP without is a rule", { protocol: 112, portRange: "-1/-1" }),
    plays("that matches VRRP and nothing else", { rules: ["ingress accept 112 -1/-1 any"] }, [
      into(protocol(112), "accept rule new"),
      into(protocol(113), "drop no-rule"),
    ]),
  ],
  "OSSA-2019-002: overlapping port ranges stopped all later updates": [
    plays(
      "ranges that overlap in every way are one policy",
      {
        rules: [
          "ingress accept tcp 80/90 any",
          "ingress accept tcp 85/95 any",
          "ingress accept tcp 85/95 any",
          "ingress accept tcp 1/65535 peers",
          "ingress drop tcp 88/88 any",
        ],
      },
      [
        into(syn(79), "accept rule new sg-t 3"),
        into(syn(79), "drop no-rule", { from: "far" }),
        into(syn(80, 2), "accept rule new"),
        into(syn(88), "drop rule none sg-t 4"),
        into(syn(95), "accept rule new", { from: "far" }),
        into(syn(96), "drop no-rule", { from: "far" }),
      ],
    ),
  ],
  "OSSA-2015-012: an address pair of every address stopped all later updates": [
    plays(
      "is its guest's own word, takes nothing from others, and later changes take effect",
      {
        nic: { allowedAddressPairs: [{ address: "0.0.0.0/0" }, { address: "::/0" }] },
        rules: ["ingress accept tcp 80/80 any"],
      },
      [
        out(syn(25), opened, { from: "far" }),
        out(syn(25), "drop spoofed-address", { on: "eni-2", from: "far" }),
        into(syn(80), "accept rule new"),
        change({ rules: ["ingress accept tcp 81/81 any"] }),
        into(syn(80, 2), "drop no-rule"),
        into(syn(81), "accept rule new"),
        out(syn(25, 2), "drop spoofed-address", { from: "far" }),
      ],
    ),
  ],
  "OSSA-2012-007: a protocol in capitals that was another to the firewall": [
    ...["TCP", "Tcp", "UDP", "ALL", "ICMPv6"].map((protocol) =>
      refusesRule(
        `${protocol} is refused, the right word named`,
        { protocol },
        { code: "bad-protocol", says: new RegExp(`\`${protocol.toLowerCase()}\``) },
      ),
    ),
  ],
  "kube-ovn 3921: ports that were ignored with the protocol `all`": [
    refusesRule(
      "are refused, never read as all ports",
      { protocol: "all", portRange: "80/80" },
      { code: "bad-ports", says: /-1\/-1/ },
    ),
    refusesRule(
      "nor are source ports",
      { protocol: "all", portRange: "-1/-1", sourcePortRange: "53/53" },
      { code: "bad-ports", says: /-1\/-1/ },
    ),
  ],
  "OSSA-2021-005: a newline in free text": [
    refusesRule(
      "is refused in a description",
      { description: "one\nport=0" },
      { code: "bad-text", says: /print/ },
    ),
    takesRule("text that prints is kept as it is", { description: 'a "b" =c' }, (model) => {
      expect(model.groups.get("sg-t")?.rules[0]?.description).toBe('a "b" =c');
    }),
  ],
});
