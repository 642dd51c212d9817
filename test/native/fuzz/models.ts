/**
 * The host that fuzzed programs run on: few interfaces and rules, in which every feature of a verdict is met, and
 * the changes of rules that a program may make, one after the other.
 */
import { defaultSettings, type KernelSettings } from "../../../src/kernel/settings.ts";
import type { Group, Interface, Model } from "../../../src/model/model.ts";
import { address, group, model, network, nic, prefixList, type RuleText } from "../../support/bed.ts";

/** Seconds of UTC when programs begin; rules expire soon after. */
export const start = 1_000_000;

/** The pools that made-up frames draw from; what is written here stands in the rules, too. */
export const pools = {
  mac: ["02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:04", "00:00:5e:00:01:01"],
  otherMac: ["02:00:00:00:09:99", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", "01:00:5e:00:00:01"],
  ipv4: ["10.0.0.11", "10.0.0.12", "10.0.0.14", "10.0.5.16", "10.0.0.100", "198.51.100.7", "203.0.113.9"],
  oddIpv4: ["0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "10.0.0.1"],
  ipv6: ["2001:db8::11", "2001:db8::12", "2001:db8:0:100::5", "2001:db8:ffff::7", "2001:db8:ffff:1::1"],
  oddIpv6: [
    "fe80::ff:fe00:101",
    "fe80::1",
    "fe80::abcd",
    "::",
    "::1",
    "ff02::1",
    "ff02::1:2",
    "::ffff:a00:1",
  ],
  port: [22, 53, 67, 68, 80, 443, 546, 547, 1024, 40000],
} as const;

const anywhere = ["0.0.0.0/0", "::/0"];

function both(fields: Omit<RuleText, "remote">): readonly RuleText[] {
  return anywhere.map((remote) => ({ ...fields, remote }));
}

/** Groups, as they are at each stage. */
const web: readonly RuleText[] = [
  ...both({ protocol: "tcp", ports: "80/443" }),
  ...both({ protocol: "udp", ports: "53/53", sourcePorts: "1024/65535" }),
  { protocol: "icmp", icmpType: 8, remote: "198.51.100.0/24" },
  { protocol: "icmpv6", remote: "2001:db8:ffff::/48", icmpType: 128, icmpCode: 0 },
  { protocol: "tcp", ports: "22/22", remote: "pl-office", expires: start + 20 },
  { protocol: "udp", remote: "sg-inside" },
  { policy: "drop", protocol: "all", remote: "203.0.113.9/32", priority: 1 },
  { direction: "egress", policy: "drop", protocol: "udp", ports: "40000/65535", remote: "0.0.0.0/0" },
];
const closed: readonly RuleText[] = [
  ...both({ protocol: "tcp", ports: "443/443", priority: 2 }),
  { policy: "drop", protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" },
  { direction: "egress", policy: "drop", protocol: "all", remote: "198.51.100.0/24", priority: 1 },
  { direction: "egress", policy: "drop", protocol: "all", remote: "2001:db8:ffff::/48", priority: 1 },
];
const inside: readonly RuleText[] = [
  { protocol: "all", remote: "sg-web" },
  { protocol: "gre", remote: "198.51.100.7/32", local: "10.0.0.12/32" },
  { direction: "egress", protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0", expires: start + 5 },
];
const strict: readonly RuleText[] = [
  { direction: "egress", protocol: "udp", ports: "53/53", remote: "0.0.0.0/0" },
  { protocol: "tcp", remote: "::/0" },
];

/** Two rules of the same words in every word of bits, so that more than one word is read. */
const many: readonly RuleText[] = Array.from({ length: 150 }, (_, index) => ({
  protocol: "tcp",
  ports: `${2000 + index}/${2000 + index}`,
  remote: "0.0.0.0/0",
})).concat([{ protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" }]);

const openTo = both({ protocol: "all" });

function groupsOf(
  rules: Record<"web" | "inside" | "strict" | "tried", readonly RuleText[]>,
): readonly Group[] {
  const fields = { network: "vpc-a" } as const;
  return [
    group("sg-web", { ...fields, rules: rules.web }),
    group("sg-inside", { ...fields, rules: rules.inside, innerAccess: "drop" }),
    group("sg-strict", { ...fields, rules: rules.strict, defaultEgress: "drop" }),
    group("sg-tried", { ...fields, rules: rules.tried, mode: "observe" }),
    group("sg-adv", { ...fields, rules: many, type: "advanced", innerAccess: "drop", defaultEgress: "drop" }),
  ];
}

function interfacesOf(own: readonly string[]): readonly Interface[] {
  const [mac1 = "", mac2 = "", mac4 = ""] = pools.mac;
  return [
    nic("eni-0", { mac: mac1, addresses: ["10.0.0.11", "2001:db8::11"], groups: own }),
    nic("eni-1", {
      mac: mac2,
      addresses: ["10.0.0.12", "2001:db8::12"],
      groups: ["sg-web", "sg-inside"],
      pairs: [{ address: "10.0.0.100/32", mac: "00:00:5e:00:01:01" }, { address: "2001:db8:0:100::/64" }],
      vlans: [100, 200],
      etherTypes: [0x88b5],
    }),
    nic("eni-2", {
      mac: "02:00:00:00:01:03",
      addresses: ["10.0.0.13", "2001:db8::13"],
      groups: ["sg-strict", "sg-tried"],
      antiSpoofing: "observe",
    }),
    nic("eni-3", { mac: mac4, addresses: ["10.0.0.14"], groups: ["sg-tried"], antiSpoofing: false }),
    nic("eni-4", { mac: "02:00:00:00:01:05", addresses: [], groups: ["sg-strict"] }),
    nic("eni-5", {
      mac: "02:00:00:00:01:06",
      addresses: ["10.0.0.16", "10.0.5.16", "10.0.6.16", "10.0.7.16", "10.0.8.16", "2001:db8::16"],
      groups: ["sg-adv"],
    }),
  ];
}

function modelOf(groups: readonly Group[], own: readonly string[] = ["sg-web"]): Model {
  return model({
    networks: [network("vpc-a", { gateways: [address("10.0.0.1"), address("fe80::1")] })],
    prefixLists: [prefixList("pl-office", 4, ["198.51.100.0/25", "10.0.0.12/32"])],
    groups,
    interfaces: interfacesOf(own),
  });
}

/** What a program changes to, in turn. */
export const stages: readonly Model[] = [
  modelOf(groupsOf({ web, inside, strict, tried: openTo })),
  modelOf(groupsOf({ web: closed, inside, strict: openTo, tried: strict })),
  modelOf(groupsOf({ web, inside: closed, strict, tried: [] }), ["sg-inside", "sg-tried"]),
  modelOf(groupsOf({ web: openTo, inside, strict: web, tried: closed })),
];

/** What a program chooses from. */
export const settings: readonly KernelSettings[] = [
  defaultSettings,
  { ...defaultSettings, midstream: "drop", alwaysPerSecond: 3 },
  { ...defaultSettings, establishedSessions: "keep", eventsPerSecond: 2 },
  { ...defaultSettings, onFailure: "open" },
];
