import { type ApplyReply, longestConfirmation } from "../../agent/protocol.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, usageError } from "../exit.ts";
import { parseSpan, readPromotion, withPromotion, withSocket } from "../options.ts";
import { formatAge, formatCount } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { noLimits, readRules, requireModel } from "../rules.ts";

export const command = defineCommand(
  (parser) =>
    withPromotion(withSocket(parser))
      .positional("paths", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "Files and directories: together they become the rules, all of them",
      })
      .option("confirm", {
        type: "string",
        requiresArg: true,
        describe: "Go back by itself after this span (`60s`, `5m`) unless `$0 confirm` is run",
      })
      .example("$0 apply rules/ --confirm 60s", "A change that could cut you off undoes itself")
      .example("$0 apply rules/", "Checked, in force, and in the agent's store, as one step")
      .example("$0 apply rules/ --json | jq .revision", "Which revision it is now"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    const confirmSeconds = args.confirm === undefined ? undefined : parseConfirmation(args.confirm);
    // What is wrong here is said here, at once, with the paths as they were typed; the agent's limits are its own.
    const rules = readRules(args.paths, { limits: noLimits });
    requireModel(rules);
    const reply = await askAgent(socket, "apply", {
      files: rules.files.map(({ path, text }) => ({ path, text })),
      promotion: readPromotion(args),
      ...(confirmSeconds === undefined ? {} : { confirmSeconds }),
    });
    await printRecord(reply, chooseFormat(args), renderReply);
    return ExitCode.done;
  },
);

function renderReply(reply: ApplyReply): string {
  const { revision, changed, seconds, interfaces, notes, waiting } = reply;
  if (!changed) return `Nothing changed: revision ${revision} says the same.`;
  const said = `revision ${revision} is in force on ${formatCount(interfaces)} interfaces, after ${formatAge(seconds)}`;
  const lines = [...notes, `${style.good("Done:")} ${said}.`];
  if (waiting !== null) {
    const when = `in ${formatAge(waiting.remainingSeconds)}, at ${waiting.until}`;
    lines.push(`It goes back by itself ${when}, and is not in the store yet: \`ringwall confirm\` keeps it.`);
  }
  return lines.join("\n");
}

function parseConfirmation(text: string): number {
  const seconds = parseSpan("confirm", text);
  if (seconds >= 1 && seconds <= longestConfirmation) return seconds;
  throw usageError(`--confirm ${text}: write a span from 1s to ${longestConfirmation / 3600}h.`);
}
