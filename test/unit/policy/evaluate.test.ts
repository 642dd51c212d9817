import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Group, Model } from "../../../src/model/model.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { reasonOf, reasons } from "../../../src/policy/reason.ts";
import type { Question } from "../../../src/policy/rules.ts";
import {
  address,
  bed,
  group,
  guestMac,
  model,
  network,
  nic,
  prefixList,
  type RuleText,
} from "../../support/bed.ts";

/** TCP from 198.51.100.7:40000 to the guest's port 80, unless said otherwise. */
function question(
  fields: Partial<Omit<Question, "remote" | "local">> & { remote?: string; local?: string } = {},
): Question {
  const { remote = "198.51.100.7", local = "192.0.2.11", ...rest } = fields;
  const icmp = rest.icmpType !== undefined;
  return {
    protocol: 6,
    sourcePort: icmp ? null : 40000,
    destinationPort: icmp ? null : 80,
    icmpType: null,
    icmpCode: icmp ? 0 : null,
    ...rest,
    remote: address(remote),
    local: address(local),
  };
}

const portless = { sourcePort: null, destinationPort: null } as const;

function ingress(of: Model, asked: Question = question(), now = 0): string {
  const { verdict, reason, rule } = evaluate(of, "eni-1", "ingress", asked, now);
  return [verdict, reason, ...(rule === null ? [] : [rule.group, rule.index])].join(" ");
}

const withRule = (rule: Partial<RuleText>, asked?: Question): string =>
  ingress(bed([{ remote: "0.0.0.0/0", ...rule }]), asked);
const none = "drop no-rule";
const taken = "accept rule sg-t 0";

describe("the smallest priority decides, at equal priority drop, and nothing else", () => {
  const accept = { remote: "198.51.100.0/24", protocol: "tcp" } as const;
  const drop = { remote: "0.0.0.0/0", policy: "drop" } as const;
  const cases: readonly (readonly [string, readonly RuleText[], string])[] = [
    ["drop at equal priority, wherever it stands", [accept, drop], "drop rule sg-t 1"],
    ["drop at equal priority, first", [drop, accept], "drop rule sg-t 0"],
    ["the smaller number accepts", [{ ...drop, priority: 2 }, accept], "accept rule sg-t 1"],
    [
      "the smaller number drops",
      [
        { ...accept, priority: 100 },
        { ...drop, priority: 99 },
      ],
      "drop rule sg-t 1",
    ],
    ["not the longer prefix", [{ ...accept, remote: "198.51.100.7/32" }, drop], "drop rule sg-t 1"],
    ["of equals the first is named", [accept, accept], "accept rule sg-t 0"],
    [
      "a custom rule outranks a template's",
      [
        { ...accept, priority: 110, template: true },
        { ...drop, priority: 100 },
      ],
      "drop rule sg-t 1",
    ],
  ];
  it.each(cases)("%s", (_name, rules, right) => {
    expect(ingress(bed(rules))).toBe(right);
  });

  it("across all groups of the interface", () => {
    const groups = [
      group("sg-t", { rules: [accept] }),
      group("sg-a", { rules: [drop] }),
      group("sg-b", { rules: [{ ...accept, priority: 1 }] }),
    ];
    const of = model({
      groups,
      interfaces: [
        nic("eni-1", { mac: guestMac, addresses: ["192.0.2.11"], groups: ["sg-t", "sg-a", "sg-b"] }),
      ],
    });
    expect(ingress(of)).toBe("drop rule sg-a 0");
  });
});

describe("a rule matches", () => {
  const cases: readonly (readonly [string, Partial<RuleText>, Question, string])[] = [
    ["every protocol by `all`", {}, question({ protocol: 253, ...portless }), taken],
    ["its own protocol only", { protocol: "udp" }, question(), none],
    ["the first port of its range", { protocol: "tcp", ports: "80/90" }, question(), taken],
    ["the last port of its range", { protocol: "tcp", ports: "70/80" }, question(), taken],
    ["no port beside its range", { protocol: "tcp", ports: "81/90" }, question(), none],
    ["port 0 by -1/-1", { protocol: "tcp" }, question({ destinationPort: 0 }), taken],
    ["not port 0 by 1/65535", { protocol: "tcp", ports: "1/65535" }, question({ destinationPort: 0 }), none],
    ["source ports", { protocol: "tcp", sourcePorts: "40000/40000" }, question(), taken],
    ["no other source port", { protocol: "tcp", sourcePorts: "1/1023" }, question(), none],
    ["an ICMP type", { protocol: "icmp", icmpType: 8 }, question({ protocol: 1, icmpType: 8 }), taken],
    ["no other ICMP type", { protocol: "icmp", icmpType: 8 }, question({ protocol: 1, icmpType: 0 }), none],
    [
      "an ICMP code",
      { protocol: "icmp", icmpType: 3, icmpCode: 4 },
      question({ protocol: 1, icmpType: 3, icmpCode: 4 }),
      taken,
    ],
    [
      "no other ICMP code",
      { protocol: "icmp", icmpType: 3, icmpCode: 4 },
      question({ protocol: 1, icmpType: 3, icmpCode: 3 }),
      none,
    ],
    ["a number without a name", { protocol: 132 }, question({ protocol: 132, ...portless }), taken],
    [
      "no IPv6 packet by 0.0.0.0/0",
      {},
      question({ remote: "2001:db8:ffff::7", local: "2001:db8:1::11" }),
      none,
    ],
    [
      "an IPv6 packet by ::/0",
      { remote: "::/0" },
      question({ remote: "2001:db8:ffff::7", local: "2001:db8:1::11" }),
      taken,
    ],
    [
      "no ICMP number in IPv6 but by `all`",
      { protocol: "icmp", remote: "pl-6" },
      question({ protocol: 1, ...portless, remote: "2001:db8:ffff::7", local: "2001:db8:1::11" }),
      none,
    ],
    ["the protected side's prefix", { local: "192.0.2.0/24" }, question(), taken],
    ["no other protected address", { local: "192.0.2.64/26" }, question(), none],
    ["nothing by an empty list", { remote: "pl-none" }, question(), none],
    ["nothing by a group without members", { remote: "sg-none" }, question(), none],
  ];
  it.each(cases)("%s", (_name, rule, asked, right) => {
    expect(withRule(rule, asked)).toBe(right);
  });

  it("ICMPv6 in IPv4 by `all` only", () => {
    const asked = question({ protocol: 58, ...portless });
    expect(withRule({ protocol: "icmpv6", remote: "pl-4" }, asked)).toBe(none);
    expect(withRule({}, asked)).toBe(taken);
  });

  it("a prefix list's entries, one twice or not", () => {
    const of = {
      ...bed([{ remote: "pl-4" }]),
      prefixLists: new Map([["pl-4", prefixList("pl-4", 4, ["198.51.100.7/32", "198.51.100.7/32"])]]),
    };
    expect(ingress(of)).toBe(taken);
    expect(ingress(of, question({ remote: "198.51.100.8" }))).toBe(none);
  });

  it("until it expires, and not from then on", () => {
    const of = bed([{ remote: "0.0.0.0/0", expires: 1000 }]);
    expect(ingress(of, question(), 999)).toBe(taken);
    expect(ingress(of, question(), 1000)).toBe(none);
  });
});

/** Two groups: `sg-t` judges, `sg-r` is its remote; the member of `sg-r` is 192.0.2.20, on another host. */
function withMember(
  of: {
    rules?: readonly RuleText[];
    judged?: Partial<Group>;
    pair?: string;
    networks?: "vpc" | "classic";
    nicTypes?: readonly ["intranet" | "internet", "intranet" | "internet"];
  } = {},
): Model {
  const [judged, member] = of.nicTypes ?? ["intranet", "intranet"];
  const pairs = of.pair === undefined ? {} : { pairs: [{ address: of.pair }] };
  return model({
    networks: [network("vpc-a", { type: of.networks ?? "vpc" }), network("vpc-b")],
    groups: [
      group("sg-t", { ...of.judged, rules: of.rules ?? [{ remote: "sg-r" }] }),
      group("sg-r"),
      group("sg-x", { network: "vpc-b" }),
    ],
    interfaces: [
      nic("eni-1", { mac: guestMac, addresses: ["192.0.2.11"], nicType: judged }),
      nic("eni-r", {
        mac: "02:00:00:00:01:20",
        addresses: ["192.0.2.20"],
        groups: ["sg-r"],
        nicType: member,
        hosts: ["other"],
        ...pairs,
      }),
      nic("eni-t2", { mac: "02:00:00:00:01:21", addresses: ["192.0.2.21"], nicType: member }),
      nic("eni-x", {
        mac: "02:00:00:00:01:22",
        addresses: ["192.0.2.30"],
        groups: ["sg-x"],
        network: "vpc-b",
      }),
    ],
  });
}

describe("a group as remote", () => {
  it("means its members' listed addresses, on whatever host", () => {
    expect(ingress(withMember(), question({ remote: "192.0.2.20" }))).toBe(taken);
    expect(ingress(withMember(), question({ remote: "192.0.2.22" }))).toBe(none);
  });

  it("means their link-local addresses made from the MAC", () => {
    const local = "fe80::ff:fe00:101";
    expect(ingress(withMember(), question({ remote: "fe80::ff:fe00:120", local }))).toBe(taken);
    expect(ingress(withMember(), question({ remote: "fe80::ff:fe00:199", local }))).toBe(none);
  });

  it("never means their pairs' addresses", () => {
    expect(ingress(withMember({ pair: "192.0.2.99/32" }), question({ remote: "192.0.2.99" }))).toBe(none);
  });

  it("means nobody of another network", () => {
    expect(ingress(withMember({ rules: [{ remote: "sg-x" }] }), question({ remote: "192.0.2.30" }))).toBe(
      none,
    );
  });

  it("means intranet interfaces in a classic network, seen from one", () => {
    const asked = question({ remote: "192.0.2.20" });
    const rules = [{ remote: "sg-r" }, { remote: "sg-r", nicType: "internet" as const }];
    expect(ingress(withMember({ networks: "classic", rules }), asked)).toBe(taken);
    expect(
      ingress(withMember({ networks: "classic", rules, nicTypes: ["intranet", "internet"] }), asked),
    ).toBe(none);
    expect(
      ingress(withMember({ networks: "classic", rules, nicTypes: ["internet", "intranet"] }), asked),
    ).toBe(none);
  });
});

describe("nic types", () => {
  const rules = [{ remote: "198.51.100.0/24", nicType: "internet" as const }];
  it("a classic network's rules are those of the interface's type", () => {
    expect(ingress(withMember({ networks: "classic", rules, nicTypes: ["internet", "intranet"] }))).toBe(
      taken,
    );
    expect(ingress(withMember({ networks: "classic", rules }))).toBe(none);
  });

  it("a VPC's rules judge both alike", () => {
    const intranet = [{ remote: "198.51.100.0/24" }];
    expect(ingress(withMember({ rules: intranet, nicTypes: ["internet", "intranet"] }))).toBe(taken);
  });
});

describe("where no rule matches", () => {
  const fellow = question({ remote: "192.0.2.21" });

  it("members of one basic group reach each other", () => {
    expect(ingress(withMember(), fellow)).toBe("accept inner-access");
    expect(ingress(withMember({ judged: { innerAccess: "drop" } }), fellow)).toBe(none);
    expect(ingress(withMember({ judged: { type: "advanced" } }), fellow)).toBe(none);
  });

  it("inner access is the weakest rule of all", () => {
    const rules = [{ policy: "drop" as const, remote: "sg-t", priority: 100 }];
    expect(ingress(withMember({ rules }), fellow)).toBe("drop rule sg-t 0");
  });

  it("inner access means intranet interfaces in a classic network", () => {
    expect(ingress(withMember({ networks: "classic" }), fellow)).toBe("accept inner-access");
    expect(ingress(withMember({ networks: "classic", nicTypes: ["internet", "intranet"] }), fellow)).toBe(
      none,
    );
  });

  it("egress goes by defaultEgress, one group that says drop is enough", () => {
    const egress = (of: Model): string => evaluate(of, "eni-1", "egress", question(), 0).reason;
    expect(egress(bed())).toBe("default-egress");
    expect(egress(bed([], { group: { defaultEgress: "drop" } }))).toBe("default-drop");
    const both = model({
      groups: [group("sg-t"), group("sg-s", { defaultEgress: "drop" })],
      interfaces: [nic("eni-1", { mac: guestMac, addresses: ["192.0.2.11"], groups: ["sg-t", "sg-s"] })],
    });
    expect(egress(both)).toBe("default-drop");
  });

  it("a multicast sender's fellow is found by the sender's address", () => {
    expect(ingress(withMember(), question({ remote: "192.0.2.21", local: "224.0.0.251" }))).toBe(
      "accept inner-access",
    );
  });
});

describe("groups in mode observe", () => {
  const interfaces = [nic("eni-1", { mac: guestMac, addresses: ["192.0.2.11"], groups: ["sg-o", "sg-e"] })];
  const made = (
    observed: readonly RuleText[],
    enforced: readonly RuleText[],
    fields: Partial<Group> = {},
  ): Model =>
    model({
      groups: [
        group("sg-o", { mode: "observe", ...fields, rules: observed }),
        group("sg-e", { rules: enforced }),
      ],
      interfaces,
    });
  const deny = { policy: "drop", remote: "0.0.0.0/0" } as const;
  const allow = { remote: "0.0.0.0/0", priority: 5 } as const;

  it("what only they drop passes as observed, with the rule that would have dropped", () => {
    expect(ingress(made([deny], [allow]))).toBe("accept observed sg-o 0");
  });

  it("what enforcing groups drop too is dropped", () => {
    expect(ingress(made([deny], []))).toBe("drop rule sg-o 0");
    expect(ingress(made([], []))).toBe(none);
  });

  it("their accepts count", () => {
    expect(ingress(made([allow], []))).toBe("accept rule sg-o 0");
  });

  it("without enforcing groups nothing is dropped by rules", () => {
    const alone = bed([], { group: { mode: "observe" } });
    expect(ingress(alone)).toBe("accept observed");
    const strict = bed([], { group: { mode: "observe", defaultEgress: "drop" } });
    expect(evaluate(strict, "eni-1", "egress", question(), 0).reason).toBe("observed");
  });

  it("their default does not bind where others accept", () => {
    const of = made([], [], { defaultEgress: "drop" });
    expect(evaluate(of, "eni-1", "egress", question(), 0)).toEqual({
      verdict: "accept",
      reason: "observed",
      rule: null,
    });
  });
});

describe("reasons", () => {
  it("are the kernel's, by number", () => {
    const header = readFileSync(new URL("../../../bpf/include/layout.h", import.meta.url), "utf8");
    const written = [...header.matchAll(/^\s+REASON_(\w+) = (\d+),/gm)].map(([, name = "", number]) => [
      name.toLowerCase().replaceAll("_", "-"),
      Number(number),
    ]);
    expect(written).toEqual(reasons.map((reason, number) => [reason, number]));
    expect(reasonOf(1)).toBe("rule");
    expect(() => reasonOf(99)).toThrow(RangeError);
  });

  it("an interface that is not there is refused", () => {
    expect(() => evaluate(bed(), "eni-9", "egress", question(), 0)).toThrow('no interface "eni-9"');
  });
});
