import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { handWritten } from "./hand-written.ts";
import { ringwall, writeFiles } from "./program.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = writeFiles({ "rules.yaml": handWritten });
  file = join(folder, "rules.yaml");
});

const text = () => readFileSync(file, "utf8");
const run = (...args: string[]) => ringwall([...args, "--rules", folder]);

/** Runs a command that has to succeed; what it printed as JSON. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Runs a command that has to be refused; its files keep their bytes. */
async function refused(exit: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(text()).toBe(handWritten);
  return stderr;
}

/** Lines that went and came. */
function lineChanges(): { out: string[]; in: string[] } {
  const [before, after] = [handWritten.split("\n"), text().split("\n")];
  return {
    out: before.filter((line) => !after.includes(line)),
    in: after.filter((line) => !before.includes(line)),
  };
}

describe("rule add", () => {
  it("puts a rule at the end of its group, with an id, and keeps every other byte", async () => {
    const record = await json(
      "rule",
      "add",
      "sg-web",
      "--port",
      "443/443",
      "--from",
      "0.0.0.0/0",
      "--priority",
      "10",
    );
    expect(record).toMatchObject({
      group: "sg-web",
      changed: true,
      dryRun: false,
      revision: null,
      files: [file],
    });
    const { id } = record.rule as { id: string };
    expect(id).toMatch(/^r-[0-9a-f]{6}$/);
    expect(lineChanges()).toEqual({
      out: [],
      in: [
        `      - {id: ${id}, direction: ingress, policy: accept, protocol: tcp, portRange: 443/443, priority: 10, remote: 0.0.0.0/0}`,
      ],
    });
    expect(text()).toContain("# ticket 12\n      - {id: r-");
  });

  it("says as a dry run what it would do, as a diff that `patch` takes, with the same id", async () => {
    const args = ["rule", "add", "sg-db", "--protocol", "icmp", "--icmp-type", "8", "--from", "pl-office"];
    const dry = await json(...args, "--dry-run");
    expect(text()).toBe(handWritten);
    expect(dry).toMatchObject({ changed: true, dryRun: true, plan: { changed: true, sessions: null } });
    const { differences } = dry.plan as {
      differences: { interfaces: string[]; after: { verdict: string } }[];
    };
    expect(differences).toMatchObject([{ direction: "ingress", after: { verdict: "accept" } }]);
    expect(dry.diff).toContain("+        icmpType: 8\n");
    const done = await json(...args);
    expect(done.rule).toEqual(dry.rule);
    expect(done.diff).toBeUndefined();
  });

  it("does nothing when the rule is there", async () => {
    const record = await json(
      "rule",
      "add",
      "sg-web",
      "--port",
      "80/80",
      "--from",
      "0.0.0.0/0",
      "--priority",
      "10",
    );
    expect(record).toMatchObject({ changed: false, files: [], rule: { id: "http" } });
    expect(text()).toBe(handWritten);
  });

  it("does nothing when the rule is there in other words, and finds it by them", async () => {
    const rule = ["sg-web", "--port", "22/22", "--from", "10.0.0.0/8"];
    await json("rule", "add", ...rule, "--expires", "2031-12-31T18:00:00Z");
    const words = ["sg-web", "--port", "22/22", "--from", "10.0.0.9/8", "--nic-type", "intranet"];
    const expires = ["--expires", "2031-12-31T20:00:00+02:00"];
    expect(await json("rule", "add", ...words, ...expires)).toMatchObject({ changed: false });
    expect(await json("rule", "remove", ...words, ...expires)).toMatchObject({ removed: [{ index: 2 }] });
    expect(text()).toBe(handWritten);
  });

  it("knows every field of a rule", async () => {
    const record = await json(
      ...[
        "rule",
        "add",
        "sg-db",
        "--id",
        "all",
        "--direction",
        "egress",
        "--policy",
        "drop",
        "--protocol",
        "udp",
      ],
      ...[
        "--port-range=-1/-1",
        "--source-port",
        "1024/65535",
        "--remote",
        "10.0.0.77/8",
        "--local",
        "10.0.0.12/32",
      ],
      ...["--priority", "100", "--description", "not: allowed", "--expires", "2031-12-31T18:00:00Z"],
    );
    expect(record.rule).toEqual({
      id: "all",
      direction: "egress",
      policy: "drop",
      protocol: "udp",
      portRange: "-1/-1",
      sourcePortRange: "1024/65535",
      priority: 100,
      remote: "10.0.0.0/8",
      local: "10.0.0.12/32",
      description: "not: allowed",
      expires: "2031-12-31T18:00:00Z",
    });
    expect(record.notes).toEqual(["10.0.0.77/8 is taken as 10.0.0.0/8: it had bits behind its length"]);
    expect(text()).toContain('        description: "not: allowed"\n');
  });

  it("runs as `explain` suggests it, and then just this passes", async () => {
    const asked = [
      "explain",
      "--from",
      "198.51.100.200",
      "--to",
      "eni-db-1",
      "--port",
      "5432",
      "--rules",
      folder,
      "--json",
    ];
    const { near } = JSON.parse((await ringwall(asked)).stdout) as {
      near: { smallest: { command: string } };
    };
    const [program, ...words] = near.smallest.command.split(" ");
    expect(program).toBe("ringwall");
    await json(...words);
    expect(JSON.parse((await ringwall(asked)).stdout)).toMatchObject({ verdict: "accept" });
  });

  it("refuses what would be wrong, with its place in the text as it would be", async () => {
    expect(
      await refused(
        1,
        "rule",
        "add",
        "sg-strict",
        "--port",
        "80/80",
        "--from",
        "0.0.0.0/0",
        "--priority",
        "7",
      ),
    ).toMatch(/nothing was changed:\n\S+rules\.yaml:36:\d+: .*priority: 7.*advanced group[\s\S]*\^/);
    expect(await refused(1, "rule", "add", "sg-wbe", "--port", "1/1", "--from", "::/0")).toContain(
      "write sg-web",
    );
    expect(await refused(1, "rule", "add", "sg-db", "--port", "1/1", "--from", "sg-wbe")).toContain(
      "`sg-web`",
    );
    expect(
      await refused(1, "rule", "add", "sg-web", "--id", "http", "--port", "1/1", "--from", "::/0"),
    ).toContain("rule modify sg-web http");
  });

  it("says on the command line's own terms what is wrong with it", async () => {
    const add = (...args: string[]) => refused(64, "rule", "add", "sg-web", ...args);
    expect(await add("--port", "80", "--from", "0.0.0.0/0")).toContain(
      "--port-range: `80` is no range of ports: write `80/80`",
    );
    expect(await add("--port", "80/80", "--from", "10.0.0.1")).toContain("10.0.0.1/32");
    expect(await add("--port", "80/80")).toContain("--from");
    expect(await add("--protocol", "tcp", "--from", "::/0")).toContain("--port 80/80");
    expect(await add("--port", "80/80", "--direction", "egress", "--from", "::/0")).toContain("--remote");
    expect(await add("--from", "::/0", "--to", "::/0", "--port", "1/1")).toContain("one remote");
    expect(await add("--protocol", "TCP", "--port", "1/1", "--from", "::/0")).toContain("tcp");
    expect(await refused(64, "rule", "add")).toContain("ringwall rule add --help");
    expect(await refused(64, "rule")).toContain("add, remove, modify, list");
  });
});

describe("rule list, modify, remove", () => {
  it("list by number and id, with places", async () => {
    const { rules } = (await json("rule", "list", "sg-web")) as { rules: unknown[] };
    expect(rules).toMatchObject([
      { index: 0, id: "http", portRange: "80/80", priority: 10, line: 18, file },
      { index: 1, id: null, policy: "drop", priority: 1, line: 19 },
    ]);
    const { stdout } = await run("rule", "list", "sg-web");
    expect(stdout).toMatch(/^#\s+ID\s+DIRECTION/);
  });

  it("modify changes what is named, where it stands", async () => {
    await json("rule", "modify", "sg-web", "http", "--priority", "5", "--from", "pl-office");
    await json("rule", "modify", "sg-db", "0", "--expires", "2031-01-01T00:00:00Z");
    expect(lineChanges()).toEqual({
      out: [expect.stringContaining("id: http")],
      in: [
        "      - {id: http, direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: pl-office, priority: 5}",
        '        expires: "2031-01-01T00:00:00Z"',
      ],
    });
    await json("rule", "modify", "sg-db", "0", "--clear", "expires");
    expect(await json("rule", "modify", "sg-db", "0", "--id", "sql", "--dry-run")).toMatchObject({
      after: { id: "sql" },
    });
    await json("rule", "modify", "sg-web", "0", "--priority", "10", "--from", "0.0.0.0/0");
    expect(text()).toBe(handWritten);
  });

  it("modify to a protocol without ports takes the ports away", async () => {
    await json("rule", "modify", "sg-db", "0", "--protocol", "gre");
    expect(lineChanges()).toEqual({
      out: ["        protocol: tcp", "        portRange: 5432/5432"],
      in: ["        protocol: gre"],
    });
  });

  it("remove by id, by number and by content", async () => {
    const byContent = await json(
      "rule",
      "remove",
      "sg-web",
      "--protocol",
      "all",
      "--from",
      "198.51.100.0/24",
      "--dry-run",
    );
    expect(byContent.removed).toMatchObject([{ index: 1 }]);
    expect((await json("rule", "remove", "sg-db", "0")).removed).toMatchObject([{ portRange: "5432/5432" }]);
    expect(text()).toContain("    rules: []\n\n  sg-strict:");
    await json("rule", "remove", "sg-web", "http", "1");
    expect(text()).toContain("    rules: []\n      # HTTP for all\n\n  sg-db:");
  });

  it("remove refuses what is unknown or ambiguous, with the choices", async () => {
    expect(await refused(1, "rule", "remove", "sg-web", "htpp")).toMatch(
      /no rule htpp[\s\S]*#0 http: ingress accept tcp 80\/80/,
    );
    expect(await refused(1, "rule", "remove", "sg-web", "--direction", "ingress")).toMatch(
      /2 rules[\s\S]*--all[\s\S]*#0[\s\S]*#1/,
    );
    expect(await refused(1, "rule", "remove", "sg-web", "--port", "1/1")).toContain(
      "No rule of sg-web says this",
    );
    expect(await refused(64, "rule", "remove", "sg-web")).toContain("Which rule?");
    expect((await json("rule", "remove", "sg-web", "--direction", "ingress", "--all")).removed).toHaveLength(
      2,
    );
  });
});

describe("a file that somebody else changes", () => {
  it("is changed as it then is", async () => {
    writeFileSync(file, text().replace("# Machines", "# Machines and men"));
    await json("rule", "add", "sg-web", "--port", "443/443", "--from", "0.0.0.0/0");
    expect(text()).toContain("# Machines and men");
  });

  it("is left alone when it is wrong", async () => {
    const wrong = handWritten.replace("80/80", "80-80");
    writeFileSync(file, wrong);
    const { code, stderr } = await run("rule", "add", "sg-web", "--port", "443/443", "--from", "0.0.0.0/0");
    expect(code).toBe(1);
    expect(stderr).toMatch(/the rules are wrong:\n\S+rules\.yaml:18:/);
    expect(text()).toBe(wrong);
  });
});

describe("several files", () => {
  it("change only where an entry is written", async () => {
    const [head = "", machines = ""] = handWritten.split("# Machines\n");
    const two = writeFiles({ "a.yaml": head, "b.yaml": `version: 1\n${machines}` });
    const { code, stdout } = await ringwall(["group", "switch", "sg-web", "sg-db", "--rules", two, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ moved: ["eni-web-1"], files: [join(two, "b.yaml")] });
    expect(readFileSync(join(two, "a.yaml"), "utf8")).toBe(head);
  });
});
