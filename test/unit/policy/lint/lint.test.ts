import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultLimits, type Model } from "../../../../src/model/model.ts";
import { parseModel } from "../../../../src/model/parse.ts";
import { type Finding, lintCodes } from "../../../../src/policy/lint/finding.ts";
import { lint } from "../../../../src/policy/lint/lint.ts";

const now = Date.UTC(2026, 0, 1) / 1000;

function read(text: string): Model {
  const { model, diagnostics } = parseModel([{ path: "rules.yaml", text }], {
    limits: { ...defaultLimits, rulesPerGroup: 1000 },
  });
  if (model === null) throw new Error(JSON.stringify(diagnostics));
  return model;
}

const head = `version: 1
networks: {n: {type: vpc}}
prefixLists:
  pl-empty: {family: ipv4, entries: []}
  pl-4: {family: ipv4, entries: [{cidr: 203.0.113.0/24}]}
  pl-6: {family: ipv6, entries: [{cidr: "2001:db8:5::/48"}]}
  pl-all: {family: ipv4, entries: [{cidr: 0.0.0.0/1}, {cidr: 128.0.0.0/1}]}
groups:
  sg-peer: {type: basic, network: n, innerAccess: drop}
  sg-nobody: {type: basic, network: n, innerAccess: drop}
`;
const instances = `instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: n, mac: "02:00:00:00:00:01", addresses: [10.0.0.1, "2001:db8::1"], groups: [sg-t]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: n, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-peer]}}}
`;

/** A group of these rules that is as it should be otherwise. */
function shop(rules: readonly string[], group = "innerAccess: drop"): Model {
  const lines = rules.map((rule) => `      - {${rule}}\n`).join("");
  return read(
    `${head}  sg-t:\n    type: basic\n    network: n\n    ${group}\n    rules:\n${lines}${instances}`,
  );
}

const said = (of: Model): readonly Finding[] => lint(of, { now }).findings;
const brief = (of: Model): string[] => said(of).map(({ code, severity }) => `${code} ${severity}`);

const ingress = "direction: ingress, policy: accept";

describe("lint says what good practice is against", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "SSH open to everyone",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: 0.0.0.0/0`,
      ["open-to-world warning"],
    ],
    [
      "SSH open to everyone in IPv6",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: "::/0"`,
      ["open-to-world warning"],
    ],
    [
      "SSH open to nearly everyone",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: 128.0.0.0/2`,
      ["open-to-world warning"],
    ],
    [
      "SSH open to a list of all halves",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: pl-all`,
      ["open-to-world warning"],
    ],
    [
      "a web server, which is public by nature",
      `${ingress}, protocol: tcp, portRange: 443/443, remote: 0.0.0.0/0`,
      ["open-to-world note"],
    ],
    ["SSH for an office", `${ingress}, protocol: tcp, portRange: 22/22, remote: 203.0.113.0/24`, []],
    ["SSH for a private network", `${ingress}, protocol: tcp, portRange: 22/22, remote: 10.0.0.0/8`, []],
    ["SSH for private IPv6", `${ingress}, protocol: tcp, portRange: 22/22, remote: "fc00::/7"`, []],
    ["SSH for a group", `${ingress}, protocol: tcp, portRange: 22/22, remote: sg-peer`, []],
    [
      "a few ports",
      `${ingress}, protocol: tcp, portRange: 8080/8089, remote: 10.0.0.0/8`,
      ["port-range note"],
    ],
    [
      "many ports for everyone",
      `${ingress}, protocol: udp, portRange: 1024/2047, remote: 0.0.0.0/0`,
      ["open-to-world warning", "port-range warning"],
    ],
    [
      "every port of TCP",
      `${ingress}, protocol: tcp, portRange: -1/-1, remote: 10.0.0.0/8`,
      ["port-range warning"],
    ],
    [
      "everything from everyone",
      `${ingress}, protocol: all, portRange: -1/-1, remote: 0.0.0.0/0`,
      ["accept-everything warning"],
    ],
    [
      "everything from a group",
      `${ingress}, protocol: all, portRange: -1/-1, remote: sg-peer`,
      ["accept-everything note"],
    ],
    [
      "everything out, which is the default",
      "direction: egress, policy: accept, protocol: all, portRange: -1/-1, remote: 0.0.0.0/0",
      ["accept-everything note", "redundant warning"],
    ],
    [
      "a drop where nothing is open",
      "direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 0.0.0.0/0",
      ["redundant warning"],
    ],
    [
      "a drop of an empty list",
      "direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: pl-empty",
      ["empty-remote warning"],
    ],
    [
      "an accept of a group without members",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: sg-nobody`,
      ["empty-remote note"],
    ],
    [
      "ICMP from a list of IPv6",
      `${ingress}, protocol: icmp, portRange: -1/-1, remote: pl-6`,
      ["other-family warning"],
    ],
    [
      "ICMPv6 from a list of IPv4",
      `${ingress}, protocol: icmpv6, portRange: -1/-1, remote: pl-4`,
      ["other-family warning"],
    ],
    [
      "a local prefix of another family than the list",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: pl-4, local: "2001:db8::/32"`,
      ["other-family warning"],
    ],
    [
      "senders that are multicast",
      `direction: ingress, policy: drop, protocol: all, portRange: -1/-1, remote: 224.0.0.0/4`,
      ["never-judged warning"],
    ],
    [
      "a rule that has expired",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: 0.0.0.0/0, expires: "2025-12-31T23:59:59Z"`,
      ["expired warning"],
    ],
    [
      "a rule that will expire",
      `${ingress}, protocol: tcp, portRange: 22/22, remote: 10.0.0.0/8, expires: "2027-01-01T00:00:00Z"`,
      [],
    ],
    ["GRE from a peer", `${ingress}, protocol: gre, portRange: -1/-1, remote: 198.51.100.1/32`, []],
  ];
  it.each(cases)("%s", (_name, rule, codes) => {
    expect(brief(shop([rule]))).toEqual(codes);
  });

  it("a rule that others decide, with their place and who they are", () => {
    const tcp = "protocol: tcp, portRange: 22/22";
    const of = shop([
      `direction: ingress, policy: drop, ${tcp}, remote: 10.0.0.0/9`,
      `${ingress}, ${tcp}, remote: 10.1.0.0/16, priority: 2`,
      `${ingress}, ${tcp}, remote: 10.0.0.0/8, priority: 3`,
    ]);
    expect(said(of)).toMatchObject([
      {
        code: "shadowed",
        place: { file: "rules.yaml", line: 17 },
        group: "sg-t",
        rule: { index: 1, policy: "accept" },
        message: "never takes effect: rule 0 (line 16) drops all that it matches first",
        better: {
          text: "take it out, or give it a smaller priority number if it is meant to win",
          command: "ringwall rule remove sg-t 1",
        },
        related: [{ rule: { index: 0 }, place: { line: 16 } }],
      },
    ]);
  });

  it("keeps a rule beside one that accepts everything: that is the one to narrow", () => {
    const of = shop([
      `${ingress}, protocol: tcp, portRange: 5432/5432, remote: sg-peer`,
      `${ingress}, protocol: all, portRange: -1/-1, remote: 10.0.0.0/8, priority: 9`,
      `${ingress}, protocol: all, portRange: -1/-1, remote: "fe80::/10", priority: 9`,
    ]);
    const [first] = said(of).filter(({ code }) => code === "redundant");
    expect(first).toMatchObject({ severity: "note", rule: { index: 0 }, better: { command: null } });
    expect(first?.better?.text).toContain("narrow rule 1");
  });

  it("writes the better rule as a line that the rules file takes", () => {
    const of = shop([
      `id: r-1, ${ingress}, protocol: tcp, portRange: 1/1023, sourcePortRange: 1/1023, remote: 0.0.0.0/0, priority: 7, description: "a: b"`,
    ]);
    const findings = said(of);
    expect(findings.length).toBe(2);
    for (const { better } of findings) {
      const again = shop([better?.yaml?.slice(1, -1) ?? ""]).groups.get("sg-t")?.rules[0];
      expect(again).toMatchObject({ id: "r-1", priority: 7, description: "a: b" });
      expect(better?.command).toContain("ringwall rule modify sg-t r-1 --");
    }
  });
});

describe("the codes of lint", () => {
  it("docs/lint.md has each, with the severities that it can have, and no other", () => {
    const rows = [
      ...readFileSync("docs/lint.md", "utf8").matchAll(/^\| `([a-z-]+)` \|.*\| ([a-z, ]+) \|$/gm),
    ];
    expect(rows.map(([, code]) => code).sort()).toEqual(Object.keys(lintCodes).sort());
    for (const [, code, severities] of rows) {
      expect(severities?.split(", ")[0]).toBe(lintCodes[code as keyof typeof lintCodes].severity);
    }
  });
});

describe("lint looks at groups and networks", () => {
  const rule = `${ingress}, protocol: tcp, portRange: 22/22, remote: 203.0.113.0/24`;
  it("a group whose ingress does not begin with dropping all", () => {
    expect(brief(shop([rule], "innerAccess: accept"))).toEqual(["no-drop-first note"]);
  });

  it("is content with a drop of all in the place of inner access", () => {
    const drop = "direction: ingress, policy: drop, protocol: all, portRange: -1/-1, priority: 100";
    const both = [`${drop}, remote: 0.0.0.0/0`, `${drop}, remote: "::/0"`];
    expect(brief(shop([rule, ...both], "innerAccess: accept"))).toEqual([]);
    expect(brief(shop([rule, `${drop}, remote: sg-t`], "innerAccess: accept"))).toEqual([]);
    expect(brief(shop([rule, `${drop}, remote: 0.0.0.0/0`], "innerAccess: accept"))).toEqual([
      "no-drop-first note",
    ]);
  });

  const many = (groupOf: (index: number) => string): string =>
    Array.from(
      { length: 6 },
      (_, index) =>
        `  i-${index}: {interfaces: {eni-${index}: {device: tap${index}, network: n, mac: "02:00:00:00:00:1${index}", addresses: [10.0.0.1${index}], groups: [${groupOf(index)}]}}}\n`,
    ).join("");
  const group = (id: string): string => `  ${id}: {type: basic, network: n, innerAccess: drop}\n`;

  it("one group for everything", () => {
    const of = read(`${head}${group("sg-t")}instances:\n${many(() => "sg-t")}`);
    expect(brief(of)).toEqual(["one-group note"]);
  });

  it("a group for each instance", () => {
    const ids = Array.from({ length: 6 }, (_, index) => `sg-${index}`);
    const of = read(`${head}${ids.map(group).join("")}instances:\n${many((index) => `sg-${index}`)}`);
    expect(brief(of)).toEqual(["group-per-instance note"]);
    const roles = read(`${head}${ids.map(group).join("")}instances:\n${many((index) => `sg-${index % 2}`)}`);
    expect(brief(roles)).toEqual([]);
  });

  it("hundreds of rules on one interface", () => {
    const rules = Array.from(
      { length: 200 },
      (_, index) => `${ingress}, protocol: tcp, portRange: 22/22, remote: 203.0.${index}.0/25`,
    );
    expect(brief(shop(rules.slice(1)))).toEqual([]);
    expect(said(shop(rules))).toMatchObject([{ code: "many-rules", interfaces: ["eni-1"] }]);
  });

  it("an interface that may take a member's address", () => {
    const free = instances.replace("groups: [sg-peer]", "groups: [sg-peer], antiSpoofing: false");
    const trusting = `  sg-t: {type: basic, network: n, innerAccess: drop, rules: [{${ingress}, protocol: tcp, portRange: 22/22, remote: sg-peer}]}\n`;
    expect(said(read(`${head}${trusting}${free}`))).toMatchObject([
      { code: "unprotected-interface", interfaces: ["eni-2"], better: { yaml: "antiSpoofing: true" } },
    ]);
    expect(brief(read(`${head}${group("sg-t")}${free}`))).toEqual([]);
  });

  it("the default group that had to be made", () => {
    const of = read(
      "version: 1\nnetworks: {n: {type: vpc}}\ninstances:\n" +
        '  i-1: {interfaces: {eni-1: {device: tap1, network: n, mac: "02:00:00:00:00:01", addresses: [10.0.0.1]}}}\n',
    );
    const warnings = said(of).filter(({ severity }) => severity === "warning");
    expect(warnings.map(({ code, group: id, message }) => `${code} ${id} ${message}`)).toEqual([
      "open-to-world sg-default-n opens tcp 22 (SSH) to 0.0.0.0/0",
      "open-to-world sg-default-n opens tcp 3389 (Remote Desktop) to 0.0.0.0/0",
      "open-to-world sg-default-n opens tcp 22 (SSH) to ::/0",
      "open-to-world sg-default-n opens tcp 3389 (Remote Desktop) to ::/0",
    ]);
  });
});
