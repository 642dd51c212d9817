import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ringwall, root, shopRules, startRingwall, writeFiles } from "./program.ts";

describe("validate", () => {
  it("says that all is well, and how much it is", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { code, stdout, stderr } = await ringwall(["validate", folder]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "All is well: 2 groups, 3 rules, 2 interfaces.\n",
      stderr: "",
    });
  });

  it("says everything that is wrong, at its place, with what to write", async () => {
    const text = shopRules
      .replace("80/80", "80-80")
      .replace("5432/5432", "5432")
      .replace("remote: sg-web", "remote: sg-wbe");
    const folder = writeFiles({ "rules.yaml": text });
    const { code, stdout, stderr } = await ringwall(["validate", join(folder, "rules.yaml")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/rules\.yaml:9:\d+: .*`80\/80`/);
    expect(stderr).toMatch(/rules\.yaml:15:\d+: .*`5432\/5432`/);
    expect(stderr).toMatch(/rules\.yaml:15:\d+: .*sg-web/);
    expect(stderr).toMatch(/^ +\| +\^$/m);
  });

  it("gives programs one document", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules.replace("80/80", "80-80") });
    const { code, stdout } = await ringwall(["validate", folder, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      diagnostics: [{ severity: "error", place: { line: 9 }, write: "80/80" }],
    });
  });

  it("takes several files as one rule set", async () => {
    const [head = "", instances = ""] = shopRules.split("instances:");
    const folder = writeFiles({ "a.yaml": head, "b.yaml": `version: 1\ninstances:${instances}` });
    expect((await ringwall(["validate", join(folder, "a.yaml"), join(folder, "b.yaml")])).code).toBe(0);
    expect((await ringwall(["validate", join(folder, "b.yaml")])).code).toBe(1);
  });

  it("reads a file once that is named twice", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { code, stdout } = await ringwall([
      "validate",
      join(folder, "rules.yaml"),
      folder,
      `${folder}/./rules.yaml`,
    ]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("2 groups, 3 rules") });
  });

  it("names a path that is not there, and a folder without rules", async () => {
    const none = join(writeFiles({}), "none");
    expect((await ringwall(["validate", none])).stderr).toContain(
      `${none}: it does not exist: write it, or correct the path`,
    );
    const { code, stderr } = await ringwall([
      "validate",
      writeFiles({ ".hidden.yaml": "", "notes.txt": "" }),
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("no *.yaml file");
  });

  it("says what is no file beside what is wrong in files, and what is passed over", async () => {
    const folder = writeFiles({ "a.yaml": "version: 1\ngruops: {}\n", "more.yml": shopRules });
    mkdirSync(join(folder, "b.yaml"));
    const { code, stdout } = await ringwall(["validate", folder, join(folder, "none"), "--json"]);
    expect(code).toBe(1);
    const found = (JSON.parse(stdout) as { diagnostics: readonly { code: string; message: string }[] })
      .diagnostics;
    expect(found.map((one) => one.code)).toEqual([
      "file-unreadable",
      "file-passed-over",
      "file-unreadable",
      "unknown-key",
    ]);
    expect(found[0]?.message).toContain("it is a directory: put a file in its place");
  });
});

describe("explain --rules", () => {
  const ask = (folder: string, ...args: string[]) => ringwall(["explain", "--rules", folder, ...args]);

  it("answers by the rules alone where the user may load no programs", () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const question = ["--from", "i-web-1", "--to", "i-db-1", "--port", "5432", "--json"];
    const without = ["--bounding-set=-cap_39,-sys_admin", join(root, "bin/ringwall")];
    const { status, stdout } = spawnSync("setpriv", [...without, "explain", "--rules", folder, ...question], {
      encoding: "utf8",
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "accept", kernel: null });
  });

  it("prints the manual's document", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { code, stdout } = await ask(
      folder,
      "--from",
      "eni-web-1",
      "--to",
      "eni-db-1",
      "--port",
      "5432",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      verdict: "accept",
      sides: [
        {
          interface: "eni-web-1",
          direction: "egress",
          verdict: "accept",
          reason: "default-egress",
          rule: null,
        },
        {
          interface: "eni-db-1",
          direction: "ingress",
          verdict: "accept",
          reason: "rule",
          rule: { group: "sg-db", index: 0, priority: 1, policy: "accept", line: 15, id: null },
        },
      ],
      kernel: { verdict: "accept", agrees: true },
    });
  });

  it("finds interfaces by id, instance, device, MAC and address", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    for (const name of ["eni-db-1", "i-db-1", "tap102i0", "02:00:00:00:01:02", "10.0.0.12"]) {
      const { stdout } = await ask(folder, "--from", "i-web-1", "--to", name, "--port", "5432", "--json");
      expect((JSON.parse(stdout) as { sides: unknown[] }).sides).toHaveLength(2);
    }
  });

  it("names the nearest rule after a drop that no rule made", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { code, stdout } = await ask(folder, "--from", "192.0.2.1", "--to", "eni-db-1", "--port", "5432");
    expect(code).toBe(0);
    expect(stdout).toContain("eni-db-1 ingress: drop no-rule");
    expect(stdout).toContain("kernel: drop, as the rules say");
    expect(stdout).toContain(
      "Nearest is sg-db rule 0 (line 15): its remote is sg-web, the packet's 192.0.2.1.",
    );
    expect(stdout).toContain("ringwall rule add sg-db");
    const near = JSON.parse(
      (await ask(folder, "--from", "192.0.2.1", "--to", "eni-db-1", "--port", "5432", "--json")).stdout,
    );
    expect(near).toMatchObject({ verdict: "drop", near: { field: "remote", rule: { group: "sg-db" } } });
  });

  it("lists the rules that were considered when asked to", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { stdout } = await ask(
      folder,
      "--from",
      "198.51.100.7",
      "--to",
      "eni-web-1",
      "--port",
      "80",
      "--considered",
    );
    expect(stdout).toContain("sg-web rule 1 (line 10), priority 1, drop: decides");
  });

  it("does without the kernel where the user may not load programs", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const args = [
      "explain",
      "--rules",
      folder,
      "--from",
      "i-web-1",
      "--to",
      "i-db-1",
      "--port",
      "5432",
      "--json",
    ];
    const user = [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--bounding-set=-all",
      "--inh-caps=-all",
    ];
    const child = spawn("setpriv", [...user, process.execPath, join(root, "build/dist/main.js"), ...args], {
      cwd: "/",
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
    });
    spawn("chmod", ["-R", "a+rX", folder]);
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ verdict: "accept", kernel: null });
  });

  it("refuses wrong rules and names that mean nothing, with 1", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const unknown = await ask(folder, "--from", "eni-wbe-1", "--to", "eni-db-1", "--port", "1");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/eni-wbe-1.*write eni-web-1/);
    const wrong = writeFiles({ "rules.yaml": shopRules.replace("80/80", "80-80") });
    const refused = await ask(wrong, "--from", "eni-web-1", "--to", "eni-db-1", "--port", "1");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/rules\.yaml:9:\d+:/);
  });
});

describe("check --rules", () => {
  const row = (port: number, expect: string) =>
    `- {from: sg-web, to: sg-db, protocol: tcp, port: ${port}, expect: ${expect}, because: the shop}\n`;

  it("ends with 0 when every row is met", async () => {
    const folder = writeFiles({
      "rules.yaml": shopRules,
      "expect.yml": row(5432, "accept") + row(22, "drop"),
    });
    const { code, stdout } = await ringwall([
      "check",
      join(folder, "expect.yml"),
      "--rules",
      join(folder, "rules.yaml"),
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "All is met: 2 rows.\n" });
  });

  it("ends with 1 and shows the packet and the rule that contradict a row, at its line", async () => {
    const folder = writeFiles({
      "rules.yaml": shopRules,
      "expect.yml": row(5432, "accept") + row(5432, "drop"),
    });
    const args = ["check", join(folder, "expect.yml"), "--rules", join(folder, "rules.yaml")];
    const { code, stdout } = await ringwall(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/expect\.yml:2: sg-web to sg-db, tcp port 5432: drop was expected \(the shop\)/);
    expect(stdout).toMatch(/but tcp .* > 10\.0\.0\.12:5432/);
    expect(stdout).toContain("by sg-db rule 0 (line 15)");
    expect(stdout).toContain("1 of 2 rows are not met.");
    const record = JSON.parse((await ringwall([...args, "--json"])).stdout);
    expect(record).toMatchObject({
      met: false,
      rows: [{ contradiction: null }, { line: 2, contradiction: { verdict: "accept" } }],
    });
  });

  it("refuses a row that cannot be meant, at its line", async () => {
    const folder = writeFiles({
      "rules.yaml": shopRules,
      "expect.yml": `${row(22, "drop")}- {from: sg-wbe, to: sg-db, protocol: tcp, expect: drop}\n`,
    });
    const { code, stderr } = await ringwall([
      "check",
      join(folder, "expect.yml"),
      "--rules",
      join(folder, "rules.yaml"),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/expect\.yml:2: row 2: .*sg-wbe/);
    const broken = writeFiles({ "expect.yml": "- {from: [\n" });
    const syntax = await ringwall([
      "check",
      join(broken, "expect.yml"),
      "--rules",
      join(folder, "rules.yaml"),
    ]);
    expect(syntax.code).toBe(1);
    expect(syntax.stderr).toMatch(/expect\.yml:\d+:\d+: /);
  });
});

describe("output", () => {
  it("is one object in every format", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const args = ["explain", "--rules", folder, "--from", "i-web-1", "--to", "i-db-1", "--port", "5432"];
    const { parse } = await import("yaml");
    const json = JSON.parse((await ringwall([...args, "-o", "json"])).stdout);
    expect(parse((await ringwall([...args, "-o", "yaml"])).stdout)).toEqual(json);
  });

  it("has colour on a terminal, and none where its user wants none", () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const args = `group show sg-web --rules ${folder}`;
    const onTerminal = (env: Readonly<Record<string, string>>): string =>
      spawnSync("script", ["-qec", `${root}/bin/ringwall ${args}`, "/dev/null"], {
        env: { PATH: process.env.PATH ?? "", TERM: "xterm", ...env },
        encoding: "utf8",
      }).stdout;
    expect(onTerminal({})).toContain("\u001b[1msg-web\u001b[22m");
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      expect(onTerminal(env)).toContain("sg-web");
      expect(onTerminal(env)).not.toContain("\u001b");
    }
  });

  it("has no colour where no terminal reads it", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules });
    const { stdout } = await startRingwall(["validate", folder], { FORCE_COLOR: "1", CI: "1" });
    expect(stdout).not.toContain("\u001b");
  });
});
