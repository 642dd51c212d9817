import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { InterfaceStatus, KernelStatus, PacketCounter } from "../../../src/kernel/status.ts";
import { createMetrics, type MetricSources } from "../../../src/metrics/collect.ts";
import { type Definition, definitions } from "../../../src/metrics/definitions.ts";
import { renderMetricsTable } from "../../../src/metrics/docs.ts";

const untouched = { inserted: 0, refused: 0, evicted: 0, evictedEarly: 0 };

function iface(id: string, state: InterfaceStatus["state"]): InterfaceStatus {
  return {
    interface: id,
    number: 0,
    device: "tap0",
    ifindex: 7,
    state,
    mode: "tc",
    programs: { xdp: null, tcEgress: 1, tcIngress: 2 },
    policy: 1n,
    version: 1,
    generation: 1,
    proven: state === "enforcing" ? "2026-01-01T00:00:00.000Z" : null,
    forwarding: { wanted: "kernel" as const, now: "kernel" as const, reason: null },
    tables: [
      {
        table: "opening",
        entries: 3,
        limit: 4096,
        inserted: 9000,
        refused: 2,
        evicted: 5000,
        evictedEarly: 70,
      },
      { table: "answered", entries: 0, limit: 8192, ...untouched },
      { table: "established", entries: null, limit: 16384, ...untouched },
    ],
    problem: null,
  };
}

function counter(reason: string, packets: bigint): PacketCounter {
  return { interface: "eni-1", direction: "ingress", verdict: "drop", reason, packets, bytes: packets * 60n };
}

const kernelStatus: KernelStatus = {
  adopted: false,
  object: "00",
  hz: 250,
  generation: 3,
  interfaces: [iface("eni-1", "enforcing"), iface("eni-2", "failed")],
  removed: [],
  uplinks: [],
  maps: [{ map: "rw_cells", entries: 12, capacity: 1024 }],
  proof: {
    policies: { proven: 9, refused: 1 },
    verifications: { clean: 5, mended: 2, failed: 0 },
    differences: { rw_cells: 3 },
    last: null,
    lastDiffering: null,
  },
};

function sources(counters: () => PacketCounter[]): MetricSources {
  return {
    version: "1.2.3",
    kernelRelease: "6.1.0",
    counters,
    status: () => kernelStatus,
    lost: () => ({ full: 2n, rate: 5n }),
    model: () => ({ groups: 2, rules: 17, revision: 42 }),
    pending: () => ({ rules: true, settings: false }),
  };
}

describe("metrics", () => {
  it("copy the kernel's counters at each scrape, without adding them up", async () => {
    let seen = 10n;
    const metrics = createMetrics(sources(() => [counter("no-rule", seen)]));
    await metrics.render();
    seen = 11n;
    const text = await metrics.render();
    const labels = '{interface="eni-1",direction="ingress",verdict="drop",reason="no-rule"}';
    expect(text).toContain(`ringwall_packets_total${labels} 11\n`);
    expect(text).toContain(`ringwall_bytes_total${labels} 660\n`);
  });

  it("have series only where something was counted, and lose those that are gone", async () => {
    let list = [counter("no-rule", 1n), counter("rule", 0n)];
    const metrics = createMetrics(sources(() => list));
    const first = await metrics.render();
    expect(first).toContain('reason="no-rule"');
    expect(first).not.toContain('reason="rule"');
    list = [];
    expect(await metrics.render()).not.toContain('reason="no-rule"');
  });

  it("give the limit of every session table, and the entries that were counted", async () => {
    const text = await createMetrics(sources(() => [])).render();
    expect(text).toContain('ringwall_conntrack_entries{interface="eni-1",table="opening"} 3\n');
    expect(text).toContain('ringwall_conntrack_entries_limit{interface="eni-1",table="established"} 16384\n');
    expect(text).not.toContain('ringwall_conntrack_entries{interface="eni-1",table="answered"}');
    const opening = '{interface="eni-1",table="opening"}';
    expect(text).toContain(`ringwall_conntrack_inserts_total${opening} 9000\n`);
    expect(text).toContain(`ringwall_conntrack_insert_failures_total${opening} 2\n`);
    expect(text).toContain(`ringwall_conntrack_evictions_total${opening} 5000\n`);
    expect(text).toContain(`ringwall_conntrack_early_evictions_total${opening} 70\n`);
    expect(text).not.toMatch(/evictions_total\{interface="eni-1",table="answered"/);
    expect(text).not.toContain('ringwall_conntrack_entries{interface="eni-1",table="established"}');
  });

  it("count interfaces by state, changes by result, and lost events of both kinds", async () => {
    const metrics = createMetrics(sources(() => []));
    metrics.recordApply("applied", 0.02);
    metrics.recordApply("refused", 0.01);
    const text = await metrics.render();
    expect(text).toContain('ringwall_interfaces{state="enforcing"} 1\n');
    expect(text).toContain('ringwall_interfaces{state="failed"} 1\n');
    expect(text).toContain('ringwall_interfaces{state="observing"} 0\n');
    expect(text).toContain('ringwall_applies_total{result="applied"} 1\n');
    expect(text).toContain('ringwall_applies_total{result="refused"} 1\n');
    expect(text).toContain('ringwall_applies_total{result="failed"} 0\n');
    expect(text).toContain("ringwall_apply_duration_seconds_count 1\n");
    expect(text).toContain("ringwall_events_lost_total 7\n");
    expect(text).toContain("ringwall_policy_revision 42\n");
    expect(text).toContain("ringwall_groups 2\n");
    expect(text).toContain("ringwall_rules 17\n");
    expect(text).toContain('ringwall_agent_info{version="1.2.3",kernel="6.1.0"} 1\n');
    expect(text).toContain("ringwall_map_capacity");
    expect(text).toContain("process_cpu_seconds_total");
  });

  it("of two agents in one process stay apart", async () => {
    const [first, second] = [createMetrics(sources(() => [])), createMetrics(sources(() => []))];
    first.recordApply("applied", 1);
    expect(await second.render()).toContain('ringwall_applies_total{result="applied"} 0\n');
  });

  it("pass promtool's check of names, types and texts", async () => {
    const input = await createMetrics(sources(() => [counter("no-rule", 3n)])).render();
    // Node's own metrics keep their usual names, which promtool's style rules do not all like.
    const own = input
      .split("\n\n")
      .filter((block) => block.includes("# HELP ringwall_"))
      .join("\n");
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: `${own}\n`,
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("fail promtool's check where a name is wrong", () => {
    const input = "# HELP ringwall_packets Packets.\n# TYPE ringwall_packets counter\nringwall_packets 1\n";
    expect(spawnSync("promtool", ["check", "metrics"], { input }).status).not.toBe(0);
  });
});

describe("the definitions of metrics", () => {
  it("are all exported, and nothing else of Ringwall's", async () => {
    const text = await createMetrics(sources(() => [counter("no-rule", 3n)])).render();
    const exported = [...text.matchAll(/^# TYPE (ringwall_\w+) (\w+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    const defined = Object.values<Definition>(definitions).map(({ name, type }) => `${name} ${type}`);
    expect(exported.sort()).toEqual(defined.sort());
  });

  it("are what docs/metrics.md says", () => {
    const docs = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
    expect(docs).toContain(renderMetricsTable());
  });

  it("come with alerts that Prometheus takes, in the docs", () => {
    const docs = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
    const rules = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? "";
    const folder = mkdtempSync(join(tmpdir(), "ringwall-alerts-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "rules.yaml"), rules);
    const { status, stdout } = spawnSync("promtool", ["check", "rules", join(folder, "rules.yaml")], {
      encoding: "utf8",
    });
    expect(stdout).toContain("10 rules found");
    expect(status).toBe(0);
    const known = new Set(Object.values<Definition>(definitions).map(({ name }) => name));
    expect(
      [...rules.matchAll(/ringwall_\w+/g)].map(([name]) => name).filter((name) => !known.has(name)),
    ).toEqual([]);
  });
});
