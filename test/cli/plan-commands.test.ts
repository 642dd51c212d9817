import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeSession } from "../support/made-up.ts";
import { FakeEnforcer } from "../unit/agent/fake-enforcer.ts";
import { MemoryStore } from "../unit/agent/memory-store.ts";
import { type RunningAgent, runAgentOn } from "../unit/agent/running-agent.ts";
import { ringwall, shopRules, writeFiles } from "./program.ts";

let agent: RunningAgent;
let kernel: FakeEnforcer;
let store: MemoryStore;

beforeEach(async () => {
  kernel = new FakeEnforcer();
  store = new MemoryStore([{ path: "rules.yaml", text: shopRules }]);
  agent = await runAgentOn(store, kernel);
});

afterEach(() => agent.stop());

const ask = (...args: string[]) => ringwall([...args, "--socket", agent.socket]);
const changedRules = shopRules.replace("80/80", "443/443");
const filesOf = (text: string) => writeFiles({ "rules.yaml": text });

describe("plan", () => {
  it("shows rules, interfaces, verdicts with an example, and sessions, and changes nothing", async () => {
    kernel.sessionList = [makeSession(), makeSession({ remotePort: 50001, bytes: 5n })];
    const { code, stdout } = await ask("plan", filesOf(changedRules));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}- sg-web .*portRange: 80\/80/m);
    expect(stdout).toMatch(/^ {2}\+ sg-web .*portRange: 443\/443/m);
    expect(stdout).toMatch(/^eni-web-1 +tap101i0 +its rules +differ$/m);
    expect(stdout).toMatch(/accept → drop {2}ingress at eni-web-1\n {4}tcp 80 from 0\.0\.0\.0\/0/);
    expect(stdout).toMatch(/example: tcp \S+:49152 > 10\.0\.0\.11:80/);
    expect(stdout).toContain("Live sessions that end: 2 of 2");
    expect(stdout).toMatch(
      /^eni-web-1 +tcp +192\.0\.2\.1:50000 +10\.0\.0\.11:80 +by the peer +2 min 5 s +19 MiB/m,
    );
    expect(kernel.applies).toBe(1);
    expect(store.files[0]?.text).toBe(shopRules);
  });

  it("exits 2 with --detailed-exitcode only where what the rules say changes", async () => {
    const exitOf = async (text: string) => (await ask("plan", filesOf(text), "--detailed-exitcode")).code;
    expect(await exitOf(changedRules)).toBe(2);
    expect(await exitOf(shopRules)).toBe(0);
    expect(await exitOf(`# a comment\n${shopRules}`)).toBe(0);
  });

  it("says so where nothing changes, and where only comments do", async () => {
    kernel.sessionList = [makeSession({ localPort: 9 })];
    expect((await ask("plan", filesOf(shopRules))).stdout).toBe("Nothing changes.\n");
    const { stdout } = await ask("plan", filesOf(`# a comment\n${shopRules}`));
    expect(stdout).toMatch(/^Nothing changes\.\nThe files differ in what no verdict hangs on/);
  });

  it("prints in JSON the record that the table shows", async () => {
    kernel.sessionList = [
      makeSession(),
      makeSession({ localPort: 443 }),
      makeSession({ revoked: true, localPort: 443 }),
    ];
    const plan = JSON.parse((await ask("plan", filesOf(changedRules), "--json")).stdout);
    expect(plan).toMatchObject({
      revision: 1,
      host: "kvm-1",
      changed: true,
      changes: {
        rules: [
          { group: "sg-web", change: "removed" },
          { group: "sg-web", change: "added" },
        ],
      },
      interfaces: [{ id: "eni-web-1", because: ["rules"], differs: true }],
      differences: [
        {
          before: { verdict: "accept" },
          after: { verdict: "drop", reason: "no-rule" },
          direction: "ingress",
        },
        {
          before: { verdict: "drop", reason: "no-rule" },
          after: { verdict: "accept" },
          direction: "ingress",
        },
      ],
      sessions: {
        live: 3,
        ends: 1,
        resumes: 1,
        interfaces: [{ interface: "eni-web-1", live: 3, ends: 1 }],
        peers: [{ peer: "192.0.2.1", ends: 1 }],
        rules: [{ reason: "no-rule", rule: null, ends: 1 }],
        list: [{ localPort: 80, ageSeconds: 125, bytes: 20_000_000, end: { reason: "no-rule", rule: null } }],
        more: 0,
      },
    });
  });

  it("lists the biggest sessions, and every one with --sessions", async () => {
    kernel.sessionList = Array.from({ length: 25 }, (_, turn) =>
      makeSession({ remotePort: 50000 + turn, bytes: BigInt(turn) }),
    );
    const few = JSON.parse((await ask("plan", filesOf(changedRules), "--json")).stdout);
    expect([few.sessions.list.length, few.sessions.more, few.sessions.list[0].bytes]).toEqual([20, 5, 24]);
    const all = JSON.parse((await ask("plan", filesOf(changedRules), "--sessions", "--json")).stdout);
    expect([all.sessions.list.length, all.sessions.more]).toEqual([25, 0]);
  });

  it("tells that sessions are kept, where agent.yaml says so", async () => {
    await agent.reload({ establishedSessions: "keep" });
    kernel.sessionList = [makeSession()];
    const { stdout } = await ask("plan", filesOf(changedRules));
    expect(stdout).toContain("No live session of 1 ends (establishedSessions: keep).");
  });

  it("refuses wrong rules with 1 and their place, and rules over the agent's limits", async () => {
    const wrong = await ask("plan", filesOf(shopRules.replace("80/80", "80-80")));
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/rules\.yaml:9:/);
    const { limits } = (await import("../../src/agent/config.ts")).defaultConfig();
    await agent.reload({ limits: { ...limits, rulesPerGroup: 3 } });
    const over = changedRules.replace(/^( *- .*portRange: 443.*)$/m, "$1\n$1\n$1\n$1");
    const refused = await ask("plan", filesOf(over));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("rulesPerGroup");
  });

  it("works at a desk between two rule sets, without an agent or sessions", async () => {
    const old = filesOf(shopRules);
    const { code, stdout } = await ringwall([
      "plan",
      filesOf(changedRules),
      "--rules",
      old,
      "--detailed-exitcode",
    ]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/accept → drop {2}ingress at eni-web-1/);
    expect(stdout).toContain("sessions not known without an agent");
    const json = await ringwall(["plan", filesOf(changedRules), "--rules", old, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      revision: null,
      host: null,
      sessions: null,
      changed: true,
    });
  });
});

describe("history and rollback", () => {
  it("list revisions, show what one changed, and go back to one", async () => {
    await ask("apply", filesOf(changedRules));
    const list = await ask("history");
    expect(list.stdout).toMatch(/^2 in force +\S+ \(.* ago\) +apply \(uid \d+, pid \d+\)/m);
    expect(list.stdout).toMatch(/^1 +\S+ \(.* ago\) +the store's files +2 +3 +2 +1 /m);
    const shown = await ask("history", "show", "2");
    expect(shown.stdout).toMatch(/^Revision 2, .* against revision 1:/);
    expect(shown.stdout).toMatch(/^ {2}\+ sg-web .*portRange: 443\/443/m);
    expect((await ask("history", "show", "1")).stdout).toContain("Nothing before it is kept");
    const back = await ask("rollback", "1");
    expect(back.code).toBe(0);
    expect(back.stdout).toMatch(/drop → accept {2}ingress at eni-web-1\n {4}tcp 80 from/);
    expect(back.stdout).toMatch(/Done: revision 3 is in force, the files of revision 1\.\n$/);
    expect(store.files[0]?.text).toBe(shopRules);
    expect((await ask("history")).stdout).toMatch(/^3 in force +.*rollback to 1/m);
  });

  it("change nothing with --dry-run, and say what would end", async () => {
    await ask("apply", filesOf(changedRules));
    kernel.sessionList = [makeSession({ localPort: 443 })];
    const { stdout } = await ask("rollback", "1", "--dry-run");
    expect(stdout).toContain("Live sessions that end: 1 of 1");
    expect(stdout).toMatch(/Nothing was changed: --dry-run\.\n$/);
    expect(kernel.applies).toBe(2);
  });

  it("refuse what is no revision, and one that is not kept", async () => {
    expect((await ask("rollback", "0")).code).toBe(64);
    expect((await ask("history", "show")).code).toBe(64);
    const missing = await ask("rollback", "12");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("There is no revision 12: kept are 1 to 1");
  });

  it("say which file of the history is damaged", async () => {
    await ask("apply", filesOf(changedRules));
    writeFileSync(join(agent.folder, "state", "history", "1"), "half");
    const { code, stdout } = await ask("history");
    expect(code).toBe(0);
    expect(stdout).toMatch(/history\/1 is damaged: it is cut off or overwritten\./);
    rmSync(join(agent.folder, "state", "history", "1"));
    expect((await ask("history", "--json")).stdout).toContain('"damaged": []');
  });
});
