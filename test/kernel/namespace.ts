/** A host and its guests as network namespaces, and the driver that enforces in the host's. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { addVeth } from "../support/veth.ts";
import { ip } from "./host.ts";

/**
 * driver.ts as one file that a process in a namespace can run; `name`: the test's. RINGWALL_DRIVER names one that was made
 * before (scripts/kernels.sh): an emulated processor would make it for half a minute, for each test again.
 */
export function bundleDriver(name: string): { readonly path: string; remove(): void } {
  const made = process.env.RINGWALL_DRIVER;
  if (made !== undefined) return { path: made, remove: () => undefined };
  const path = fileURLToPath(new URL(`../../build/driver-${name}-${process.pid}.mjs`, import.meta.url));
  buildSync({
    entryPoints: [fileURLToPath(new URL("driver.ts", import.meta.url))],
    outfile: path,
    // With its packages: to find and read their hundred files took half of each start.
    bundle: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}

function spawnIn(namespace: string, words: readonly string[]): ChildProcess {
  return spawn("nsenter", [`--net=/run/netns/${namespace}`, process.execPath, ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

function macOf(guest: number): string {
  return `02:00:00:00:00:${guest.toString(16).padStart(2, "0")}`;
}

export class Bed {
  readonly #name: string;
  readonly #bundle: ReturnType<typeof bundleDriver>;
  readonly #children: ChildProcess[] = [];
  readonly #namespaces: string[] = [];
  readonly #guests: number[] = [];

  /** `name`: the test's; everything that this makes is named from it. `bundle`: of the driver, where there is one. */
  constructor(name: string, bundle = bundleDriver(name)) {
    this.#name = `rwk-${name}-${process.pid}`;
    this.#bundle = bundle;
    this.#addNamespace("host");
    this.host("link", "set", "lo", "up");
  }

  #addNamespace(name: string): string {
    const full = `${this.#name}-${name}`;
    ip("netns", "add", full);
    this.#namespaces.push(full);
    return full;
  }

  /** `ip` in the host's namespace. */
  host(...words: string[]): string {
    return ip("-n", `${this.#name}-host`, ...words);
  }

  get namespace(): string {
    return `${this.#name}-host`;
  }

  /** A guest's namespace. */
  guest(number: number): string {
    return `${this.#name}-g${number}`;
  }

  /** A command in the host's namespace. */
  inHost(...words: string[]): void {
    execFileSync("ip", ["netns", "exec", this.namespace, ...words], { stdio: "pipe" });
  }

  /** Echo requests of the host to a guest; what becomes of them is no matter. */
  sendTo(number: number, count: number): void {
    const script = "for n in $(seq $0); do ping -c 1 -W 0.01 $1 >/dev/null; done; true";
    this.host("neigh", "replace", `10.0.0.${number}`, "lladdr", macOf(number), "dev", `tap${number}`);
    this.inHost("sh", "-c", script, String(count), `10.0.0.${number}`);
  }

  /** eni-N: tapN at the host, eth0 with 10.0.0.N in a namespace of its own; the host is 10.0.0.254. */
  addGuest(number: number, index?: number): void {
    this.#addNamespace(`g${number}`);
    this.#guests.push(number);
    this.addDevice(number, index);
  }

  /** The device of a guest; a new one, where the old one went. `index`: its ifindex. */
  addDevice(number: number, index?: number): void {
    const guest = `${this.#name}-g${number}`;
    const device = `tap${number}`;
    addVeth({ namespace: this.namespace, device, index }, { namespace: guest, device: "eth0" });
    // No router or multicast chatter of the namespaces' own among the events that tests wait for.
    this.host("link", "set", device, "addrgenmode", "none");
    ip("-n", guest, "link", "set", "eth0", "addrgenmode", "none");
    ip("-n", guest, "link", "set", "eth0", "address", macOf(number), "up");
    ip("-n", guest, "link", "set", "lo", "up");
    ip("-n", guest, "addr", "add", `10.0.0.${number}/24`, "dev", "eth0");
    this.host("link", "set", device, "up");
    this.host("addr", "add", "10.0.0.254/32", "dev", device);
    this.host("route", "add", `10.0.0.${number}/32`, "dev", device, "src", "10.0.0.254");
  }

  /** A network behind the host's device up0: 192.0.2.1, which the host routes to its guests. */
  addUplink(): void {
    const wan = this.#addNamespace("wan");
    addVeth({ namespace: this.namespace, device: "up0" }, { namespace: wan, device: "eth0" });
    ip("-n", wan, "link", "set", "eth0", "addrgenmode", "none", "up");
    ip("-n", wan, "addr", "add", "192.0.2.1/24", "dev", "eth0");
    ip("-n", wan, "route", "add", "10.0.0.0/24", "via", "192.0.2.254");
    this.host("link", "set", "up0", "addrgenmode", "none", "up");
    this.host("addr", "add", "192.0.2.254/24", "dev", "up0");
    for (const number of this.#guests) {
      ip("-n", `${this.#name}-g${number}`, "route", "add", "default", "via", "10.0.0.254", "dev", "eth0");
    }
    ip("netns", "exec", `${this.#name}-host`, "sysctl", "-qw", "net.ipv4.ip_forward=1");
  }

  /** A driver elsewhere than in the host's namespace; it enforces nothing. */
  startIn(namespace: "wan" | `g${number}`): Driver {
    return new Driver(this.#spawn(`${this.#name}-${namespace}`, [this.#bundle.path]));
  }

  /** Of both ends of a guest's device. */
  setMtu(number: number, mtu: number): void {
    this.host("link", "set", `tap${number}`, "mtu", String(mtu));
    ip("-n", `${this.#name}-g${number}`, "link", "set", "eth0", "mtu", String(mtu));
  }

  /** A program on the host. */
  spawnOnHost(command: readonly string[]): ChildProcess {
    const child = spawn("nsenter", [`--net=/run/netns/${this.#name}-host`, ...command], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#children.push(child);
    return child;
  }

  /** A process in a guest that accepts connections on ports. */
  async listen(number: number, ...ports: number[]): Promise<void> {
    const script = `for (const p of [${ports}]) require("net").createServer((s) => s.on("error", () => {}).pipe(s)).listen(p, "0.0.0.0", () => console.log(p));`;
    const child = this.#spawn(`${this.#name}-g${number}`, ["-e", script]);
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    let ready = 0;
    await new Promise<void>((done) => lines.on("line", () => ++ready === ports.length && done()));
  }

  #spawn(namespace: string, words: string[]): ChildProcess {
    const child = spawnIn(namespace, words);
    this.#children.push(child);
    return child;
  }

  ifindex(device: string): number {
    const [link]: { ifindex: number }[] = JSON.parse(this.host("-j", "link", "show", "dev", device));
    return link?.ifindex ?? 0;
  }

  /** A new agent. */
  start(): Driver {
    return new Driver(this.#spawn(`${this.#name}-host`, [this.#bundle.path]));
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const namespace of this.#namespaces) execFileSync("ip", ["netns", "del", namespace]);
    this.#bundle.remove();
  }
}

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

export class Driver {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #next = 1;

  /** A driver in a namespace, from a bundle of bundleDriver. The caller ends it. */
  static start(namespace: string, bundle: string, words: readonly string[] = []): Driver {
    return new Driver(spawnIn(namespace, [bundle, ...words]));
  }

  constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) => {
      const answer: Answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.(answer);
    });
    child.on("exit", () => {
      for (const settle of this.#waiting.values()) settle({ id: 0, error: "the driver is gone" });
    });
  }

  /** What a command of driver.ts answers; bigints are text. */
  async call<T = unknown>(name: string, argument?: unknown): Promise<T> {
    const id = this.#next++;
    const answer = await new Promise<Answer>((settle) => {
      this.#waiting.set(id, settle);
      this.#child.stdin?.write(`${JSON.stringify({ id, name, argument })}\n`);
    });
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as T;
  }

  /** Sends a signal that does not end it. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** kill -9; settles when the process is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill("SIGKILL");
    await gone;
  }
}
