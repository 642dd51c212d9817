/** docs/semantics.md, "Which rule takes effect", 1 and 2: which rules match. */
import { plays, refuses, type Sentences } from "./rows.ts";
import { echo, icmpOf, into, out, protocol, syn, tcp, udp } from "./steps.ts";

const inner = "accept inner-access new";

export const matchingRows: Sentences = {
  "For a packet that opens a session, on one interface, in one direction:": [
    plays(
      "the rules are asked once for a session, on the interface and in the direction of its first packet",
      { rules: ["ingress accept tcp 22/22 any"], nics: { "eni-3": {} } },
      [
        into(syn(22), "accept rule new sg-t 0"),
        into(syn(22), "accept session established"),
        out(tcp("22>40443", "SA"), "accept session established"),
        out(syn(22, 50001), "accept default-egress new"),
        into(syn(22), "accept rule new sg-t 0", { on: "eni-2" }),
        into(syn(23), "drop no-rule"),
      ],
    ),
  ],
  "Take the rules of that direction from **all** groups": [
    plays(
      "two groups of an interface give it the rules of both; another interface has its own alone",
      {
        rules: ["ingress accept tcp 80/80 any"],
        groups: { "sg-more": { rules: ["ingress accept tcp 443/443 any", "egress drop tcp 25/25 any"] } },
        nic: { groups: ["sg-t", "sg-more"] },
      },
      [
        into(syn(80), "accept rule new sg-t 0"),
        into(syn(443), "accept rule new sg-more 0"),
        into(syn(25), "drop no-rule"),
        out(syn(25), "drop rule none sg-more 1"),
        out(syn(80), "accept default-egress new"),
        into(syn(443), "drop no-rule", { on: "eni-2" }),
        out(syn(25), "accept default-egress new", { on: "eni-2" }),
      ],
    ),
  ],
  "On a classic network take those whose `nicType`": [
    plays("an interface obeys the rules of its own nicType only", classicRules(), [
      into(syn(80), "accept rule new sg-c 1"),
      into(syn(22), "drop no-rule"),
      into(syn(22), "accept rule new sg-c 0", { on: "eni-2" }),
      into(syn(80), "drop no-rule", { on: "eni-2" }),
      out(syn(25), "drop rule none sg-c 3"),
      out(syn(26), "accept default-egress new"),
      out(syn(26), "drop rule none sg-c 2", { on: "eni-2" }),
      out(syn(25), "accept default-egress new", { on: "eni-2" }),
    ]),
    plays(
      "a group as remote means the members' intranet interfaces, seen from an intranet one",
      classicPair(
        ["ingress accept tcp 80/80 sg-c", "ingress accept tcp 80/80 sg-c nicType=internet"],
        "drop",
      ),
      [
        into(syn(80), "accept rule new sg-c 0", { on: "eni-2", from: "third" }),
        into(syn(80), "drop no-rule", { on: "eni-2", from: "me" }),
        into(syn(80), "drop no-rule", { on: "eni-1", from: "third" }),
        into(syn(80), "drop no-rule", { on: "eni-1", from: "fourth" }),
      ],
    ),
    plays("inner access means intranet interfaces, seen from an intranet one", classicPair([], "accept"), [
      into(syn(80), inner, { on: "eni-2", from: "third" }),
      into(syn(80), "drop no-rule", { on: "eni-2", from: "me" }),
      into(syn(80), "drop no-rule", { on: "eni-1", from: "third" }),
      into(syn(80), "drop no-rule", { on: "eni-1", from: "fourth" }),
    ]),
  ],
  "In a VPC there are only `intranet` rules": [
    plays(
      "a rule without nicType judges what comes from members and from the internet",
      { rules: ["ingress accept tcp 80/80 any", "ingress drop tcp 81/81 any nicType=intranet"] },
      [
        into(syn(80), "accept rule new sg-t 0"),
        into(syn(80), "accept rule new sg-t 0", { from: "mate" }),
        into(syn(81), "drop rule none sg-t 1"),
        into(syn(81), "drop rule none sg-t 1", { from: "mate" }),
      ],
    ),
    refuses(
      "a rule for internet interfaces is refused",
      { rules: ["ingress accept tcp 80/80 any nicType=internet"] },
      { code: "nic-type", says: /nicType: internet.*write `intranet`/ },
    ),
    refuses(
      "an internet interface is refused",
      { nic: { nicType: "internet" } },
      { code: "nic-type", says: /nicType: internet.*write `intranet`/ },
    ),
  ],
  "Keep those that match protocol, destination port, source port, ICMP type, remote and local address.": [
    plays("protocol", { rules: ["ingress accept udp 53/53 any"] }, [
      into(udp("40000>53"), "accept rule new"),
      into(syn(53), "drop no-rule"),
      into(protocol(47), "drop no-rule"),
    ]),
    plays("destination port, both ends of the range", { rules: ["ingress accept tcp 80/90 any"] }, [
      into(syn(80), "accept rule new"),
      into(syn(90), "accept rule new"),
      into(syn(79), "drop no-rule"),
      into(syn(91), "drop no-rule"),
    ]),
    plays(
      "source port, both ends of the range",
      { rules: ["ingress accept tcp 80/80 any sourcePortRange=1000/2000"] },
      [
        into(syn(80, 1000), "accept rule new"),
        into(syn(80, 2000), "accept rule new"),
        into(syn(80, 999), "drop no-rule"),
        into(syn(80, 2001), "drop no-rule"),
      ],
    ),
    plays(
      "ICMP type",
      { rules: ["ingress accept icmpv4 any icmpType=8"] },
      [into(echo(), "accept rule new"), into(icmpOf([13, 128]), "drop no-rule")],
      { families: [4] },
    ),
    plays(
      "ICMPv6 type",
      { rules: ["ingress accept icmpv6 any icmpType=128"] },
      [into(echo(), "accept rule new"), into(icmpOf([13, 129]), "drop no-rule")],
      { families: [6] },
    ),
    plays("remote", { rules: ["ingress accept tcp 80/80 peers", "egress drop tcp 80/80 peers"] }, [
      into(syn(80), "accept rule new"),
      into(syn(80), "drop no-rule", { from: "far" }),
      out(syn(80, 40001), "drop rule"),
      out(syn(80, 40001), "accept default-egress new", { to: "far" }),
    ]),
    plays(
      "local address",
      { rules: ["ingress accept tcp 80/80 any local=me", "egress drop tcp 80/80 any local=mate"] },
      [
        into(syn(80), "accept rule new"),
        into(syn(80), "drop no-rule", { on: "eni-2" }),
        out(syn(80, 40001), "accept default-egress new"),
        out(syn(80, 40001), "drop rule", { on: "eni-2" }),
      ],
    ),
    plays(
      "all five at once, and every neighbour that differs in one",
      { rules: ["ingress accept tcp 80/80 peer sourcePortRange=1234/1234 local=me"] },
      [
        into(syn(80, 1234), "accept rule new"),
        into(syn(81, 1234), "drop no-rule"),
        into(syn(80, 1235), "drop no-rule"),
        into(syn(80, 1234), "drop no-rule", { from: "peer2" }),
        into(syn(80, 1234), "drop no-rule", { on: "eni-2" }),
        into(udp("1234>80"), "drop no-rule"),
      ],
    ),
  ],
  "A group matches the listed addresses of its members": [
    plays("listed addresses of members on whatever host, and of nobody else", elsewhere(), [
      into(syn(80), "accept rule new sg-t 0", { from: "third" }),
      into(syn(80), "accept rule new sg-t 0", { from: "mate" }),
      into(syn(80), "drop no-rule", { from: "fourth" }),
      into(syn(80), "drop no-rule"),
    ]),
    plays(
      "members of the group in that network only",
      {
        rules: ["ingress accept tcp 80/80 sg-b"],
        networks: { "vpc-b": { type: "vpc" } },
        groups: { "sg-b": {}, "sg-other": { network: "vpc-b" } },
        nics: {
          "eni-3": { groups: ["sg-b"] },
          "eni-4": { network: "vpc-b", groups: ["sg-other"], addresses: ["third", "fourth"] },
        },
      },
      [
        into(syn(80), "accept rule new sg-t 0", { from: "third" }),
        into(syn(80), "drop no-rule", { from: "fourth" }),
      ],
    ),
    plays(
      "link-local addresses made from the MAC, and no other link-local one",
      elsewhere(),
      [
        into(syn(80), "accept rule new sg-t 0", { from: "fe80::ff:fe00:103", to: "fe80::ff:fe00:101" }),
        into(syn(80), "drop no-rule", { from: "fe80::ff:fe00:104", to: "fe80::ff:fe00:101" }),
        into(syn(80), "drop no-rule", { from: "fe80::1", to: "fe80::ff:fe00:101" }),
      ],
      { families: [6] },
    ),
    plays(
      "never allowedAddressPairs",
      {
        rules: ["ingress accept tcp 80/80 sg-b"],
        groups: { "sg-b": {} },
        nics: {
          "eni-3": {
            groups: ["sg-b"],
            allowedAddressPairs: [{ address: "192.0.2.100" }, { address: "2001:db8:1::100" }],
          },
        },
      },
      [
        into(syn(80), "drop no-rule", { from: "vip" }),
        out(syn(80, 40001), "accept default-egress new", { on: "eni-3", from: "vip" }),
        into(syn(80), "accept rule new sg-t 0", { from: "third" }),
      ],
    ),
  ],
};

function classicRules() {
  return {
    networks: { "net-c": { type: "classic" } },
    groups: {
      "sg-c": {
        network: "net-c",
        rules: [
          "ingress accept tcp 22/22 any",
          "ingress accept tcp 80/80 any nicType=internet",
          "egress drop tcp 26/26 any nicType=intranet",
          "egress drop tcp 25/25 any nicType=internet",
        ],
      },
    },
    nic: { network: "net-c", groups: ["sg-c"], nicType: "internet" },
    mate: { network: "net-c", groups: ["sg-c"] },
  };
}

/** eni-1 and eni-4 are internet interfaces of the instances that eni-2 and eni-3 are the intranet ones of. */
function classicPair(rules: readonly string[], innerAccess: "accept" | "drop") {
  const member = { network: "net-c", groups: ["sg-c"] };
  return {
    networks: { "net-c": { type: "classic" } },
    groups: { "sg-c": { network: "net-c", innerAccess, rules } },
    nic: { ...member, nicType: "internet", instance: "i-1" },
    mate: { ...member, nicType: "intranet", instance: "i-1" },
    nics: {
      "eni-3": { ...member, nicType: "intranet", instance: "i-2" },
      "eni-4": { ...member, nicType: "internet", instance: "i-2" },
    },
  };
}

function elsewhere() {
  return {
    rules: ["ingress accept tcp 80/80 sg-b"],
    groups: { "sg-b": {}, "sg-none": {} },
    group: { innerAccess: "drop" },
    mate: { groups: ["sg-t", "sg-b"] },
    nics: { "eni-3": { groups: ["sg-b"], host: "kvm-8" }, "eni-4": { groups: ["sg-none"], host: "kvm-8" } },
  };
}
