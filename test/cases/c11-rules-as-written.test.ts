/** C11: rules as people write them. Each row alone is the only rule of `sg-t`. */
import { describe, expect, it } from "vitest";
import { type Diagnostic, formatDiagnostic } from "../../src/model/diagnostic.ts";
import { defaultLimits, type Rule } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";

/** What a row does not say: ingress, accept, TCP 80 from anywhere. */
const defaults = { protocol: "tcp", portRange: "80/80", remote: "0.0.0.0/0" };

function readRule(written: string): { rule: Rule | undefined; diagnostics: readonly Diagnostic[] } {
  const keys = new Set([...written.matchAll(/(\w+):(?= )/g)].map((match) => match[1]));
  const missing = Object.entries(defaults).filter(([key]) => !keys.has(key));
  const rest = missing.map(([key, value]) => `, ${key}: ${value}`).join("");
  const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, ${written}${rest}}
`;
  const { model, diagnostics } = parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits });
  return { rule: model?.groups.get("sg-t")?.rules[0], diagnostics };
}

describe("C11 rules as people write them: refused, with file, line and the right form", () => {
  it.each([
    ["remote: 192.0.2.7", "192.0.2.7/32"],
    ["remote: 2001:db8::7", "2001:db8::7/128"],
    ["portRange: 200/1", "1/200"],
    ["portRange: 80", "80/80"],
    ["portRange: 80-90", "80/90"],
    ['portRange: "80:90"', "80/90"],
    ["portRange: 80:90", "80/90"],
    ["portRange: -1/80", "1/80"],
    ["protocol: all, portRange: 80/80", "-1/-1"],
    ["protocol: icmp, portRange: 8/0", "-1/-1"],
    ["protocol: icmp, portRange: -1/-1, remote: ::/0", "icmpv6"],
    ["protocol: icmpv6, portRange: -1/-1, remote: 0.0.0.0/0", "icmp"],
    ["protocol: 6", "tcp"],
    ['protocol: "58"', "icmpv6"],
    ["protocol: TCP", "tcp"],
    ["protocol: sctp", "132"],
    ["protocol: vrrp", "112"],
    ["remote: ::ffff:198.51.100.0/120", "198.51.100.0/24"],
    ["protocol: icmp, portRange: -1/-1, sourcePortRange: 53/53", "-1/-1"],
  ])("%s: write %s", (written, right) => {
    const { rule, diagnostics } = readRule(written);
    expect(rule).toBeUndefined();
    expect(diagnostics.map(({ write }) => write)).toEqual([right]);
    expect(diagnostics.map(formatDiagnostic).join("\n")).toMatch(/^rules\.yaml:8:\d+: .*/);
    expect(diagnostics[0]?.message).toContain(`${right}\``);
  });

  it.each([
    ["portRange: 0/0", "ports are 1 to 65535"],
    ["portRange: 0/1023", "ports are 1 to 65535"],
    ["portRange: 1/65536", "ports are 1 to 65535"],
    ["protocol: icmp, portRange: 8/0", "a type is `icmpType: 8`"],
    [
      "protocol: icmp, portRange: -1/-1, icmpCode: 0",
      "a code needs its type".replace("a code", "`icmpCode`"),
    ],
    ["priority: 0", "from 1 (first) to 100"],
    ["priority: 101", "from 1 (first) to 100"],
    ["priority: 1.5", "from 1 (first) to 100"],
    ["priority: 110", "from 1 (first) to 100"],
  ])("%s: %s", (written, said) => {
    const { rule, diagnostics } = readRule(written);
    expect(rule).toBeUndefined();
    expect(diagnostics.map(({ message }) => message).join("\n")).toContain(said);
  });

  it("remote left out is never from everywhere", () => {
    const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups: {sg-t: {type: basic, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80}]}}
`;
    const { model, diagnostics } = parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits });
    expect(model).toBeNull();
    expect(diagnostics.map(({ code, place }) => [code, place?.line])).toEqual([["missing-key", 3]]);
    expect(diagnostics[0]?.message).toContain("`remote` is missing");
  });
});

describe("C11 rules as people write them: accepted", () => {
  it("10.0.0.1/8 is taken as 10.0.0.0/8, and said so", () => {
    const { rule, diagnostics } = readRule("remote: 10.0.0.1/8");
    const prefix = { family: 4, bits: 0x0a000000n, length: 8 };
    expect(rule?.remote).toEqual({ kind: "prefix", prefix });
    expect(diagnostics.map(({ code, severity, write }) => [code, severity, write])).toEqual([
      ["host-bits", "note", "10.0.0.0/8"],
    ]);
    expect(diagnostics[0]?.message).toContain("`10.0.0.1/8` is taken as 10.0.0.0/8");
  });

  it.each([
    ["portRange: 1/65535", { ports: { first: 1, last: 65535 } }],
    ["portRange: -1/-1", { ports: null }],
    ["protocol: 112, portRange: -1/-1", { protocol: 112, protocolNumber: 112, ports: null }],
    ["protocol: 50, portRange: -1/-1", { protocolNumber: 50 }],
    ["protocol: 0, portRange: -1/-1", { protocolNumber: 0 }],
    ["protocol: icmp, portRange: -1/-1, icmpType: 8", { icmpType: 8, icmpCode: null }],
    ["protocol: icmp, portRange: -1/-1, icmpType: 3, icmpCode: 4", { icmpType: 3, icmpCode: 4 }],
    ["sourcePortRange: 53/53", { sourcePorts: { first: 53, last: 53 } }],
    ["priority: 100", { priority: 100 }],
    ["description: web", { priority: 1, nicType: "intranet", expires: null, local: null, template: false }],
    ["priority: 110, template: true", { priority: 110, template: true }],
    ["template: true", { priority: 110 }],
  ])("%s", (written, expected) => {
    const { rule, diagnostics } = readRule(written);
    expect(diagnostics).toEqual([]);
    expect(rule).toMatchObject(expected);
  });

  it("the same rule twice", () => {
    const rule = "{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 10.0.0.0/8}";
    const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups: {sg-t: {type: basic, network: vpc-a, rules: [${rule}, ${rule}]}}
`;
    const { model, diagnostics } = parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits });
    expect(diagnostics).toEqual([]);
    expect(model?.groups.get("sg-t")?.rules.map(({ index }) => index)).toEqual([0, 1]);
  });
});
