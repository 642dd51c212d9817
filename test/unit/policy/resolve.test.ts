import { describe, expect, it } from "vitest";
import type { Model, Rule } from "../../../src/model/model.ts";
import { emptyIdentity, identityOf, policyKeyOf } from "../../../src/policy/identity.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { PolicySource } from "../../../src/policy/types.ts";
import { address, group, iface, model, network, prefixList, remote, rule } from "./compile-fixture.ts";

const host = "kvm-1";

function policyOf(subject: Model, id: string): PolicySource {
  const resolved = resolve(subject, { host });
  const found = resolved.interfaces.find((each) => each.interface.id === id);
  const source = resolved.policies.get(found?.policy ?? 0n);
  if (source === undefined) {
    throw new Error(`${id} has no policy`);
  }
  return source;
}

/** `identity` and `gateway` by "network address". */
function addressesOf(subject: Model) {
  return new Map(
    resolve(subject, { host }).addresses.map((each) => [
      `${each.network} ${each.address.family} ${each.address.bits.toString(16)}`,
      { identity: each.identity, gateway: each.gateway },
    ]),
  );
}

function keyOf(place: string, text: string): string {
  const { family, bits } = address(text);
  return `${place} ${family} ${bits.toString(16)}`;
}

describe("resolve", () => {
  it("takes interfaces without a host, and those of this host, also while a guest moves", () => {
    const resolved = resolve(
      model({
        groups: [group("sg-a")],
        interfaces: [
          iface(1, ["sg-a"], []),
          iface(2, ["sg-a"], [], { hosts: ["kvm-1"] }),
          iface(3, ["sg-a"], [], { hosts: ["kvm-2"] }),
          iface(4, ["sg-a"], [], { hosts: ["kvm-2", "kvm-1"] }),
        ],
      }),
      { host },
    );
    expect(resolved.interfaces.map((each) => each.interface.id)).toEqual(["eni-1", "eni-2", "eni-4"]);
  });

  it("makes one policy for each network, nic type and set of groups", () => {
    const resolved = resolve(
      model({
        networks: [network("vpc-a"), network("classic-b", { type: "classic" })],
        groups: [group("sg-a"), group("sg-b"), group("sg-c", [], { network: "classic-b" })],
        interfaces: [
          iface(1, ["sg-a", "sg-b"], []),
          iface(2, ["sg-b", "sg-a"], []),
          iface(3, ["sg-a"], []),
          iface(4, ["sg-c"], [], { network: "classic-b" }),
          iface(5, ["sg-c"], [], { network: "classic-b", nicType: "internet" }),
        ],
      }),
      { host },
    );
    const keys = resolved.interfaces.map((each) => each.policy);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(4);
    expect([...resolved.policies.keys()]).toEqual([...new Set(keys)]);
    expect(keys[0]).toBe(policyKeyOf("vpc-a", "intranet", ["sg-b", "sg-a"]));
  });

  it("orders rules by priority, drop first, group, place, and numbers them in each direction", () => {
    const named = (
      id: string,
      priority: number,
      policy: Rule["policy"],
      direction: Rule["direction"] = "ingress",
    ) => rule({ id, priority, policy, direction });
    const subject = model({
      groups: [
        group("sg-b", [named("b0", 2, "accept"), named("b1", 1, "accept"), named("b2", 1, "drop")]),
        group("sg-a", [
          named("a0", 110, "drop"),
          named("a1", 1, "accept"),
          named("a2", 1, "accept", "egress"),
        ]),
      ],
      interfaces: [iface(1, ["sg-b", "sg-a"], [])],
    });
    const { ingress, egress } = policyOf(subject, "eni-1").sides;
    expect(ingress.rules.map((each) => [each.number, each.group, each.rule.id])).toEqual([
      [0, "sg-b", "b2"],
      [1, "sg-a", "a1"],
      [2, "sg-b", "b1"],
      [3, "sg-b", "b0"],
      [4, "sg-a", "a0"],
    ]);
    expect(egress.rules.map((each) => [each.number, each.rule.id])).toEqual([[0, "a2"]]);
  });

  it("takes the listed addresses of all hosts and the link-local ones of their MACs for members", () => {
    const found = addressesOf(
      model({
        groups: [group("sg-a"), group("sg-b")],
        interfaces: [
          iface(1, ["sg-a", "sg-b"], ["10.0.0.1", "2001:db8::1"]),
          iface(2, ["sg-b"], ["10.0.0.2"], { hosts: ["kvm-2"] }),
          iface(3, ["sg-b"], []),
        ],
      }),
    );
    const [both, one] = [identityOf("vpc-a", ["sg-b", "sg-a"]), identityOf("vpc-a", ["sg-b"])];
    expect(found).toEqual(
      new Map(
        (
          [
            ["10.0.0.1", both],
            ["2001:db8::1", both],
            ["fe80::ff:fe00:1", both],
            ["10.0.0.2", one],
            ["fe80::ff:fe00:2", one],
            ["fe80::ff:fe00:3", one],
          ] as const
        ).map(([text, identity]) => [keyOf("vpc-a", text), { identity, gateway: false }]),
      ),
    );
  });

  it("gives an address that one interface lists and another's MAC makes the groups of both", () => {
    const found = addressesOf(
      model({
        groups: [group("sg-a"), group("sg-b")],
        interfaces: [iface(1, ["sg-a"], []), iface(2, ["sg-b"], ["fe80::ff:fe00:1"])],
      }),
    );
    expect(found.get(keyOf("vpc-a", "fe80::ff:fe00:1"))?.identity).toBe(
      identityOf("vpc-a", ["sg-a", "sg-b"]),
    );
  });

  it("keeps equal addresses of two networks apart, and knows gateways", () => {
    const subject = model({
      networks: [network("vpc-a", { gateways: [address("10.0.0.254")] }), network("vpc-b")],
      groups: [group("sg-a"), group("sg-b", [], { network: "vpc-b" })],
      interfaces: [iface(1, ["sg-a"], ["10.0.0.1"]), iface(2, ["sg-b"], ["10.0.0.1"], { network: "vpc-b" })],
    });
    const found = addressesOf(subject);
    expect(found.get(keyOf("vpc-a", "10.0.0.1"))?.identity).toBe(identityOf("vpc-a", ["sg-a"]));
    expect(found.get(keyOf("vpc-b", "10.0.0.1"))?.identity).toBe(identityOf("vpc-b", ["sg-b"]));
    expect(found.get(keyOf("vpc-a", "10.0.0.254"))).toEqual({ identity: emptyIdentity, gateway: true });
    expect(resolve(subject, { host }).identities.get(emptyIdentity)).toEqual([]);
  });

  it("on a classic network takes the rules of the nic type, and sees groups from intranet interfaces only", () => {
    const here = { network: "classic-b" };
    const rules = (["intranet", "internet"] as const).flatMap((nicType) => [
      rule({ id: `${nicType} group`, nicType, remote: remote("sg-a") }),
      rule({ id: `${nicType} prefix`, nicType }),
    ]);
    const subject = model({
      networks: [network("classic-b", { type: "classic" })],
      groups: [group("sg-a", rules, here)],
      interfaces: [
        iface(1, ["sg-a"], ["10.0.0.1"], here),
        iface(2, ["sg-a"], ["203.0.113.1"], { ...here, nicType: "internet" }),
      ],
    });
    const inside = policyOf(subject, "eni-1");
    const outside = policyOf(subject, "eni-2");
    const describeRules = (source: PolicySource) =>
      source.sides.ingress.rules.map((each) => [each.rule.id, each.remote.kind]);
    expect(describeRules(inside)).toEqual([
      ["intranet group", "group"],
      ["intranet prefix", "prefixes"],
    ]);
    expect(describeRules(outside)).toEqual([
      ["internet group", "prefixes"],
      ["internet prefix", "prefixes"],
    ]);
    expect(outside.sides.ingress.rules[0]?.remote).toEqual({ kind: "prefixes", prefixes: [] });
    expect([inside.innerGroups, outside.innerGroups]).toEqual([["sg-a"], []]);
    const found = addressesOf(subject);
    expect(found.get(keyOf("classic-b", "10.0.0.1"))?.identity).toBe(identityOf("classic-b", ["sg-a"]));
    // Known, so that nobody else may claim it, but no member.
    expect(found.get(keyOf("classic-b", "203.0.113.1"))?.identity).toBe(emptyIdentity);
  });

  it("shares inner access among basic groups that accept it, and tells those that enforce", () => {
    const source = policyOf(
      model({
        groups: [
          group("sg-basic"),
          group("sg-observed", [], { mode: "observe" }),
          group("sg-isolated", [], { innerAccess: "drop" }),
          group("sg-advanced", [], { type: "advanced" }),
        ],
        interfaces: [iface(1, ["sg-basic", "sg-observed", "sg-isolated", "sg-advanced"], [])],
      }),
      "eni-1",
    );
    expect(source.innerGroups).toEqual(["sg-basic", "sg-observed"]);
    expect(source.innerGroupsEnforced).toEqual(["sg-basic"]);
  });

  it.each([
    [["accept/enforce"], { egress: [true, true, false], ingress: [false, false, false] }],
    [["accept/enforce", "drop/enforce"], { egress: [false, false, false], ingress: [false, false, false] }],
    [["accept/enforce", "drop/observe"], { egress: [false, true, true], ingress: [false, false, true] }],
    [["accept/observe", "drop/enforce"], { egress: [false, false, true], ingress: [false, false, true] }],
    [["drop/observe"], { egress: [false, true, true], ingress: [false, true, true] }],
  ] as const)("defaults of groups that %s", (kinds, expected) => {
    const groups = kinds.map((kind, index) => {
      const [defaultEgress, mode] = kind.split("/");
      return group(`sg-${index}`, [], {
        defaultEgress: defaultEgress === "drop" ? "drop" : "accept",
        mode: mode === "observe" ? "observe" : "enforce",
      });
    });
    const ids = groups.map(({ id }) => id);
    const { sides } = policyOf(model({ groups, interfaces: [iface(1, ids, [])] }), "eni-1");
    const tell = ({ defaultAccept, defaultAcceptEnforced, observes }: PolicySource["sides"]["egress"]) => [
      defaultAccept,
      defaultAcceptEnforced,
      observes,
    ];
    expect({ egress: tell(sides.egress), ingress: tell(sides.ingress) }).toEqual(expected);
  });

  it("expands a prefix list once for all rules that name it", () => {
    const { rules } = policyOf(
      model({
        prefixLists: [prefixList("pl-a", 4, ["192.0.2.0/24", "192.0.2.0/24"])],
        groups: [group("sg-a", [rule({ remote: remote("pl-a") }), rule({ remote: remote("pl-a") })])],
        interfaces: [iface(1, ["sg-a"], [])],
      }),
      "eni-1",
    ).sides.ingress;
    const [first, second] = rules.map((each) =>
      each.remote.kind === "prefixes" ? each.remote.prefixes : null,
    );
    expect(first).toHaveLength(2);
    expect(second).toBe(first);
  });

  it("names what a model lacks", () => {
    const lacking = (id: string, list: string) =>
      model({ groups: [group("sg-a", [rule({ remote: remote(list) })])], interfaces: [iface(1, [id], [])] });
    expect(() => resolve(lacking("sg-x", "sg-a"), { host })).toThrow(
      "an interface is in group sg-x, which the model does not have",
    );
    expect(() => resolve(lacking("sg-a", "pl-x"), { host })).toThrow(
      "a rule names prefix list pl-x, which the model does not have",
    );
  });
});
