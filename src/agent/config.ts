/** agent.yaml: how this host enforces. Every key has a default; what is wrong is said all at once. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { atKey, type Cursor, itemsOf, report, take } from "../model/cursor.ts";
import { type Diagnostic, Diagnostics } from "../model/diagnostic.ts";
import { checkDevice, checkHost } from "../model/interface.ts";
import { defaultLimits, type Limits, type SessionSizes } from "../model/model.ts";
import { readShape } from "../model/shape.ts";
import { checkId, quote } from "../model/text.ts";
import { readYaml } from "../model/yaml/read.ts";
import { Source } from "../model/yaml/source.ts";
import { readRulesFile } from "../store/rules-file.ts";
import { type ConfigFields, configShape, type LogLevel } from "./config-shape.ts";

export interface UplinkConfig {
  readonly device: string;
  /** Ids of the networks that it carries; null: all. */
  readonly networks: readonly string[] | null;
}

export interface AgentConfig {
  readonly host: string;
  readonly uplinks: readonly UplinkConfig[];
  readonly attach: "auto" | "native" | "generic" | "tc";
  readonly onFailure: "closed" | "open";
  readonly establishedSessions: "revalidate" | "keep";
  readonly midstream: "pickup" | "drop";
  /** Entries of an interface's tables; `memory`: share of the host's RAM for all of them, 0..1. */
  readonly sessions: SessionSizes & { readonly memory: number };
  /** Drop events per interface and reason. */
  readonly eventsPerSecond: number;
  /** Idle times, seconds, at most 910. */
  readonly timeouts: {
    readonly tcpEstablished: number;
    readonly tcpOpening: number;
    readonly tcpClosing: number;
    readonly udpReplied: number;
    readonly udpUnreplied: number;
    readonly icmp: number;
    readonly others: number;
  };
  readonly limits: Limits & { readonly alwaysPerSecond: number };
  readonly log: { readonly level: LogLevel; readonly format: "auto" | "text" | "json" };
  /** `host:port`, an IPv6 address in brackets. */
  readonly metrics: { readonly listen: string };
  readonly socket: { readonly path: string; readonly group: string };
  /** File or directory of the rules. */
  readonly store: { readonly file: string };
}

/** Where agent.yaml is when nobody says otherwise. */
export const defaultConfigPath = "/etc/ringwall/agent.yaml";

/** What an empty agent.yaml means; `host` is this host's name. */
export function defaultConfig(): AgentConfig {
  return {
    host: hostname(),
    uplinks: [],
    attach: "auto",
    onFailure: "closed",
    establishedSessions: "revalidate",
    midstream: "pickup",
    sessions: { established: 16384, answered: 8192, opening: 4096, memory: 0.02 },
    eventsPerSecond: 100,
    timeouts: {
      tcpEstablished: 910,
      tcpOpening: 30,
      tcpClosing: 10,
      udpReplied: 180,
      udpUnreplied: 30,
      icmp: 60,
      others: 300,
    },
    limits: { ...defaultLimits, alwaysPerSecond: 1000 },
    log: { level: "info", format: "auto" },
    metrics: { listen: "127.0.0.1:9470" },
    socket: { path: "/run/ringwall/ringwall.sock", group: "ringwall" },
    store: { file: "/etc/ringwall/rules.d" },
  };
}

export interface ConfigResult {
  /** null where a diagnostic is an error. */
  readonly config: AgentConfig | null;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads agent.yaml. Without a path: the usual one, or the defaults where it does not exist; a path that is
 * given has to exist. A file that others than root and its group may write is refused.
 */
export async function loadConfig(path: string | undefined): Promise<ConfigResult> {
  if (path === undefined && !existsSync(defaultConfigPath))
    return { config: defaultConfig(), diagnostics: [] };
  const decoded = await readRulesFile(path ?? defaultConfigPath);
  return decoded.ok ? parseConfig(decoded.source) : { config: null, diagnostics: [decoded.diagnostic] };
}

/** The text of an agent.yaml to a configuration. An empty file means the defaults. */
export function parseConfig(file: { readonly path: string; readonly text: string }): ConfigResult {
  const source = new Source(file);
  const diagnostics = new Diagnostics();
  const steps = readYaml(source, diagnostics);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const node = step.value;
  if (diagnostics.hasErrors) return { config: null, diagnostics: diagnostics.sorted([file.path]) };
  if (node === undefined) return { config: defaultConfig(), diagnostics: [] };
  const cursor = { source, node, keyAt: node.at, diagnostics };
  const config = decodeConfig(cursor);
  return { config: diagnostics.hasErrors ? null : config, diagnostics: diagnostics.sorted([file.path]) };
}

function decodeConfig(cursor: Cursor): AgentConfig {
  const fields = readShape(configShape, cursor);
  const defaults = defaultConfig();
  const { memory, ...sizes } = fields.sessions ?? {};
  const at = (section: string, key: string): Cursor => atKey(atKey(cursor, section), key);
  if (fields.host !== undefined) take(atKey(cursor, "host"), "", checkHost(fields.host));
  checkListen(fields.metrics?.listen, at("metrics", "listen"));
  checkPath(fields.socket?.path, at("socket", "path"));
  checkPath(fields.store?.file, at("store", "file"));
  checkSystemGroup(fields.socket?.group, at("socket", "group"));
  return {
    host: fields.host ?? defaults.host,
    uplinks: decodeUplinks(fields, cursor),
    attach: fields.attach ?? defaults.attach,
    onFailure: fields.onFailure ?? defaults.onFailure,
    establishedSessions: fields.establishedSessions ?? defaults.establishedSessions,
    midstream: fields.midstream ?? defaults.midstream,
    sessions: {
      ...merge(defaults.sessions, sizes),
      memory: decodeShare(memory, at("sessions", "memory")) ?? defaults.sessions.memory,
    },
    eventsPerSecond: fields.eventsPerSecond ?? defaults.eventsPerSecond,
    timeouts: merge(defaults.timeouts, fields.timeouts),
    limits: merge(defaults.limits, fields.limits),
    log: merge(defaults.log, fields.log),
    metrics: merge(defaults.metrics, fields.metrics),
    socket: merge(defaults.socket, fields.socket),
    store: merge(defaults.store, fields.store),
  };
}

/** The defaults, with what is written in their place. */
function merge<T extends object>(
  defaults: T,
  written: { readonly [K in keyof T]?: T[K] | undefined } | undefined,
): T {
  const merged = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value = written?.[key];
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function decodeUplinks(fields: ConfigFields, cursor: Cursor): UplinkConfig[] {
  const uplinks: UplinkConfig[] = [];
  for (const [written, at] of itemsOf(atKey(cursor, "uplinks"), fields.uplinks ?? [])) {
    const device = typeof written === "string" ? written : written.device;
    const named = typeof written === "string" ? at : atKey(at, "device");
    if (device === undefined || take(named, "", checkDevice(device)) === null) continue;
    if (uplinks.some((uplink) => uplink.device === device)) {
      report(named, "listed-twice", `the device ${quote(device)} stands twice: leave one out`);
    }
    const networks = typeof written === "string" ? undefined : written.networks;
    for (const [network, place] of itemsOf(atKey(at, "networks"), networks ?? [])) {
      take(place, "", checkId("network", network));
    }
    uplinks.push({ device, networks: networks ?? null });
  }
  return uplinks;
}

/** `2%` to 0.02. */
function decodeShare(text: string | undefined, at: Cursor): number | null {
  if (text === undefined) return null;
  const percent = /^([0-9]{1,2}(?:\.[0-9]{1,2})?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) >= 0.1 && Number(percent) <= 50) return Number(percent) / 100;
  const right = /^[0-9]{1,2}(\.[0-9]{1,2})?$/.test(text) ? `${text}%` : null;
  const hint = right === null ? "0.1% to 50%" : `\`${right}\``;
  report(at, "wrong-value", `\`memory\`: ${quote(text)} is no share of the RAM: write ${hint}`, {
    write: right,
  });
  return null;
}

function checkListen(text: string | undefined, at: Cursor): void {
  if (text === undefined) return;
  const parts = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/.exec(text);
  const port = Number(parts?.[1]);
  if (parts !== null && port >= 1 && port <= 65535) return;
  const right = /^[0-9]{1,5}$/.test(text) ? `127.0.0.1:${text}` : "127.0.0.1:9470";
  report(at, "wrong-value", `\`listen\`: ${quote(text)} is no address with a port: write \`"${right}"\``, {
    write: right,
  });
}

function checkPath(text: string | undefined, at: Cursor): void {
  if (text === undefined || /^\/[^\p{C}]+$/u.test(text)) return;
  report(at, "wrong-value", `${quote(text)} is no absolute path: write one that begins with \`/\``);
}

function checkSystemGroup(name: string | undefined, at: Cursor): void {
  if (name === undefined || /^[a-z_][a-z0-9_-]{0,31}$/.test(name)) return;
  // A number may belong to somebody else's group on the next host.
  report(at, "wrong-value", `${quote(name)} is no name of a system group: write a name, never a number`);
}
