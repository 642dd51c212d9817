/** `import`, `export`, `group import` and `group export`, at a desk. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolder, ringwall, shopRules, writeFiles } from "./program.ts";

const aws = JSON.stringify({
  SecurityGroups: [
    {
      GroupId: "sg-0aa1",
      GroupName: "web",
      Description: "web tier",
      OwnerId: "1",
      VpcId: "vpc-0c1",
      IpPermissions: [
        {
          IpProtocol: "tcp",
          FromPort: 443,
          ToPort: 443,
          IpRanges: [{ CidrIp: "0.0.0.0/0" }],
          UserIdGroupPairs: [{ UserId: "9", GroupId: "sg-0bb2" }],
        },
      ],
      IpPermissionsEgress: [],
    },
  ],
});

const csv = "\uFEFFDirection;Policy;Priority;IpProtocol;PortRange;SourceCidrIp;NicType;Description\r\n";
const csvRow = 'ingress;Accept;1;TCP;"8080/8080";192.0.2.0/24;intranet;"say ""hi""; twice"\r\n';

const clusterFile = "[group shared]\nIN HTTPS(ACCEPT)\nIN DROP -source 203.0.113.0/24\n";
const guestFile = "[OPTIONS]\nenable: 1\n[RULES]\nGROUP shared\nIN SSH(ACCEPT) -source 198.51.100.0/24\n";

describe("import", () => {
  it("is refused for an accept that cannot be said, naming it, and changes nothing", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "aws.json": aws });
    const rules = join(folder, "rules.yaml");
    const { code, stdout, stderr } = await ringwall(["import", join(folder, "aws.json"), "--rules", rules]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/nothing was imported.*--partial/);
    expect(stderr).toMatch(/IpPermissions\[0\]\.UserIdGroupPairs\[0\]: left out: sg-0aa1: .*9\/sg-0bb2/);
    expect(readFileSync(rules, "utf8")).toBe(shopRules);
  });

  it("goes on without it where it is told so, and keeps the file's own text", async () => {
    const commented = shopRules.replace("groups:", "groups: # mine");
    const folder = writeFiles({ "rules.yaml": commented, "aws.json": aws });
    const rules = join(folder, "rules.yaml");
    const args = ["import", join(folder, "aws.json"), "--rules", rules, "--partial", "--json"];
    const { code, stdout } = await ringwall(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      format: "aws",
      network: "vpc-shop",
      groups: [{ id: "sg-0aa1", type: "basic", rules: 1 }],
      findings: [{ code: "unknown-group", effect: "left-out", group: "sg-0aa1" }],
      changed: true,
    });
    const written = readFileSync(rules, "utf8");
    expect(written).toContain("groups: # mine");
    expect(written).toMatch(/sg-0aa1:\n(.*\n)*? {4}innerAccess: drop\n {4}defaultEgress: drop/);
    expect((await ringwall(["validate", rules])).code).toBe(0);
  });

  it("gives programs the findings of a refusal", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "aws.json": aws });
    const args = ["import", join(folder, "aws.json"), "--rules", join(folder, "rules.yaml"), "-o", "json"];
    const { code, stdout } = await ringwall(args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [{ effect: "left-out", place: expect.any(String) }],
    });
  });

  it("shows with --dry-run what would come, and writes nothing", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "aws.json": aws });
    const rules = join(folder, "rules.yaml");
    const args = ["import", join(folder, "aws.json"), "--rules", rules, "--partial", "--dry-run"];
    const { code, stdout } = await ringwall(args);
    expect(code).toBe(0);
    expect(stdout).toContain("+  sg-0aa1:");
    expect(readFileSync(rules, "utf8")).toBe(shopRules);
  });

  it("begins a rules file, with the network that is named", async () => {
    const folder = writeFiles({ "cluster.fw": clusterFile, "100.fw": guestFile });
    const rules = join(folder, "rules.yaml");
    const files = [join(folder, "cluster.fw"), join(folder, "100.fw")];
    const { code, stderr } = await ringwall(["import", ...files, "--network", "lan", "--rules", rules]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readFileSync(rules, "utf8")).toContain("  lan: {type: vpc}\n");
    const shown = await ringwall(["group", "show", "sg-vm100", "--rules", rules, "--json"]);
    const { rules: sides } = JSON.parse(shown.stdout) as {
      rules: { ingress: { priority: number; policy: string }[] };
    };
    expect(sides.ingress.map(({ priority, policy }) => [priority, policy])).toEqual([
      [1, "accept"],
      [1, "accept"],
      [2, "drop"],
      [3, "accept"],
    ]);
  });

  it("never changes a group that is there, and says how to", async () => {
    const taken = aws.replace('"sg-0aa1"', '"sg-web"');
    const folder = writeFiles({ "rules.yaml": shopRules, "aws.json": taken });
    const rules = join(folder, "rules.yaml");
    const { code, stderr } = await ringwall([
      "import",
      join(folder, "aws.json"),
      "--rules",
      rules,
      "--partial",
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/`ringwall group import GROUP FILE`[\s\S]*sg-web \(.*rules\.yaml:/);
    expect(readFileSync(rules, "utf8")).toBe(shopRules);
  });

  it("says of a text that is nobody's which formats there are", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "x.json": '{"a": 1}' });
    const args = ["import", join(folder, "x.json"), "--rules", join(folder, "rules.yaml")];
    const { code, stderr } = await ringwall(args);
    expect(code).toBe(1);
    expect(stderr).toContain("--format alibaba|aws|openstack|proxmox|ringwall");
  });
});

describe("group import", () => {
  it("takes the rules of a spreadsheet's CSV: BOM, semicolons, quotes, CRLF", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "list.csv": csv + csvRow });
    const rules = join(folder, "rules.yaml");
    const args = ["group", "import", "sg-web", join(folder, "list.csv"), "--rules", rules, "--json"];
    const { code, stdout } = await ringwall(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      group: "sg-web",
      format: "alibaba",
      added: [{}],
      removed: [{}, {}],
    });
    const text = readFileSync(rules, "utf8");
    expect(text).toContain("portRange: 8080/8080");
    expect(text).toMatch(/say \\?"hi\\?"; twice/);
    expect(text).not.toContain("80/80, remote: 0.0.0.0/0");
  });

  it("leaves the group's settings where the source has rules alone, and takes them where it has them", async () => {
    const strict = shopRules.replace(
      "type: basic\n",
      "type: basic\n    defaultEgress: drop\n    mode: observe\n",
    );
    const folder = writeFiles({ "rules.yaml": strict, "list.csv": csv + csvRow, "aws.json": aws });
    const rules = join(folder, "rules.yaml");
    await ringwall(["group", "import", "sg-web", join(folder, "list.csv"), "--rules", rules]);
    const listed = readFileSync(rules, "utf8");
    expect(listed).toContain("type: basic\n    defaultEgress: drop\n    mode: observe\n");
    expect(listed).not.toContain("innerAccess");
    await ringwall(["group", "import", "sg-web", join(folder, "aws.json"), "--rules", rules, "--partial"]);
    const whole = readFileSync(rules, "utf8");
    expect(whole).toContain("defaultEgress: drop");
    expect(whole).toContain("mode: observe");
    expect(whole).toContain("innerAccess: drop");
    expect((await ringwall(["validate", rules])).code).toBe(0);
  });

  it("brings an IP set that changed, unless another group's rules name its list", async () => {
    const set = (entry: string): string => `[IPSET blocked]\n${entry}\n[RULES]\nIN DROP -source +blocked\n`;
    const guest = { "100.fw": set("192.0.2.1"), "101.fw": set("192.0.2.2") };
    const folder = writeFiles({ ...guest, "rules.yaml": shopRules });
    const rules = join(folder, "rules.yaml");
    const run = (verb: string[], file: string) => ringwall([...verb, join(folder, file), "--rules", rules]);
    expect((await run(["import"], "100.fw")).code).toBe(0);
    writeFileSync(join(folder, "100.fw"), guest["101.fw"]);
    expect((await run(["group", "import", "sg-vm100"], "100.fw")).code).toBe(0);
    expect(readFileSync(rules, "utf8")).toContain("192.0.2.2/32");
    const named = readFileSync(rules, "utf8").replace("remote: 198.51.100.0/24", "remote: pl-vm100-blocked");
    writeFileSync(rules, named);
    writeFileSync(join(folder, "100.fw"), guest["100.fw"]);
    const { code, stderr } = await run(["group", "import", "sg-vm100"], "100.fw");
    expect({ code, said: /pl-vm100-blocked already .*for sg-web/.test(stderr) }).toEqual({
      code: 1,
      said: true,
    });
    expect(readFileSync(rules, "utf8")).toBe(named);
  });

  it("adds what is not there with --merge, and leaves the rest and the settings", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "list.csv": csv + csvRow });
    const rules = join(folder, "rules.yaml");
    const args = [
      "group",
      "import",
      "sg-web",
      join(folder, "list.csv"),
      "--rules",
      rules,
      "--merge",
      "--json",
    ];
    expect(JSON.parse((await ringwall(args)).stdout)).toMatchObject({
      added: [{}],
      removed: [],
      changed: true,
    });
    expect(JSON.parse((await ringwall(args)).stdout)).toMatchObject({
      added: [],
      removed: [],
      changed: false,
    });
    const text = readFileSync(rules, "utf8");
    expect(text).toContain("80/80, remote: 0.0.0.0/0");
    expect(text).not.toContain("innerAccess");
  });
});

describe("export", () => {
  it("writes what group import reads back, in each format that can say it", async () => {
    const plain = shopRules.replace(", priority: 10", "");
    const folder = writeFiles({ "rules.yaml": plain });
    const rules = join(folder, "rules.yaml");
    for (const format of ["yaml", "json", "alibaba-json", "alibaba-csv"]) {
      const file = join(folder, `web.${format}`);
      const out = await ringwall([
        "group",
        "export",
        "sg-web",
        "--format",
        format,
        "--file",
        file,
        "--rules",
        rules,
      ]);
      expect({ format, code: out.code, stdout: out.stdout }).toEqual({ format, code: 0, stdout: "" });
      const back = await ringwall(["group", "import", "sg-web", file, "--merge", "--rules", rules]);
      expect({ format, code: back.code, said: back.stdout.includes("Nothing to change") }).toEqual({
        format,
        code: 0,
        said: true,
      });
    }
    expect(readFileSync(rules, "utf8")).toBe(plain);
  });

  it("is refused for a drop that the format cannot say, even with --partial", async () => {
    const rules = join(writeFiles({ "rules.yaml": shopRules }), "rules.yaml");
    const file = join(makeFolder(), "out.json");
    const args = [
      "export",
      "sg-web",
      "sg-db",
      "--format",
      "aws",
      "--rules",
      rules,
      "--file",
      file,
      "--partial",
    ];
    const { code, stderr } = await ringwall(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/rules\.yaml:10: refused: sg-web: .*AWS has no rules that drop/);
    expect(existsSync(file)).toBe(false);
  });

  it("names an accept that the format cannot say, and goes on without it only when told so", async () => {
    const odd = shopRules
      .replace(/.*policy: drop.*\n/, "")
      .replace("portRange: 80/80,", "portRange: 80/80, sourcePortRange: 1/1023,");
    const rules = join(writeFiles({ "rules.yaml": odd }), "rules.yaml");
    const refused = await ringwall(["export", "sg-web", "--format", "openstack", "--rules", rules]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/left out: sg-web: .*OpenStack has no source ports/);
    const partial = await ringwall([
      "export",
      "sg-web",
      "--format",
      "openstack",
      "--rules",
      rules,
      "--partial",
    ]);
    expect(partial.code).toBe(0);
    expect(partial.stderr).toContain("OpenStack has no source ports");
    expect(JSON.parse(partial.stdout)).toHaveLength(6);
  });
});
