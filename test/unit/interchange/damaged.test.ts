/** Sources with a part missing or of another kind: what comes is legal, or refused with a finding; nothing is thrown. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRefused } from "../../../src/interchange/finding.ts";
import type { SourceFile } from "../../../src/interchange/translate.ts";
import { importFiles, modelOf } from "../../support/import-target.ts";
import { seed } from "../../support/seed.ts";

const permission = {
  Policy: "Accept",
  Direction: "ingress",
  IpProtocol: "TCP",
  PortRange: "22/22",
  SourcePortRange: "1/1023",
  Priority: "1",
  NicType: "intranet",
  SourceCidrIp: "192.0.2.0/24",
  DestCidrIp: "10.0.0.0/8",
  Description: "desk",
};
const openstackRule = {
  id: "r-1",
  direction: "ingress",
  ethertype: "IPv4",
  protocol: "icmp",
  port_range_min: 8,
  port_range_max: 0,
  remote_ip_prefix: "192.0.2.0/24",
  remote_group_id: null,
};

/** One of each kind of JSON, with every key that is read. */
const documents: Readonly<Record<string, unknown>> = {
  "ecs_x_sg-a.json": [permission, { ...permission, Policy: "Drop", SourceGroupId: "sg-a", SourceCidrIp: "" }],
  "attribute.json": {
    SecurityGroupId: "sg-a",
    SecurityGroupType: "normal",
    SecurityGroupName: "web",
    VpcId: "v",
    InnerAccessPolicy: "Drop",
    Tags: { Tag: [{ TagKey: "team", TagValue: "web" }] },
    Permissions: { Permission: [permission] },
  },
  "aws.json": {
    SecurityGroups: [
      {
        GroupId: "sg-1",
        GroupName: "web",
        Description: "d",
        OwnerId: "1",
        VpcId: "v",
        Tags: [{ Key: "k", Value: "v" }],
        IpPermissions: [
          {
            IpProtocol: "tcp",
            FromPort: 22,
            ToPort: 22,
            IpRanges: [{ CidrIp: "192.0.2.0/24", Description: "d" }],
            Ipv6Ranges: [{ CidrIpv6: "::/0" }],
            PrefixListIds: [],
            UserIdGroupPairs: [{ GroupId: "sg-1", UserId: "1" }],
          },
        ],
        IpPermissionsEgress: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
      },
    ],
  },
  "aws-rules.json": {
    SecurityGroupRules: [
      {
        SecurityGroupRuleId: "sgr-1",
        GroupId: "sg-1",
        IsEgress: false,
        IpProtocol: "udp",
        FromPort: 1,
        ToPort: 2,
        CidrIpv4: "192.0.2.0/24",
      },
    ],
  },
  "openstack.json": {
    id: "u-1",
    name: "web",
    description: "d",
    stateful: true,
    tags: ["a"],
    rules: [openstackRule],
  },
  "rules.json": {
    version: 1,
    prefixLists: { "pl-a": { family: "ipv4", entries: [{ cidr: "192.0.2.0/24" }] } },
    groups: {
      "sg-a": {
        type: "basic",
        network: "vpc-a",
        rules: [{ direction: "ingress", policy: "drop", protocol: "all", remote: "pl-a" }],
      },
    },
  },
};

const texts: readonly SourceFile[] = [
  {
    name: "sg-a.csv",
    text: 'Direction;Policy;Priority;IpProtocol;PortRange;SourceCidrIp;Description\r\ningress;Accept;1;TCP;22/22;192.0.2.0/24;"a;b"\r\n',
  },
  {
    name: "100.fw",
    text: "[OPTIONS]\nenable: 1\npolicy_in: DROP\n[ALIASES]\na 192.0.2.1\n[IPSET s]\n192.0.2.0/24\n!192.0.2.9\n[RULES]\nIN SSH(ACCEPT) -source +s -log info # x\n|OUT DROP\nIN DROP -p tcp -dport 1:2,5 -source a\nIN ACCEPT -p icmp -icmp-type 3/4\n",
  },
  {
    name: "rules.yaml",
    text: "version: 1\ngroups:\n  sg-a:\n    type: basic\n    network: vpc-a\n    rules:\n      - {direction: ingress, policy: accept, protocol: tcp, portRange: 1/2, remote: 0.0.0.0/0}\n",
  },
];

const strange: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  "",
  " ",
  "x",
  "0",
  -1,
  0,
  1.5,
  1e21,
  true,
  [],
  {},
  [[]],
  [{}],
  [null],
  { a: 1 },
  "sg-1",
  "pl-x",
  "::/0",
  "0.0.0.0/0",
  "__proto__",
  "\u0000",
  "999/1",
  "drop",
);

/** Paths of all values of a document. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

/** The document with the value at a path replaced, or taken out. */
function damage(value: unknown, path: readonly string[], change: { readonly to?: unknown }): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change.to;
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const index = Number(step);
    if (rest.length === 0 && !("to" in change)) list.splice(index, 1);
    else list[index] = damage(list[index], rest, change);
    return list;
  }
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.flatMap(([key, inner]) => {
      if (key !== step) return [[key, inner]];
      return rest.length === 0 && !("to" in change) ? [] : [[key, damage(inner, rest, change)]];
    }),
  );
}

const change = fc.oneof(
  strange.map((to) => ({ to })),
  fc.constant({} as { readonly to?: unknown }),
);

/** A piece of a text taken out, doubled, or put in. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 0, max: 12 }),
  insert: fc.constantFrom(
    "",
    "\n",
    '"',
    ";",
    "[",
    "|",
    " -p udp",
    "0",
    "\uFEFF",
    "GROUP x\n",
    "\t",
    "{",
    "&a",
    "!",
  ),
});

function expectLegalOrRefused(files: readonly SourceFile[]): "legal" | "refused" {
  const imported = importFiles(files, { name: null });
  if (isRefused(imported.findings)) return "refused";
  // The reader's own judgement: a rules file's keys are its matter, not the translation's.
  if (!files.some(({ name }) => name.startsWith("rules."))) modelOf(imported);
  return "legal";
}

describe("a damaged source", () => {
  it.each(Object.entries(documents))(`of %s is legal or refused (seed ${seed})`, (name, document) => {
    const reached = { legal: 0, refused: 0 };
    const paths = pathsOf(document);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...paths), change), { minLength: 1, maxLength: 2 }),
        (changes) => {
          let damaged: unknown = document;
          for (const [path, made] of changes)
            if (
              typeof damaged === "object" &&
              damaged !== null &&
              pathsOf(damaged).some((other) => other.join("/") === path.join("/"))
            )
              damaged = damage(damaged, path, made);
          const text = JSON.stringify(damaged) ?? "";
          reached[expectLegalOrRefused([{ name, text }])] += 1;
        },
      ),
      { seed, numRuns: 400 },
    );
    expect(reached.legal).toBeGreaterThan(10);
    expect(reached.refused).toBeGreaterThan(10);
  });

  it.each(texts.map((file) => [file.name, file] as const))(
    `of %s is legal or refused (seed ${seed})`,
    (_name, file) => {
      const reached = { legal: 0, refused: 0 };
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
          const text = edits.reduce((before, { at, length, insert }) => {
            const start = Math.floor(at * before.length);
            return before.slice(0, start) + insert + before.slice(start + length);
          }, file.text);
          reached[expectLegalOrRefused([{ ...file, text }])] += 1;
        }),
        { seed, numRuns: 400 },
      );
      expect(reached.legal).toBeGreaterThan(5);
      expect(reached.refused).toBeGreaterThan(10);
    },
  );
});
