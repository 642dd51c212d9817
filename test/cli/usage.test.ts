import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolder, ringwall, root, shopRules } from "./program.ts";

const dist = join(root, "build/dist");
const commands = readdirSync(join(root, "src/cli/commands")).map((file) => file.replace(/\.ts$/, ""));

/** Files that a start reads before a command is chosen: main.js and what it imports statically. */
function listEager(file = "main.js", seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(dist, file), "utf8");
  for (const [, next] of text.matchAll(/^\s*(?:import|export)\b[^"'(]*?["']\.\/([^"']+)["']/gm)) {
    if (next !== undefined) listEager(next, seen);
  }
  return seen;
}

describe("the help", () => {
  it("lists every command", async () => {
    const { code, stdout, stderr } = await ringwall(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}ringwall ${command}\\b`, "m"));
  });

  it.each(commands)("of %s teaches by example", async (command) => {
    const { code, stdout } = await ringwall([command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n[\s\S]*ringwall/);
    expect(stdout).not.toMatch(/undefined|\[object|default: \[\]|\$0/);
  });

  it("says the version of package.json", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    for (const word of ["--version", "version"]) expect((await ringwall([word])).stdout).toBe(`${version}\n`);
  });

  it("is given to whoever writes `help` in front", async () => {
    expect(await ringwall(["help", "group", "show"])).toEqual(await ringwall(["group", "show", "--help"]));
  });

  it("is read without any of the heavy packages", () => {
    const eager = [...listEager()];
    const bytes = eager.reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
    const packages = new Set(
      eager.flatMap((file) =>
        [
          ...readFileSync(join(dist, file), "utf8").matchAll(/^\/\/ .*node_modules\/((?:@[^/]+\/)?[^/]+)/gm),
        ].map(([, name]) => name),
      ),
    );
    console.log(`--help reads ${bytes} bytes in ${eager.length} files`);
    expect(packages).toContain("yargs");
    for (const heavy of ["zod", "yaml", "pino", "prom-client", "cli-table3", "ipaddr.js"])
      expect(packages).not.toContain(heavy);
    expect(bytes).toBeLessThan(260_000);
  });

  it("tells how its start compares with a bare node", async () => {
    const time = (args: readonly string[]) => {
      const started = performance.now();
      for (let run = 0; run < 5; run++) expect(spawnSync(process.execPath, args).status).toBe(0);
      return (performance.now() - started) / 5;
    };
    const bare = time(["-e", "0"]);
    const help = time([join(dist, "main.js"), "--help"]);
    // Printed, not held: what else runs on this machine decides it as much as the program.
    console.log(
      `start: node ${bare.toFixed(0)} ms, --help ${help.toFixed(0)} ms, ratio ${(help / bare).toFixed(2)}`,
    );
  });
});

describe("the bundle", () => {
  it("has nothing of what packages load and nothing here uses", () => {
    const text = readdirSync(dist)
      .map((file) => readFileSync(join(dist, file), "utf8"))
      .join("\n");
    const packages = [...text.matchAll(/^\/\/ .*node_modules\/((?:@[^/]+\/)?[^/]+)/gm)].map(
      ([, name]) => name,
    );
    expect(packages).toContain("prom-client");
    for (const idle of ["@opentelemetry/api", "tdigest", "sonic-boom", "thread-stream"])
      expect(packages).not.toContain(idle);
    // `import { z } from "zod"` would bring all of it along, as this schema, which nobody uses (`import * as z` does not).
    expect(text).toContain("ZodString");
    expect(text).not.toContain("ZodSuccess");
    const builtins = [...text.matchAll(/(?:^import .*from |\b__require\d*\()"(?:node:)?([a-z_/]+)"/gm)];
    const asked = new Set(builtins.map(([, name]) => name));
    expect(asked).toContain("http");
    for (const idle of ["assert", "https", "zlib"]) expect(asked).not.toContain(idle);
  });
});

describe("explain --rules", () => {
  it("reads neither the agent's client nor the engine before the kernel is asked", () => {
    const files = readdirSync(dist)
      .filter((file) => file.startsWith("explain-"))
      .flatMap((file) => [...listEager(file)]);
    const sources = new Set(
      files.flatMap((file) =>
        [...readFileSync(join(dist, file), "utf8").matchAll(/^\/\/ src\/(.*)\.ts$/gm)].map(
          ([, name]) => name,
        ),
      ),
    );
    for (const needed of ["cli/commands/explain", "cli/explain", "policy/explain"])
      expect(sources).toContain(needed);
    const idle = /^(kernel\/(?!capabilities$|errors$)|cli\/client$|agent\/protocol$)/;
    expect([...sources].filter((name) => idle.test(name ?? ""))).toEqual([]);
  });
});

const guest = ["--instance", "i-1", "--device", "tap9", "--mac", "02:00:00:00:09:09"];
const shop = join(mkdtempSync(join(tmpdir(), "ringwall-usage-")), "rules.yaml");
beforeAll(() => writeFileSync(shop, shopRules));
afterAll(() => rmSync(dirname(shop), { recursive: true }));

describe("a command line that cannot be meant", () => {
  it.each<[string[], RegExp]>([
    [[], /Which command\?[\s\S]*ringwall --help/],
    [["statis"], /No command `statis`\. Did you mean status\?/],
    [["status", "--josn"], /josn[\s\S]*ringwall status --help/],
    [["status", "-o", "xml"], /"xml"[\s\S]*"table", "json", "yaml"/],
    [["status", "--json", "-o", "yaml"], /mutually exclusive/],
    [["status", "extra"], /extra/],
    [["apply"], /Write `ringwall apply <paths\.\.>`/],
    [["replay", "file.pcap"], /interface/],
    [["explain", "--from", "a"], /to/],
    [
      ["explain", "--from", "a", "--to", "b", "--port", "http"],
      /--port http: write a number from 0 to 65535/,
    ],
    [["explain", "--from", "a", "--to", "b", "--port", "70000"], /--port 70000/],
    [["explain", "--from", "a", "--from", "b", "--to", "c"], /--from is given twice/],
    [["status", "-o", "json", "-o", "yaml"], /output/],
    [["sessions", "--end", ""], /empty filter/i],
    [["sessions", "--end", "port=22"], /localPort/],
    [["sessions", "--interface", "a", "--end", "all"], /--end interface=a/],
    // What narrows nothing would leave everything: it ended every session.
    [["sessions", "--end", "network=vpc-a"], /write interface=…, too/],
    [["sessions", "--end", "remote=192.0.2.1", "--network", "vpc-a"], /--network goes with --interface/],
    [["sessions", "--network", "vpc-a"], /--network goes with --interface/],
    [["monitor", "--network", "vpc-a"], /--network goes with --interface/],
    [["explain", "--from", "a", "--to", "b", "--host", "kvm-8"], /--host goes with --rules/],
    [["interface", "list", "--host", "kvm-8"], /--host goes with --rules/],
    [["history", "12"], /Write `ringwall history show 12`/],
    [["reachability", "--from", "sg-web"], /--from goes with --to: write both/],
    [["interface", "add", "eni-1"], /Write --device, --mac, --instance, too/],
    [
      ["rule", "add", "sg-a", "--port", "1/1", "--from", "10.0.0.0/8", "--priority", "0"],
      /number from 1 to 110/,
    ],
    // A script's variable that is not set: the guest would have the default group, or no address that is checked.
    [["group", "show", ""], /An empty word stands for group: write what is meant/],
    [["validate", ""], /An empty word stands for paths/],
    [["group", "list", "--rules", ""], /An empty word stands for rules/],
    [["interface", "add", "eni-1", ...guest, "--group", ""], /An empty word stands for group/],
    [["interface", "add", "eni-1", ...guest, "--address="], /An empty word stands for address/],
    [
      ["interface", "add", "eni-1", ...guest, "--address", ",", "--rules", shop],
      /--address ,: write what is meant/,
    ],
    [["interface", "add", "a b", ...guest, "--rules", shop], /is no id of an interface/],
    [["validate", "-"], /`-` alone is no path here: write \/dev\/stdin/],
    // A word of a family's command line may be another command's name, and a file's.
    [["group", "import", "status"], /Write `ringwall group import <group> <files\.\.>`/],
    [["group", "show"], /Write `ringwall group show <group>`/],
    [["group", "shwo", "sg-web"], /no `group shwo`: write `ringwall group show`/],
    [["group", "backup", "sg-web"], /no `group backup`: write one of create, show, /],
  ])("%j ends with 64 and says what to write", async (args, message) => {
    const { code, stdout, stderr } = await ringwall(args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^ringwall: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
  });
});

describe("an option without its value", () => {
  it.each([
    [["apply", "/nonexistent", "--confirm"]],
    [["validate", "/nonexistent", "--host"]],
    [["group", "show", "sg-web", "--rules"]],
    [["status", "--socket"]],
  ])("is named: %j", async (args) => {
    const { code, stderr } = await ringwall(args);
    expect(code).toBe(64);
    expect(stderr).toMatch(new RegExp(`^ringwall: ${args.at(-1)} stands without its value: write one`));
  });
});

describe("without an agent", () => {
  it.each([
    [["status"]],
    [["sessions"]],
    [["monitor"]],
    [["explain", "--from", "a", "--to", "b", "--port", "80"]],
  ])("%j ends with 3, the socket's path, and how to start one", async (args) => {
    const { code, stdout, stderr } = await ringwall(args);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("/nonexistent/ringwall.sock");
    expect(stderr).toContain("ringwall agent");
  });

  it("says so of a socket that is none", async () => {
    const { code, stderr } = await ringwall(["status", "--socket", "/etc/hostname"]);
    expect(code).toBe(3);
    expect(stderr).toContain("No agent answers at /etc/hostname");
  });
});

describe("a tree that is not built", () => {
  it("says what to do", () => {
    const folder = makeFolder();
    mkdirSync(join(folder, "bin"));
    cpSync(join(root, "bin/ringwall"), join(folder, "bin/ringwall"));
    cpSync(join(root, "package.json"), join(folder, "package.json"));
    const { status, stderr } = spawnSync(join(folder, "bin/ringwall"), ["--help"], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain("make build");
  });
});

describe("a span for a confirmation", () => {
  it.each(["0s", "soon", "25h", "1.5s"])("%s is refused with what to write", async (span) => {
    const { code, stderr } = await ringwall(["apply", "/nonexistent", "--confirm", span]);
    expect(code).toBe(64);
    expect(stderr).toContain(`--confirm ${span}: write a span`);
  });
});
