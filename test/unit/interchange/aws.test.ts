import { describe, expect, it } from "vitest";
import { isPartial, isRefused } from "../../../src/interchange/finding.ts";
import { importText, modelOf } from "../../support/import-target.ts";

interface Parts {
  readonly [key: string]: unknown;
}

const group = (GroupId: string, rules: readonly Parts[] = [], fields: Parts = {}) => ({
  GroupId,
  GroupName: GroupId.replace("sg-", ""),
  Description: "",
  OwnerId: "1",
  VpcId: "vpc-1",
  IpPermissions: rules,
  IpPermissionsEgress: [],
  ...fields,
});
const groups = (...list: readonly Parts[]): string => JSON.stringify({ SecurityGroups: list });
const web = { IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: "192.0.2.0/24" }] };
const one = (rule: Parts) => importText(groups(group("sg-1", [rule])));
const rulesOf = (rule: Parts) => one(rule).groups.get("sg-1")?.rules;

describe("aws ec2 describe-security-groups", () => {
  it("brings groups that name each other, and groups of one cycle, in one import", () => {
    const names = (GroupId: string) => ({ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId, UserId: "1" }] });
    const imported = importText(
      groups(group("sg-1", [names("sg-2")]), group("sg-2", [names("sg-1"), names("sg-2")])),
    );
    expect(imported.findings).toEqual([]);
    const model = modelOf(imported);
    expect([...model.groups.values()].map(({ rules }) => rules.map(({ remote }) => remote))).toEqual([
      [{ kind: "group", group: "sg-2" }],
      [
        { kind: "group", group: "sg-1" },
        { kind: "group", group: "sg-2" },
      ],
    ]);
  });

  it("takes another id for the one group, in its own rules too", () => {
    const text = groups(
      group("sg-1", [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: "sg-1", UserId: "1" }] }]),
    );
    const { groups: made, findings } = importText(text, { name: "sg-web" });
    expect(made.get("sg-web")?.rules).toMatchObject([{ remote: "sg-web" }]);
    expect(findings).toMatchObject([{ code: "renamed-id", effect: "note" }]);
  });

  it("of several groups, into one, is the one of its id", () => {
    const { groups: made, findings } = importText(groups(group("sg-1"), group("sg-2")), { name: "sg-2" });
    expect([...made.keys()]).toEqual(["sg-2"]);
    expect(findings).toEqual([]);
  });

  it("makes a legal id of one that is none, says it, and keeps two such apart", () => {
    const { groups: made, findings } = importText(groups(group("a b"), group("a-b"), group("sg-a-b")));
    expect([...made.keys()]).toEqual(["sg-a-b", "sg-a-b-2", "sg-a-b-3"]);
    expect(findings.filter(({ code }) => code === "renamed-id")).toHaveLength(3);
  });

  it("takes the groups that are asked for, by id or name, and refuses one that is not there", () => {
    const text = groups(group("sg-1"), group("sg-2"), group("sg-3"));
    expect([...importText(text, { only: ["sg-1", "3"] }).groups.keys()]).toEqual(["sg-1", "sg-3"]);
    const { findings } = importText(text, { only: ["sg-9"] });
    expect(isRefused(findings)).toBe(true);
    expect(findings).toMatchObject([{ code: "not-there", write: "sg-1, sg-2, sg-3" }]);
  });

  it("refuses groups of several VPCs in one network, and one id for several groups", () => {
    const two = groups(group("sg-1"), group("sg-2", [], { VpcId: "vpc-2" }));
    expect(importText(two).findings).toMatchObject([{ code: "other-network", effect: "refused" }]);
    expect(isRefused(importText(two, { only: ["sg-2"] }).findings)).toBe(false);
    const named = importText(groups(group("sg-1"), group("sg-2")), { name: "sg-x" });
    expect(isRefused(named.findings)).toBe(true);
  });

  it.each([
    [{ ...web, FromPort: 0, ToPort: 65535 }, "-1/-1"],
    [{ ...web, FromPort: -1, ToPort: -1 }, "-1/-1"],
    [{ ...web, IpProtocol: "6", FromPort: 1, ToPort: 65535 }, "1/65535"],
    [{ ...web, IpProtocol: "UDP" }, "80/80"],
  ])("reads ports %#", (rule, portRange) => {
    expect(rulesOf(rule)).toMatchObject([{ portRange }]);
    expect(one(rule).findings).toEqual([]);
  });

  it("leaves out port 0 of a range, and names it", () => {
    const { groups: made, findings } = one({ ...web, FromPort: 0, ToPort: 1023 });
    expect(made.get("sg-1")?.rules).toMatchObject([{ portRange: "1/1023" }]);
    expect(findings).toMatchObject([{ code: "port-zero", effect: "left-out" }]);
  });

  it.each([
    ["a code without a type", { ...web, IpProtocol: "icmp", FromPort: -1, ToPort: 4 }, "bad-value"],
    ["ports in the wrong order", { ...web, FromPort: 90, ToPort: 80 }, "bad-value"],
    ["ports that are none", { ...web, FromPort: 80, ToPort: 70000 }, "bad-value"],
    ["no ports", { ...web, FromPort: undefined }, "missing-key"],
    ["no protocol", { ...web, IpProtocol: undefined }, "missing-key"],
    ["a protocol of another name", { ...web, IpProtocol: "sctp" }, "bad-value"],
    ["a key that nobody knows", { ...web, Condition: "after hours" }, "unknown-key"],
    ["a range that is none", { ...web, IpRanges: [{ CidrIp: "192.0.2.0/33" }] }, "bad-value"],
    ["a mapped range", { ...web, IpRanges: [{ CidrIp: "::ffff:192.0.2.0/120" }] }, "bad-value"],
    [
      "a key that nobody knows in a range",
      { ...web, IpRanges: [{ CidrIp: "0.0.0.0/0", Until: "noon" }] },
      "unknown-key",
    ],
  ])("leaves out an accept with %s", (_what, rule, code) => {
    const { groups: made, findings } = one(rule);
    expect(made.get("sg-1")?.rules).toEqual([]);
    expect(findings).toMatchObject([{ code, effect: "left-out", group: "sg-1" }]);
  });

  it("passes over what matches no packet, and what the cloud ignores, with a note", () => {
    const mixed = one({
      ...web,
      IpProtocol: "icmp",
      FromPort: -1,
      ToPort: -1,
      IpRanges: [],
      Ipv6Ranges: [{ CidrIpv6: "::/0" }],
    });
    expect(mixed.groups.get("sg-1")?.rules).toEqual([]);
    expect(mixed.findings).toMatchObject([{ code: "matches-nothing", effect: "note" }]);
    const ports = one({ ...web, IpProtocol: "-1", FromPort: 80, ToPort: 80 });
    expect(ports.groups.get("sg-1")?.rules).toMatchObject([{ protocol: "all" }]);
    expect(ports.findings).toMatchObject([{ code: "ignored-value", effect: "note" }]);
  });

  it("refuses a group whose rules are not in the file: absent is not empty", () => {
    const { findings } = importText(groups(group("sg-1", [], { IpPermissionsEgress: undefined })));
    expect(findings).toMatchObject([{ code: "missing-key", effect: "refused", group: "sg-1" }]);
  });

  it("brings tags and texts, made printable where they are not", () => {
    const fields = {
      Description: "a\u001b[31mb",
      Tags: [
        { Key: "team", Value: "web" },
        { Key: "__proto__", Value: "x" },
      ],
    };
    const imported = importText(groups(group("sg-1", [], fields)));
    expect(imported.findings).toMatchObject([{ code: "changed-text", effect: "note" }]);
    const made = modelOf(imported).groups.get("sg-1");
    expect(made?.description).toBe("a\\u{1b}[31mb");
    expect([...(made?.tags ?? [])]).toEqual([
      ["team", "web"],
      ["__proto__", "x"],
    ]);
  });
});

describe("aws ec2 describe-security-group-rules", () => {
  const rule = {
    SecurityGroupRuleId: "sgr-1",
    GroupId: "sg-1",
    GroupOwnerId: "1",
    IsEgress: false,
    IpProtocol: "tcp",
    FromPort: 22,
    ToPort: 22,
  };
  const rules = (...list: readonly Parts[]): string => JSON.stringify({ SecurityGroupRules: list });

  it("is a rule each, with its id, in the group that it names", () => {
    const text = rules(
      { ...rule, CidrIpv4: "192.0.2.7/32", Description: "desk", Tags: [] },
      {
        ...rule,
        SecurityGroupRuleId: "sgr-2",
        IsEgress: true,
        ReferencedGroupInfo: { GroupId: "sg-2", UserId: "1" },
      },
      {
        ...rule,
        SecurityGroupRuleId: "sgr-3",
        GroupId: "sg-2",
        IpProtocol: "-1",
        FromPort: -1,
        ToPort: -1,
        CidrIpv6: "::/0",
      },
    );
    const imported = importText(text);
    expect(imported.findings).toEqual([]);
    expect(imported.groups.get("sg-1")?.rules).toEqual([
      {
        id: "sgr-1",
        direction: "ingress",
        policy: "accept",
        protocol: "tcp",
        portRange: "22/22",
        remote: "192.0.2.7/32",
        description: "desk",
      },
      {
        id: "sgr-2",
        direction: "egress",
        policy: "accept",
        protocol: "tcp",
        portRange: "22/22",
        remote: "sg-2",
      },
    ]);
    expect(modelOf(imported).groups.get("sg-2")).toMatchObject({
      innerAccess: "drop",
      defaultEgress: "drop",
    });
  });

  it("leaves an id out that is none here, or stands twice in its group", () => {
    const named = (id: string, GroupId = "sg-1") => ({
      ...rule,
      GroupId,
      SecurityGroupRuleId: id,
      CidrIpv4: "192.0.2.7/32",
    });
    const imported = importText(rules(named("sgr-1"), named("sgr-1"), named("a b"), named("sgr-1", "sg-2")));
    expect(imported.groups.get("sg-1")?.rules.map(({ id }) => id)).toEqual(["sgr-1", undefined, undefined]);
    expect(imported.groups.get("sg-2")?.rules.map(({ id }) => id)).toEqual(["sgr-1"]);
    expect(imported.findings.map(({ code, effect }) => `${effect} ${code}`)).toEqual([
      "note renamed-id",
      "note renamed-id",
    ]);
    modelOf(imported);
  });

  it("leaves out a rule that does not say which way or from where", () => {
    const { findings } = importText(rules({ ...rule, IsEgress: undefined, CidrIpv4: "0.0.0.0/0" }, rule));
    expect(findings).toMatchObject([
      { code: "missing-key", effect: "left-out", place: "SecurityGroupRules[0]" },
      { code: "bad-value", effect: "left-out", place: "SecurityGroupRules[1]" },
    ]);
    expect(isPartial(findings)).toBe(true);
  });
});
