/** A host with guests in namespaces of their own, two on each bridge, and the built agent on it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  askForwarding,
  forwardingConfig,
  isDirect,
  keepNetfilterOut,
  takeXdpFrames,
} from "../support/forwarding.ts";
import { addVeth } from "../support/veth.ts";
import { type Outcome, root } from "./program.ts";
import { type Surroundings, WarmProgram } from "./warm.ts";

export const guestRules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 10.0.0.0/24}
      - {direction: ingress, policy: accept, protocol: icmp, portRange: -1/-1, remote: 10.0.0.0/24}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-web]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-web]}}}
`;

export class Host {
  readonly folder = mkdtempSync(join(tmpdir(), "ringwall-host-"));
  readonly socket = join(this.folder, "run", "ringwall.sock");
  readonly metricsPort: number;
  /** For the agents, beside what they get anyway. */
  readonly env: Record<string, string> = {};
  /** Where the package stands whose program is run. */
  package = root;
  /** What agents run under: a tracer and its words. */
  under: readonly string[] = [];
  readonly #name = `rwc-${process.pid}`;
  readonly #agents: Agent[] = [];
  readonly #warm = new Map<string, WarmProgram>();

  readonly #guests: readonly number[];

  /** `bridges`: each has guests of the same two MACs and addresses. */
  constructor(metricsPort: number, { bridges = 1 } = {}) {
    this.metricsPort = metricsPort;
    this.#guests = Array.from({ length: 2 * bridges }, (_, index) => index + 1);
    mkdirSync(join(this.folder, "rules.d"));
    mkdirSync(join(this.folder, "bpf"));
    this.writeRules(guestRules);
    this.writeConfig({});
    this.#makeNamespaces();
  }

  writeConfig(changes: Readonly<Record<string, unknown>>): void {
    const config = {
      host: "kvm-1",
      socket: { path: this.socket, group: "root" },
      metrics: { listen: `127.0.0.1:${this.metricsPort}` },
      store: { file: join(this.folder, "rules.d") },
      sessions: { established: 2048, answered: 2048, opening: 2048 },
      ...forwardingConfig,
      ...changes,
    };
    writeFileSync(join(this.folder, "agent.yaml"), JSON.stringify(config));
  }

  /** One more guest, on the first bridge: tapN, 10.0.0.N. */
  addGuest(number: number): void {
    this.#connect(number, "br0", number);
  }

  /** Its device goes with it. */
  removeGuest(number: number): void {
    spawnSync("ip", ["-n", this.#name, "link", "del", `tap${number}`]);
    spawnSync("ip", ["netns", "del", this.guest(number)]);
  }

  #makeNamespaces(): void {
    ip("netns", "add", this.#name);
    ip("-n", this.#name, "link", "set", "lo", "up");
    if (isDirect) keepNetfilterOut(this.#name);
    for (const number of this.#guests) this.#makeGuest(number, `br${Math.ceil(number / 2) - 1}`);
  }

  /** One of the two guests of each bridge, which the first of them makes. */
  #makeGuest(number: number, bridge: string): void {
    const place = 2 - (number % 2);
    if (place === 1) {
      this.ip("link", "add", bridge, "type", "bridge");
      this.ip("link", "set", bridge, "up");
    }
    this.#connect(number, bridge, place);
    if (isDirect) takeXdpFrames(this.guest(number), "eth0");
  }

  /** tapN on a bridge of the host; eth0 with 10.0.0.PLACE in the guest. */
  #connect(number: number, bridge: string, place: number): void {
    const guest = this.guest(number);
    const device = `tap${number}`;
    ip("netns", "add", guest);
    addVeth({ namespace: this.#name, device }, { namespace: guest, device: "eth0" });
    this.ip("link", "set", device, "master", bridge, "up");
    ip("-n", guest, "link", "set", "eth0", "address", `02:00:00:00:00:0${place}`, "up");
    ip("-n", guest, "addr", "add", `10.0.0.${place}/24`, "dev", "eth0");
  }

  /** Namespace of the host. */
  get namespace(): string {
    return this.#name;
  }

  /** Namespace of a guest. */
  guest(number: number): string {
    return `${this.#name}-${number}`;
  }

  writeRules(text: string): void {
    writeFileSync(join(this.folder, "rules.d", "rules.yaml"), askForwarding(text), { mode: 0o600 });
  }

  get paths(): string[] {
    return ["--bpffs", join(this.folder, "bpf"), "--lock", join(this.folder, "lock")];
  }

  /** Starts an agent; settles when it answers or has ended. */
  async startAgent(...args: string[]): Promise<Agent> {
    const agent = this.beginAgent(...args);
    await agent.ready;
    return agent;
  }

  /** Starts an agent, and waits for nothing. */
  beginAgent(...args: string[]): Agent {
    const own = ["--config", join(this.folder, "agent.yaml"), "--state-dir", join(this.folder, "state")];
    const agent = new Agent(
      this.#spawn([...this.under, ...this.#program, "agent", ...this.paths, ...own, ...args]),
    );
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent that is expected to end by itself. */
  async tryAgent(): Promise<Outcome> {
    const agent = await this.startAgent();
    this.#agents.splice(this.#agents.indexOf(agent), 1);
    return agent.end();
  }

  /** Runs a command on the host, beside the agent: the first of its kind in a process of its own (WarmProgram). */
  async ringwall(...args: string[]): Promise<Outcome> {
    const surroundings = this.#surroundings;
    const key = JSON.stringify(surroundings);
    const warm = this.#warm.get(key) ?? new WarmProgram(surroundings);
    this.#warm.set(key, warm);
    return (await warm.run(args)) ?? this.ringwallUnder([], ...args);
  }

  /** Runs a command in a process of its own, under a tracer and its words. */
  async ringwallUnder(tracer: readonly string[], ...args: string[]): Promise<Outcome> {
    return awaitOutcome(this.#spawn([...tracer, ...this.#program, ...args]));
  }

  /** Is one guest answered by the other at once? For what is not to be answered, or asked again and again. */
  ping(from: number, to: number, seconds = 1): boolean {
    const args = ["ping", "-c", "1", "-W", String(seconds), `10.0.0.${to}`];
    return spawnSync("ip", ["netns", "exec", this.guest(from), ...args]).status === 0;
  }

  /** Is one guest answered by the other, however busy the machine is? */
  reaches(from: number, to: number): boolean {
    return this.ping(from, to, 60);
  }

  /** Text of the metrics endpoint. */
  metrics(path = "/metrics"): string {
    const program = `fetch("http://127.0.0.1:${this.metricsPort}${path}").then((r) => r.text()).then(console.log)`;
    return execFileSync("ip", ["netns", "exec", this.#name, process.execPath, "-e", program], {
      encoding: "utf8",
    });
  }

  /** Writes to a pinned map, as somebody else may. `map`: its name without rw_; bytes as bpftool takes them. */
  bpftool(map: string, key: readonly string[], value: readonly string[]): void {
    const pin = join(this.folder, "bpf", "current", "maps", `rw_${map}`);
    execFileSync("bpftool", ["map", "update", "pinned", pin, "key", ...key, "value", ...value]);
  }

  get pinnedLinks(): string[] {
    return readdirSync(join(this.folder, "bpf", "links")).sort();
  }

  /** `ip` in the host's namespace. */
  ip(...words: string[]): string {
    return execFileSync("ip", ["-n", this.#name, ...words], { encoding: "utf8" });
  }

  get #program(): string[] {
    return [process.execPath, join(this.package, "build/dist/main.js")];
  }

  /** nsenter keeps the bpffs in sight, which `ip netns exec` hides. */
  get #surroundings(): Surroundings {
    return {
      package: this.package,
      env: { PATH: process.env.PATH ?? "", RINGWALL_SOCKET: this.socket, ...this.env },
      under: ["nsenter", `--net=/run/netns/${this.#name}`],
    };
  }

  #spawn(command: readonly string[]): ChildProcess {
    const { env, under } = this.#surroundings;
    const [first = "", ...words] = [...under, ...command];
    return spawn(first, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Sends a signal to the agents that run. */
  signalAgents(name: NodeJS.Signals): void {
    for (const agent of this.#agents) agent.signal(name);
  }

  /** What the agents that run have logged. */
  get logs(): string {
    return this.#agents.map(({ log }) => log).join("");
  }

  /** Ends the agents that run, and says how the last one started ended. */
  async stopAgents(signal: NodeJS.Signals): Promise<Outcome | undefined> {
    const outcomes = await Promise.all(this.#agents.splice(0).map((agent) => agent.kill(signal)));
    return outcomes.at(-1);
  }

  async remove(): Promise<void> {
    await this.stopAgents("SIGKILL");
    await this.ringwall("detach", "--yes", ...this.paths);
    for (const warm of this.#warm.values()) await warm.close();
    for (const name of [...this.#guests.map((number) => this.guest(number)), this.#name])
      spawnSync("ip", ["netns", "del", name]);
    spawnSync("umount", [join(this.folder, "bpf")]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Agent {
  readonly #child: ChildProcess;
  readonly #log: { text: string };
  readonly #errors: { text: string };
  readonly #closed: Promise<[number | null]>;
  readonly ready: Promise<void>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#log = collect(child.stdout);
    this.#errors = collect(child.stderr);
    this.#closed = once(child, "close") as Promise<[number | null]>;
    this.ready = new Promise((resolve) => {
      child.stdout?.on("data", () => this.#log.text.includes('"msg":"enforcing"') && resolve());
      void this.#closed.then(() => resolve());
    });
  }

  get log(): string {
    return this.#log.text;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the agent could not be started");
    return this.#child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Signals it and waits for its end. */
  async kill(name: NodeJS.Signals): Promise<Outcome> {
    this.#child.kill(name);
    return this.end();
  }

  async end(): Promise<Outcome> {
    const [code] = await this.#closed;
    return { code, stdout: this.#log.text, stderr: this.#errors.text };
  }
}

async function awaitOutcome(child: ChildProcess): Promise<Outcome> {
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: out.text, stderr: err.text };
}

function collect(stream: NodeJS.ReadableStream | null): { text: string } {
  const collected = { text: "" };
  stream?.on("data", (chunk) => {
    collected.text += String(chunk);
  });
  return collected;
}

function ip(...args: string[]): void {
  execFileSync("ip", args);
}
