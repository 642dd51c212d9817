import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { detachHost, listSetDown } from "../../agent/detach.ts";
import { Failure } from "../../agent/failure.ts";
import { defaultPaths } from "../../agent/paths.ts";
import { defineCommand } from "../command.ts";
import { confirmAtTerminal } from "../confirm.ts";
import { CliError, ExitCode } from "../exit.ts";
import { findObject } from "../install.ts";
import { formatNumberOf } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";

export const command = defineCommand(
  (parser) =>
    parser
      .option("yes", { alias: "y", type: "boolean", default: false, describe: "Do not ask" })
      .option("bpffs", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.bpffs,
        describe: "Where the kernel's objects are pinned",
      })
      .option("lock", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.lock,
        describe: "The agent's lock",
      })
      .option("state-dir", {
        type: "string",
        requiresArg: true,
        default: defaultPaths.state,
        describe: "Where the agent notes which devices it set down",
      })
      .example("$0 detach", "The way out when no agent starts: asks, then opens every device")
      .example("systemctl stop ringwall && $0 detach --yes", "In a script"),
  async (args) => {
    const { bpffs, lock, stateDir: state } = args;
    const hooks = listHooks(bpffs);
    if (!args.yes) await confirm(hooks, listSetDown(state));
    const onDamage = (message: string) =>
      process.stderr.write(`${message}; what an agent set down stays down\n`);
    try {
      await detachHost({ object: findObject(), bpffs, lock, state, onDamage });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new CliError(error.code === "kernel" ? ExitCode.kernelRefused : ExitCode.refused, error.message);
    }
    await printRecord(
      { detached: true, hooks },
      chooseFormat(args),
      () => "Ringwall is off this host; every device is open.",
    );
    return ExitCode.done;
  },
);

/** Names of the pinned links, IFINDEX-HOOK: what will be open. */
function listHooks(bpffs: string): string[] {
  const folder = join(bpffs, "links");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

async function confirm(hooks: readonly string[], setDown: readonly string[]): Promise<void> {
  const devices = new Set(hooks.map((hook) => hook.split("-", 1)[0]));
  const what = `This takes ${formatNumberOf(hooks.length, "program")} off ${formatNumberOf(devices.size, "device")}: all their traffic passes then, unjudged.`;
  const more = `${what} What an agent had set down goes up again: ${setDown.join(", ")}.`;
  await confirmAtTerminal(setDown.length === 0 ? what : more, "open");
}
