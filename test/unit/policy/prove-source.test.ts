import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interface, Model, Rule } from "../../../src/model/model.ts";
import { identityOf } from "../../../src/policy/identity.ts";
import { proveResolved } from "../../../src/policy/prove-source.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { OrderedRule, PolicySide, PolicySource, Resolved } from "../../../src/policy/types.ts";
import { seed } from "../../support/seed.ts";
import { arbitraryModel } from "./compile-arbitrary.ts";
import {
  address,
  group,
  iface,
  model,
  network,
  prefix,
  prefixList,
  remote,
  rule,
  tcp,
} from "./compile-fixture.ts";

console.log(`prove-source.test.ts: RINGWALL_SEED=${seed}`);

const subject: Model = model({
  networks: [network("vpc-a", { gateways: [address("10.0.0.254")] })],
  prefixLists: [prefixList("pl-a", 4, ["198.51.100.0/24", "203.0.113.0/25"])],
  groups: [
    group("sg-a", [
      tcp(80, 80, { priority: 2 }),
      rule({ policy: "drop", priority: 2, remote: remote("pl-a") }),
      tcp(22, 22, { remote: remote("sg-b") }),
      rule({ direction: "egress", policy: "drop" }),
    ]),
    group("sg-b", [tcp(443, 443)], { mode: "observe", defaultEgress: "drop" }),
    group("sg-c", [tcp(9, 9)]),
  ],
  interfaces: [
    iface(1, ["sg-a", "sg-b"], ["10.0.0.1", "2001:db8::1"]),
    iface(2, ["sg-c"], ["10.0.0.2"], { hosts: ["kvm-1", "kvm-2"] }),
    iface(3, ["sg-c"], ["10.0.0.3"], { hosts: ["kvm-2"] }),
  ],
});
const resolved = resolve(subject, { host: "kvm-1" });

type Mutation = (resolved: Resolved) => Resolved;

/** A change of eni-1's policy. */
const ofPolicy =
  (change: (source: PolicySource) => Partial<PolicySource>): Mutation =>
  (before) => {
    const key = before.interfaces[0]?.policy ?? 0n;
    const policies = [...before.policies].map(
      ([each, source]) => [each, each === key ? { ...source, ...change(source) } : source] as const,
    );
    return { ...before, policies: new Map(policies) };
  };

const ofIngress = (change: (side: PolicySide) => Partial<PolicySide>): Mutation =>
  ofPolicy(({ sides }) => ({ sides: { ...sides, ingress: { ...sides.ingress, ...change(sides.ingress) } } }));

const number = (rules: readonly OrderedRule[]) => rules.map((each, place) => ({ ...each, number: place }));

const mutations: readonly (readonly [string, Mutation, RegExp])[] = [
  [
    "accept before drop at equal priority",
    ofIngress(({ rules }) => {
      const rank = ({ rule: { priority, policy } }: OrderedRule) =>
        priority * 2 + (policy === "drop" ? 1 : 0);
      return { rules: number([...rules].sort((a, b) => rank(a) - rank(b))) };
    }),
    /an accept stands before a drop/,
  ],
  [
    "the largest priority first",
    ofIngress(({ rules }) => ({
      rules: number([...rules].sort((a, b) => b.rule.priority - a.rule.priority)),
    })),
    /priority 2 stands before 1/,
  ],
  [
    "numbers from 1",
    ofIngress(({ rules }) => ({ rules: rules.map((each) => ({ ...each, number: each.number + 1 })) })),
    /rule 0 has number 1/,
  ],
  [
    "a rule left out",
    ofIngress(({ rules }) => ({ rules: number(rules.slice(1)) })),
    /has 3 rules instead of 4/,
  ],
  [
    "a rule twice, another left out",
    ofIngress(({ rules }) => ({ rules: number([...rules.slice(0, -1), ...rules.slice(0, 1)]) })),
    /that does not judge it|stands before/,
  ],
  [
    "a rule of the other direction",
    ofPolicy(({ sides }) => ({
      sides: {
        ...sides,
        ingress: {
          ...sides.ingress,
          rules: number([...sides.ingress.rules.slice(1), ...sides.egress.rules]),
        },
      },
    })),
    /that does not judge it/,
  ],
  [
    "an observing rule that enforces",
    ofIngress(({ rules }) => ({ rules: rules.map((each) => ({ ...each, enforced: true })) })),
    /sg-b enforces, or does not, by mistake/,
  ],
  [
    "a prefix list without its last entry",
    ofIngress(({ rules }) => ({
      rules: rules.map((each) =>
        each.remote.kind === "prefixes" && each.remote.prefixes.length === 2
          ? { ...each, remote: { ...each.remote, prefixes: each.remote.prefixes.slice(1) } }
          : each,
      ),
    })),
    /the remote of rule 1 of sg-a means something else/,
  ],
  [
    "another group as remote",
    ofIngress(({ rules }) => ({
      rules: rules.map((each) =>
        each.remote.kind === "group" ? { ...each, remote: { kind: "group", group: "sg-c" } } : each,
      ),
    })),
    /the remote of rule 2 of sg-a means something else/,
  ],
  [
    "a prefix of the other family",
    ofIngress(({ rules }) => ({
      rules: rules.map((each) =>
        each.rule.remote.kind === "prefix"
          ? { ...each, remote: { kind: "prefixes", prefixes: [prefix("::/0")] } }
          : each,
      ),
    })),
    /means something else/,
  ],
  [
    "ingress that accepts by default",
    ofIngress(() => ({ defaultAccept: true })),
    /ingress: has the other default/,
  ],
  [
    "egress that one group's drop does not drop",
    ofPolicy(({ sides }) => ({ sides: { ...sides, egress: { ...sides.egress, defaultAccept: true } } })),
    /egress: has the other default/,
  ],
  [
    "the enforcing groups' default",
    ofIngress(() => ({ defaultAcceptEnforced: true })),
    /default of enforcing groups/,
  ],
  ["observe forgotten", ofIngress(() => ({ observes: false })), /observes, or does not/],
  ["inner access of no group", ofPolicy(() => ({ innerGroups: [] })), /inner access is that of other groups/],
  [
    "inner access of an observing group enforced",
    ofPolicy(({ innerGroups }) => ({ innerGroupsEnforced: innerGroups })),
    /inner access is that of other groups/,
  ],
  ["another set of groups", ofPolicy(() => ({ groups: ["sg-a"] })), /its policy is that of other groups/],
  ["another network", ofPolicy(() => ({ network: "vpc-b" })), /its policy is that of other groups/],
  [
    "an interface left out",
    (before) => ({ ...before, interfaces: before.interfaces.slice(1) }),
    /the interfaces of this host are others/,
  ],
  [
    "an interface of another host",
    (before) => ({
      ...before,
      interfaces: before.interfaces.map((each) => ({ ...each, interface: third() })),
    }),
    /the interfaces of this host are others/,
  ],
  ["a policy left out", (before) => ({ ...before, policies: new Map() }), /eni-1 has no policy/],
  [
    "an address left out",
    (before) => ({ ...before, addresses: before.addresses.slice(1) }),
    /addresses are known instead of/,
  ],
  [
    "an address twice, another left out",
    (before) => ({ ...before, addresses: [...before.addresses.slice(1), ...before.addresses.slice(-1)] }),
    /nobody's address, or there twice/,
  ],
  [
    "an address of another member's groups",
    (before) => ({
      ...before,
      addresses: before.addresses.map((each) => ({ ...each, identity: identityOf("vpc-a", ["sg-c"]) })),
    }),
    /stands for sg-c instead of sg-a sg-b/,
  ],
  [
    "a set of groups without one of them",
    (before) => ({
      ...before,
      identities: new Map([...before.identities].map(([id, ids]) => [id, ids.slice(1)])),
    }),
    /stands for .* instead of/,
  ],
  [
    "a gateway forgotten",
    (before) => ({ ...before, addresses: before.addresses.map((each) => ({ ...each, gateway: false })) }),
    /is a gateway, or is not/,
  ],
];

function third(): Interface {
  const found = subject.interfaces.get("eni-3");
  if (found === undefined) throw new Error("the subject has no eni-3");
  return found;
}

describe("proveResolved", () => {
  it("finds nothing wrong with what resolve makes, for 1,000 models", () => {
    let rules = 0;
    fc.assert(
      fc.property(arbitraryModel, (each: Model) => {
        for (const host of ["kvm-1", "kvm-2"]) {
          const made = resolve(each, { host });
          for (const { sides } of made.policies.values()) rules += sides.ingress.rules.length;
          expect(proveResolved(made, host)).toBeNull();
        }
      }),
      { seed, numRuns: 1000 },
    );
    expect(rules).toBeGreaterThan(10_000);
  });

  it.each(mutations)("refuses %s", (_name, mutate, expected) => {
    expect(proveResolved(resolved, "kvm-1")).toBeNull();
    expect(proveResolved(mutate(resolved), "kvm-1")).toMatch(expected);
  });

  it("refuses rules of the other nic type on a classic network", () => {
    const rules: readonly Rule[] = [tcp(80, 80, { nicType: "internet" }), tcp(81, 81)];
    const classic = model({
      networks: [network("vpc-a", { type: "classic" })],
      groups: [group("sg-a", rules)],
      interfaces: [iface(1, ["sg-a"], ["10.0.0.1"], { nicType: "internet" })],
    });
    const made = resolve(classic, { host: "kvm-1" });
    expect(proveResolved(made, "kvm-1")).toBeNull();
    const other = classic.groups.get("sg-a")?.rules[1];
    const mutate = ofIngress((side) => ({
      rules: side.rules.map((each) => ({ ...each, rule: other ?? each.rule })),
    }));
    expect(proveResolved(mutate(made), "kvm-1")).toMatch(/that does not judge it/);
  });
});
