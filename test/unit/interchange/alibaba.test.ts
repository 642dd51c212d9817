import { describe, expect, it } from "vitest";
import { exportGroups } from "../../../src/interchange/export.ts";
import { isRefused } from "../../../src/interchange/finding.ts";
import { group as bedGroup } from "../../support/bed.ts";
import { importFiles, importText, modelOf } from "../../support/import-target.ts";

interface Parts {
  readonly [key: string]: unknown;
}

const rule = (fields: Parts = {}) => ({
  Policy: "Accept",
  Direction: "ingress",
  IpProtocol: "TCP",
  PortRange: "22/22",
  Priority: 1,
  NicType: "intranet",
  SourceCidrIp: "192.0.2.0/24",
  ...fields,
});
const answer = (rules: readonly Parts[], fields: Parts = {}) => ({
  SecurityGroupId: "sg-a",
  VpcId: "vpc-a",
  InnerAccessPolicy: "Accept",
  Permissions: { Permission: rules },
  ...fields,
});
const read = (rules: readonly Parts[], fields: Parts = {}, target = {}) =>
  importText(JSON.stringify(answer(rules, fields)), target);
const one = (fields: Parts, head: Parts = {}) => read([rule(fields)], head);

describe("DescribeSecurityGroupAttribute", () => {
  it.each([
    ["an unknown group", { SourceCidrIp: "", SourceGroupId: "sg-x" }, "unknown-group"],
    ["an unknown list", { SourceCidrIp: "", SourcePrefixListId: "pl-x" }, "unknown-prefix-list"],
    ["a list of ports", { PortRangeListId: "prl-1" }, "unknown-name"],
    ["no far end", { SourceCidrIp: "" }, "missing-key"],
    ["no priority: absent is not 1", { Priority: undefined }, "missing-key"],
    ["no ports", { PortRange: "" }, "missing-key"],
    ["no direction", { Direction: "" }, "missing-key"],
    ["ports that are none", { PortRange: "22" }, "bad-value"],
    ["ports of ICMP", { IpProtocol: "ICMP" }, "no-ports"],
    ["a priority that is none", { Priority: 101 }, "bad-priority"],
    ["both families at once", { Ipv6SourceCidrIp: "::/0" }, "bad-value"],
    ["a group as protected end", { DestGroupId: "sg-a" }, "bad-value"],
    ["ICMPv6 from IPv4", { IpProtocol: "ICMPv6", PortRange: "-1/-1" }, "bad-value"],
    ["internet in a VPC", { NicType: "internet" }, "bad-value"],
    ["a key that nobody knows", { Schedule: "nights" }, "unknown-key"],
    ["a key that stands twice, in another case", { sourceCidrIp: "0.0.0.0/0" }, "duplicate-key"],
  ])("leaves out an accept with %s, and refuses a drop with it", (_what, fields, code) => {
    const accept = one(fields);
    const twice = code === "duplicate-key";
    expect(accept.groups.get("sg-a")?.rules).toEqual([]);
    expect(accept.findings).toMatchObject([{ code, effect: twice ? "refused" : "left-out", group: "sg-a" }]);
    expect(one({ ...fields, Policy: "Drop" }).findings).toMatchObject([{ code, effect: "refused" }]);
  });

  it("refuses a rule that does neither, and does not guess", () => {
    for (const Policy of ["", undefined, "Acept", "Log"])
      expect(isRefused(one({ Policy }).findings)).toBe(true);
  });

  it("is an advanced group where the type says so, with what such a group cannot say named", () => {
    const head = { SecurityGroupType: "enterprise", InnerAccessPolicy: "Drop" };
    const { groups, findings } = read(
      [rule(), rule({ Priority: "5" }), rule({ SourceCidrIp: "", SourceGroupId: "sg-a" })],
      head,
    );
    expect(groups.get("sg-a")).toMatchObject({ type: "advanced" });
    expect(groups.get("sg-a")?.innerAccess).toBeUndefined();
    expect(findings).toMatchObject([
      { code: "ignored-value", effect: "note" },
      { code: "advanced-group", effect: "left-out" },
    ]);
    expect(read([], { ...head, InnerAccessPolicy: "Accept" }).findings).toMatchObject([
      { code: "advanced-group", effect: "left-out", place: "InnerAccessPolicy" },
    ]);
    expect(one({ Policy: "Drop" }, head).findings).toMatchObject([
      { code: "advanced-group", effect: "refused" },
    ]);
    expect(modelOf(read([rule()], head)).groups.get("sg-a")).toMatchObject({
      type: "advanced",
      innerAccess: "drop",
    });
  });

  it("keeps nicType in a classic network, and wants it there", () => {
    const classic = { networkType: "classic" } as const;
    const made = read([rule({ NicType: "internet" })], {}, classic);
    expect(made.groups.get("sg-a")?.rules).toMatchObject([{ nicType: "internet" }]);
    expect(read([rule({ NicType: "" })], {}, classic).findings).toMatchObject([{ code: "missing-key" }]);
  });

  it("closes between members where the answer does not say, with a note", () => {
    const { groups, findings } = one({}, { InnerAccessPolicy: undefined });
    expect(groups.get("sg-a")?.innerAccess).toBe("drop");
    expect(findings).toMatchObject([
      { code: "source-default", effect: "note", write: expect.stringContaining("accept") },
    ]);
  });

  it("reads the wrapper of DescribeSecurityGroups, and refuses one without rules", () => {
    const wrapped = (group: Parts): string => JSON.stringify({ SecurityGroups: { SecurityGroup: [group] } });
    expect([...importText(wrapped(answer([rule()]))).groups.keys()]).toEqual(["sg-a"]);
    const { Permissions: _, ...head } = answer([]);
    expect(importText(wrapped(head)).findings).toMatchObject([
      { code: "missing-key", effect: "refused", write: "the answer of DescribeSecurityGroupAttribute" },
    ]);
  });

  it("comes in one file a group, which name each other, with their types in the answer of DescribeSecurityGroups", () => {
    const named = (id: string) => rule({ SourceCidrIp: "", SourceGroupId: id });
    const head = {
      SecurityGroupId: "sg-a",
      SecurityGroupName: "web",
      VpcId: "vpc-a",
      SecurityGroupType: "normal",
    };
    const files = [
      { name: "dir/a.json", text: JSON.stringify(answer([named("sg-b")])) },
      {
        name: "dir/b.json",
        text: JSON.stringify(answer([named("sg-a"), named("sg-x")], { SecurityGroupId: "sg-b" })),
      },
      { name: "dir/all.json", text: JSON.stringify({ SecurityGroups: { SecurityGroup: [head] } }) },
    ];
    const { groups, findings } = importFiles(files);
    expect(groups.get("sg-a")).toMatchObject({ name: "web", rules: [{ remote: "sg-b" }] });
    expect(groups.get("sg-b")).toMatchObject({ rules: [{ remote: "sg-a" }] });
    expect(findings).toMatchObject([{ code: "unknown-group", place: "b.json: Permissions.Permission[1]" }]);
    const twice = importFiles([files[0], files[0]].flatMap((file) => file ?? []));
    expect(twice.findings).toMatchObject([{ code: "duplicate-key", effect: "refused" }]);
  });

  it("names a key of the group that it does not know", () => {
    expect(one({}, { Colour: "red" }).findings).toMatchObject([
      { code: "unknown-key", effect: "note", place: "Colour" },
    ]);
  });
});

describe("the console's lists", () => {
  const name = (file: string) => ({ name: file });

  it.each([
    ["ecs_cn-qingdao_sg-123.json", "sg-123"],
    ["/home/me/ecs_sgRule_sg-9ab_cn-qingdao_20240314.json", "sg-9ab"],
    ["sg-x.json", "sg-x"],
  ])("are of the group that the file's name has: %s", (file, id) => {
    expect([...importText(JSON.stringify([rule()]), {}, name(file)).groups.keys()]).toEqual([id]);
  });

  it("want a name where the file has none", () => {
    expect(importText(JSON.stringify([rule()]), {}, name("rules.json")).findings).toMatchObject([
      { code: "missing-key", effect: "refused", write: "--name and an id" },
    ]);
  });

  it.each([
    [
      "commas and LF",
      "Direction,Policy,Priority,IpProtocol,PortRange,SourceCidrIp\ningress,Accept,1,TCP,22/22,192.0.2.0/24\n",
    ],
    [
      "BOM, semicolons, quotes and CRLF",
      '\uFEFF"Direction";"Policy";"Priority";"IpProtocol";"PortRange";"SourceCidrIp"\r\n"ingress";"Accept";"1";"TCP";"22/22";"192.0.2.0/24"\r\n',
    ],
    [
      "tabs, blank lines and no newline at the end",
      "\nDirection\tPolicy\tPriority\tIpProtocol\tPortRange\tSourceCidrIp\n\ningress\tAccept\t1\tTCP\t22/22\t192.0.2.0/24",
    ],
    [
      "titles as the console shows them",
      "Rule Direction,Action,Priority,Protocol Type,Port Range,Authorization Object,Creation Time\nInbound,Allow,1,TCP,22/22,192.0.2.0/24,2024-03-14\n",
    ],
    [
      "titles in Chinese",
      "规则方向,授权策略,优先级,协议类型,端口范围,授权对象,描述,创建时间\n入方向,允许,1,TCP,22/22,192.0.2.0/24,,2024\n",
    ],
  ])("come as CSV with %s", (_what, text) => {
    const { groups, findings } = importText(text, { name: "sg-a" });
    expect(findings.filter(({ effect }) => effect !== "note")).toEqual([]);
    expect(groups.get("sg-a")?.rules).toEqual([
      {
        direction: "ingress",
        policy: "accept",
        protocol: "tcp",
        portRange: "22/22",
        remote: "192.0.2.0/24",
        priority: 1,
      },
    ]);
  });

  it("name the line of what is wrong in a CSV", () => {
    const head = "Direction,Policy,Priority,IpProtocol,PortRange,SourceCidrIp,Description\n";
    const body =
      'ingress,Accept,1,TCP,22/22,0.0.0.0/0,"two\nlines"\ningress,Accept,1,TCP,03-Sep,0.0.0.0/0,\n';
    expect(importText(head + body, { name: "sg-a" }).findings).toMatchObject([
      { code: "source-default" },
      { code: "changed-text", place: "line 2" },
      { code: "bad-value", effect: "left-out", place: "line 4" },
    ]);
  });

  it.each([
    ["quotes that never end", 'Direction,PortRange\n"ingress,22/22\n', "bad-file"],
    ["rows of another length", "Direction,PortRange\ningress,22/22,tcp\n", "bad-file"],
    ["a title twice", "Direction,PortRange,Direction\n", "duplicate-key"],
    ["nothing", "", "bad-file"],
  ])("are refused for %s", (_what, text, code) => {
    const { findings } = importText(text, { name: "sg-a" }, { format: "alibaba" });
    expect(findings).toMatchObject([{ code, effect: "refused" }]);
  });
});

describe("an export of a group that drops egress by default", () => {
  const out = (priority: number, fields: Parts = {}) =>
    exportGroups(
      [
        bedGroup("sg-a", {
          innerAccess: "drop",
          defaultEgress: "drop",
          ...fields,
          rules: [{ direction: "egress", remote: "192.0.2.0/24", protocol: "all", priority }],
        }),
      ],
      "alibaba-json",
      new Map(),
    );

  it("says it by drops of the last priority, for both families", () => {
    const { text, findings } = out(99);
    expect(findings).toMatchObject([{ code: "group-setting", effect: "note" }]);
    const rules = importText(text).groups.get("sg-a")?.rules ?? [];
    expect(rules.map(({ policy, remote, priority }) => `${priority} ${policy} ${remote}`)).toEqual([
      "99 accept 192.0.2.0/24",
      "100 drop 0.0.0.0/0",
      "100 drop ::/0",
    ]);
  });

  it.each([
    ["an accept stands at that priority, which the drop would beat", 100, {}],
    ["members reach each other, which is weaker than any rule", 1, { innerAccess: "accept" }],
    ["the group is advanced, and has no drops", 1, { type: "advanced" }],
  ])("is refused where %s", (_what, priority, fields) => {
    expect(out(priority, fields).findings).toMatchObject([{ code: "group-setting", effect: "refused" }]);
  });
});

describe("an export to a CSV", () => {
  it("has no cell that a spreadsheet takes for a formula, and comes back as it was", () => {
    const texts = [
      "=1+1",
      "+cmd",
      "-2+3",
      "@SUM(A1)",
      "'=x",
      "''=x",
      "plain",
      "a,b;c",
      'say "x"',
      "  spaces ",
    ];
    const rules = texts.map((description) => ({ remote: "192.0.2.0/24", protocol: "all", description }));
    const sent = bedGroup("sg-a", { innerAccess: "drop", rules });
    const { text } = exportGroups([sent], "alibaba-csv", new Map());
    const cells = text.split(/\r\n/).flatMap((line) => line.split(","));
    expect(cells.filter((cell) => /^"?[=+@]|^"?-(?!1\/-1$)/.test(cell))).toEqual([]);
    const back = importText(text, { name: "sg-a" }).groups.get("sg-a")?.rules ?? [];
    expect(back.map(({ description }) => description)).toEqual(texts);
  });
});
