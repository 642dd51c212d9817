import { describe, expect, it } from "vitest";
import { isRefused } from "../../../src/interchange/finding.ts";
import { importFiles, importText, modelOf } from "../../support/import-target.ts";

const own = "11111111-1111-4111-8111-111111111111";
const id = `sg-${own}`;

/** A row as the client prints it with `--long`. */
const row = (fields: object = {}) => ({
  ID: "r-1",
  "IP Protocol": "tcp",
  Ethertype: "IPv4",
  "IP Range": "192.0.2.0/24",
  "Port Range": "22:22",
  Direction: "ingress",
  "Remote Security Group": null,
  "Remote Address Group": null,
  "Security Group": own,
  ...fields,
});
const list = (...rows: readonly object[]) => importText(JSON.stringify(rows));
const rulesOf = (fields: object) => list(row(fields)).groups.get(id)?.rules;

describe("openstack security group rule list", () => {
  it("is a closed basic group for each group that the rules are of", () => {
    const imported = list(
      row(),
      row({ ID: "r-2", "Security Group": "22222222-2222-4222-8222-222222222222" }),
    );
    expect([...imported.groups.keys()]).toEqual([id, "sg-22222222-2222-4222-8222-222222222222"]);
    expect(imported.groups.get(id)).toEqual({
      type: "basic",
      network: "vpc-a",
      innerAccess: "drop",
      defaultEgress: "drop",
      rules: [
        {
          id: "r-1",
          direction: "ingress",
          policy: "accept",
          protocol: "tcp",
          portRange: "22/22",
          remote: "192.0.2.0/24",
        },
      ],
    });
    expect(imported.findings.map(({ code }) => code)).toEqual(["renamed-id", "renamed-id"]);
  });

  it("is the group that is named where the list, of one group, does not name it", () => {
    const { "Security Group": _, ...bare } = row();
    expect([...importText(JSON.stringify([bare]), { name: "sg-web" }).groups.keys()]).toEqual(["sg-web"]);
    expect(importText(JSON.stringify([bare])).findings).toMatchObject([
      { code: "missing-key", effect: "refused", write: "--name and an id" },
    ]);
  });

  it.each([
    [{ "IP Protocol": null, "Port Range": "" }, { protocol: "all" }],
    [{ "IP Protocol": "any", "Port Range": "" }, { protocol: "all" }],
    [
      { "IP Protocol": "icmp", "Port Range": "type=8:code=0" },
      { protocol: "icmp", icmpType: 8, icmpCode: 0 },
    ],
    [
      { "IP Protocol": "icmp", "Port Range": "type=8" },
      { protocol: "icmp", icmpType: 8 },
    ],
    [{ "IP Protocol": "vrrp", "Port Range": "" }, { protocol: 112 }],
    [
      { "IP Protocol": "TCP", "Port Range": "" },
      { protocol: "tcp", portRange: "-1/-1" },
    ],
    [{ "IP Range": "" }, { remote: "0.0.0.0/0" }],
    [
      { "IP Range": null, Ethertype: "IPv6", "IP Protocol": "icmp", "Port Range": "" },
      { protocol: "icmpv6", remote: "::/0" },
    ],
  ])("reads the columns %#", (fields, rule) => {
    expect(rulesOf(fields)).toMatchObject([rule]);
  });

  it("names ICMP rules whose zeros the client does not print; the group itself prints them", () => {
    const codes = (range: string) =>
      list(row({ "IP Protocol": "icmp", "Port Range": range })).findings.map(
        ({ code, effect }) => `${effect} ${code}`,
      );
    expect(codes("")).toEqual(["note renamed-id", "note ambiguous"]);
    expect(codes("type=8")).toEqual(["note renamed-id", "note ambiguous"]);
    expect(codes("type=8:code=1")).toEqual(["note renamed-id"]);
    expect(codes(":code=3")).toEqual(["note renamed-id", "left-out bad-value"]);
  });

  it("holds a rule for a group to the rule's family, and makes one rule of two twins", () => {
    const self = { "IP Range": "", "Remote Security Group": own };
    expect(rulesOf(self)).toMatchObject([{ remote: id, local: "0.0.0.0/0" }]);
    const [twin, ...more] =
      list(row(self), row({ ...self, ID: "r-2", Ethertype: "IPv6" })).groups.get(id)?.rules ?? [];
    expect(twin).toEqual({
      id: "r-1",
      direction: "ingress",
      policy: "accept",
      protocol: "tcp",
      portRange: "22/22",
      remote: id,
    });
    expect(more).toEqual([]);
    expect(modelOf(list(row(self))).groups.get(id)?.rules[0]?.local).toMatchObject({ family: 4, length: 0 });
  });

  it.each([
    ["an address group", { "Remote Address Group": "ag-1" }, "address-group"],
    ["ports of SCTP", { "IP Protocol": "sctp" }, "no-ports"],
    ["an unknown protocol", { "IP Protocol": "foo" }, "bad-value"],
    ["an unknown group", { "IP Range": "", "Remote Security Group": "sg-x" }, "unknown-group"],
    ["a group and a range", { "Remote Security Group": own }, "bad-value"],
    ["no direction, as older clients print without --long", { Direction: undefined }, "missing-key"],
    ["no range column, which would open it to all", { "IP Range": undefined }, "missing-key"],
    ["no protocol column", { "IP Protocol": undefined }, "missing-key"],
    ["no port column", { "Port Range": undefined }, "missing-key"],
    ["no column of remote groups", { "Remote Security Group": undefined }, "missing-key"],
    ["no family at all", { Ethertype: undefined, "IP Range": "" }, "missing-key"],
    ["a column that nobody knows", { Schedule: "nights" }, "unknown-key"],
  ])("leaves out an accept with %s", (_what, fields, code) => {
    const { groups, findings } = list(row(fields));
    expect(groups.get(id)?.rules).toEqual([]);
    expect(findings.filter(({ effect }) => effect !== "note")).toMatchObject([{ code, effect: "left-out" }]);
  });
});

describe("openstack security group show", () => {
  const rule = {
    id: "r-1",
    direction: "egress",
    ethertype: "IPv6",
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
    security_group_id: own,
    created_at: "2024-01-01T00:00:00Z",
    description: "",
  };
  const show = {
    id: own,
    name: "web",
    description: "web tier",
    project_id: "p",
    stateful: true,
    tags: ["prod"],
    rules: [rule],
  };

  it("is the group with its name, text and tags, from the client or the API", () => {
    const expected = {
      name: "web",
      description: "web tier",
      tags: { prod: "" },
      rules: [{ id: "r-1", direction: "egress", policy: "accept", protocol: "all", remote: "::/0" }],
    };
    expect(importText(JSON.stringify(show)).groups.get(id)).toMatchObject(expected);
    const { rules, ...head } = show;
    const api = { ...head, security_group_rules: rules };
    expect(importText(JSON.stringify({ security_group: api })).groups.get(id)).toMatchObject(expected);
    expect(importText(JSON.stringify({ security_groups: [api] })).groups.get(id)).toMatchObject(expected);
  });

  it("reads the text of rules that older clients print, where what is empty is left out", () => {
    const lines = [
      "created_at='2019-01-01', direction='egress', ethertype='IPv4', id='a', standard_attr_id='1', updated_at='2019'",
      "direction='ingress', ethertype='IPv4', id='b', port_range_max='443', port_range_min='443', protocol='tcp', remote_ip_prefix='192.0.2.0/24'",
    ];
    const imported = importText(JSON.stringify({ ...show, rules: lines.join("\n") }));
    expect(imported.groups.get(id)?.rules).toEqual([
      { id: "a", direction: "egress", policy: "accept", protocol: "all", remote: "0.0.0.0/0" },
      {
        id: "b",
        direction: "ingress",
        policy: "accept",
        protocol: "tcp",
        portRange: "443/443",
        remote: "192.0.2.0/24",
      },
    ]);
    expect(importText(JSON.stringify({ ...show, rules: "nonsense" })).findings).toMatchObject([
      { code: "renamed-id" },
      { code: "bad-file", effect: "refused" },
    ]);
  });

  it("comes in one file a group, which name each other", () => {
    const other = "22222222-2222-4222-8222-222222222222";
    const of = (id: string, peer: string) => ({
      ...show,
      id,
      rules: [{ ...rule, remote_group_id: peer, ethertype: "IPv4" }],
    });
    const files = [of(own, other), of(other, own)].map((group, at) => ({
      name: `${at}.json`,
      text: JSON.stringify(group),
    }));
    const { groups, findings } = importFiles(files);
    expect([...groups.values()].map(({ rules }) => rules[0]?.remote)).toEqual([`sg-${other}`, id]);
    expect(findings.filter(({ effect }) => effect !== "note")).toEqual([]);
  });

  it("refuses a stateless group, whose replies need rules, and one without its rules", () => {
    expect(isRefused(importText(JSON.stringify({ ...show, stateful: false })).findings)).toBe(true);
    const { rules: _, ...bare } = show;
    expect(isRefused(importText(JSON.stringify(bare), {}, { format: "openstack" }).findings)).toBe(true);
  });
});
