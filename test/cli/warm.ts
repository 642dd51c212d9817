/**
 * Command lines of the built program in a process that has read it before: a start takes ten times as long as most commands.
 * The first of each kind is a process of its own, as every user's is, and so is one that comes while another one runs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Outcome } from "./program.ts";

const server = join(fileURLToPath(new URL(".", import.meta.url)), "warm-program.mjs");
/** Of bin/ringwall. */
const flags = ["--max-semi-space-size=4", "--no-memory-reducer"];
/** Commands whose second word says what they do. */
const families = new Set(["group", "rule", "instance", "interface", "prefix-list"]);

export interface Surroundings {
  /** Where the package stands whose program is run. */
  readonly package: string;
  readonly env: Readonly<Record<string, string>>;
  /** Words before the program's, as `nsenter`'s. */
  readonly under: readonly string[];
}

export class WarmProgram {
  readonly #surroundings: Surroundings;
  readonly #started = new Set<string>();
  #process: ChildProcess | undefined;
  #isBusy = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Runs a command line here, or says that it has to have a process of its own. */
  async run(args: readonly string[]): Promise<Outcome | undefined> {
    const kind = args.slice(0, families.has(args[0] ?? "") ? 2 : 1).join(" ");
    const isFirst = !this.#started.has(kind);
    this.#started.add(kind);
    // What comes through a pipe is another process's.
    if (isFirst || this.#isBusy || args.some((word) => word.startsWith("/dev/"))) return undefined;
    this.#isBusy = true;
    try {
      this.#process ??= this.#start();
      return await ask(this.#process, args);
    } finally {
      this.#isBusy = false;
    }
  }

  async close(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null) return;
    const ended = once(process, "close");
    process.kill("SIGKILL");
    await ended;
  }

  #start(): ChildProcess {
    const { package: place, env, under } = this.#surroundings;
    const main = pathToFileURL(join(place, "build/dist/main.js")).href;
    const [command = "", ...words] = [...under, process.execPath, ...flags, server, main];
    const child = spawn(command, words, { env, cwd: "/", stdio: ["ignore", "ignore", "inherit", "ipc"] });
    // It goes with the test's process, and keeps it from nothing.
    child.unref();
    child.channel?.unref();
    return child;
  }
}

/** @throws Error when the command ended the process: no command but a first one may */
function ask(child: ChildProcess, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null, signal: string | null) =>
      reject(new Error(`ringwall ${args.join(" ")}: ended its process (${signal ?? code})`));
    child.once("exit", fail);
    child.once("message", (outcome) => {
      child.off("exit", fail);
      resolve(outcome as Outcome);
    });
    child.send({ args });
  });
}
