import { describe, expect, it } from "vitest";
import { formatAddress } from "../../../src/model/cidr.ts";
import { formatDiagnostic } from "../../../src/model/diagnostic.ts";
import { describeRule } from "../../../src/model/rule.ts";
import { exampleRules } from "./example.ts";
import { errors, group, head, parse, withRule } from "./parse-fixture.ts";

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

describe("a number in quotes", () => {
  it.each([
    ['protocol: icmp, icmpType: "0"', "`icmpType`: the quotes make `0` a text: write `0`"],
    ['protocol: icmp, icmpType: "0x08"', "`icmpType`: the quotes make `0x08` a text: write `0x08`"],
    ['protocol: icmp, icmpType: "256"', "`icmpType`: `256` is not possible: write an ICMP type, 0 to 255"],
    ['protocol: tcp, portRange: 80/80, priority: "9"', "`priority`: the quotes make `9` a text: write `9`"],
  ])("%s: is told from one that is wrong", (fields, message) => {
    const rule = `{direction: ingress, policy: accept, ${fields}, remote: 0.0.0.0/0}`;
    const { diagnostics } = parse(group(`type: basic, network: vpc-a, rules: [${rule}]`));
    expect(diagnostics.map((one) => one.message)).toEqual([message]);
  });
});

describe("several prefixes in one", () => {
  it("are told to stand apart, not to lack a length", () => {
    const { diagnostics } = parse(withRule('remote: "10.0.0.0/8,192.168.0.0/16"'));
    expect(diagnostics.map((one) => one.message)).toEqual([
      "`10.0.0.0/8,192.168.0.0/16` are several: write each in a rule or an entry of its own",
    ]);
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
