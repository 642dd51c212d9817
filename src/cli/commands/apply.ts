import type { ApplyReply } from "../../agent/protocol.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { readConfirm, readPromotion, several, withConfirm, withPromotion, withSocket } from "../options.ts";
import { formatAge, formatNumberOf } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { renderWaiting } from "../render/waiting.ts";
import { noLimits, readRules, requireModel } from "../rules.ts";

export const command = defineCommand(
  (parser) =>
    withConfirm(withPromotion(withSocket(parser)))
      .positional("paths", {
        ...several,
        demandOption: true,
        describe: "Files and directories: together they become the rules, all of them",
      })
      .example("$0 apply rules/ --confirm 60s", "A change that could cut you off undoes itself")
      .example("$0 apply rules/", "Checked, in force, and in the agent's store, as one step")
      .example("$0 apply rules/ --json | jq .revision", "Which revision it is now"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    const confirm = readConfirm(args);
    // What is wrong here is said here, at once, with the paths as they were typed; the agent's limits are its own.
    const rules = readRules(args.paths, { limits: noLimits });
    requireModel(rules);
    const reply = await askAgent(socket, "apply", {
      files: rules.files.map(({ path, text }) => ({ path, text })),
      promotion: readPromotion(args),
      ...confirm,
    });
    await printRecord(reply, chooseFormat(args), renderReply);
    return ExitCode.done;
  },
);

function renderReply(reply: ApplyReply): string {
  const { revision, changed, seconds, interfaces, notes, waiting } = reply;
  if (!changed) return `Nothing changed: revision ${revision} says the same.`;
  const said = `revision ${revision} is in force on ${formatNumberOf(interfaces, "interface")}, after ${formatAge(seconds)}`;
  const lines = [...notes, `${style.good("Done:")} ${said}.`];
  return [...lines, ...renderWaiting(waiting)].join("\n");
}
