import { readdirSync, statSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { KernelStatus, LostEvents, PacketCounter, ProofStatus } from "../kernel/status.ts";
import { definitions } from "./definitions.ts";

/** What is in force, as the agent knows it. */
export interface ModelFigures {
  readonly groups: number;
  readonly rules: number;
  readonly revision: number;
}

export type ApplyResult = "applied" | "unchanged" | "refused" | "failed" | "reverted";

export interface MetricSources {
  readonly version: string;
  readonly kernelRelease: string;
  readonly counters: () => readonly PacketCounter[];
  readonly status: () => KernelStatus;
  readonly lost: () => LostEvents;
  readonly model: () => ModelFigures;
}

export interface Metrics {
  /** Counts a change, and how long it took where it was applied. */
  recordApply(result: ApplyResult, seconds: number): void;
  /** All series in the text format; reads the kernel's counters now. */
  render(): Promise<string>;
  readonly contentType: string;
}

/**
 * Between two looks at the event loop's lag, ms. Node's default of 10 wakes an agent at rest a hundred times a second,
 * which is most of what it does.
 */
const lagPrecision = 100;

const states = ["enforcing", "observing", "not-ready", "failed"] as const;

/** Metrics with a registry of their own: prom-client's default one is shared by everything in a process. */
export function createMetrics(given: MetricSources): Metrics {
  const registry = new Registry();
  let status: KernelStatus | undefined;
  // Several series come from one look at the kernel: it is dear where there are many interfaces.
  const sources = { ...given, status: () => (status ??= given.status()) };
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagPrecision });
  replaceOpenFiles(registry);
  addKernelCounters(registry, sources);
  addKernelGauges(registry, sources);
  addProofs(registry, sources);
  addGuard(registry, sources);
  addModelGauges(registry, sources);
  const duration = new Histogram({
    ...describe("applyDuration"),
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const applies = new Counter({ ...describe("applies"), registers: [registry] });
  // From the start, so that a rate sees the first failure.
  for (const result of ["applied", "unchanged", "refused", "failed", "reverted"]) applies.inc({ result }, 0);
  return {
    recordApply(result, seconds) {
      applies.inc({ result });
      if (result === "applied") duration.observe(seconds);
    },
    render: () => {
      status = undefined;
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

/**
 * `process_open_fds` without listing /proc/self/fd, where each link and session table is an entry: its size is their
 * number (Linux 6.2; 0 before, and then they are listed).
 */
function replaceOpenFiles(registry: Registry): void {
  const name = "process_open_fds";
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: "Number of open file descriptors.",
    registers: [registry],
    collect() {
      const folder = "/proc/self/fd";
      // The one by which the folder is listed is closed by then.
      this.set(statSync(folder).size || readdirSync(folder).length - 1);
    },
  });
}

function describe<Name extends keyof typeof definitions>(name: Name) {
  const { name: full, help, labels } = definitions[name];
  return { name: full, help, labelNames: [...labels] as (typeof definitions)[Name]["labels"][number][] };
}

/** The kernel counts; a scrape copies its numbers, so these begin anew each time. */
function addKernelCounters(registry: Registry, sources: MetricSources): void {
  const bytes = new Counter({ ...describe("bytes"), registers: [] });
  const packets = new Counter({
    ...describe("packets"),
    registers: [registry],
    collect() {
      this.reset();
      bytes.reset();
      for (const {
        packets: seen,
        bytes: size,
        interface: id,
        direction,
        verdict,
        reason,
      } of sources.counters()) {
        if (seen === 0n) continue;
        const labels = { interface: id, direction, verdict, reason };
        this.inc(labels, Number(seen));
        bytes.inc(labels, Number(size));
      }
    },
  });
  // Behind `packets`, whose collection fills both from one reading of the kernel.
  registry.registerMetric(bytes);
  void packets;
  new Counter({
    ...describe("eventsLost"),
    registers: [registry],
    collect() {
      const { full, rate } = sources.lost();
      this.reset();
      this.inc(Number(full + rate));
    },
  });
}

function addKernelGauges(registry: Registry, sources: MetricSources): void {
  const registers: Registry[] = [];
  const limit = new Gauge({ ...describe("conntrackLimit"), registers });
  const entries = new Gauge({ ...describe("conntrackEntries"), registers });
  const pressure = {
    inserted: new Counter({ ...describe("conntrackInserts"), registers }),
    refused: new Counter({ ...describe("conntrackInsertFailures"), registers }),
    evicted: new Counter({ ...describe("conntrackEvictions"), registers }),
    evictedEarly: new Counter({ ...describe("conntrackEarlyEvictions"), registers }),
  };
  const figures = Object.keys(pressure) as (keyof typeof pressure)[];
  const mapEntries = new Gauge({ ...describe("mapEntries"), registers });
  const mapCapacity = new Gauge({ ...describe("mapCapacity"), registers });
  const interfaces = new Gauge({
    ...describe("interfaces"),
    registers: [registry],
    collect() {
      const status = sources.status();
      for (const gauge of [limit, entries, mapEntries, mapCapacity, ...Object.values(pressure)])
        gauge.reset();
      for (const state of states) {
        this.set({ state }, status.interfaces.filter((one) => one.state === state).length);
      }
      for (const { interface: id, tables } of status.interfaces) {
        for (const table of tables) {
          limit.set({ interface: id, table: table.table }, table.limit);
          if (table.entries !== null && table.entries > 0) {
            entries.set({ interface: id, table: table.table }, table.entries);
          }
          for (const figure of figures) {
            if (table[figure] > 0) pressure[figure].inc({ interface: id, table: table.table }, table[figure]);
          }
        }
      }
      for (const { map, entries: used, capacity } of status.maps) {
        mapEntries.set({ map }, used);
        mapCapacity.set({ map }, capacity);
      }
    },
  });
  void interfaces;
  for (const gauge of [entries, limit, mapEntries, mapCapacity]) registry.registerMetric(gauge);
  for (const figure of figures) registry.registerMetric(pressure[figure]);
}

type Counts = Readonly<Record<string, number>>;

/** The kernel layer counts; a scrape copies its numbers. */
function addProofs(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  new Gauge({
    ...describe("interfacesProven"),
    registers,
    collect() {
      this.set(sources.status().interfaces.filter(({ proven }) => proven !== null).length);
    },
  });
  const copy = (name: "proofs" | "verifications" | "differences", read: (proof: ProofStatus) => Counts) => {
    const [label] = definitions[name].labels;
    new Counter({
      ...describe(name),
      registers,
      collect() {
        this.reset();
        const counts = Object.entries(read(sources.status().proof));
        for (const [value, count] of counts) this.inc({ [label]: value }, count);
      },
    });
  };
  copy("proofs", ({ policies }) => policies);
  copy("verifications", ({ verifications }) => verifications);
  copy("differences", ({ differences }) => differences);
}

function addGuard(registry: Registry, sources: MetricSources): void {
  for (const name of ["restored", "detached", "replaced"] as const) {
    new Counter({
      ...describe(name),
      registers: [registry],
      collect() {
        this.reset();
        this.inc(sources.status().guard?.[name] ?? 0);
      },
    });
  }
}

function addModelGauges(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const figures = { groups: "groups", rules: "rules", policyRevision: "revision" } as const;
  for (const [name, figure] of Object.entries(figures) as [keyof typeof figures, keyof ModelFigures][]) {
    new Gauge({
      ...describe(name),
      registers,
      collect() {
        this.set(sources.model()[figure]);
      },
    });
  }
  const info = new Gauge({ ...describe("agentInfo"), registers });
  info.set({ version: sources.version, kernel: sources.kernelRelease }, 1);
}
