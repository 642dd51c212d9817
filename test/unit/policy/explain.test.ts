import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import { explain } from "../../../src/policy/explain.ts";
import { findPacket, type PacketQuestion } from "../../../src/policy/question.ts";
import { bed, group, model, network, nic } from "../../support/bed.ts";

const shop = model({
  groups: [
    group("sg-web", { rules: [{ protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0", priority: 10 }] }),
    group("sg-db", {
      rules: [
        { protocol: "tcp", ports: "5432/5432", remote: "sg-web" },
        { policy: "drop", remote: "198.51.100.0/24" },
      ],
    }),
  ],
  interfaces: [
    nic("eni-web-1", {
      mac: "02:00:00:00:01:01",
      addresses: ["10.0.0.11", "2001:db8::11"],
      groups: ["sg-web"],
    }),
    nic("eni-db-1", {
      mac: "02:00:00:00:01:02",
      addresses: ["10.0.0.12"],
      groups: ["sg-db"],
      hosts: ["kvm-8"],
    }),
  ],
});

const ask = (question: Partial<PacketQuestion>, of: Model = shop) =>
  explain(of, { from: "eni-web-1", to: "eni-db-1", protocol: "tcp", port: 5432, ...question }, { now: 0 });

describe("explain", () => {
  it("judges both protected ends, egress first, with the rule that decides", () => {
    expect(ask({})).toEqual({
      verdict: "accept",
      sides: [
        {
          interface: "eni-web-1",
          direction: "egress",
          verdict: "accept",
          reason: "default-egress",
          rule: null,
        },
        {
          interface: "eni-db-1",
          direction: "ingress",
          verdict: "accept",
          reason: "rule",
          rule: { group: "sg-db", index: 0, priority: 1, policy: "accept", line: null, id: null },
        },
      ],
    });
  });

  it("holds the protected ends only", () => {
    const { sides, verdict } = ask({ from: "198.51.100.7" });
    expect(verdict).toBe("drop");
    expect(sides.map((side) => side.interface)).toEqual(["eni-db-1"]);
    expect(sides[0]?.rule?.policy).toBe("drop");
  });

  it("names the nearest rule and the field that differs after a default drop", () => {
    const { near } = ask({ port: 5433 });
    expect(near).toEqual({
      interface: "eni-db-1",
      direction: "ingress",
      rule: { group: "sg-db", index: 0, priority: 1, policy: "accept", line: null, id: null },
      field: "portRange",
      differs: [{ field: "portRange", rule: "5432/5432", packet: "5433" }],
      smallest: {
        group: "sg-db",
        exact: true,
        yaml: "{direction: ingress, policy: accept, protocol: tcp, portRange: 5433/5433, remote: 10.0.0.11/32, local: 10.0.0.12/32}",
        command:
          "ringwall rule add sg-db --direction ingress --policy accept --protocol tcp --port-range 5433/5433 --remote 10.0.0.11/32 --local 10.0.0.12/32",
      },
    });
  });

  it("says nothing of nearness where a rule dropped", () => {
    expect(ask({ from: "198.51.100.7" }).near).toBeUndefined();
  });

  it("lists the rules that it asked, in their order, where that is wanted", () => {
    const question = { from: "eni-web-1", to: "eni-db-1", protocol: "tcp", port: 5432 };
    const [, ingress] = explain(shop, question, { now: 0, considered: true }).sides;
    expect(ingress?.considered?.map(({ index, differs }) => [index, differs])).toEqual([
      [1, ["remote"]],
      [0, []],
    ]);
  });

  it("takes an interface by id, instance, device, MAC or address", () => {
    for (const from of ["eni-web-1", "i-web-1", "tapweb-1", "02:00:00:00:01:01", "10.0.0.11"]) {
      expect(ask({ from }).sides[0]?.interface).toBe("eni-web-1");
    }
  });

  it("asks for an echo request where ICMP names no type", () => {
    const meant = findPacket(bed(), { from: "eni-1", to: "198.51.100.1", protocol: "icmp" });
    expect([meant.icmpType, meant.icmpCode]).toEqual([8, 0]);
    const other = findPacket(bed(), { from: "eni-1", to: "eni-2", protocol: "icmpv6" });
    expect([other.icmpType, other.from.address.family]).toEqual([128, 6]);
  });

  it("looks an address up in the network of the other end", () => {
    const twins = model({
      networks: [network("vpc-a"), network("vpc-b")],
      groups: [group("sg-a"), group("sg-b", { network: "vpc-b" })],
      interfaces: [
        nic("eni-a", { mac: "02:00:00:00:00:0a", addresses: ["10.0.0.1"], groups: ["sg-a"] }),
        nic("eni-a2", { mac: "02:00:00:00:00:0b", addresses: ["10.0.0.2"], groups: ["sg-a"] }),
        nic("eni-b", {
          mac: "02:00:00:00:00:0c",
          addresses: ["10.0.0.1"],
          groups: ["sg-b"],
          network: "vpc-b",
        }),
        nic("eni-b2", {
          mac: "02:00:00:00:00:0d",
          addresses: ["10.0.0.2"],
          groups: ["sg-b"],
          network: "vpc-b",
        }),
      ],
    });
    const sides = (question: Partial<PacketQuestion>): string[] =>
      ask({ port: 1, ...question }, twins).sides.map((side) => side.interface);
    expect(sides({ from: "10.0.0.1", to: "eni-b2" })).toEqual(["eni-b", "eni-b2"]);
    expect(sides({ from: "10.0.0.1", to: "10.0.0.2", network: "vpc-a" })).toEqual(["eni-a", "eni-a2"]);
    expect(() => sides({ from: "10.0.0.1", to: "10.0.0.2" })).toThrow(
      "add --network vpc-a or --network vpc-b",
    );
  });
});

describe("a question that cannot be answered says what to write", () => {
  const twoNics = model({
    groups: [group("sg-t")],
    interfaces: [
      nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"], instance: "i-1" }),
      nic("eni-2", { mac: "02:00:00:00:00:02", addresses: ["10.0.0.2"], instance: "i-1" }),
    ],
  });
  const cases: readonly (readonly [string, Partial<PacketQuestion>, string, Model])[] = [
    [
      "an instance of two interfaces",
      { from: "i-1", to: "198.51.100.1" },
      "eni-2 (i-1, tap2, 02:00:00:00:00:02, vpc-a)",
      twoNics,
    ],
    ["a misspelt interface", { from: "eni-wbe-1" }, "write eni-web-1", shop],
    ["a group", { from: "sg-web" }, '"sg-web" is a group: write a member: eni-web-1', shop],
    ["a prefix", { from: "10.0.0.0/24" }, "is a prefix: write one address of it", shop],
    ["two strangers", { from: "192.0.2.1", to: "192.0.2.2" }, "no interface's", shop],
    ["an unknown network", { network: "vpc-x" }, "write one of vpc-a", shop],
    ["every protocol", { protocol: "all", port: undefined }, "write tcp, udp", shop],
    ["a protocol in capitals", { protocol: "TCP" }, "write `tcp`", shop],
    ["TCP without a port", { port: undefined }, "add --port", shop],
    ["a port of GRE", { protocol: "gre", port: 1 }, "gre has none", shop],
    ["an ICMP type of TCP", { icmpType: 8 }, "tcp has none", shop],
    ["a port out of range", { port: 65536 }, "from 0 to 65535", shop],
    ["two families", { protocol: "icmpv6", port: undefined }, "no addresses of one family", shop],
    ["one end twice", { to: "10.0.0.11" }, "both eni-web-1", shop],
  ];
  it.each(cases)("%s", (_name, question, message, of) => {
    expect(() => ask(question, of)).toThrow(message);
  });
});
