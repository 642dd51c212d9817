/** docs/semantics.md, "Which rule takes effect", 4 and 5, and packets with two ends. */
import { plays, type Sentences } from "./rows.ts";
import { into, out, protocol, syn, udp } from "./steps.ts";

const inner = "accept inner-access new";

export const otherwiseRows: Sentences = {
  "No rule matches: if both ends": [
    plays("a listed address of a member of a shared basic group", shared(), [
      into(syn(80), inner, { from: "mate" }),
      out(syn(80, 40001), inner, { to: "mate" }),
      into(syn(80), inner, { from: "third" }),
      into(syn(80), "drop no-rule", { from: "fourth" }),
      into(syn(80), "drop no-rule"),
    ]),
    plays(
      "sent from an address that is nobody's: the near end is the interface judged",
      {
        ...strict("accept"),
        nic: { allowedAddressPairs: [{ address: "203.0.113.0/24" }, { address: "2001:db8:fffe::/48" }] },
      },
      [
        out(syn(80), inner, { from: "far", to: "mate" }),
        out(syn(80), "drop default-drop", { from: "far" }),
        into(syn(80), inner, { from: "mate", to: "far" }),
        into(syn(80), "drop no-rule", { from: "far", on: "eni-2" }),
      ],
    ),
    plays(
      "a link-local address of a member",
      strict("accept"),
      [
        out(syn(80), inner, { from: "fe80::ff:fe00:101", to: "fe80::ff:fe00:102" }),
        out(syn(80), "drop default-drop", { from: "fe80::ff:fe00:101", to: "fe80::1" }),
      ],
      { families: [6] },
    ),
    plays("a group whose innerAccess is drop gives none", strict("drop"), [
      out(syn(80), "drop default-drop", { to: "mate" }),
      into(syn(80), "drop no-rule", { from: "mate" }),
      out(syn(80), "accept rule new", { to: "peer2" }),
    ]),
    plays(
      "one shared group of several is enough, an unshared one is not",
      {
        group: { innerAccess: "drop" },
        groups: { "sg-a": {}, "sg-b": {} },
        nic: { groups: ["sg-t", "sg-a"] },
        mate: { groups: ["sg-t", "sg-b"] },
        nics: { "eni-3": { groups: ["sg-a", "sg-b"] } },
      },
      [
        into(syn(80), inner, { from: "third" }),
        into(syn(80), "drop no-rule", { from: "mate" }),
        into(syn(80), inner, { on: "eni-3", from: "mate" }),
      ],
    ),
    plays(
      "an advanced group gives none",
      {
        groups: { "sg-adv": { type: "advanced" } },
        nic: { groups: ["sg-adv"] },
        mate: { groups: ["sg-adv"] },
      },
      [
        into(syn(80), "drop no-rule", { from: "mate" }),
        out(syn(80), "accept default-egress new", { to: "mate" }),
      ],
    ),
    plays(
      "two interfaces of one instance are members like others",
      {
        ...strict("accept"),
        nic: { instance: "i-1" },
        mate: { instance: "i-1" },
      },
      [
        out(syn(80), inner, { to: "mate" }),
        into(syn(80), inner, { on: "eni-2", from: "me" }),
        out(syn(80), "drop default-drop"),
      ],
    ),
    plays("a guest to one of its own addresses", strict("accept"), [
      out(syn(80), inner, { to: "me" }),
      into(syn(80), "drop spoofed-address", { from: "me" }),
    ]),
  ],
  "This is the weakest rule of all.": [
    plays(
      "a drop of priority 100, even a default rule of 110, outranks it",
      {
        rules: [
          "ingress drop tcp 80/80 members priority=100",
          "ingress drop tcp 81/81 members template=true",
        ],
      },
      [
        into(syn(80), "drop rule none sg-t 0", { from: "mate" }),
        into(syn(81), "drop rule none sg-t 1", { from: "mate" }),
        into(syn(82), inner, { from: "mate" }),
      ],
    ),
    plays("but it outranks defaultEgress", strict("accept"), [
      out(syn(80), inner, { to: "mate" }),
      out(syn(80), "drop default-drop", { to: "third" }),
    ]),
  ],
  "Still nothing: ingress drop (`no-rule`)": [
    plays("ingress is dropped, egress accepted", {}, [
      into(syn(80), "drop no-rule"),
      into(udp("53>40000"), "drop no-rule"),
      into(protocol(47), "drop no-rule"),
      out(syn(80), "accept default-egress new"),
      out(udp("40000>53"), "accept default-egress new"),
      out(protocol(47), "accept default-egress new"),
    ]),
    plays(
      "one group that says drop is enough",
      {
        groups: { "sg-strict": { defaultEgress: "drop" } },
        nic: { groups: ["sg-t", "sg-strict"] },
      },
      [out(syn(80), "drop default-drop"), out(syn(80), "accept default-egress new", { on: "eni-2" })],
    ),
  ],
  "A packet between two protected interfaces is judged twice": [
    plays("each end by its own groups", betweenGroups(), [
      out(syn(80), "accept default-egress new", { to: "mate" }),
      into(syn(80), "accept rule new sg-b 0", { on: "eni-2", from: "me" }),
      out(syn(81), "accept default-egress new", { to: "mate" }),
      into(syn(81), "drop no-rule", { on: "eni-2", from: "me" }),
      out(syn(82), "drop rule none sg-t 0", { to: "mate" }),
      into(syn(82), "accept rule new sg-b 1", { on: "eni-2", from: "me" }),
    ]),
  ],
  "Both must accept.": [
    plays("a drop at the sender, or at the receiver, is the end of it", betweenGroups(), [
      out(syn(82), "drop rule none sg-t 0", { to: "mate" }),
      out(syn(81, 40001), "accept default-egress new", { to: "mate" }),
      into(syn(81, 40001), "drop no-rule", { on: "eni-2", from: "me" }),
      out(syn(80, 40002), "accept default-egress new", { to: "mate" }),
      into(syn(80, 40002), "accept rule new sg-b 0", { on: "eni-2", from: "me" }),
    ]),
  ],
  "With a multicast or broadcast destination": [
    plays(
      "egress: the far end is the multicast address",
      {
        rules: ["egress accept udp 5353/5353 224.0.0.0/24", "egress accept udp 5353/5353 ff02::/16"],
        group: { defaultEgress: "drop" },
      },
      [
        out(udp("5353>5353"), "accept rule new sg-t 0", { to: "224.0.0.251" }),
        out(udp("5353>5353"), "drop default-drop", { to: "239.1.1.1" }),
      ],
      { families: [4] },
    ),
    plays(
      "egress: the far end is the IPv6 multicast address",
      {
        rules: ["egress accept udp 5353/5353 224.0.0.0/24", "egress accept udp 5353/5353 ff02::/16"],
        group: { defaultEgress: "drop" },
      },
      [
        out(udp("5353>5353"), "accept rule new sg-t 1", { to: "ff02::fb" }),
        out(udp("5353>5353"), "drop default-drop", { to: "ff05::fb" }),
      ],
      { families: [6] },
    ),
    plays(
      "egress: the far end is the broadcast address",
      {
        rules: ["egress drop udp 137/137 255.255.255.255/32"],
      },
      [
        out(udp("137>137"), "drop rule", { to: "255.255.255.255" }),
        out(udp("137>138"), "accept default-egress new", { to: "255.255.255.255" }),
      ],
      { families: [4] },
    ),
    plays(
      "ingress: the sender is the remote, the near end the interface, whatever the destination",
      {
        rules: ["ingress accept udp 5353/5353 peers"],
      },
      [
        into(udp("5353>5353"), "accept rule new sg-t 0", { to: "224.0.0.251" }),
        into(udp("5353>5353"), "drop no-rule", { to: "224.0.0.251", from: "far" }),
        into(udp("137>137"), "accept inner-access new", { to: "255.255.255.255", from: "mate" }),
        into(udp("137>137"), "drop no-rule", { to: "255.255.255.255", from: "peer" }),
      ],
      { families: [4] },
    ),
    plays(
      "ingress: the sender of an IPv6 multicast is the remote",
      {
        rules: ["ingress accept udp 5353/5353 peers"],
      },
      [
        into(udp("5353>5353"), "accept rule new sg-t 0", { to: "ff02::fb" }),
        into(udp("5353>5353"), "drop no-rule", { to: "ff02::fb", from: "far" }),
        into(udp("5353>5353"), "accept inner-access new", { to: "ff02::fb", from: "mate" }),
      ],
      { families: [6] },
    ),
  ],
};

function shared() {
  return {
    group: { defaultEgress: "drop" },
    groups: { "sg-none": {} },
    nics: { "eni-3": { host: "kvm-8" }, "eni-4": { groups: ["sg-none"] } },
  };
}

function strict(innerAccess: "accept" | "drop") {
  return { group: { defaultEgress: "drop", innerAccess }, rules: ["egress accept tcp 80/80 peer2"] };
}

function betweenGroups() {
  return {
    rules: ["egress drop tcp 82/82 sg-b"],
    groups: { "sg-b": { rules: ["ingress accept tcp 80/80 sg-t", "ingress accept tcp 82/82 sg-t"] } },
    mate: { groups: ["sg-b"] },
  };
}
