/** Names that others chose: whatever a command prints of them, no terminal, log or parser may act on it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ringwall } from "../cli/program.ts";

/** Escape sequences, line ends, C1, bidi marks, line separators, a byte order mark. */
const evil = "a\u001b[31mb\u0007c\u0085d\u009be\u202ef\u2066g\u2028h\ufeffi";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

const json = JSON.stringify(evil);
const files: Readonly<Record<string, string>> = {
  "rules/rules.yaml": `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-a: {type: basic, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: 0.0.0.0/0}]}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.1], groups: [sg-a]}}}
`,
  [`wrong/${evil.replaceAll("/", "")}\n.yaml`]: `version: 1
networks: {${json}: {type: ${json}}}
groups:
  sg-a: {type: basic, network: ${json}, name: ${json}, description: ${json}, tags: {${json}: ${json}}, rules: [{direction: ${json}, policy: accept, protocol: ${json}, portRange: ${json}, remote: ${json}, id: ${json}, ${json}: 1}]}
`,
  "aws.json": JSON.stringify({
    SecurityGroups: [
      {
        GroupId: `sg-${evil}`,
        GroupName: evil,
        Description: evil,
        VpcId: evil,
        Tags: [{ Key: evil, Value: evil }],
        IpPermissions: [
          { IpProtocol: evil, IpRanges: [{ CidrIp: evil, Description: evil }] },
          {
            IpProtocol: "tcp",
            FromPort: 22,
            ToPort: 22,
            IpRanges: [{ CidrIp: "10.0.0.0/8", Description: evil }],
          },
          { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: evil, UserId: evil }], [evil]: evil },
        ],
        IpPermissionsEgress: [],
      },
    ],
  }),
  "alibaba.json": JSON.stringify({
    SecurityGroupId: `sg-${evil}`,
    Permissions: {
      Permission: [
        {
          Policy: evil,
          Direction: evil,
          IpProtocol: evil,
          PortRange: evil,
          SourceCidrIp: evil,
          Description: evil,
        },
        {
          Policy: "Accept",
          Direction: "ingress",
          IpProtocol: "TCP",
          PortRange: "1/2",
          SourceCidrIp: "10.0.0.0/8",
          Description: evil,
        },
      ],
    },
  }),
  "openstack.json": JSON.stringify([
    {
      ID: evil,
      "IP Protocol": evil,
      Direction: evil,
      Ethertype: evil,
      "IP Range": evil,
      "Port Range": evil,
      "Remote Security Group": evil,
    },
  ]),
  "cluster.fw": `[OPTIONS]\n${evil}: 1\n[group ${evil}]\nIN ${evil}(ACCEPT) -source ${evil} # ${evil}\n[${evil}]\n`,
  "expect.yaml": `- {from: ${json}, to: ${json}, protocol: ${json}, expect: accept, because: ${json}}\n`,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-names-"));
  for (const name of ["rules", "wrong"]) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const formats = [[], ["-o", "json"], ["-o", "yaml"]] as const;
const at = (name: string) => join(folder, name);
const desk = () => ["--rules", at("rules")];

const commands: Readonly<Record<string, () => readonly string[]>> = {
  "validate a file of such names": () => ["validate", at("wrong")],
  "lint it": () => ["lint", at("wrong")],
  "plan it": () => ["plan", at("wrong"), ...desk()],
  "import AWS's": () => ["import", at("aws.json"), "--network", "vpc-a", "--partial", "--dry-run", ...desk()],
  "import Alibaba's": () => [
    "import",
    at("alibaba.json"),
    "--network",
    "vpc-a",
    "--partial",
    "--dry-run",
    ...desk(),
  ],
  "import OpenStack's": () => [
    "import",
    at("openstack.json"),
    "--network",
    "vpc-a",
    "--partial",
    "--dry-run",
    ...desk(),
  ],
  "import Proxmox'": () => [
    "import",
    at("cluster.fw"),
    "--network",
    "vpc-a",
    "--partial",
    "--dry-run",
    ...desk(),
  ],
  "check expectations": () => ["check", at("expect.yaml"), ...desk()],
  "explain between such ends": () => [
    "explain",
    "--from",
    evil,
    "--to",
    "i-1",
    "--protocol",
    evil,
    ...desk(),
  ],
  "show such a group": () => ["group", "show", evil, ...desk()],
  "create one": () => [
    "group",
    "create",
    `sg-${evil}`,
    "--network",
    evil,
    "--description",
    evil,
    "--dry-run",
    ...desk(),
  ],
  "add such a rule": () => [
    "rule",
    "add",
    "sg-a",
    "--direction",
    "ingress",
    "--policy",
    "accept",
    "--protocol",
    "tcp",
    "--port",
    "80/80",
    "--from",
    evil,
    "--description",
    evil,
    "--dry-run",
    ...desk(),
  ],
  "join such a group": () => ["join", evil, evil, "--dry-run", ...desk()],
  "a prefix list": () => ["prefix-list", "create", evil, evil, "--dry-run", ...desk()],
  "replay such a file": () => ["replay", at(evil), "--interface", evil, ...desk()],
  "a path that is not there": () => ["validate", at(`${evil}\n`)],
  "such an option": () => ["status", `--${evil}`],
  "such a command": () => [evil],
};

describe("names that others chose", () => {
  it.each(
    Object.keys(commands).flatMap((name) => formats.map((format) => [name, format.join(" ")] as const)),
  )("%s %s: arrive as text", async (name, format) => {
    const args = [...(commands[name]?.() ?? []), ...format.split(" ").filter((word) => word !== "")];
    const { code, stdout, stderr } = await ringwall(args);
    expect(code).not.toBeNull();
    expect(raw.exec(stdout)?.[0] ?? null, JSON.stringify(stdout)).toBeNull();
    expect(raw.exec(stderr)?.[0] ?? null, JSON.stringify(stderr)).toBeNull();
  });

  it("SARIF is one document whose texts hold none of them", async () => {
    const { stdout } = await ringwall(["lint", at("rules"), "--sarif"]);
    expect(JSON.parse(stdout)).toMatchObject({ version: "2.1.0" });
    expect(raw.exec(stdout)).toBeNull();
  });
});
