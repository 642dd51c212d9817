import { describe, expect, it } from "vitest";
import { directionOf } from "../../../src/cli/direction.ts";
import { defaultLimits, type Interface } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";
import { arp, ethernet, frame, ipv4, ipv6, udp, vlan } from "../../support/packet.ts";

const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups: {sg-t: {type: basic, network: vpc-a, rules: []}}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [192.0.2.11, "2001:db8:1::11"], groups: [sg-t]}}}
`;

function iface(): Interface {
  const found = parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits }).model?.interfaces.get(
    "eni-1",
  );
  if (found === undefined) throw new Error("the rules of this test are wrong");
  return found;
}

const own = { source: "02:00:00:00:01:01", destination: "02:00:00:00:00:01" };
const other = { source: "02:00:00:00:00:01", destination: "02:00:00:00:01:01" };
const ports = udp({ sourcePort: 1, destinationPort: 2 });
const from4 = ipv4({ source: "192.0.2.11", destination: "198.51.100.7" });
const to4 = ipv4({ source: "198.51.100.7", destination: "192.0.2.11" });
const from6 = ipv6({ source: "2001:db8:1::11", destination: "2001:db8::7" });
const to6 = ipv6({ source: "2001:db8::7", destination: "2001:db8:1::11" });

describe("a captured frame", () => {
  it.each([
    ["its MAC", frame(ethernet(own), to4, ports)],
    ["its IPv4 address behind a router's MAC", frame(ethernet(other), from4, ports)],
    ["its IPv6 address behind a router's MAC", frame(ethernet(other), from6, ports)],
    [
      "its address behind two tags",
      frame(ethernet(other), vlan({ id: 5, tpid: 0x88a8 }), vlan({ id: 6 }), from4, ports),
    ],
    ["its MAC, cut off behind it", frame(ethernet(own), from4, ports).subarray(0, 12)],
  ])("from %s is egress", (_name, bytes) => expect(directionOf(bytes, iface())).toBe("egress"));

  it.each([
    ["another's IPv4 address", frame(ethernet(other), to4, ports)],
    ["another's IPv6 address", frame(ethernet(other), to6, ports)],
    ["another, cut off in its header", frame(ethernet(other), from4, ports).subarray(0, 30)],
    ["another, shorter than MACs", frame(ethernet(own)).subarray(0, 8)],
  ])("from %s is ingress", (_name, bytes) => expect(directionOf(bytes, iface())).toBe("ingress"));

  it("of ARP goes by its sender", () => {
    const mine = arp({
      operation: 1,
      senderMac: own.source,
      senderAddress: "192.0.2.11",
      targetMac: "00:00:00:00:00:00",
      targetAddress: "192.0.2.1",
    });
    const theirs = arp({
      operation: 1,
      senderMac: other.source,
      senderAddress: "192.0.2.1",
      targetMac: "00:00:00:00:00:00",
      targetAddress: "192.0.2.11",
    });
    expect(directionOf(frame(ethernet(other), mine), iface())).toBe("egress");
    expect(directionOf(frame(ethernet(other), theirs), iface())).toBe("ingress");
  });
});
