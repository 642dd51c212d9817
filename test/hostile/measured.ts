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

/** `ringwall ARGS`, without an agent. */
export function runMeasured(args: readonly string[]): Measured {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", hook, join(root, "build/dist/main.js"), ...args],
    { encoding: "utf8", maxBuffer: 256 * 1024 * 1024, env: { PATH: process.env.PATH ?? "" } },
  );
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
