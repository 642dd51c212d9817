import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../src/model/diagnostic.ts";
import type { Limits } from "../../../src/model/model.ts";
import { describeRule } from "../../../src/model/rule.ts";
import { errors, head, interfaces, parse } from "./parse-fixture.ts";

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

  it.each([
    [["device: tap9", "addresses: [10.9.9.9], device: tap9"], "tap9"],
    [['mac: "02:00:00:00:09:09"', 'vlans: [5], mac: "02:00:00:00:09:09"'], '"02:'],
    [["addresses: [10.9.9.9]", "addresses: [10.9.9.7, 10.9.9.9]"], "10.9.9.9"],
    [["", "addresses: [10.9.9.7, fe80::ff:fe00:101]"], "fe80"],
  ])("%j is said where it is written", (list, word) => {
    const text = interfaces(...list);
    const [found] = parse(text).diagnostics;
    const { line = 0, column = 0 } = found?.place ?? {};
    expect(line).toBe(text.split("\n").length - 1);
    expect(text.split("\n")[line - 1]?.slice(column - 1)).toMatch(new RegExp(`^${word}`));
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
