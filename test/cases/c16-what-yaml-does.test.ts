/** C16: what YAML does to people. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { formatAddress, formatPrefix } from "../../src/model/cidr.ts";
import { formatDiagnostic } from "../../src/model/diagnostic.ts";
import { formatMac } from "../../src/model/mac.ts";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { decodeFile, fileBytesMax } from "../../src/model/yaml/decode.ts";
import { allowance } from "../hostile/measured.ts";
import { importText, modelOf } from "../support/import-target.ts";

const parse = (...texts: string[]) => {
  const files = texts.map((text, index) => ({ path: `${"abc"[index]}.yaml`, text }));
  return parseModel(files, { limits: defaultLimits });
};
const messages = (...texts: string[]) => parse(...texts).diagnostics.map(formatDiagnostic);

const rule = (rest = "remote: 0.0.0.0/0") =>
  `{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, ${rest}}`;
const groupOf = (rules: string) =>
  `version: 1\nnetworks: {vpc-a: {type: vpc}}\ngroups:\n  sg-t: {type: basic, network: vpc-a, rules: [${rules}]}\n`;
const good = groupOf(rule());

/** Of CPU, user and system, since then. */
function expectCpuBelow(seconds: number, started: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1e6).toBeLessThan(allowance(seconds, (user + system) / 1e6));
}

describe("C16 what YAML does to people", () => {
  it("CRLF line ends and no newline at the end are as LF, lines in messages are right", () => {
    const broken = good.replace("80/80", "80");
    expect(messages(broken)).toEqual(messages(broken.replaceAll("\n", "\r\n").trimEnd()));
    expect(messages(broken)[0]).toMatch(/^a\.yaml:4:/);
    expect(parse(good.replaceAll("\n", "\r\n").trimEnd()).model).not.toBeNull();
  });

  it("a UTF-8 byte order mark is accepted, and counts as no column", () => {
    const decoded = decodeFile("a.yaml", Buffer.from(`\uFEFF${good}`));
    expect(decoded.ok && parseModel([decoded.source], { limits: defaultLimits }).model).not.toBeNull();
    expect(messages("\uFEFFverion: 1\n")[0]).toMatch(/^a\.yaml:1:1: /);
  });

  it.each(["utf16le", "utf16be"])("%s is refused, with the place", (encoding) => {
    const bytes = Buffer.from(`\uFEFF${good}`, "utf16le");
    const decoded = decodeFile("a.yaml", encoding === "utf16be" ? bytes.swap16() : bytes);
    expect(decoded.ok ? "" : formatDiagnostic(decoded.diagnostic)).toMatch(/^a\.yaml:1:1: .*UTF-16/);
  });

  it("a tab in the indent is refused, line and column", () => {
    const text = "version: 1\ngroups:\n  sg-t:\n\t  type: basic\n";
    expect(messages(text)).toEqual(["a.yaml:4:1: a tab in the indentation: write spaces"]);
    expect(messages("version: 1\ngroups: {\n \tsg-t: {}}\n")[0]).toMatch(/^a\.yaml:3:2: a tab/);
  });

  it("an id or key twice is refused, both places named", () => {
    const twice =
      "version: 1\ngroups:\n  sg-t: {type: basic, network: v}\n  sg-t: {type: basic, network: v}\n";
    expect(messages(twice)).toEqual([
      "a.yaml:4:3: the key `sg-t` stands twice in one map: leave one out; the first one is at a.yaml:3:3",
    ]);
    const keys = messages(groupOf(rule("priority: 1, remote: ::/0, priority: 2")));
    expect(keys[0]).toMatch(/^a\.yaml:4:\d+: the key `priority` stands twice .* at a\.yaml:4:\d+$/);
    expect(messages(good, good.replace("networks: {vpc-a: {type: vpc}}\n", ""))).toEqual([
      "b.yaml:3:3: the group `sg-t` is declared twice: give one of them another id, or leave it out; the first one is at a.yaml:4:3",
    ]);
  });

  it("a MAC, a prefix and addresses without quotes are what they look like", () => {
    const text = `${groupOf(rule("remote: ::/0"))}instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: 52:54:00:12:34:56, addresses: [2001:db8:1::11, 192.0.2.11], groups: [sg-t]}}}
`;
    const { model, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    const member = model?.interfaces.get("eni-1");
    expect(member && formatMac(member.mac)).toBe("52:54:00:12:34:56");
    expect(member?.addresses.map(formatAddress)).toEqual(["2001:db8:1::11", "192.0.2.11"]);
    const remote = model?.groups.get("sg-t")?.rules[0]?.remote;
    expect(remote?.kind === "prefix" && formatPrefix(remote.prefix)).toBe("::/0");
  });

  it("a MAC of digits only is still that MAC", () => {
    const text = `${good}instances:
  i-1: {interfaces: {eni-1: {device: 0, network: vpc-a, mac: 52:54:00:12:34:56, addresses: [], host: 0x10, groups: [sg-t]}}}
`;
    const member = parse(text).model?.interfaces.get("eni-1");
    expect(member).toMatchObject({ device: "0", hosts: ["0x10"], mac: 0x525400123456n });
  });

  it("tags and texts are what is written, never a truth value or a number", () => {
    const tags =
      "tags: {country: no, on: yes, n: 010, t: true, __proto__: x, constructor: y}, description: 1e3";
    const { model, diagnostics } = parse(good.replace("rules:", `${tags}, rules:`));
    expect(diagnostics).toEqual([]);
    const group = model?.groups.get("sg-t");
    expect([...(group?.tags ?? [])]).toEqual([
      ["country", "no"],
      ["on", "yes"],
      ["n", "010"],
      ["t", "true"],
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(group?.description).toBe("1e3");
  });

  it("priority: 010 is 10", () => {
    const rules = parse(groupOf(rule("remote: ::/0, priority: 010"))).model?.groups.get("sg-t")?.rules;
    expect(rules?.[0]?.priority).toBe(10);
  });

  it("an anchor's rules stand where its alias does, as if written twice", () => {
    const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-a: {type: basic, network: vpc-a, rules: &web [${rule()}]}
  sg-b: {type: basic, network: vpc-a, rules: *web}
`;
    const { model, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(model?.groups.get("sg-b")?.rules).toEqual(model?.groups.get("sg-a")?.rules);
    expect(messages(text.replace("*web", "*wep"))).toEqual([
      "a.yaml:5:46: the alias `*wep` has no anchor before it: write the value out",
    ]);
    expect(messages("version: 1\ngroups: &a {sg-t: *a}\n")[0]).toContain("stands within its own anchor");
  });

  it("a merge key is refused, never passed over", () => {
    const text = `version: 1\nnetworks: {vpc-a: &n {type: vpc}, vpc-b: {<<: *n}}\n`;
    expect(messages(text)[0]).toMatch(/^a\.yaml:2:43: `<<` merges nothing here/);
  });

  it("nine levels of nine aliases are refused in under a second, in a few MB", () => {
    const lines = ["version: 1", `a: &a [${Array(9).fill("lol").join(",")}]`];
    for (const [level, name] of [..."bcdefghi"].entries()) {
      lines.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[level]}`).join(",")}]`);
    }
    const before = process.memoryUsage().heapUsed;
    const started = process.cpuUsage();
    const found = messages(`${lines.join("\n")}\n`);
    expectCpuBelow(1, started);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024);
    expect(found.join("\n")).toMatch(/a\.yaml:\d+:\d+: with its aliases written out/);
  });

  it("a second document is refused, and a directive and a tag", () => {
    expect(messages(`${good}---\n${good}`)[0]).toMatch(/^a\.yaml:5:1: a second document/);
    expect(messages(`%YAML 1.1\n---\n${good}`)[0]).toContain("`%YAML` directive");
    expect(messages(good.replace("type: vpc", "type: !!str vpc"))[0]).toMatch(/^a\.yaml:2:.*the tag/);
  });

  it("70 MB are refused, with the limit, in under two seconds", () => {
    const started = process.cpuUsage();
    const text = `version: 1\n${"# 70 MB of comment\n".repeat(3_700_000)}`;
    expect(text.length).toBeGreaterThan(fileBytesMax);
    expect(messages(text).join()).toContain("the limit is 67108864 (64 MiB)");
    const decoded = decodeFile("a.yaml", Buffer.alloc(fileBytesMax + 1, "#"));
    expect(decoded.ok).toBe(false);
    expectCpuBelow(2, started);
  });

  it.each([
    ["[", "too-deep"],
    ["{a: ", "too-deep"],
    ["- ", "too-deep"],
    ["? ", "too-deep"],
    ["[a,", "too-deep"],
    [",", "too-long"],
    ["-\n", "too-dense"],
    ["k: 1\n", "too-dense"],
    ["\n", "too-dense"],
  ])("two megabytes of %j are refused in under two seconds", (unit, code) => {
    const started = process.cpuUsage();
    const { diagnostics } = parse(unit.repeat((2 * 1024 * 1024) / unit.length));
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toEqual([code]);
    expectCpuBelow(2, started);
  });

  it("a large file with an alias is refused before it is parsed", () => {
    const started = process.cpuUsage();
    const text = `version: 1\nx: &x [1]\ny: *x\n${"# filler\n".repeat(1_000_000)}`;
    expect(parse(text).diagnostics.map(({ code }) => code)).toEqual(["alias-expansion"]);
    expectCpuBelow(2, started);
  });
});

/** 500 groups of 200 rules each. */
function manyRules(): string {
  const parts = ["version: 1\nnetworks:\n  vpc-a: {type: vpc}\ngroups:\n"];
  for (let group = 0; group < 500; group += 1) {
    parts.push(`  sg-${group}:\n    type: basic\n    network: vpc-a\n    rules:\n`);
    for (let index = 0; index < 200; index += 1) {
      const where = `portRange: ${1 + index}/${2 + index}, remote: 10.${group % 256}.${index}.0/24, priority: ${1 + (index % 100)}`;
      const why = `description: "rule ${index} of group ${group}, for the office network, ticket ${group * 1000 + index}, asked for by the team that owns it"`;
      parts.push(`      - {direction: ingress, policy: accept, protocol: tcp, ${where}, ${why}}\n`);
    }
  }
  return parts.join("");
}

describe("C16 a CSV of rules saved by a spreadsheet", () => {
  it("is imported with BOM, semicolons, quotes and CRLF", () => {
    const text =
      '\uFEFF"Direction";"Policy";"Priority";"IpProtocol";"PortRange";"SourceCidrIp";"Description"\r\n' +
      '"ingress";"Accept";"1";"TCP";"22/22";"192.0.2.0/24";"the ""desk""; by hand"\r\n';
    const imported = importText(text, {}, { name: "ecs_sgRule_sg-t_cn-x_2024.csv" });
    expect(modelOf(imported).groups.get("sg-t")?.rules).toMatchObject([
      { policy: "accept", protocol: "tcp", priority: 1, description: 'the "desk"; by hand' },
    ]);
  });

  it("is refused where it was damaged, with the line and what was expected", () => {
    const text =
      "Direction;Policy;Priority;IpProtocol;PortRange;SourceCidrIp\r\ningress;Drop;1;TCP;03-Sep;192.0.2.0/24\r\n";
    expect(importText(text, { name: "sg-t" }).findings).toContainEqual(
      expect.objectContaining({
        effect: "refused",
        place: "line 2",
        message: expect.stringContaining("`first/last`"),
      }),
    );
  });
});

describe("C16 20 MB of legal rules", () => {
  it("are accepted within a gigabyte by the bundled reader, showing progress while others run", async () => {
    const input = manyRules();
    expect(input.length).toBeGreaterThan(20_000_000);
    const folder = mkdtempSync(join(tmpdir(), "ringwall-c16-"));
    try {
      const program = join(folder, "read.mjs");
      const contents = `
        import { readFileSync } from "node:fs";
        import { parseModelInSlices } from "./src/model/parse.ts";
        import { defaultLimits } from "./src/model/model.ts";
        const text = readFileSync(0, "utf8");
        let ticks = 0;
        const timer = setInterval(() => { ticks += 1; }, 1);
        const progress = [];
        const onProgress = ({ done, total }) => progress.push(done / total);
        const files = [{ path: "a.yaml", text }];
        const { model, diagnostics } = await parseModelInSlices(files, { limits: defaultLimits }, { onProgress });
        clearInterval(timer);
        const last = model?.groups.get("sg-499")?.rules[199]?.place;
        const memory = process.resourceUsage().maxRSS;
        console.log(JSON.stringify({ groups: model?.groups.size, last, diagnostics, progress, ticks, memory }));`;
      const stdin = { contents, resolveDir: process.cwd(), loader: "ts" as const };
      const banner = {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      };
      const common = { bundle: true, platform: "node", format: "esm", logLevel: "error" } as const;
      await build({ stdin, outfile: program, banner, ...common });
      const { stdout } = spawnSync(process.execPath, [program], { input, encoding: "utf8" });
      const found = JSON.parse(stdout);
      expect(found.diagnostics).toEqual([]);
      expect(found.groups).toBe(500);
      expect(found.last).toEqual({ file: "a.yaml", line: 102_004, column: 9 });
      expect(found.memory).toBeLessThan(1_000_000);
      expect(found.ticks).toBeGreaterThan(100);
      expect(found.progress.length).toBeGreaterThan(100);
      expect(found.progress).toEqual([...found.progress].sort((a: number, b: number) => a - b));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
