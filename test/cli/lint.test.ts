import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeSarif } from "../../src/cli/sarif.ts";
import { makeFinding } from "../../src/policy/lint/finding.ts";
import { ringwall, root, shopRules, writeFiles } from "./program.ts";

/** The manual's rules with one that is open to everyone, and one that never takes effect. */
const careless = shopRules.replace(
  "  sg-db:\n",
  `      - {direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: 0.0.0.0/0}
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: 10.0.0.0/8, priority: 5}
  sg-db:
`,
);

describe("lint", () => {
  it("prints each finding at its place, with what to write instead", async () => {
    const folder = writeFiles({ "rules.yaml": careless });
    const { code, stdout, stderr } = await ringwall(["lint", folder]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain(
      `${folder}/rules.yaml:11:9: warning: sg-web rule 2 opens tcp 22 (SSH) to 0.0.0.0/0 [open-to-world]`,
    );
    expect(stdout).toContain(
      `${folder}/rules.yaml:12:9: warning: sg-web rule 3 never takes effect: rule 2 (line 11) accepts all that it matches first [shadowed]\n` +
        "  better: take it out\n    ringwall rule remove sg-web 3\n",
    );
    expect(stdout).toMatch(/\n2 warnings, \d notes\.\n$/);
  });

  it("fails a pipeline for what --fail-on says", async () => {
    const folder = writeFiles({ "rules.yaml": shopRules, "careless.yaml": careless });
    const codeOf = async (file: string, ...args: string[]): Promise<number | null> =>
      (await ringwall(["lint", join(folder, file), ...args])).code;
    expect(await codeOf("rules.yaml")).toBe(0);
    expect(await codeOf("rules.yaml", "--fail-on", "note")).toBe(1);
    expect(await codeOf("careless.yaml", "--fail-on", "never")).toBe(0);
    expect(await codeOf("careless.yaml", "--fail-on", "often")).toBe(64);
  });

  it("gives programs the same record", async () => {
    const folder = writeFiles({ "rules.yaml": careless });
    const { stdout } = await ringwall(["lint", "--rules", folder, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ warnings: 2, complete: true });
    const yaml = await ringwall(["lint", folder, "-o", "yaml"]);
    expect(yaml.stdout).toContain("code: open-to-world");
  });

  it("names commands that the program takes", async () => {
    const more = `      - {direction: ingress, policy: accept, protocol: udp, portRange: 1/2000, sourcePortRange: 53/53, remote: "::/0"}
      - {direction: ingress, policy: accept, protocol: all, remote: "::/0", expires: "2090-01-01T00:00:00Z"}
      - {direction: egress, policy: accept, protocol: all, remote: sg-web}
  sg-db:
`;
    const folder = writeFiles({ "rules.yaml": careless.replace("  sg-db:\n", more) });
    const { stdout } = await ringwall(["lint", folder, "--json"]);
    const { findings } = JSON.parse(stdout) as { findings: { better: { command: string | null } | null }[] };
    const commands = findings.flatMap(({ better }) => better?.command ?? []);
    expect(new Set(commands.map((command) => command.split(" ")[2]))).toEqual(new Set(["modify", "remove"]));
    for (const command of commands) {
      const [, ...words] = command.split(" ");
      const { code, stderr } = await ringwall([...words, "--rules", folder, "--dry-run"]);
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: "" });
    }
  });

  it("refuses rules that are wrong, and two names of one thing", async () => {
    const folder = writeFiles({ "rules.yaml": careless.replace("22/22", "22") });
    const { code, stderr } = await ringwall(["lint", folder]);
    expect(code).toBe(1);
    expect(stderr).toContain("rules.yaml:11:");
    expect((await ringwall(["lint", folder, "--rules", folder])).code).toBe(64);
    expect((await ringwall(["lint"])).code).toBe(3);
  });
});

/**
 * The public schema, as Schema Store has it (OASIS; its notice allows copies). zod takes `uri-reference` for an
 * absolute URL, so references are checked apart.
 */
function readSchema() {
  const text = readFileSync(join(root, "test/support/sarif-2.1.0-rtm.5.json"), "utf8");
  return z.fromJSONSchema(
    JSON.parse(text.replaceAll(/"format": "uri-reference",?/g, "").replaceAll(/,(\s*\})/g, "$1")),
  );
}

describe("lint --sarif", () => {
  const schema = readSchema();

  it("is accepted by the public schema", async () => {
    const folder = writeFiles({ "rules of a shop.yaml": careless });
    const { code, stdout } = await ringwall(["lint", folder, "--sarif"]);
    const log = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(schema.safeParse(log).error?.issues ?? []).toEqual([]);
    const uris = stdout.match(/(?<="uri": ")[^"]*/g) ?? [];
    expect(uris.length).toBeGreaterThan(2);
    for (const uri of uris) expect(new URL(uri, "file:///").pathname).toContain("rules%20of%20a%20shop.yaml");
    const [run] = log.runs;
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
  });

  it("would be refused by it, were it otherwise", () => {
    const finding = makeFinding("one-group", { message: "m", better: null });
    const log = makeSarif([finding], "1.0.0", "/");
    expect(schema.safeParse(log).success).toBe(true);
    const [run] = log.runs;
    expect(schema.safeParse({ ...log, runs: [{ ...run, tool: undefined }] }).success).toBe(false);
    const wrong = { ...run?.results[0], level: "bad" };
    expect(schema.safeParse({ ...log, runs: [{ ...run, results: [wrong] }] }).success).toBe(false);
    expect(schema.safeParse({ ...log, more: 1 }).success).toBe(false);
  });

  it("names files below the folder relative to it, and escapes what is no text", () => {
    const place = { file: "/work\u001b/rules d/a.yaml", line: 3, column: 0 };
    const finding = makeFinding("one-group", {
      message: "a \u001b[31mred\u202e name",
      better: null,
      group: "sg-\u0007",
      place,
    });
    const below = JSON.stringify(makeSarif([finding], "1.0.0", "/work\u001b"));
    expect(below).toContain('"uri":"rules%20d/a.yaml"');
    const outside = JSON.stringify(makeSarif([finding], "1.0.0", "/elsewhere"));
    expect(outside).toContain('"uri":"file:///work%1B/rules%20d/a.yaml"');
    for (const text of [below, outside]) {
      expect(text).toContain("a \\\\u001b[31mred\\\\u202e name");
      expect(text).toContain("sg-\\\\u0007");
      // In JSON a control character would stand as one backslash and its number.
      expect(text).not.toMatch(/(?<!\\)\\u00/);
    }
  });
});
