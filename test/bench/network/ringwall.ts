/** Ringwall on a lane's host: the built agent, with folders of its own. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askAgent } from "../../../src/cli/client.ts";
import type { Place } from "../../network/links.ts";
import { type Bed, guests } from "./guests.ts";
import type { Lane } from "./lanes.ts";
import { buildRules, type RuleSet } from "./rules.ts";
import type { Tools } from "./tools.ts";
import { writeYaml } from "./write-yaml.ts";

export interface RingwallChoice {
  readonly attach: "native" | "tc";
  readonly forwarding: "direct" | null;
  readonly uplinks?: readonly string[];
}

const metricsAt = "127.0.0.1:9470";
const readMetrics = `fetch("http://${metricsAt}/metrics").then((answer) => answer.text()).then(console.log)`;

export class RingwallLane implements Lane {
  readonly #host: Place;
  readonly #choice: RingwallChoice;
  readonly #tools: Tools;
  readonly #folder = mkdtempSync(join(tmpdir(), "ringwall-bench-"));
  readonly #socket = join(this.#folder, "ringwall.sock");
  #agent: ChildProcess | null = null;
  #passed = { sessions: 0, all: 0 };

  constructor(host: Place, choice: RingwallChoice, tools: Tools) {
    this.#host = host;
    this.#choice = choice;
    this.#tools = tools;
  }

  get #paths(): string[] {
    return ["--bpffs", join(this.#folder, "bpf"), "--lock", join(this.#folder, "lock")];
  }

  #write(rules: RuleSet): void {
    const { sessions } = this.#tools;
    const config = {
      host: "bench",
      attach: this.#choice.attach,
      uplinks: this.#choice.uplinks ?? [],
      socket: { path: this.#socket, group: "root" },
      // Each lane is a namespace of its own: the port is nobody else's.
      metrics: { listen: metricsAt },
      store: { file: join(this.#folder, "rules.d") },
      // As large as the flows need that were answered; what was not has the table that every guest has.
      sessions: { established: 16_384, answered: sessions, memory: "50%" },
      limits: { rulesPerGroup: 4096, rulesPerInterface: 4096 },
    };
    writeFileSync(join(this.#folder, "agent.yaml"), JSON.stringify(config));
    mkdirSync(join(this.#folder, "rules.d"));
    mkdirSync(join(this.#folder, "bpf"));
    writeFileSync(join(this.#folder, "rules.d", "rules.yaml"), this.#text(rules), { mode: 0o600 });
  }

  #text(rules: RuleSet): string {
    return writeYaml(rules, this.#choice.forwarding);
  }

  /** Settles when the agent enforces. */
  async open(): Promise<void> {
    this.#write(buildRules(10));
    const own = ["--config", join(this.#folder, "agent.yaml"), "--state-dir", join(this.#folder, "state")];
    const agent = this.#host.spawn(process.execPath, [this.#tools.ringwall, "agent", ...this.#paths, ...own]);
    this.#agent = agent;
    let log = "";
    const enforcing = new Promise<boolean>((settle) => {
      agent.stdout?.on("data", (chunk) => {
        log += String(chunk);
        if (log.includes('"msg":"enforcing"')) settle(true);
      });
      agent.once("exit", () => settle(false));
    });
    if (!(await enforcing)) throw new Error(`the agent ended: ${log}`);
    await this.#requireEnforcing();
  }

  /** A figure of guests that nobody protects, or whose frames go another way, is worse than none. */
  async #requireEnforcing(): Promise<void> {
    const { interfaces } = await askAgent(this.#socket, "status", {});
    const { attach, forwarding } = this.#choice;
    const isDirect = (now: string): boolean => now !== "kernel";
    const wanted = interfaces.filter(
      ({ state, mode, forwarding: { now } }) =>
        state === "enforcing" && mode === attach && isDirect(now) === (forwarding === "direct"),
    );
    if (wanted.length !== guests.length)
      throw new Error(`not all guests are protected: ${JSON.stringify(interfaces)}`);
  }

  async setRules(rules: RuleSet): Promise<void> {
    await askAgent(this.#socket, "apply", { files: [{ path: "rules.yaml", text: this.#text(rules) }] });
  }

  /** Tables of sessions are LRU: they never fill up. */
  forget(): void {}

  /** Packets at guest 2 by what was decided and why, as their series' labels have it. */
  count(verdict: "accept" | "drop", reason = '[^"]*', text = this.#readMetrics()): number {
    const series = new RegExp(
      `^ringwall_packets_total\\{interface="eni-guest-2",direction="ingress",verdict="${verdict}",reason="${reason}"\\} (\\d+)$`,
      "gm",
    );
    return [...text.matchAll(series)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  #readMetrics(): string {
    return this.#host.run(process.execPath, ["-e", readMetrics]);
  }

  sessionShare(): number {
    const before = this.#passed;
    const text = this.#readMetrics();
    this.#passed = {
      sessions: this.count("accept", "session", text),
      all: this.count("accept", undefined, text),
    };
    return (this.#passed.sessions - before.sessions) / (this.#passed.all - before.all);
  }

  async close(): Promise<void> {
    const agent = this.#agent;
    if (agent !== null && agent.exitCode === null && agent.signalCode === null) {
      const gone = once(agent, "exit");
      agent.kill("SIGTERM");
      await gone;
    }
    spawnSync("nsenter", [
      `--net=${this.#host.path}`,
      process.execPath,
      this.#tools.ringwall,
      "detach",
      "--yes",
      ...this.#paths,
    ]);
    spawnSync("umount", [join(this.#folder, "bpf")]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function openRingwall(
  { host }: Bed,
  choice: RingwallChoice,
  tools: Tools,
): Promise<RingwallLane> {
  const lane = new RingwallLane(host, choice, tools);
  try {
    await lane.open();
  } catch (error) {
    await lane.close();
    throw error;
  }
  return lane;
}
