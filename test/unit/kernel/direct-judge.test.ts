import { describe, expect, it } from "vitest";
import type { DirectFacts } from "../../../src/kernel/direct-facts.ts";
import { indexMacs, whyNotHere, whyNotPast, whySkb, whyTags } from "../../../src/kernel/direct-judge.ts";
import type { PortInfo } from "../../../src/kernel/native.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { group, model, network, nic } from "../../support/bed.ts";

const bridge = { vlanFiltering: false, ageing: 300, callsNetfilter: false };
const port = { state: 3, hairpin: false, isolated: false, locked: false, learning: true };

function facts(change: {
  bridge?: Partial<NonNullable<PortInfo["bridge"]>>;
  port?: Partial<NonNullable<PortInfo["port"]>>;
  facts?: Partial<DirectFacts>;
  up?: boolean;
  master?: number;
}): DirectFacts {
  const common = { mtu: 1500, up: true, qdisc: "noqueue" };
  const ports: PortInfo[] = [
    {
      ...common,
      ifindex: 2,
      master: 0,
      up: change.up ?? true,
      bridge: { ...bridge, ...change.bridge },
      port: null,
    },
    { ...common, ifindex: 7, master: change.master ?? 2, bridge: null, port: { ...port, ...change.port } },
  ];
  return {
    ports: new Map(ports.map((one) => [one.ifindex, one])),
    xdpTargets: new Set([7]),
    qdiscs: new Map([[7, ["noqueue"]]]),
    netfilter: [],
    othersAt: () => false,
    ...change.facts,
  };
}

const why = (change: Parameters<typeof facts>[0]) =>
  whyNotPast({ ifindex: 7, device: "tap1" }, facts(change), new Set(), () => "br0");

describe("a port of a bridge", () => {
  it("may be gone past where nothing else could become of a frame", () => {
    expect(why({})).toBeNull();
  });

  it.each([
    ["no bridge", { master: 0 }, /no port of a bridge/],
    ["a bridge that is down", { up: false }, /br0 is down/],
    ["VLAN filtering", { bridge: { vlanFiltering: true } }, /vlan_filtering 0/],
    ["a short memory", { bridge: { ageing: 2 } }, /forgets MACs after 2 s/],
    ["netfilter by the bridge", { bridge: { callsNetfilter: true } }, /nf_call_iptables 0/],
    ["netfilter by sysctl", { facts: { netfilter: ["net.bridge.bridge-nf-call-arptables"] } }, /arptables=0/],
    ["a blocked port", { port: { state: 4 } }, /does not forward/],
    ["a hairpin", { port: { hairpin: true } }, /hairpin on/],
    ["isolation", { port: { isolated: true } }, /isolated on/],
    ["a locked port", { port: { locked: true } }, /locked on/],
    ["a port that learns nothing", { port: { learning: false } }, /learning off/],
    ["programs of others", { facts: { othersAt: () => true } }, /other programs or filters/],
  ] satisfies [string, Parameters<typeof facts>[0], RegExp][])("may not with %s", (_, change, reason) => {
    expect(why(change)).toMatch(reason);
  });
});

describe("a frame without its skb", () => {
  it.each([
    ["goes to a device that takes it", {}, null],
    ["does not where the device does not", { xdpTargets: new Set<number>() }, /takes no XDP frames/],
    ["does not where the kernel does not say", { xdpTargets: null }, /does not say/],
    ["does not jump over shaping", { qdiscs: new Map([[7, ["htb", "clsact"]]]) }, /jump over \(htb\)/],
  ] satisfies [string, Partial<DirectFacts>, RegExp | null][])("%s", (_, change, reason) => {
    const said = whySkb(7, "tap1", facts({ facts: change }));
    if (reason === null) expect(said).toBeNull();
    else expect(said).toMatch(reason);
  });
});

describe("a guest with VLANs", () => {
  it("is sent its frames by the bridge: a tag beside their bytes would be lost past it", () => {
    const own = (vlans: number[]) => nic("eni-1", { mac: "02:00:00:00:00:01", addresses: [], vlans });
    expect(whyTags(own([]))).toBeNull();
    expect(whyTags(own([7, 9]))).toMatch(/lists VLANs \(7, 9\)/);
  });
});

describe("a guest's MAC", () => {
  const own = nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"] });
  const said = (others: ReturnType<typeof nic>[], hosts: string[] = [], first = own) => {
    const networks = [network("vpc-a"), network("vpc-b")];
    const groups = [group("sg-t"), group("sg-b", { network: "vpc-b" })];
    const resolved = resolve(model({ networks, groups, interfaces: [first, ...others] }), { host: "here" });
    return whyNotHere(first, indexMacs(resolved, new Set(hosts)));
  };
  const pairs = [{ address: "10.0.0.1/32", mac: "02:00:00:00:00:01" }];

  it("is where the rules say it is", () => {
    expect(said([nic("eni-2", { mac: "02:00:00:00:00:02", addresses: [] })])).toBeNull();
  });

  it.each([
    [
      "another network has it here",
      [nic("eni-2", { network: "vpc-b", groups: ["sg-b"], mac: "02:00:00:00:00:01", addresses: [] })],
      [],
      /eni-2 has/,
    ],
    [
      "another guest may take it over",
      [nic("eni-2", { mac: "02:00:00:00:00:02", addresses: [], pairs })],
      [],
      /eni-2 has, or may/,
    ],
    ["the host has it", [], ["02:00:00:00:00:01"], /the host itself/],
  ] as const)("may be elsewhere where %s", (_, others, hosts, reason) => {
    expect(said([...others], [...hosts])).toMatch(reason);
  });

  it("may be elsewhere while the guest moves", () => {
    expect(said([], [], { ...own, hosts: ["here", "there"] })).toMatch(/here and there/);
  });
});
