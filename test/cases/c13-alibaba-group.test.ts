/** C13: Alibaba Cloud's DescribeSecurityGroupAttribute, imported into `vpc-a`. */
import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../src/interchange/finding.ts";
import { importText, modelOf } from "../support/import-target.ts";

const text = `{"SecurityGroupId": "sg-a", "VpcId": "vpc-a", "InnerAccessPolicy": "Accept", "RegionId": "r1", "Permissions": {"Permission": [
 {"Policy": "Accept", "Direction": "ingress", "IpProtocol": "TCP", "PortRange": "22/22", "SourcePortRange": "", "Priority": "1", "NicType": "intranet", "SourceCidrIp": "203.0.113.86", "Ipv6SourceCidrIp": "", "SourceGroupId": "", "SourceGroupOwnerAccount": "", "SourcePrefixListId": "", "DestCidrIp": "", "Ipv6DestCidrIp": "", "DestGroupId": "", "Description": ""},
 {"Policy": "Accept", "Direction": "ingress", "IpProtocol": "ALL", "PortRange": "-1/-1", "SourcePortRange": "-1/-1", "Priority": 1, "NicType": "intranet", "SourceGroupId": "sg-b", "SourceGroupOwnerAccount": "1000000000000001"},
 {"Policy": "Drop", "Direction": "ingress", "IpProtocol": "UDP", "PortRange": "1/65535", "Priority": 100, "NicType": "intranet", "Ipv6SourceCidrIp": "2001:db8:bad::/48"},
 {"Policy": "Drop", "Direction": "egress", "IpProtocol": "TCP", "PortRange": "6379/6379", "Priority": 1, "NicType": "intranet", "DestCidrIp": "198.51.100.1/16"},
 {"Policy": "Accept", "Direction": "ingress", "IpProtocol": "GRE", "PortRange": "-1/-1", "Priority": 2, "NicType": "intranet", "SourceCidrIp": "198.51.100.0/24", "SourcePrefixListId": "pl-x"},
 {"Policy": "Accept", "Direction": "ingress", "IpProtocol": "ICMP", "PortRange": "-1/-1", "Priority": 110, "NicType": "intranet", "SourceCidrIp": "0.0.0.0/0"}]}}`;

const known = { groups: new Set(["1000000000000001/sg-b"]) };
const rulesOf = (fields = {}) => importText(text, fields).groups.get("sg-a")?.rules ?? [];
const permission = (index: number): string => `Permissions.Permission[${index}]`;

describe("C13 Alibaba Cloud's DescribeSecurityGroupAttribute", () => {
  it("is basic, innerAccess accept", () => {
    expect(importText(text).groups.get("sg-a")).toMatchObject({ type: "basic", innerAccess: "accept" });
  });

  it("accepts tcp 22/22 from 203.0.113.86/32, priority 1", () => {
    expect(rulesOf()[0]).toEqual({
      direction: "ingress",
      policy: "accept",
      protocol: "tcp",
      portRange: "22/22",
      remote: "203.0.113.86/32",
      priority: 1,
    });
  });

  it("accepts all -1/-1 from 1000000000000001/sg-b, if the model has that group in this network", () => {
    const { findings } = importText(text, known);
    expect(rulesOf(known)[1]).toEqual({
      direction: "ingress",
      policy: "accept",
      protocol: "all",
      remote: "1000000000000001/sg-b",
      priority: 1,
    });
    expect(isPartial(findings)).toBe(false);
  });

  it("otherwise names and leaves out that group", () => {
    const { findings } = importText(text);
    expect(rulesOf()).toHaveLength(5);
    expect(findings.filter(({ effect }) => effect !== "note")).toEqual([
      expect.objectContaining({
        code: "unknown-group",
        effect: "left-out",
        place: permission(1),
        message: expect.stringContaining("1000000000000001/sg-b"),
      }),
    ]);
  });

  it("drops udp 1/65535 from 2001:db8:bad::/48, priority 100", () => {
    expect(rulesOf(known)[2]).toEqual({
      direction: "ingress",
      policy: "drop",
      protocol: "udp",
      portRange: "1/65535",
      remote: "2001:db8:bad::/48",
      priority: 100,
    });
  });

  it("accepts gre -1/-1 from 198.51.100.0/24, priority 2, and says that the cloud ignores the list", () => {
    expect(rulesOf(known)[4]).toEqual({
      direction: "ingress",
      policy: "accept",
      protocol: "gre",
      remote: "198.51.100.0/24",
      priority: 2,
    });
    expect(importText(text).findings).toContainEqual(
      expect.objectContaining({
        code: "ignored-value",
        effect: "note",
        place: permission(4),
        message: expect.stringContaining("pl-x"),
      }),
    );
  });

  it("drops on egress tcp 6379/6379 to 198.51.0.0/16, priority 1, and says that it is normalised", () => {
    expect(rulesOf(known)[3]).toEqual({
      direction: "egress",
      policy: "drop",
      protocol: "tcp",
      portRange: "6379/6379",
      remote: "198.51.0.0/16",
      priority: 1,
    });
    expect(importText(text).findings).toContainEqual(
      expect.objectContaining({
        code: "host-bits",
        place: `${permission(3)}.DestCidrIp`,
        message: expect.stringContaining("198.51.0.0/16"),
      }),
    );
  });

  it("keeps the default rule of priority 110, with template: true", () => {
    expect(rulesOf(known)[5]).toEqual({
      direction: "ingress",
      policy: "accept",
      protocol: "icmp",
      remote: "0.0.0.0/0",
      priority: 110,
      template: true,
    });
  });

  it("takes upper case, capitals, numbers as text and empty strings as no errors", () => {
    const imported = importText(text, known);
    expect(isRefused(imported.findings)).toBe(false);
    const rest = { groups: { "1000000000000001/sg-b": { type: "basic", network: "vpc-a" } } };
    expect(modelOf(imported, rest).groups.get("sg-a")?.rules).toHaveLength(6);
  });
});
