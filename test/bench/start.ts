/** Rows of the command line's start, against a Node that does nothing. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../cli/program.ts";
import { writeRules } from "./agent-host.ts";
import { type Bench, timeOf } from "./context.ts";
import { makeLane, makeRow, type Row, ratiosOf } from "./row.ts";

/** A user who may load no programs, as at a desk or in a pipeline. */
const nobody = 65_534;
const atMost = (value: number) => ({ sense: "at most", value }) as const;

/** Throws where the command is refused: what fails early would be fast. */
export function spawnOnce(command: {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Whose process it is, the user's number; this one's where it is not said. */
  readonly user?: number;
}): void {
  const { status, stderr } = spawnSync(command.file, command.args, {
    encoding: "utf8",
    env: command.env ?? process.env,
    ...(command.user === undefined ? {} : { uid: command.user, gid: command.user }),
  });
  // 1: explain's answer is that the packet is dropped.
  if (status !== 0 && status !== 1) throw new Error(`${command.args.join(" ")}: ${stderr.slice(0, 500)}`);
}

export async function measureStart(bench: Bench): Promise<Row[]> {
  bench.progress("start of the command line");
  const folder = mkdtempSync(join(tmpdir(), "ringwall-bench-cli-"));
  try {
    const rules = join(folder, "rules.yaml");
    writeFileSync(rules, writeRules(2, 2, 10));
    chmodSync(folder, 0o755);
    const runAs =
      (user: number, ...args: string[]) =>
      () =>
        timeOf(() => spawnOnce({ file: process.execPath, args, user }));
    const [operator, author] = [0, nobody];
    const main = join(root, "build/dist/main.js");
    const ends = ["--from", "eni-0", "--to", "eni-1", "--protocol", "tcp", "--port", "443"];
    const times = await bench.interleave(
      {
        "--help": runAs(operator, main, "--help"),
        // Who may load programs asks the kernel's as well, and waits for its verifier: that is no start.
        explain: runAs(author, main, "explain", "--rules", rules, ...ends),
        "node -e 0": runAs(operator, "-e", "0"),
      },
      2 * bench.effort.rounds,
    );
    const bare = times["node -e 0"];
    const rowFor = (name: "--help" | "explain", goal: number) =>
      makeRow(
        `ringwall ${name} / node -e 0`,
        name === "explain" ? { rules: "from files" } : {},
        ratiosOf(times[name], bare),
        {
          goal: atMost(goal),
          peers: { Ringwall: makeLane(times[name], "ms"), "node -e 0": makeLane(bare, "ms") },
        },
      );
    return [rowFor("--help", 2), rowFor("explain", 3)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
