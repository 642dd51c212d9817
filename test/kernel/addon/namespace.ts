/** A network namespace of a test's own, and a process in it that runs functions with the addon. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type {
  BpfLink,
  BpfObject,
  BpfProgram,
  LinkEvent,
  LinkMonitor,
  Native,
} from "../../../src/kernel/native.ts";

/** What a function finds in the namespace; it can reach nothing else (no imports, no variables around it). */
export interface Context {
  readonly addon: Native;
  /** Kept from one function to the next. `errors`: the messages of uncaught exceptions. */
  readonly state: {
    events: LinkEvent[];
    monitor: LinkMonitor | undefined;
    errors: string[];
    links: BpfLink[];
    programs: BpfProgram[];
  };
  sendDatagrams(address: string, count: number): Promise<void>;
  /** The sum of a fx_counts entry over all CPUs. */
  readCount(object: BpfObject, place: number): number;
}

interface Reply {
  readonly value?: unknown;
  readonly failure?: { readonly message: string; readonly code?: string; readonly errno?: number };
}

const addonPath = fileURLToPath(new URL("../../../build/ringwall.node", import.meta.url));
const hostPath = fileURLToPath(new URL("host.mjs", import.meta.url));

/** How long a function may take, ms. */
const patience = 120_000;

export class Namespace {
  readonly name: string;
  readonly #host: ChildProcess;

  constructor(label: string) {
    this.name = `rw-${process.pid}-${label}`;
    execFileSync("ip", ["netns", "add", this.name]);
    // nsenter keeps the mounts (bpffs); `ip netns exec` would hide them.
    const inside = [`--net=/run/netns/${this.name}`, process.execPath, hostPath, addonPath];
    this.#host = spawn("nsenter", inside, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.ip("link", "set", "lo", "up");
  }

  /** Runs `body` in the namespace. Rejects with what it throws: message, code, errno. */
  run<Args extends unknown[], Result>(
    body: (context: Context, ...args: Args) => Result,
    ...args: Args
  ): Promise<Awaited<Result>> {
    return new Promise((settle, fail) => {
      const ended = () => fail(new Error(`the process in ${this.name} ended`));
      // Before the test's own time is over: then nobody would remove the namespace.
      const timer = setTimeout(
        () => fail(new Error(`no answer from ${this.name} in ${patience} ms`)),
        patience,
      );
      this.#host.once("exit", ended);
      this.#host.once("message", ({ value, failure }: Reply) => {
        this.#host.off("exit", ended);
        clearTimeout(timer);
        if (failure) fail(Object.assign(new Error(failure.message), failure));
        else settle(value as Awaited<Result>);
      });
      this.#host.send({ source: body.toString(), args });
    });
  }

  /** `ip` in the namespace. */
  ip(...args: string[]): string {
    return execFileSync("ip", ["-n", this.name, ...args], { encoding: "utf8" });
  }

  /** `ip -batch` in the namespace. */
  ipBatch(lines: readonly string[]): void {
    execFileSync("ip", ["-n", this.name, "-batch", "-"], { input: `${lines.join("\n")}\n` });
  }

  ifindex(device: string): number {
    return JSON.parse(this.ip("-j", "link", "show", device))[0].ifindex;
  }

  /** A pair of devices, both up. What is sent to 10.9.0.2 leaves `near` for `far`, which nobody answers. */
  addPair(near: string, far: string): void {
    const mac = "02:00:00:00:09:02";
    this.ip("link", "add", near, "type", "veth", "peer", "name", far, "address", mac);
    this.ip("link", "set", far, "up");
    this.ip("link", "set", near, "up");
    this.ip("address", "add", "10.9.0.1/24", "dev", near);
    this.ip("neighbour", "add", "10.9.0.2", "lladdr", mac, "dev", near, "nud", "permanent");
  }

  /** Ends the process and removes the namespace with all its devices. */
  async remove(): Promise<void> {
    const ended = new Promise((settle) => this.#host.once("exit", settle));
    if (this.#host.exitCode === null && this.#host.kill("SIGKILL")) await ended;
    execFileSync("ip", ["netns", "delete", this.name]);
  }
}

/** Runs `body` with a namespace that is gone afterwards. */
export async function withNamespace(
  label: string,
  body: (namespace: Namespace) => Promise<void>,
): Promise<void> {
  const namespace = new Namespace(label);
  try {
    await body(namespace);
  } finally {
    await namespace.remove();
  }
}
