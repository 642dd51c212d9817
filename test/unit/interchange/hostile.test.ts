/** Foreign files that somebody made to hurt: what they are refused for, and that it is soon. */
import { describe, expect, it } from "vitest";
import { formatFinding, isPartial, isRefused } from "../../../src/interchange/finding.ts";
import type { SourceFile } from "../../../src/interchange/translate.ts";
import { unprintable } from "../../../src/model/printable.ts";
import { importFiles, importText, modelOf } from "../../support/import-target.ts";

const group = (fields: string): string =>
  `{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "x", "VpcId": "v", "IpPermissions": [${fields}], "IpPermissionsEgress": []}]}`;
const permission = (fields: string): string =>
  group(`{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, ${fields}}`);

/** The texts that a tenant would like to see printed. */
const nasty = [
  "\u001b[2J",
  "a\nb",
  "\u202egnp",
  "\u0000",
  '"><script>',
  "=cmd|'/c calc'!A1",
  "\ud800",
  "x".repeat(5000),
];

describe("a hostile file", () => {
  it.each([
    ["of a rule list", '[{"Policy": "Accept", "Policy": "Drop"}]', "[0].Policy"],
    [
      "deep inside",
      group('{"IpRanges": [], "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}'),
      "SecurityGroups[0].IpPermissions[0].IpRanges",
    ],
    ["written in another way", '{"SecurityGroups": [], "\\u0053ecurityGroups": []}', "SecurityGroups"],
  ])(
    "with a key twice %s is refused, and the place named: programs would keep one in silence",
    (_what, text, place) => {
      expect(importText(text, { name: "sg-1" }).findings).toMatchObject([
        { code: "duplicate-key", effect: "refused", message: expect.stringContaining(`\`${place}\``) },
      ]);
    },
  );

  it("is no way into the prototypes", () => {
    const text = group(
      '{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "__proto__": {"FromPort": 80}}',
    );
    expect(importText(text).findings).toMatchObject([{ code: "unknown-key", effect: "left-out" }]);
    for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const named = importText(text.replace('"sg-1"', JSON.stringify(key)));
      expect([...named.groups.keys()]).toEqual([`sg-${key}`]);
      const macro = importFiles([
        {
          name: "1.fw",
          text: `[OPTIONS]\nenable: 1\n${key}: 1\n[RULES]\nIN ${key}(DROP)\nIN DROP -p ${key}\nIN DROP -${key} x`,
        },
      ]);
      expect(macro.findings.filter(({ effect }) => effect === "refused")).toHaveLength(3);
    }
    expect(({} as { FromPort?: number }).FromPort).toBeUndefined();
  });

  it("prints nothing that a terminal would obey, in ids, names, texts, keys and values", () => {
    for (const text of nasty) {
      const quoted = JSON.stringify(text);
      const files = [
        permission(`"IpRanges": [{"CidrIp": ${quoted}, "Description": ${quoted}}]`),
        permission(`"IpRanges": [{"CidrIp": "0.0.0.0/0", ${JSON.stringify(`k${text}`)}: 1}]`),
        permission(`"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": ${quoted}}]`)
          .replaceAll('"sg-1"', quoted)
          .replaceAll('"x"', quoted),
        permission(`"UserIdGroupPairs": [{"GroupId": ${quoted}, "UserId": ${quoted}}]`),
        group(`{"IpProtocol": ${quoted}}`),
      ];
      for (const file of files) {
        const imported = importText(file);
        for (const finding of imported.findings) {
          const line = formatFinding(finding);
          expect({ text, line, clean: !unprintable.test(line) }).toMatchObject({ clean: true });
          expect(line.length).toBeLessThan(1000);
        }
        if (!isRefused(imported.findings)) modelOf(imported);
      }
    }
  });

  it("does not import what differs from a word by its case alone as that word's opposite", () => {
    const rule = {
      Direction: "INGRESS",
      IpProtocol: "tCp",
      PortRange: "22/22",
      Priority: 1,
      NicType: "Intranet",
      SourceCidrIp: "192.0.2.0/24",
    };
    for (const Policy of ["DROP", "dRoP"]) {
      const { groups } = importText(JSON.stringify([{ ...rule, Policy }]), { name: "sg-1" });
      expect(groups.get("sg-1")?.rules).toMatchObject([
        { policy: "drop", direction: "ingress", protocol: "tcp" },
      ]);
    }
  });

  /** Each would take minutes, or all memory, where somebody reads on; the test's own time limit is the bound. */
  const bombs: readonly (readonly [string, () => readonly SourceFile[]])[] = [
    ["20 MB of opening brackets", () => [{ name: "x.json", text: "[".repeat(20_000_000) }]],
    [
      "lists nested 200,000 deep",
      () => [{ name: "x.json", text: `${"[".repeat(200_000)}${"]".repeat(200_000)}` }],
    ],
    [
      "a text of 20 MB",
      () => [{ name: "x.json", text: permission(`"IpRanges": [{"CidrIp": "${"a".repeat(20_000_000)}"}]`) }],
    ],
    [
      "escapes of 20 MB",
      () => [
        { name: "x.json", text: permission(`"IpRanges": [{"CidrIp": "${"\\\\".repeat(10_000_000)}"}]`) },
      ],
    ],
    [
      "a quote that never ends, in a CSV",
      () => [{ name: "sg-1.csv", text: `Direction,PortRange\n"${"a,".repeat(5_000_000)}` }],
    ],
    [
      "a group that names itself",
      () => [
        { name: "cluster.fw", text: "[group a]\nGROUP a\nIN DROP" },
        { name: "1.fw", text: "[RULES]\nGROUP a" },
      ],
    ],
    [
      "a long group, named very often",
      () => [
        { name: "cluster.fw", text: `[group a]\n${"IN DROP -p tcp\n".repeat(20_000)}` },
        { name: "1.fw", text: `[RULES]\n${"GROUP a\n".repeat(20_000)}` },
      ],
    ],
    [
      "ports, sources and destinations that multiply",
      () => {
        const list = Array.from({ length: 3000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`).join(",");
        const ports = Array.from({ length: 3000 }, (_, at) => at + 1).join(",");
        return [
          {
            name: "1.fw",
            text: `[RULES]\nIN DROP -p tcp -source ${list} -dest ${list} -dport ${ports} -sport ${ports}`,
          },
        ];
      },
    ],
    [
      "a set of nothing but exceptions",
      () => {
        const holes = Array.from({ length: 60_000 }, (_, at) => `!10.${at >> 8}.${at & 255}.1`).join("\n");
        return [
          { name: "cluster.fw", text: `[IPSET a]\n10.0.0.0/8\n${holes}` },
          { name: "1.fw", text: "[RULES]\nIN DROP -source +a" },
        ];
      },
    ],
    [
      "100,000 rules that nobody can read",
      () => [{ name: "1.fw", text: `[RULES]\n${"IN DROP -p foo\n".repeat(100_000)}` }],
    ],
  ];

  it.each(bombs)("of %s is not taken, and takes neither time nor memory", (_what, make) => {
    const files = make();
    const { findings } = importFiles(files, {}, files[0]?.name.endsWith(".csv") ? "alibaba" : "auto");
    expect(isRefused(findings) || isPartial(findings)).toBe(true);
    expect(findings.length).toBeLessThan(6100);
    expect(findings.every(({ message }) => message.length < 1000)).toBe(true);
  });
});
