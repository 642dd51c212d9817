import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestRules, Host } from "./host.ts";

let host: Host;

beforeAll(() => {
  host = new Host(19470);
});

afterAll(() => host.remove());

async function status() {
  const { stdout } = await host.ringwall("status", "--json");
  return JSON.parse(stdout) as {
    policy: { revision: number; refused: { messages: string[] } | null };
    interfaces: { id: string; state: string; mode: string }[];
    problems: string[];
  };
}

// One story: each part goes on from where the one before it ended, as a host's life does.
describe("an agent on a host with guests", () => {
  it("protects the devices that its rules name, and lets through what they allow", async () => {
    expect(host.reaches(1, 2)).toBe(true);
    await host.startAgent();
    const { policy, interfaces, problems } = await status();
    expect(policy.revision).toBe(1);
    expect(problems).toEqual([]);
    expect(interfaces.map(({ id, state, mode }) => [id, state, mode])).toEqual([
      ["eni-1", "enforcing", "tc"],
      ["eni-2", "enforcing", "tc"],
    ]);
    expect(host.reaches(1, 2)).toBe(true);
  });

  it("explains by the rules and by the live programs", async () => {
    const { stdout } = await host.ringwall(
      "explain",
      "--from",
      "eni-1",
      "--to",
      "eni-2",
      "--port",
      "22",
      "--json",
    );
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "drop",
      kernel: { verdict: "drop", agrees: true },
      near: { field: "portRange" },
    });
  });

  it("brings an edit into force, which ends what it no longer allows", async () => {
    host.writeRules(guestRules.replace("protocol: icmp", "protocol: gre"));
    await expect.poll(async () => (await status()).policy.revision).toBe(2);
    expect(host.ping(1, 2)).toBe(false);
  });

  it("shows what it drops", async () => {
    const text = host.metrics();
    expect(text).toMatch(
      /ringwall_packets_total\{interface="eni-2",direction="ingress",verdict="drop",reason="(no-rule|revoked)"\} [1-9]/,
    );
    expect(text).toContain('ringwall_interfaces{state="enforcing"} 2');
    expect(text).toContain("ringwall_policy_revision 2");
    // What is promised by name; a series is there where it is not zero.
    const interfaces = 'interface="eni-[12]"';
    for (const promised of [
      `bytes_total\\{${interfaces},direction="ingress",verdict="drop",reason="[a-z-]+"\\}`,
      `conntrack_entries_limit\\{${interfaces},table="(established|answered|opening)"\\}`,
      'map_entries\\{map="[a-z_]+"\\}',
      'map_capacity\\{map="[a-z_]+"\\}',
      "(groups|rules|events_lost_total)",
      'apply_duration_seconds_(bucket\\{le="[0-9.]+"\\}|sum|count)',
      'applies_total\\{result="[a-z]+"\\}',
      'agent_info\\{version="[^"]+",kernel="[^"]+"\\}',
    ])
      expect(text).toMatch(new RegExp(`^ringwall_${promised} [0-9.e+-]+$`, "m"));
    for (const name of ["groups", "rules", "events_lost_total", "conntrack_entries"])
      expect(text).toMatch(new RegExp(`^# TYPE ringwall_${name} (gauge|counter)$`, "m"));
    const own = text.split("\n\n").filter((block) => block.includes("# HELP ringwall_"));
    expect(
      spawnSync("promtool", ["check", "metrics"], { input: `${own.join("\n")}\n`, encoding: "utf8" }),
    ).toMatchObject({ status: 0, stderr: "" });
    expect(host.metrics("/readyz")).toContain("ok");
  });

  it("refuses a wrong edit with its place, and keeps what is in force", async () => {
    host.writeRules(guestRules.replace("80/80", "80-80"));
    await expect
      .poll(async () => (await status()).policy.refused?.messages[0])
      .toMatch(/rules\.yaml:9:\d+: /);
    expect((await status()).policy.revision).toBe(2);
    expect(host.ping(1, 2)).toBe(false);
  });

  it("takes what a client applies into force and into its store", async () => {
    host.writeRules(guestRules);
    await expect.poll(async () => (await status()).policy.revision).toBe(3);
    const applied = await host.ringwall("apply", join(host.folder, "rules.d"));
    expect(applied).toMatchObject({ code: 0, stdout: "Nothing changed: revision 3 says the same.\n" });
    expect(host.reaches(1, 2)).toBe(true);
  });

  it("lists sessions, and those that are ended stay ended", async () => {
    const listed = await host.ringwall("sessions", "--interface", "eni-2", "--json");
    const { sessions } = JSON.parse(listed.stdout) as {
      sessions: { protocol: string; remote: string; rule: unknown }[];
    };
    expect(sessions).toContainEqual(
      expect.objectContaining({
        protocol: "icmp",
        remote: "10.0.0.1",
        rule: expect.objectContaining({ group: "sg-web", index: 1 }),
      }),
    );
    expect((await host.ringwall("sessions", "--end", "interface=eni-2,protocol=icmp")).code).toBe(0);
    const after = JSON.parse((await host.ringwall("sessions", "--interface", "eni-2", "--json")).stdout) as {
      sessions: { revoked: boolean }[];
    };
    expect(after.sessions.every(({ revoked }) => revoked)).toBe(true);
  });

  it("finds, tells and mends what somebody wrote to a map by hand", async () => {
    const clean = await host.ringwall("status", "--verify", "--json");
    expect(JSON.parse(clean.stdout)).toMatchObject({
      proof: { interfaces: 2, of: 2, verified: { differences: [], problem: null }, differed: null },
      interfaces: [{ proven: expect.any(String) }, { proven: expect.any(String) }],
    });
    host.bpftool("words", ["0", "0", "0", "0"], ["0xff", "0", "0", "0", "0", "0", "0", "0"]);
    const table = await host.ringwall("status", "--verify");
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/rw_words +eni-1 eni-2 +mended +word 0 differs: the policy of sg-web/);
    expect(table.stdout).toMatch(/2 of 2 interfaces run a proven policy, verified .* ago in \d+ ms/);
    expect(host.logs).toMatch(/"map":"rw_words".*something else changed rw_words/);
    expect(host.metrics()).toContain('ringwall_map_differences_total{map="rw_words"} 1');
    expect(host.metrics()).toContain("ringwall_interfaces_proven 2");
    const after = JSON.parse((await host.ringwall("status", "--verify", "--json")).stdout);
    expect(after).toMatchObject({
      proof: {
        verified: { differences: [] },
        differed: { differences: [{ map: "rw_words", mended: true }] },
      },
      problems: [expect.stringContaining("rw_words was changed by something else")],
    });
    expect(host.reaches(1, 2)).toBe(true);
  });

  it("takes a changed agent.yaml over on SIGHUP, and a wrong one not at all", async () => {
    host.writeConfig({ midstream: "perhaps" });
    host.signalAgents("SIGHUP");
    await expect.poll(() => host.logs).toMatch(/agent\.yaml:1:\d+: .*midstream/);
    host.writeConfig({ midstream: "drop", log: { level: "debug" }, metrics: { listen: "127.0.0.1:19999" } });
    host.signalAgents("SIGHUP");
    await expect
      .poll(() => host.logs)
      .toMatch(/"key":"metrics","msg":"takes effect when the agent starts again"/);
    expect((await status()).policy.revision).toBe(3);
    host.writeConfig({});
  });

  it("is the only one of its host", async () => {
    const { code, stderr } = await host.tryAgent();
    expect(code).toBe(1);
    expect(stderr).toMatch(/Another agent \(pid \d+\) holds .*lock/);
    expect((await status()).policy.revision).toBe(3);
  });

  it("refuses to be detached under", async () => {
    const { code, stderr } = await host.ringwall("detach", "--yes", ...host.paths);
    expect(code).toBe(1);
    expect(stderr).toContain("Another agent");
  });
});

describe("an agent that ends", () => {
  it("leaves enforcement in place, and the next one adopts it with its revision", async () => {
    const before = host.pinnedLinks;
    expect(before.length).toBeGreaterThan(0);
    expect(await host.stopAgents("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
    expect(host.pinnedLinks).toEqual(before);
    expect((await host.ringwall("status")).code).toBe(3);
    const agent = await host.startAgent();
    expect(agent.log).toMatch(/"revision":3,"adopted":true/);
    expect(host.pinnedLinks).toEqual(before);
  });

  it("by a kill does the same", async () => {
    const before = host.pinnedLinks;
    await host.stopAgents("SIGKILL");
    expect(host.pinnedLinks).toEqual(before);
    expect(host.reaches(1, 2)).toBe(true);
    const agent = await host.startAgent();
    expect(agent.log).toMatch(/"revision":3,"adopted":true/);
  });

  it("by a kill leaves no device down that it had set down itself", async () => {
    await host.stopAgents("SIGKILL");
    host.ip("link", "set", "tap1", "down");
    const [link]: { ifindex: number; address: string }[] = JSON.parse(host.ip("-j", "link", "show", "tap1"));
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const devices = [{ ifindex: link?.ifindex, name: "tap1", mac: link?.address }];
    const kept = join(host.folder, "state", "set-down.json");
    writeFileSync(kept, JSON.stringify({ boot, devices }));
    await host.startAgent();
    expect(host.reaches(1, 2)).toBe(true);
    expect(existsSync(kept)).toBe(false);
  });

  it("opens everything when it was told to", async () => {
    await host.stopAgents("SIGTERM");
    await host.startAgent("--detach-on-exit");
    await host.stopAgents("SIGTERM");
    const tcx = spawnSync("bpftool", ["net", "show"], { encoding: "utf8" }).stdout;
    expect(tcx).not.toContain("guest_tc");
    expect(host.reaches(1, 2)).toBe(true);
  });
});
