/** A host whose agent is made to fail, guests that talk all the while, and what has to hold afterwards. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { StatusReply } from "../../src/agent/status-reply.ts";
import { askAgent } from "../../src/cli/client.ts";
import { type Agent, Host } from "../cli/host.ts";
import type { Outcome } from "../cli/program.ts";
import { hear, startPeer } from "../network/peer.ts";
import { listLive } from "../support/live-tree.ts";
import { isRunning, type Point, traced } from "./tracer.ts";

/** An agent that starts under strace on a busy machine, ms. */
const readyWithin = 15_000;

/** Both allow the flows to 8080 and 9080, none allows 8081; one of them allows echo. */
export const ruleSets = { echo: rulesWith("icmp"), silent: rulesWith("gre") } as const;
export type RuleSet = keyof typeof ruleSets;

export function otherOf(rules: RuleSet): RuleSet {
  return rules === "echo" ? "silent" : "echo";
}

function rulesWith(protocol: string): string {
  return `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 8080/8080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: udp, portRange: 9080/9080, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: ${protocol}, portRange: -1/-1, remote: 10.0.0.0/24}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-t]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-t]}}}
  i-3: {interfaces: {eni-3: {device: tap3, network: vpc-a, mac: "02:00:00:00:00:03", addresses: [10.0.0.3], groups: [sg-t]}}}
`;
}

export interface Flows {
  readonly tcp: { readonly sent: number; readonly lost: number; readonly broken: number };
  readonly udp: { readonly sent: number; readonly lost: number; readonly broken: number };
  readonly attempts: number;
  readonly denied: number;
}

/** What is left of an agent's work in the kernel and in its process. */
export interface Holdings {
  readonly pins: readonly string[];
  /** Handles of BPF objects in the agent, by kind. */
  readonly handles?: Readonly<Record<string, number>>;
}

export class Victim {
  readonly host: Host;
  readonly #server: ChildProcess;
  #flow: ChildProcess | null = null;
  #agent: Agent | null = null;
  /** The agent's own process, where strace is its parent. */
  #traced: number | null = null;

  private constructor(host: Host, server: ChildProcess) {
    this.host = host;
    this.#server = server;
  }

  static async make(metricsPort: number): Promise<Victim> {
    const host = new Host(metricsPort);
    // strace counts calls by thread.
    host.env.UV_THREADPOOL_SIZE = "1";
    mkdirSync(join(host.folder, "new"));
    host.writeRules(ruleSets.echo);
    const server = startPeer(host.guest(2), "serve");
    await hear(server);
    return new Victim(host, server);
  }

  async remove(): Promise<void> {
    this.#server.kill("SIGKILL");
    this.#flow?.kill("SIGKILL");
    this.removeThird();
    await this.host.remove();
  }

  /** The agent that runs; a new one where there is none. */
  async agent(): Promise<Agent> {
    if (this.#agent === null || !isRunning(this.#agent.pid)) this.#agent = await this.host.startAgent();
    return this.#agent;
  }

  /** An agent under strace from its first call on; null where it enforces, else how it ended. */
  async startTraced(point: Point | null): Promise<Outcome | null> {
    this.host.under = traced(point, this.log);
    try {
      const agent = this.host.beginAgent();
      // The line of its log that says so may be what the fault took.
      await Promise.race([agent.ready, sleep(readyWithin, undefined, { ref: false })]);
      // Its calls are logged until it is gone; strace ends with it.
      const pid = pidUnder(agent.pid);
      if (pid === null) return await agent.end();
      this.#traced = pid;
      return null;
    } finally {
      this.host.under = [];
    }
  }

  /** Takes everything off the host, traced; how that ended. No agent may run. */
  detach(point: Point | null = null): Promise<Outcome> {
    const tracer = point === null ? [] : traced(point, this.log);
    return this.host.ringwallUnder(tracer, "detach", "--yes", ...this.host.paths);
  }

  /** The calls of a detach. */
  traceDetach(): Promise<Outcome> {
    return this.host.ringwallUnder(traced(null, this.log), "detach", "--yes", ...this.host.paths);
  }

  /** The device of the third interface of the rules. */
  addThird(): void {
    this.host.addGuest(3);
  }

  removeThird(): void {
    this.host.removeGuest(3);
  }

  /** Both programs of three devices are pinned. */
  get isThirdPinned(): boolean {
    return this.#pins.filter((name) => /^links\/.*-tc-/.test(name)).length >= 6;
  }

  async stop(): Promise<void> {
    if (this.#traced !== null && isRunning(this.#traced)) process.kill(this.#traced, "SIGKILL");
    this.#traced = null;
    await this.host.stopAgents("SIGKILL");
    this.#agent = null;
  }

  get isUp(): boolean {
    return this.#agent !== null && isRunning(this.#agent.pid);
  }

  apply(rules: RuleSet): Promise<Outcome> {
    const path = join(this.host.folder, "new", "rules.yaml");
    writeFileSync(path, ruleSets[rules]);
    return this.host.ringwall("apply", path);
  }

  /** Which of the rule sets the store has, whole. Throws where it has something else. */
  get stored(): RuleSet {
    const text = readFileSync(join(this.host.folder, "rules.d", "rules.yaml"), "utf8");
    if (text === ruleSets.echo) return "echo";
    if (text === ruleSets.silent) return "silent";
    throw new Error(`the store's file is neither the old nor the new one: ${text.length} bytes`);
  }

  /** Which of them a guest's packets to the second one meet. Where an answer has to come, it may come late. */
  met(wanted: RuleSet, guest = 1): RuleSet {
    const isAnswered = wanted === "echo" ? this.host.reaches(guest, 2) : this.host.ping(guest, 2, 0.3);
    return isAnswered ? "echo" : "silent";
  }

  /** What the agent says of itself, asked without a program that has to start. `verify`: after a proof of all. */
  status(verify = false): Promise<StatusReply> {
    return askAgent(this.host.socket, "status", verify ? { verify } : {});
  }

  /** For strace. */
  get log(): string {
    return join(this.host.folder, "strace.log");
  }

  /** With an agent up, packets meet what is stored, the kernel is what is wanted, and nothing else is there. */
  async expectWhole(said: string, clean: Holdings | null, third = "absent"): Promise<StatusReply> {
    await this.agent();
    // What could not be looked after at once is tried again a second later, and said meanwhile.
    const states = async () => (await this.status()).interfaces.map(({ state }) => state);
    await expect.poll(states, { interval: 200, message: said }).toEqual(["enforcing", "enforcing", third]);
    const status = await this.status(true);
    expect(this.met(this.stored), `${said}; packets meet`).toBe(this.stored);
    expect(status.proof.verified, said).toMatchObject({ differences: [], problem: null });
    // While something is loaded or asked there is more for a moment; what is left over stays.
    const differences = () => (clean === null ? [] : compareHoldings(clean, this.holdings));
    await expect.poll(differences, { interval: 200, message: said }).toEqual([]);
    // So is a file that is just being written.
    await expect.poll(() => this.leftFiles, { interval: 200, message: said }).toEqual([]);
    return status;
  }

  /** Other files in the store's folder and the state than whole ones: what was begun and left. */
  get leftFiles(): string[] {
    return ["rules.d", "state"]
      .flatMap((name) => listLive(join(this.host.folder, name)))
      .filter((name) => /\.new$|\.tmp$|^\./.test(name));
  }

  /** What a killed agent left stays for an hour, in case somebody needs it. */
  removeLeftFiles(): void {
    for (const name of this.leftFiles)
      for (const folder of ["rules.d", "state"])
        rmSync(join(this.host.folder, folder, name), { force: true });
  }

  get #pins(): string[] {
    return listLive(join(this.host.folder, "bpf"));
  }

  get holdings(): Holdings {
    return {
      pins: this.#pins,
      handles: this.#agent === null ? {} : countHandles(this.#agent.pid),
    };
  }

  /** What it holds when nothing is loaded or read any more: the same for a second. */
  async settledHoldings(): Promise<Holdings> {
    let settled = this.holdings;
    for (let same = 0; same < 5; same++) {
      await sleep(200);
      const now = this.holdings;
      if (compareHoldings(settled, now).length > 0) same = -1;
      settled = now;
    }
    return settled;
  }

  /** Five flows of each kind from guest 1 to guest 2, until `endFlows`. */
  async beginFlows(): Promise<void> {
    this.#flow = startPeer(this.host.guest(1), "flow", { host: "10.0.0.2", count: 5 });
    await hear(this.#flow);
  }

  /** What became of them so far; what is under way counts as lost. Null where none were begun. */
  async countFlows(): Promise<Flows | null> {
    return this.#flow === null ? null : (JSON.parse(await hear(this.#flow, "count")) as Flows);
  }

  async endFlows(): Promise<Flows> {
    if (this.#flow === null) throw new Error("no flows were begun");
    return JSON.parse(await hear(this.#flow, "end")) as Flows;
  }

  /** Where a datagram may have got lost: what was dropped, by metrics, and what the guests' own stacks count. */
  async losses(): Promise<string> {
    await this.agent();
    const drops = this.host.metrics().split("\n");
    const stacks = [1, 2].map((guest) => {
      const words = [`--net=/run/netns/${this.host.guest(guest)}`, "cat", "/proc/net/snmp"];
      const lines = execFileSync("nsenter", words, { encoding: "utf8" }).split("\n");
      return [`guest ${guest}:`, ...lines.filter((line) => /^(Ip|Udp):/.test(line))].join("\n");
    });
    return [...drops.filter((line) => /^ringwall_packets_total.*"drop"/.test(line)), ...stacks].join("\n");
  }
}

/** What is there and was not, or was and is not. Handles count where they are known of both. */
function compareHoldings(clean: Holdings, now: Holdings): string[] {
  const lines = ({ pins, handles = {} }: Holdings) =>
    new Set([...pins, ...Object.entries(handles).map(([kind, count]) => `${count} handles of ${kind}`)]);
  const [before, after] = [lines(clean), lines(clean.handles === undefined ? { pins: now.pins } : now)];
  return [
    ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
  ];
}

/** The child of a process; null where it has none any more. */
function pidUnder(pid: number): number | null {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return child === undefined || child === "" ? null : Number(child);
  } catch {
    return null;
  }
}

/** In fdinfo: programs that survey or count (BPF_PROG_TYPE_SYSCALL), and the maps where they leave their rows of 24 bytes. */
const ofSurveys = /^(prog_type:\s*31|value_size:\s*24\nmax_entries:\s*(16384|8192))$/m;

function countHandles(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    let target = "";
    try {
      target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      // They are loaded when it is first asked: none of what the agent has to hold.
      if (ofSurveys.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))) continue;
    } catch {
      continue; // Closed meanwhile.
    }
    if (!/bpf/.test(target)) continue;
    const kind = target.replace(/^anon_inode:/, "").replace("_", "-");
    if (kind.startsWith("/")) continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
