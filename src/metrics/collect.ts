import { readdirSync, statSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { KernelFigures, LostEvents, PacketCounter, ProofStatus } from "../kernel/status.ts";
import { definitions } from "./definitions.ts";
import { Series, writeLabels } from "./series.ts";

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
  readonly status: () => KernelFigures;
  readonly lost: () => LostEvents;
  readonly model: () => ModelFigures;
  /** What was edited, is not in force, and is tried again. */
  readonly pending: () => Readonly<Record<"rules" | "settings", boolean>>;
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
  let status: KernelFigures | undefined;
  // Several series come from one look at the kernel: it is dear where there are many interfaces.
  const sources = { ...given, status: () => (status ??= given.status()) };
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagPrecision });
  replaceOpenFiles(registry);
  addKernelFigures(registry, sources);
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
    render: async () => {
      status = undefined;
      const { interfaces, maps } = sources.status();
      const read = [...renderPackets(sources.counters()), ...renderTables(interfaces), ...renderMaps(maps)];
      return [await registry.metrics(), ...read.map(({ text }) => text)].join("\n");
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

/** What was counted of packets; from one reading of the kernel. */
function renderPackets(counters: readonly PacketCounter[]): readonly Series[] {
  const [packets, bytes] = [new Series(definitions.packets), new Series(definitions.bytes)];
  for (const { interface: id, direction, verdict, reason, ...counted } of counters) {
    if (counted.packets === 0n) continue;
    const labels = writeLabels({ interface: id, direction, verdict, reason });
    packets.add(labels, counted.packets);
    bytes.add(labels, counted.bytes);
  }
  return [packets, bytes];
}

/** How full the tables of interfaces are, and what became of what they held. */
function renderTables(interfaces: KernelFigures["interfaces"]): readonly Series[] {
  const limit = new Series(definitions.conntrackLimit);
  const figures = {
    entries: new Series(definitions.conntrackEntries),
    inserted: new Series(definitions.conntrackInserts),
    refused: new Series(definitions.conntrackInsertFailures),
    evicted: new Series(definitions.conntrackEvictions),
    evictedEarly: new Series(definitions.conntrackEarlyEvictions),
  };
  const counted = Object.entries(figures) as [keyof typeof figures, Series][];
  for (const { interface: id, tables } of interfaces)
    for (const table of tables) {
      const labels = writeLabels({ interface: id, table: table.table });
      limit.add(labels, table.limit);
      for (const [figure, series] of counted) {
        const value = table[figure];
        if (value !== null && value > 0) series.add(labels, value);
      }
    }
  return [limit, ...Object.values(figures)];
}

function renderMaps(maps: KernelFigures["maps"]): readonly Series[] {
  const [used, capacities] = [new Series(definitions.mapEntries), new Series(definitions.mapCapacity)];
  for (const { map, entries, capacity } of maps) {
    used.add(writeLabels({ map }), entries);
    capacities.add(writeLabels({ map }), capacity);
  }
  return [used, capacities];
}

function addKernelFigures(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  new Counter({
    ...describe("eventsLost"),
    registers,
    collect() {
      const { full, rate } = sources.lost();
      this.reset();
      this.inc(Number(full + rate));
    },
  });
  new Gauge({
    ...describe("interfaces"),
    registers,
    collect() {
      const { interfaces } = sources.status();
      for (const state of states) this.set({ state }, interfaces.filter((one) => one.state === state).length);
    },
  });
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
  new Gauge({
    ...describe("reloadPending"),
    registers,
    collect() {
      for (const [what, isPending] of Object.entries(sources.pending()))
        this.set({ what }, Number(isPending));
    },
  });
  const info = new Gauge({ ...describe("agentInfo"), registers });
  info.set({ version: sources.version, kernel: sources.kernelRelease }, 1);
}
