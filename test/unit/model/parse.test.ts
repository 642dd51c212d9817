import { describe, expect, it } from "vitest";
import { formatAddress } from "../../../src/model/cidr.ts";
import { formatDiagnostic } from "../../../src/model/diagnostic.ts";
import { defaultLimits, type Limits } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { describeRule } from "../../../src/model/rule.ts";
import { exampleRules } from "./example.ts";

interface Extra {
  readonly limits?: Partial<Limits>;
  readonly host?: string;
}

function parse(texts: string | readonly string[], { limits = {}, host }: Extra = {}) {
  const files = [texts].flat().map((text, index) => ({ path: `${"abc"[index]}.yaml`, text }));
  const options = { limits: { ...defaultLimits, ...limits }, ...(host === undefined ? {} : { host }) };
  return parseModel(files, options);
}

/** Codes of the errors, in their order. */
function errors(texts: string | readonly string[], extra: Extra = {}): string[] {
  const { model, diagnostics } = parse(texts, extra);
  const found = diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
  expect(model === null).toBe(found.length > 0);
  return found;
}

const head = `version: 1
networks: {vpc-a: {type: vpc, gateways: [10.0.0.1]}, vpc-b: {type: vpc}, cl: {type: classic}}
`;
const group = (body: string, id = "sg-t") => `${head}groups:\n  ${id}: {${body}}\n`;
const withRule = (rule: string, type = "basic") =>
  group(
    `type: ${type}, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, ${rule}}]`,
  );

const groups = `groups:
  sg-t: {type: basic, network: vpc-a}
  sg-u: {type: basic, network: vpc-a}
  sg-adv: {type: advanced, network: vpc-a}
  sg-b: {type: basic, network: vpc-b}
  sg-cl: {type: basic, network: cl}
`;
/** Interfaces as one-line maps: each key that is not written has a legal value. */
function interfaces(...list: readonly string[]): string {
  const lines = list.map((written, index) => {
    const number = index + 1;
    const values = {
      device: `tap${number}`,
      network: "vpc-a",
      mac: `"02:00:00:00:01:0${number}"`,
      addresses: `[10.0.0.1${number}]`,
      groups: "[sg-t]",
    };
    const missing = Object.entries(values).filter(([key]) => !new RegExp(`\\b${key}:`).test(written));
    const rest = [...missing.map(([key, value]) => `${key}: ${value}`), written].filter(
      (part) => part !== "",
    );
    return `  i-${number}: {interfaces: {eni-${number}: {${rest.join(", ").replaceAll(/\w+: -(, )?/g, "")}}}}\n`;
  });
  return `${head}${groups}instances:\n${lines.join("")}`;
}

describe("the documentation's example", () => {
  it("is one model of two groups and two interfaces", () => {
    const { model, diagnostics } = parse(exampleRules);
    expect(diagnostics).toEqual([]);
    expect([...(model?.groups.keys() ?? [])]).toEqual(["sg-web", "sg-db"]);
    expect(model?.groups.get("sg-web")?.rules.map(describeRule)).toEqual([
      "ingress accept tcp 80/80 from 0.0.0.0/0",
      "ingress drop all from 198.51.100.0/24",
    ]);
    expect(model?.interfaces.get("eni-web-1")?.addresses.map(formatAddress)).toEqual([
      "10.0.0.11",
      "2001:db8::11",
    ]);
    expect(model?.interfaces.get("eni-db-1")?.hosts).toEqual(["kvm-8"]);
    expect(model?.groups.get("sg-web")?.rules[1]?.place).toEqual({ file: "a.yaml", line: 12, column: 9 });
  });

  it("is the same model in several files, in whatever order names are used", () => {
    const cut = exampleRules.indexOf("groups:");
    const instances = exampleRules.indexOf("instances:");
    const parts = [
      exampleRules.slice(0, cut),
      `version: 1\n${exampleRules.slice(instances)}`,
      `version: 1\n${exampleRules.slice(cut, instances)}`,
    ];
    const { model, diagnostics } = parse(parts);
    expect(diagnostics).toEqual([]);
    expect([...(model?.interfaces.keys() ?? [])]).toEqual(["eni-web-1", "eni-db-1"]);
  });

  it("without files is an empty model", () => {
    expect(parse([]).model?.groups.size).toBe(0);
  });
});

describe("what a group says", () => {
  it("has defaults by its type", () => {
    const groupOf = (body: string) => parse(group(body)).model?.groups.get("sg-t");
    expect(groupOf("type: basic, network: vpc-a")).toMatchObject({
      innerAccess: "accept",
      defaultEgress: "accept",
      mode: "enforce",
      isDefault: false,
      rules: [],
    });
    expect(groupOf("type: enterprise, network: vpc-a")).toMatchObject({
      type: "advanced",
      innerAccess: "drop",
    });
  });

  it.each([
    ["type: basic", ["missing-key"]],
    ["type: basik, network: vpc-a", ["wrong-value"]],
    ["type: basic, network: vpc-x", ["unknown-network"]],
    ["type: advanced, network: cl", ["advanced-group"]],
    ["type: advanced, network: vpc-a, innerAccess: accept", ["advanced-group"]],
    ['type: basic, network: vpc-a, name: "a\\nb"', ["bad-text"]],
    ["type: basic, network: vpc-a, tags: {a: [1]}", ["wrong-type"]],
    ["type: basic, network: vpc-a, tags: {__proto__: [1]}", ["wrong-type"]],
    [
      "type: basic, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: all, remote: ::/0, id: a}, {direction: egress, policy: accept, protocol: all, remote: ::/0, id: a}]",
      ["duplicate-id"],
    ],
  ])("{%s} is refused: %j", (body, codes) => {
    expect(errors(group(body))).toEqual(codes);
  });

  it.each(["__proto__", "constructor", "toString"])("an id %s is harmless and refused", (id) => {
    expect(errors(group("type: basic, network: vpc-a", id))).toEqual(["bad-id"]);
    expect(errors(`${head}${id}: 1\n`)).toEqual(["unknown-key"]);
  });
});

describe("what a rule says", () => {
  it.each([
    ["remote: sg-t", []],
    ["remote: sg-x", ["unknown-group"]],
    ["remote: pl-x", ["unknown-prefix-list"]],
    ["remote: anywhere", ["bad-remote"]],
    ["remote: 0.0.0.0/0, nicType: internet", ["nic-type"]],
    ["remote: 0.0.0.0/0, local: 2001:db8::/32", ["bad-family"]],
    ["remote: 0.0.0.0/0, local: sg-t", ["bad-prefix"]],
    ["remote: 0.0.0.0/0, icmpType: 8", ["bad-icmp"]],
    ["remote: 0.0.0.0/0, expires: 2031-12-31T18:00:00Z", []],
    ["remote: 0.0.0.0/0, expires: soon", ["bad-time"]],
    ["remote: 0.0.0.0/0, template: true, priority: 10", ["bad-priority"]],
    ["remote: 0.0.0.0/0, direktion: x", ["unknown-key"]],
  ])("{%s}: %j", (rule, codes) => {
    expect(errors(withRule(rule))).toEqual(codes);
  });

  it.each([
    ["remote: 0.0.0.0/0", []],
    ["remote: 0.0.0.0/0, priority: 1, template: true", []],
    ["remote: 0.0.0.0/0, priority: 2", ["advanced-group"]],
    ["remote: sg-t", ["advanced-group"]],
  ])("in an advanced group {%s}: %j", (rule, codes) => {
    expect(errors(withRule(rule, "advanced"))).toEqual(codes);
    expect(errors(withRule(rule, "advanced").replace("policy: accept", "policy: drop"))).toEqual([
      "advanced-group",
      ...codes,
    ]);
  });

  it("of a classic network may speak for internet interfaces", () => {
    const text = withRule("remote: 0.0.0.0/0, nicType: internet").replace("network: vpc-a", "network: cl");
    expect(errors(text)).toEqual([]);
  });

  it("names a group of its own network only", () => {
    const rule = "{direction: ingress, policy: accept, protocol: all, remote: sg-b}";
    const text = `${head}groups:\n  sg-a: {type: basic, network: vpc-a, rules: [${rule}]}\n  sg-b: {type: basic, network: vpc-b}\n`;
    expect(errors(text)).toEqual(["other-network"]);
    expect(parse(text).diagnostics.map(formatDiagnostic).join()).toContain("the group is at a.yaml:5:3");
  });

  it("every fault of every rule is said at once", () => {
    const rules = [
      "portRange: 80, remote: 10.0.0.1",
      "portRange: 1/2, remote: ::/0, priority: 0, x: 1",
      "remote: pl-x, portRange: 0/0",
    ];
    const list = rules
      .map((rule) => `{direction: ingress, policy: accept, protocol: tcp, ${rule}}`)
      .join(", ");
    expect(errors(group(`type: basic, network: vpc-a, rules: [${list}]`)).sort()).toEqual(
      ["bad-ports", "bad-prefix", "bad-ports", "bad-priority", "unknown-key", "unknown-prefix-list"].sort(),
    );
  });

  it.each([
    ["protocol: tcp, portRange: [80]", ["wrong-type"]],
    ["protocol: icmp, icmpType: [8], icmpCode: 0", ["wrong-type"]],
    ["protocol: tcp", ["missing-key"]],
    ["protocol: icmp, icmpCode: 0", ["bad-icmp"]],
  ])("%s: what stands there in another form is not said to be missing", (fields, codes) => {
    const rule = `{direction: ingress, policy: accept, ${fields}, remote: 0.0.0.0/0}`;
    expect(errors(group(`type: basic, network: vpc-a, rules: [${rule}]`))).toEqual(codes);
  });
});

describe("the version", () => {
  it.each([
    ["", "`version` is missing: write `version: 1` as the first line"],
    ["version: 2\n", "`version`: `2` is not known: write `1`"],
    ['version: "1"\n', "`version`: the quotes make `1` a text: write `1`"],
  ])("%j is refused with the right one", (text, message) => {
    expect(parse(text).diagnostics.map((one) => one.message)).toEqual([message]);
  });
});

describe("what a network and a prefix list say", () => {
  it.each([
    ["networks: {n: {type: vpc, gateways: [10.0.0.1/24]}}", ["bad-address"]],
    ["networks: {n: {type: vpc, gateways: [10.0.0.1, 10.0.0.1]}}", ["listed-twice"]],
    ["networks: {n: {forwarding: kernel}}", ["missing-key"]],
    ["networks: [n]", ["wrong-type"]],
    ["networks:", ["wrong-type"]],
    ["prefixLists: {pl-a: {family: ipv4, entries: [{cidr: 10.0.0.0/8}, {cidr: 10.0.0.0/8}]}}", []],
    ["prefixLists: {pl-a: {family: ipv4, entries: [{cidr: ::/0}]}}", ["bad-family"]],
    ["prefixLists: {pl-a: {family: ipv4, entries: [10.0.0.0/8]}}", ["wrong-type"]],
    [
      "prefixLists: {pl-a: {family: ipv4, maxEntries: 1, entries: [{cidr: 10.0.0.0/8}, {cidr: 11.0.0.0/8}]}}",
      ["limit"],
    ],
    ["prefixLists: {pl-a: {family: ipv4, maxEntries: 1001, entries: []}}", ["limit"]],
    ["prefixLists: {a: {family: ipv4, entries: []}}", ["bad-id"]],
  ])("%s: %j", (text, codes) => {
    expect(errors(`version: 1\n${text}\n`)).toEqual(codes);
  });
});

describe("what an interface says", () => {
  it("has defaults", () => {
    expect(parse(interfaces("")).model?.interfaces.get("eni-1")).toMatchObject({
      instance: "i-1",
      hosts: [],
      nicType: "intranet",
      antiSpoofing: true,
      allowedAddressPairs: [],
      vlans: [],
      etherTypes: [],
      sessions: null,
    });
  });

  it("takes all that is legal", () => {
    const written =
      "mac: 02:00:00:00:01:01, host: [kvm-1, kvm-2], antiSpoofing: observe, vlans: [1, 4094], etherTypes: [0x88cc, 34958], " +
      'allowedAddressPairs: [{address: 10.9.0.0/16}, {address: 10.0.0.9, mac: "02:00:00:00:09:09"}], ' +
      "sessions: {established: 1024, answered: 512, opening: 4096}";
    const { model, diagnostics } = parse(interfaces(written));
    expect(diagnostics).toEqual([]);
    expect(model?.interfaces.get("eni-1")).toMatchObject({
      hosts: ["kvm-1", "kvm-2"],
      antiSpoofing: "observe",
      vlans: [1, 4094],
      etherTypes: [0x88cc, 34958],
      sessions: { established: 1024, answered: 512, opening: 4096 },
      allowedAddressPairs: [
        { prefix: { length: 16 }, mac: null },
        { prefix: { length: 32 }, mac: 0x020000000909n },
      ],
    });
  });

  it.each([
    ["addresses: [10.0.0.1]", ["gateway-address"]],
    ["allowedAddressPairs: [{address: 10.0.0.1}]", ["gateway-address"]],
    ["addresses: [10.0.0.9, 10.0.0.9]", ["listed-twice"]],
    ["addresses: [224.0.0.1]", ["bad-address"]],
    ["addresses: [127.0.0.1]", ["bad-address"]],
    ["addresses: [ff02::1]", ["bad-address"]],
    ["addresses: [::ffff:10.0.0.9]", ["mapped-address"]],
    ["addresses: -", ["missing-key"]],
    ["groups: [sg-x]", ["unknown-group"]],
    ["groups: [sg-b]", ["other-network"]],
    ["groups: [sg-t, sg-adv]", ["mixed-group-types"]],
    ["groups: [sg-t, sg-t]", ["listed-twice"]],
    ["device: a-name-too-long1", ["bad-device"]],
    ["device: a/b", ["bad-device"]],
    ['mac: "03:00:00:00:00:01"', ["bad-mac"]],
    ["nicType: internet", ["nic-type"]],
    ["nicType: internet, network: cl, groups: [sg-cl]", []],
    ["vlans: [0]", ["wrong-value"]],
    ["vlans: [5, 5]", ["listed-twice"]],
    ["etherTypes: [0x0800]", ["bad-vlan"]],
    ["etherTypes: [0x8100]", ["bad-vlan"]],
    ["etherTypes: [0x05ff]", ["wrong-value"]],
    ["host: [a, a]", ["listed-twice"]],
    ["host: []", ["wrong-value"]],
    ["sessions: {established: 1024, answered: 100, opening: 512}", ["wrong-value"]],
    ["antiSpoofing: off", ["wrong-type"]],
  ])("{%s}: %j", (written, codes) => {
    expect(errors(interfaces(written))).toEqual(codes);
  });

  it("is one of an instance that has some", () => {
    expect(errors(`${head}instances: {i-1: {interfaces: {}}}\n`)).toEqual(["wrong-value"]);
    expect(errors(`${head}instances: {i-1: {}}\n`)).toEqual(["missing-key"]);
  });
});

describe("what has to hold between interfaces", () => {
  it.each([
    [["device: tap9", "device: tap9"], ["device-twice"]],
    [["device: tap9, host: kvm-1", "device: tap9, host: kvm-2"], []],
    [["device: tap9, host: [kvm-1, kvm-2]", "device: tap9, host: kvm-2"], ["device-twice"]],
    [['mac: "02:00:00:00:09:09"', 'mac: "02:00:00:00:09:09"'], ["mac-twice"]],
    [['mac: "02:00:00:00:09:09"', 'mac: "02:00:00:00:09:09", network: vpc-b, groups: [sg-b]'], []],
    [["addresses: [10.9.9.9]", "addresses: [10.9.9.9]"], ["address-twice"]],
    [["addresses: [2001:db8::9]", "addresses: [2001:DB8:0::9]"], ["address-twice"]],
    [["addresses: [10.9.9.9]", "addresses: [10.9.9.9], network: vpc-b, groups: [sg-b]"], []],
    [["", "addresses: [fe80::ff:fe00:101]"], ["address-twice"]],
  ])("%j: %j", (list, codes) => {
    expect(errors(interfaces(...list))).toEqual(codes);
  });

  it("this host by name and by no name is one host", () => {
    const text = interfaces("device: tap9", "device: tap9, host: kvm-7");
    expect(errors(text)).toEqual([]);
    expect(errors(text, { host: "kvm-7" })).toEqual(["device-twice"]);
  });

  it("an id twice names both places, in whatever files", () => {
    const { diagnostics } = parse([
      interfaces(""),
      "version: 1\ninstances:\n  i-9: {interfaces: {eni-1: {}}}\n",
    ]);
    expect(diagnostics.map(formatDiagnostic)[0]).toMatch(
      /^b\.yaml:3:22: the interface `eni-1` is declared twice.*; the first one is at a\.yaml:\d+:\d+$/,
    );
  });
});

describe("the default group", () => {
  it("is made where an interface names none: basic, open for ICMP, 22 and 3389, all at 110", () => {
    const { model, diagnostics } = parse(interfaces("groups: []", "groups: -"));
    expect(diagnostics).toEqual([]);
    expect(model?.interfaces.get("eni-1")?.groups).toEqual(["sg-default-vpc-a"]);
    expect(model?.interfaces.get("eni-2")?.groups).toEqual(["sg-default-vpc-a"]);
    const made = model?.groups.get("sg-default-vpc-a");
    expect(made).toMatchObject({ type: "basic", isDefault: true, innerAccess: "accept", place: null });
    expect(
      made?.rules.every(
        ({ priority, template, policy }) => priority === 110 && template && policy === "accept",
      ),
    ).toBe(true);
    expect(made?.rules.map(describeRule)).toEqual([
      "ingress accept icmp from 0.0.0.0/0",
      "ingress accept tcp 22/22 from 0.0.0.0/0",
      "ingress accept tcp 3389/3389 from 0.0.0.0/0",
      "ingress accept icmpv6 from ::/0",
      "ingress accept tcp 22/22 from ::/0",
      "ingress accept tcp 3389/3389 from ::/0",
      "egress accept all to 0.0.0.0/0",
      "egress accept all to ::/0",
    ]);
  });

  it("is the declared one, whose rules may have 110", () => {
    const rule = "{direction: ingress, policy: accept, protocol: all, remote: ::/0, priority: 110}";
    const text = interfaces("groups: -").replace(
      "network: vpc-a}",
      `network: vpc-a, default: true, rules: [${rule}]}`,
    );
    const { model, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(model?.interfaces.get("eni-1")?.groups).toEqual(["sg-t"]);
  });

  it("is one for each network, and has its name to itself", () => {
    const two = interfaces("").replaceAll("network: vpc-a}", "network: vpc-a, default: true}");
    expect(errors(two)).toContain("default-group");
    const taken = interfaces("groups: -").replace("sg-u:", "sg-default-vpc-a:");
    expect(errors(taken)).toEqual(["default-group"]);
  });

  it("judges internet interfaces of a classic network as well", () => {
    const { model } = parse(interfaces("nicType: internet, network: cl, groups: -"));
    const rules = model?.groups.get("sg-default-cl")?.rules ?? [];
    expect(rules.filter(({ nicType }) => nicType === "internet")).toHaveLength(rules.length / 2);
  });
});

describe("limits", () => {
  const rules = (count: number) =>
    Array.from(
      { length: count },
      (_, index) => `{direction: ingress, policy: accept, protocol: all, remote: 10.0.${index}.0/24}`,
    ).join(", ");
  const member = (groupsOf: string, count = 3) =>
    interfaces(`groups: [${groupsOf}]`)
      .replace(
        "sg-t: {type: basic, network: vpc-a}",
        `sg-t: {type: basic, network: vpc-a, rules: [${rules(count)}]}`,
      )
      .replace(
        "sg-u: {type: basic, network: vpc-a}",
        `sg-u: {type: basic, network: vpc-a, rules: [${rules(count)}]}`,
      );

  it.each<[string, Partial<Limits>, string]>([
    [
      member("sg-t"),
      { rulesPerGroup: 2 },
      "`rulesPerGroup` (rules per group) of 2: rules of `sg-t`: 3 asked",
    ],
    [
      member("sg-t, sg-u"),
      { rulesPerInterface: 5 },
      "`rulesPerInterface` (rules per interface, all its groups together) of 5: rules of `eni-1`'s groups (sg-t, sg-u): 6 asked",
    ],
    [
      member("sg-t, sg-u"),
      { groupsPerInterface: 1 },
      "`groupsPerInterface` (groups per interface) of 1: groups of this interface: 2 asked",
    ],
    [
      member("sg-t, sg-u"),
      { prefixesPerPolicy: 2 },
      "`prefixesPerPolicy` (distinct prefixes per policy) of 2: prefixes of `eni-1`'s groups (sg-t, sg-u): 3 asked",
    ],
    [
      interfaces("", "", ""),
      { addressesPerBasicGroup: 2 },
      "`addressesPerBasicGroup` (addresses per basic group) of 2: addresses of `sg-t`'s members: 3 asked",
    ],
    [
      interfaces("groups: [sg-adv]", "groups: [sg-adv]"),
      { addressesPerAdvancedGroup: 1 },
      "`addressesPerAdvancedGroup` (addresses per advanced group) of 1: addresses of `sg-adv`'s members: 2 asked",
    ],
    [
      "version: 1\nprefixLists: {pl-a: {family: ipv4, entries: [{cidr: 10.0.0.0/8}, {cidr: 11.0.0.0/8}]}}\n",
      { entriesPerPrefixList: 1 },
      "`entriesPerPrefixList` (entries per prefix list) of 1: entries of pl-a: 2 asked",
    ],
  ])(
    "%#: over one the change is refused, naming it, its value and what was asked",
    (text, limits, message) => {
      expect(errors(text)).toEqual([]);
      const { model, diagnostics } = parse(text, { limits });
      expect(model).toBeNull();
      expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain("limit");
      expect(diagnostics.map((diagnostic) => diagnostic.message).join("\n")).toContain(message);
    },
  );

  it("are reached without complaint", () => {
    const limits = {
      rulesPerGroup: 3,
      rulesPerInterface: 6,
      groupsPerInterface: 2,
      prefixesPerPolicy: 3,
      addressesPerBasicGroup: 1,
    };
    expect(errors(member("sg-t, sg-u"), { limits })).toEqual([]);
  });
});
