import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Agent } from "../../src/agent/agent.ts";
import { defaultConfig } from "../../src/agent/config.ts";
import { createLog } from "../../src/agent/log.ts";
import { makeEvent, makeSession } from "../support/made-up.ts";
import { FakeEnforcer } from "../unit/agent/fake-enforcer.ts";
import { MemoryStore } from "../unit/agent/memory-store.ts";
import { ringwall, root, shopRules, writeFiles } from "./program.ts";

let folder: string;
let socket: string;
let agent: Agent;
let kernel: FakeEnforcer;
let store: MemoryStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-commands-"));
  socket = join(folder, "run", "ringwall.sock");
  kernel = new FakeEnforcer();
  store = new MemoryStore([{ path: "rules.yaml", text: shopRules }]);
  agent = await Agent.start({
    paths: { config: undefined, bpffs: "", state: join(folder, "state"), lock: join(folder, "lock") },
    config: {
      ...defaultConfig(),
      host: "kvm-1",
      socket: { path: socket, group: "no-such-group" },
      metrics: { listen: "127.0.0.1:0" },
    },
    version: "1.2.3",
    log: createLog({ level: "silent", format: "json" }, { write: () => undefined }),
    openStore: () => store,
    openEnforcer: async () => kernel,
  });
});

afterEach(async () => {
  await agent.stop({ detach: false });
  rmSync(folder, { recursive: true, force: true });
});

const ask = (...args: string[]) => ringwall([...args, "--socket", socket]);

const session = makeSession();

const drop = makeEvent();

describe("lint, reachability and the effective rules", () => {
  it("are of the rules in force", async () => {
    const lint = await ask("lint", "--fail-on", "note");
    expect(lint.code).toBe(1);
    expect(lint.stdout).toContain("rules.yaml:9:9: note: sg-web rule 0 opens tcp 80 to 0.0.0.0/0");
    const reach = await ask("reachability", "--from", "sg-web", "--to", "sg-db");
    expect(reach.stdout).toBe(
      "sg-web to sg-db\nIPv4: tcp 5432\nIPv6: no two ends with addresses of this family\n",
    );
    const shown = await ask("interface", "show", "eni-db-1", "--effective");
    expect(shown.stdout).toMatch(/accept +tcp +5432\/5432 +sg-web +sg-db rule 0 \(rules\.yaml:15\)/);
  });
});

describe("status", () => {
  it("shows what is in force, every interface, and that nothing is wrong", async () => {
    const { code, stdout } = await ask("status");
    expect(code).toBe(0);
    expect(stdout).toMatch(/rules {3}revision 1, applied .* ago, from \/etc\/ringwall\/rules\.d/);
    expect(stdout).toMatch(
      /^eni-web-1 +i-web-1 +tap101i0 \(5\) +enforcing +tc: tc ingress, tc egress +sg-web/m,
    );
    expect(stdout).toContain("Nothing is wrong.");
  });

  it("shows in JSON what the table shows", async () => {
    const { stdout } = await ask("status", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      agent: { host: "kvm-1", version: "1.2.3" },
      policy: { revision: 1, groups: 2, rules: 3, interfaces: 2, refused: null },
      interfaces: [{ id: "eni-web-1", state: "enforcing" }, { id: "eni-db-1" }],
      problems: [],
    });
  });

  it("verifies on demand, shows what differed, and ends with 4 where something is left", async () => {
    const difference = { map: "rw_cells", message: "cell 7 differs", interfaces: ["eni-web-1"] };
    const found = (mended: boolean) => ({
      time: new Date().toISOString(),
      duration_ms: 5,
      policies: 1,
      differences: [{ ...difference, mended }],
      problem: mended ? null : "rw_words is full",
    });
    kernel.willFind = found(true);
    const mended = await ask("status", "--verify");
    expect(mended.code).toBe(0);
    expect(mended.stdout).toMatch(/^rw_cells +eni-web-1 +mended +cell 7 differs/m);
    expect((await ask("status")).code).toBe(0);
    expect(kernel.verifications).toBe(1);
    kernel.willFind = found(false);
    const left = await ask("status", "--verify", "-o", "json");
    expect(left.code).toBe(4);
    expect(JSON.parse(left.stdout).proof.verified).toMatchObject({
      differences: [{ ...difference, mended: false }],
      problem: "rw_words is full",
    });
  });

  it("shows a change that was refused, with its place", async () => {
    store.edit([{ path: "rules.yaml", text: shopRules.replace("80/80", "80-80") }]);
    await expect
      .poll(async () => (await ask("status")).stdout)
      .toMatch(/the last change was refused: rules\.yaml:9:/);
  });
});

describe("apply", () => {
  it("brings files into force and says the revision", async () => {
    const files = writeFiles({ "rules.yaml": shopRules.replace("80/80", "443/443") });
    const { code, stdout } = await ask("apply", files);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Done: revision 2 is in force on 2 interfaces, after .*\n$/);
    expect((await ask("apply", files)).stdout).toBe("Nothing changed: revision 2 says the same.\n");
    expect(store.files[0]?.text).toContain("443/443");
  });

  it("refuses wrong files with 1 and their places as typed, and the kernel's refusal with 4", async () => {
    const wrong = writeFiles({ "rules.yaml": shopRules.replace("80/80", "80-80") });
    const refused = await ask("apply", join(wrong, "rules.yaml"));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${join(wrong, "rules.yaml")}:9:`);
    kernel.refuses = "rw_cells is too small";
    const files = writeFiles({ "rules.yaml": shopRules.replace("80/80", "443/443") });
    const failed = await ask("apply", files);
    expect(failed.code).toBe(4);
    expect(failed.stderr).toContain("rw_cells is too small");
    expect((await ask("status", "--json")).stdout).toContain('"revision": 1');
  });
});

describe("explain and check", () => {
  it("speak of the rules in force", async () => {
    const explained = await ask("explain", "--from", "i-web-1", "--to", "i-db-1", "--port", "5432", "--json");
    expect(JSON.parse(explained.stdout)).toMatchObject({ verdict: "accept", kernel: { verdict: "accept" } });
    const folder = writeFiles({
      "expect.yaml": "- {from: sg-web, to: sg-db, protocol: tcp, port: 5432, expect: accept}\n",
    });
    expect((await ask("check", join(folder, "expect.yaml"))).stdout).toBe("All is met: 1 row.\n");
  });

  it("refuse a question with the agent's text and 1", async () => {
    const { code, stderr } = await ask("explain", "--from", "i-web-1", "--to", "i-bd-1", "--port", "5432");
    expect(code).toBe(1);
    expect(stderr).toMatch(/"i-bd-1" .*write i-db-1/);
  });
});

describe("sessions", () => {
  it("name who opened them, how they stand, and what let them in", async () => {
    kernel.sessionList = [session];
    const { stdout } = await ask("sessions", "--interface", "10.0.0.11");
    expect(stdout).toMatch(
      /^eni-web-1 +tcp +192\.0\.2\.1:50000 +10\.0\.0\.11:80 +tcp-established +2 min 5 s +1 s +1,234 +19 MiB +sg-web rule 0 \(line 9\)$/m,
    );
    const record = JSON.parse((await ask("sessions", "--json")).stdout);
    expect(record).toMatchObject({
      sessions: [{ remote: "192.0.2.1", remotePort: 50000, bytes: 20_000_000, rule: { group: "sg-web" } }],
    });
  });

  it("by the thousand are printed as they come, as one record and one table", async () => {
    const host = 0x20010db8n << 96n;
    kernel.sessionList = Array.from({ length: 1200 }, (_, number) => ({
      ...session,
      remotePort: number,
      remote: number === 0 ? { family: 6, bits: host + 0xffff_ffff_ffff_ffffn } : session.remote,
    }));
    const { stdout } = await ask("sessions", "--json");
    const { sessions } = JSON.parse(stdout) as { sessions: { remotePort: number }[] };
    expect(sessions.map(({ remotePort }) => remotePort)).toEqual(Array.from({ length: 1200 }, (_, at) => at));
    expect(stdout).toBe(`${JSON.stringify({ sessions }, null, 2)}\n`);
    const [titles, ...rows] = (await ask("sessions")).stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^INTERFACE .* BY$/);
    expect(rows).toHaveLength(1200);
    // The widest of all stands in the first row, and every later one keeps to its columns.
    expect(new Set(rows.map((row) => row.indexOf("tcp-established")))).toEqual(
      new Set([titles?.indexOf("STATE")]),
    );
  });

  it("of which there are none are an empty list", async () => {
    expect((await ask("sessions")).stdout).toBe("No session matches.\n");
    expect((await ask("sessions", "--json")).stdout).toBe('{\n  "sessions": []\n}\n');
    expect((await ask("sessions", "--output", "yaml")).stdout).toBe("sessions: []\n");
  });

  it("that break off are no answer", async () => {
    kernel.sessions = async () =>
      (async function* () {
        yield [session];
        throw new Error("a map went away");
      })();
    const { code, stdout, stderr } = await ask("sessions", "--json");
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("broke off");
  });

  it("end where a filter says so", async () => {
    const { code, stdout } = await ask("sessions", "--end", "remote=192.0.2.1,protocol=tcp");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Ended 3 sessions; they stay revoked.\n" });
    expect(kernel.ended).toEqual([{ protocol: 6, remote: { family: 4, bits: 0xc0000201n } }]);
  });
});

describe("monitor", () => {
  it("prints each drop on a line, with names, from now on until it is interrupted", async () => {
    const began = process.hrtime.bigint();
    const child = spawn(process.execPath, [join(root, "build/dist/main.js"), "monitor", "--socket", socket]);
    await expect.poll(() => kernel.listeners.size).toBe(1);
    for (const listener of kernel.listeners) {
      // The ring buffer holds what nobody read when it came: no drop as it happens.
      listener({ ...drop, sourcePort: 4321, time: began });
      listener({ ...drop, time: process.hrtime.bigint() });
    }
    const [chunk] = await once(child.stdout, "data");
    expect(String(chunk)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} eni-web-1 ingress drop rule by sg-web rule 1 \(line 10\): tcp 198\.51\.100\.7:1234 > 10\.0\.0\.11:22 \[S\] 60 B\n$/,
    );
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([0, null]);
    await expect.poll(() => kernel.listeners.size).toBe(0);
  });

  it("follows one interface, as JSON lines", async () => {
    const args = [
      join(root, "build/dist/main.js"),
      "monitor",
      "--interface",
      "i-web-1",
      "--json",
      "--socket",
      socket,
    ];
    const child = spawn(process.execPath, args);
    await expect.poll(() => kernel.listeners.size).toBe(1);
    for (const listener of kernel.listeners) {
      listener({ ...drop, interface: "eni-db-1", time: process.hrtime.bigint() });
      listener({ ...drop, time: process.hrtime.bigint() });
    }
    const [chunk] = await once(child.stdout, "data");
    expect(JSON.parse(String(chunk))).toMatchObject({
      interface: "eni-web-1",
      reason: "rule",
      destinationPort: 22,
    });
    child.kill("SIGINT");
    await once(child, "close");
  });

  it("ends quietly when its reader goes", async () => {
    const command = `${process.execPath} ${join(root, "build/dist/main.js")} monitor --socket ${socket} | head -1`;
    const piped = promisify(execFile)("bash", ["-o", "pipefail", "-c", command]);
    await expect.poll(() => kernel.listeners.size).toBe(1);
    const feeding = setInterval(() => {
      for (const listener of kernel.listeners) listener({ ...drop, time: process.hrtime.bigint() });
    }, 10);
    const { stdout, stderr } = await piped.finally(() => clearInterval(feeding));
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stderr).toBe("");
  });

  it("is refused of an interface that nobody knows, with the nearest one", async () => {
    const { code, stdout, stderr } = await ask("monitor", "--interface", "eni-wbe-1");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^ringwall: "eni-wbe-1" is nothing that these rules know: write eni-web-1/);
  });

  it("says with 3 that the agent stopped", async () => {
    const followed = ask("monitor");
    await expect.poll(() => kernel.listeners.size).toBe(1);
    await agent.stop({ detach: false });
    const { code, stderr } = await followed;
    expect(code).toBe(3);
    expect(stderr).toContain("what is in force stays in force");
  });
});
