/** A host of many guests, each with a tap, in a namespace of its own, and the built agent on it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SessionKeyStruct, SessionTable, TableCounterStruct } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { native } from "../../src/kernel/native.ts";
import { root } from "../cli/program.ts";
import { encodeKeys } from "./flows.ts";
import { establishedEntry } from "./guest-bed.ts";

const metricsPort = 9470;

/** `interfaces` guests under `rules` rules each, `policies` different sets of them. */
export function writeRules(interfaces: number, policies: number, rules: number): string {
  const group = (_: unknown, number: number) =>
    [
      `  sg-${number}:\n    type: basic\n    network: vpc-a\n    rules:`,
      ...Array.from({ length: rules }, (_rule, index) => {
        const remote = index % 4 === 1 ? `sg-${(number + 1) % policies}` : `172.16.${index % 250}.0/24`;
        const port = 1000 + index * 10 + number;
        return `      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${port}/${port + 3}, remote: ${remote}, priority: ${1 + (index % 100)}}`;
      }),
    ].join("\n");
  const guest = (_: unknown, index: number) => {
    const mac = `02:00:00:00:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 255).toString(16).padStart(2, "0")}`;
    return `  i-${index}: {interfaces: {eni-${index}: {device: tap${index}, network: vpc-a, mac: "${mac}", addresses: [10.0.${index >> 8}.${index & 255}], groups: [sg-${index % policies}]}}}`;
  };
  return [
    "version: 1\nnetworks: {vpc-a: {type: vpc}}\ngroups:",
    ...Array.from({ length: policies }, group),
    "instances:",
    ...Array.from({ length: interfaces }, guest),
    "",
  ].join("\n");
}

export class AgentHost {
  readonly #folder = mkdtempSync(join(tmpdir(), "ringwall-bench-host-"));
  readonly #namespace = `rwb-host-${process.pid}`;
  readonly #interfaces: number;
  #agent: ChildProcess | undefined;

  /** The taps are there when it returns; no agent yet. */
  constructor(interfaces: number, policies: number, rules: number) {
    mkdirSync(join(this.#folder, "rules.d"));
    mkdirSync(join(this.#folder, "bpf"));
    this.#interfaces = interfaces;
    this.writeRules(policies, rules);
    writeFileSync(join(this.#folder, "agent.yaml"), JSON.stringify(this.#config(rules)));
    execFileSync("ip", ["netns", "add", this.#namespace]);
    execFileSync("ip", ["-n", this.#namespace, "link", "set", "lo", "up"]);
    const taps = Array.from({ length: interfaces }, (_, index) => `tuntap add dev tap${index} mode tap`);
    execFileSync("ip", ["-n", this.#namespace, "-batch", "-"], { input: taps.join("\n") });
  }

  /** Before an agent starts, or for it to take over. */
  writeRules(policies: number, rules: number): void {
    const text = writeRules(this.#interfaces, policies, rules);
    writeFileSync(join(this.#folder, "rules.d", "rules.yaml"), text, { mode: 0o600 });
  }

  #config(rules: number) {
    return {
      host: "kvm-1",
      socket: { path: join(this.#folder, "run", "ringwall.sock"), group: "root" },
      metrics: { listen: `127.0.0.1:${metricsPort}` },
      store: { file: join(this.#folder, "rules.d") },
      sessions: { established: 1024, answered: 1024, opening: 1024 },
      limits: { rulesPerGroup: rules, rulesPerInterface: rules },
      log: { level: "info", format: "json" },
    };
  }

  get #paths(): string[] {
    return ["--bpffs", join(this.#folder, "bpf"), "--lock", join(this.#folder, "lock")];
  }

  /** nsenter keeps the bpffs in sight, which `ip netns exec` hides. */
  #within(command: readonly string[]): readonly [string, string[]] {
    return ["nsenter", [`--net=/run/netns/${this.#namespace}`, ...command]];
  }

  /** Starts the agent; milliseconds until it enforces. Throws with its log where it ends before that. */
  async start(): Promise<number> {
    const own = ["--config", join(this.#folder, "agent.yaml"), "--state-dir", join(this.#folder, "state")];
    const begin = performance.now();
    // As it is installed: bin/ringwall says how much memory Node may take for the young.
    const [file, args] = this.#within([join(root, "bin/ringwall"), "agent", ...this.#paths, ...own]);
    const agent = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#agent = agent;
    const lines: string[] = [];
    for await (const line of createInterface({ input: agent.stdout })) {
      lines.push(line);
      if (!line.includes('"msg":"enforcing"')) continue;
      agent.stdout.resume();
      return performance.now() - begin;
    }
    throw new Error(`the agent ended: ${lines.slice(-5).join("\n")}`);
  }

  async kill(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = once(agent, "exit");
    agent.kill("SIGKILL");
    await ended;
  }

  /** The command line that asks this host's agent, and its environment. */
  command(...args: string[]): {
    readonly file: string;
    readonly args: string[];
    readonly env: NodeJS.ProcessEnv;
  } {
    const [file, all] = this.#within([process.execPath, join(root, "build/dist/main.js"), ...args]);
    return { file, args: all, env: { ...process.env, RINGWALL_SOCKET: this.#config(0).socket.path } };
  }

  /** Fills each of the tables of the first `interfaces` numbers, which are empty, with `count` established sessions. */
  fill(interfaces: number, count: number): void {
    const value = establishedEntry();
    const values = new Uint8Array(count * value.length);
    for (let index = 0; index < count; index++) values.set(value, index * value.length);
    const flow = { mac: "02:00:00:00:00:00", local: "10.0.0.1", remote: "198.51.100.7", remotePort: 443 };
    const keys = encodeKeys({ ...flow, interface: "", table: 0 }, count);
    if (keys.length !== count * SessionKeyStruct.SIZE) throw new RangeError("keys");
    for (let number = 1; number <= interfaces; number++) {
      const pin = join(this.#folder, "bpf", "current", "sessions", `${number}-established`);
      const table = native().BpfMap.openPinned(pin);
      table.setBatch(keys, values, count);
      table.close();
    }
    this.#countInserts(interfaces, count);
  }

  /** As the programs would have: by what was put in the agent knows a table that is still empty. */
  #countInserts(interfaces: number, count: number): void {
    const counters = native().BpfMap.openPinned(join(this.#folder, "bpf/current/maps/rw_tables"));
    const counter = TableCounterStruct.encode({ inserted: BigInt(count), removed: 0n, refused: 0n });
    const counted = new Uint8Array(TableCounterStruct.SIZE * native().possibleCpus());
    counted.set(counter);
    for (let number = 1; number <= interfaces; number++)
      counters.set(indexKey(number * SessionTable.TABLES_MAX + SessionTable.TABLE_ESTABLISHED), counted);
    counters.close();
  }

  /** Resident size of the agent, bytes. */
  get residentSize(): number {
    const text = readFileSync(`/proc/${this.#agent?.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
  }

  /** User and system time that the agent took until now, ms. */
  get cpuTime(): number {
    const fields = readFileSync(`/proc/${this.#agent?.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    // utime and stime in hundredths of a second (proc(5)).
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Scrapes the agent `times` times, `pause` ms after each; milliseconds of each, and the bytes of the last. */
  async scrape(
    times: number,
    pause: number,
  ): Promise<{ readonly times: readonly number[]; readonly bytes: number }> {
    const program = `
      const times = []; let bytes = 0;
      for (let turn = 0; turn < ${times}; turn++) {
        const begin = performance.now();
        bytes = (await (await fetch("http://127.0.0.1:${metricsPort}/metrics")).text()).length;
        times.push(performance.now() - begin);
        await new Promise((resolve) => setTimeout(resolve, ${pause}));
      }
      console.log(JSON.stringify({ times, bytes }));`;
    const [file, args] = this.#within([process.execPath, "--input-type=module", "-e", program]);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
    });
    await once(child, "close");
    return JSON.parse(text) as { times: number[]; bytes: number };
  }

  async remove(): Promise<void> {
    await this.kill();
    const { file, args, env } = this.command("detach", "--yes", ...this.#paths);
    spawnSync(file, args, { env });
    spawnSync("ip", ["netns", "del", this.#namespace]);
    spawnSync("umount", [join(this.#folder, "bpf")]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
