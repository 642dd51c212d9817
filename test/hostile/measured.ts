/** Runs the built program and says what it cost: CPU, not the clock, because machines are shared. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../cli/program.ts";

export interface Measured {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Seconds of CPU, user and system, all threads. */
  readonly cpuSeconds: number;
  /** MiB, the most that was resident. */
  readonly residentMax: number;
}

const said = "measured: ";
const hook = `data:text/javascript,${encodeURIComponent(
  `process.on("exit",()=>{const u=process.resourceUsage();process.stderr.write("${said}"+JSON.stringify(u)+"\\n")})`,
)}`;

/** Strings are made, walked and split, as by who reads a file; the seconds of CPU that it takes on a quiet machine. */
const exercise = `let sum = 0;
for (let round = 0; round < 6; round++) {
  const text = "key: [1, 2, 'three']\\n".repeat(100000);
  for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) | 0;
  JSON.parse(JSON.stringify(text.split("\\n")));
}`;
const exerciseSeconds = 0.2;

/**
 * Seconds of CPU that this machine is allowed where a quiet one has `seconds`: CPUs are shared with other machines and
 * threads, and then a second of them does less. How much less is measured only where `taken` is more.
 */
export function allowance(seconds: number, taken: number): number {
  if (taken < seconds) return seconds;
  return seconds * Math.max(1, runNode(["-e", exercise]).cpuSeconds / exerciseSeconds);
}

/** `ringwall ARGS`, without an agent. */
export function runMeasured(args: readonly string[]): Measured {
  return runNode([join(root, "build/dist/main.js"), ...args]);
}

function runNode(words: readonly string[]): Measured {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", hook, ...words], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { PATH: process.env.PATH ?? "" },
  });
  const at = stderr.lastIndexOf(said);
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(
    stderr.slice(at + said.length),
  ) as NodeJS.ResourceUsage;
  return {
    code: status,
    stdout,
    stderr: stderr.slice(0, at),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    residentMax: maxRSS / 1024,
  };
}
