/** C12: `aws ec2 describe-security-groups`, imported into `vpc-a`. */
import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../src/interchange/finding.ts";
import { importText, modelOf } from "../support/import-target.ts";

const text = `{"SecurityGroups": [{"GroupId": "sg-0aa1", "GroupName": "web", "Description": "web tier", "OwnerId": "111122223333", "VpcId": "vpc-0c1",
 "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}, {"CidrIp": "198.51.100.1/24", "Description": "office"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [], "UserIdGroupPairs": []},
  {"IpProtocol": "tcp", "FromPort": 60000, "ToPort": 62000, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [{"PrefixListId": "pl-0d1"}],
   "UserIdGroupPairs": [{"UserId": "444455556666", "GroupId": "sg-0bb2", "VpcId": "vpc-0c2", "VpcPeeringConnectionId": "pcx-01", "PeeringStatus": "active"}, {"UserId": "111122223333", "GroupId": "sg-0aa1"}]},
  {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []},
  {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "192.0.2.0/24"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []},
  {"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [], "UserIdGroupPairs": []}],
 "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}]}]}`;

const lists = new Set(["pl-0d1"]);
const foreign = new Set(["444455556666/sg-0bb2"]);
const ingress = { direction: "ingress", policy: "accept" };

describe("C12 aws ec2 describe-security-groups", () => {
  it("is one basic group", () => {
    const { groups } = importText(text);
    expect([...groups.keys()]).toEqual(["sg-0aa1"]);
    expect(groups.get("sg-0aa1")).toMatchObject({
      type: "basic",
      network: "vpc-a",
      name: "web",
      description: "web tier",
    });
  });

  it("accepts on ingress tcp 443/443 from 0.0.0.0/0, 198.51.100.0/24 (described as office) and ::/0", () => {
    const rules = importText(text).groups.get("sg-0aa1")?.rules ?? [];
    const tcp = { ...ingress, protocol: "tcp", portRange: "443/443" };
    expect(rules.slice(0, 3)).toEqual([
      { ...tcp, remote: "0.0.0.0/0" },
      { ...tcp, remote: "198.51.100.0/24", description: "office" },
      { ...tcp, remote: "::/0" },
    ]);
  });

  it("accepts tcp 60000/62000 from the list, the other account's group and itself, where the model has them", () => {
    const { groups, findings } = importText(text, { prefixLists: lists, groups: foreign });
    const wide = groups.get("sg-0aa1")?.rules.filter(({ portRange }) => portRange === "60000/62000") ?? [];
    expect(wide.map(({ remote }) => remote)).toEqual(["pl-0d1", "444455556666/sg-0bb2", "sg-0aa1"]);
    expect(isPartial(findings)).toBe(false);
  });

  it("names and leaves out a list and a group that the model lacks, with group and place, and is refused for it", () => {
    const { groups, findings } = importText(text);
    const wide = groups.get("sg-0aa1")?.rules.filter(({ portRange }) => portRange === "60000/62000") ?? [];
    expect(wide.map(({ remote }) => remote)).toEqual(["sg-0aa1"]);
    const place = "SecurityGroups[0].IpPermissions[1]";
    expect(findings.filter(({ effect }) => effect !== "note")).toEqual([
      expect.objectContaining({
        code: "unknown-prefix-list",
        effect: "left-out",
        group: "sg-0aa1",
        place: `${place}.PrefixListIds[0]`,
        message: expect.stringContaining("pl-0d1"),
      }),
      expect.objectContaining({
        code: "unknown-group",
        effect: "left-out",
        group: "sg-0aa1",
        place: `${place}.UserIdGroupPairs[0]`,
        message: expect.stringContaining("444455556666/sg-0bb2"),
      }),
    ]);
    expect(isPartial(findings)).toBe(true);
    expect(isRefused(findings)).toBe(false);
  });

  it("accepts icmp type 8 from 0.0.0.0/0, never all ICMP", () => {
    const rules = importText(text).groups.get("sg-0aa1")?.rules ?? [];
    expect(rules.filter(({ remote, protocol }) => protocol === "icmp" && remote === "0.0.0.0/0")).toEqual([
      { ...ingress, protocol: "icmp", icmpType: 8, remote: "0.0.0.0/0" },
    ]);
  });

  it("accepts icmp -1/-1 from 192.0.2.0/24 and icmpv6 -1/-1 from ::/0", () => {
    const rules = importText(text).groups.get("sg-0aa1")?.rules ?? [];
    expect(rules).toContainEqual({ ...ingress, protocol: "icmp", remote: "192.0.2.0/24" });
    expect(rules).toContainEqual({ ...ingress, protocol: "icmpv6", remote: "::/0" });
  });

  it("accepts on egress all -1/-1 to 0.0.0.0/0", () => {
    const rules = importText(text).groups.get("sg-0aa1")?.rules ?? [];
    expect(rules.filter(({ direction }) => direction === "egress")).toEqual([
      { direction: "egress", policy: "accept", protocol: "all", remote: "0.0.0.0/0" },
    ]);
  });

  it("brings the file's own meaning along: innerAccess drop, defaultEgress drop", () => {
    const group = modelOf(importText(text)).groups.get("sg-0aa1");
    expect(group).toMatchObject({ innerAccess: "drop", defaultEgress: "drop" });
    expect(group?.rules).toHaveLength(8);
  });

  it("says that the host bits of 198.51.100.1/24 were cleared", () => {
    expect(importText(text).findings).toContainEqual(
      expect.objectContaining({
        code: "host-bits",
        effect: "note",
        place: "SecurityGroups[0].IpPermissions[0].IpRanges[1].CidrIp",
      }),
    );
  });
});
