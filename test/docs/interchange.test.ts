/** docs/interchange.md and README's three commands are held to what the program does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { targetFormats } from "../../src/interchange/export.ts";
import { findingCodes } from "../../src/interchange/finding.ts";
import { ringwall, writeFiles } from "../cli/program.ts";

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const page = read("docs/interchange.md");

describe("docs/interchange.md", () => {
  it("has each code of a finding with its meaning, and no other", () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)];
    const documented = rows.map(([, code = "", meaning = ""]) => [code, meaning]);
    expect(documented.filter(([code = ""]) => !(targetFormats as readonly string[]).includes(code))).toEqual(
      Object.entries(findingCodes),
    );
  });

  it("has a row for each format that goes out", () => {
    const chapter = page.split("## What goes out")[1]?.split("## ")[0] ?? "";
    for (const format of targetFormats) expect(chapter).toContain(`\`${format}\``);
  });
});

describe("README, bring your rules along", () => {
  const chapter = read("README.md").split("## Bring your rules along")[1]?.split("\n## ")[0] ?? "";
  const commands = [
    ...(/```sh\n(.*?)```/s.exec(chapter)?.[1] ?? "").matchAll(/^(\S.*?)(?: {2,}#.*)?$/gm),
  ].map(([, command = ""]) => command.trim());

  it("is three commands", () => {
    expect(commands).toHaveLength(3);
    expect(commands[0]).toMatch(/^aws ec2 describe-security-groups.*> aws\.json$/);
  });

  it("makes a legal rules file of what the first one prints", async () => {
    const range = { IpRanges: [{ CidrIp: "0.0.0.0/0" }], Ipv6Ranges: [{ CidrIpv6: "::/0" }] };
    const group = {
      GroupId: "sg-0aa1",
      GroupName: "web",
      Description: "web tier",
      OwnerId: "111122223333",
      VpcId: "vpc-0c1",
      IpPermissions: [
        { IpProtocol: "tcp", FromPort: 443, ToPort: 443, ...range, PrefixListIds: [], UserIdGroupPairs: [] },
      ],
      IpPermissionsEgress: [{ IpProtocol: "-1", ...range, PrefixListIds: [], UserIdGroupPairs: [] }],
    };
    const folder = writeFiles({ "aws.json": JSON.stringify({ SecurityGroups: [group] }) });
    const [program, ...args] = (commands[1] ?? "").split(" ");
    expect(program).toBe("ringwall");
    const here = args.map((word) => (/\.(json|yaml)$/.test(word) ? join(folder, word) : word));
    const imported = await ringwall(here);
    expect({ code: imported.code, stderr: imported.stderr }).toEqual({ code: 0, stderr: "" });
    const [file] = /\S+\.yaml/.exec(commands[2] ?? "") ?? [];
    expect((await ringwall(["validate", join(folder, file ?? "")])).stdout).toBe(
      "All is well: 1 group, 4 rules, 0 interfaces.\n",
    );
  });
});
