import { defaultConfigPath } from "../../agent/config.ts";
import { Failure } from "../../agent/failure.ts";
import { defaultPaths } from "../../agent/paths.ts";
import { runAgent } from "../../agent/run.ts";
import { defineCommand } from "../command.ts";
import { CliError, ExitCode } from "../exit.ts";
import { findObject, readVersion } from "../install.ts";

export const command = defineCommand(
  (parser) =>
    parser
      .option("config", {
        type: "string",
        requiresArg: true,
        describe: `How this host enforces [default: ${defaultConfigPath}, if there]`,
      })
      .option("bpffs", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.bpffs,
        describe: "Where the kernel's objects are pinned",
      })
      .option("state-dir", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.state,
        describe: "What was applied last",
      })
      .option("lock", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.lock,
        describe: "Held by the one agent of a host",
      })
      .option("detach-on-exit", {
        type: "boolean",
        default: false,
        describe: "Open every device at the end; else enforcement stays",
      })
      .example(
        "$0 agent",
        "In the foreground, logging text on a terminal; Ctrl-C leaves enforcement in place",
      )
      .example("systemctl reload ringwall", "SIGHUP: agent.yaml and the rules are read again"),
  async (args) => {
    const { config, bpffs, stateDir: state, lock, detachOnExit } = args;
    const paths = { config, bpffs, state, lock };
    try {
      await runAgent({
        paths,
        object: findObject(),
        version: readVersion(),
        detachOnExit,
        output: process.stdout,
      });
      return ExitCode.done;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new CliError(error.code === "kernel" ? ExitCode.kernelRefused : ExitCode.refused, error.message, {
        cause: error,
      });
    }
  },
);
