import type { HistoryReply, PlanReply, RevisionReply } from "../../agent/protocol.ts";
import { parseModel } from "../../model/parse.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, usageError } from "../exit.ts";
import { withSocket } from "../options.ts";
import { planRuleSets } from "../plan-at-desk.ts";
import { renderHistory, renderRevision } from "../render/history.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { parseRevision } from "../revision.ts";
import { noLimits, type RuleSet } from "../rules.ts";

/** A revision, and what it changed; null where the one before it is not kept. */
export type RevisionRecord = Omit<RevisionReply, "host"> & { readonly plan: PlanReply | null };

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .positional("action", { type: "string", describe: "`show`: one revision" })
      .positional("revision", { type: "string", describe: "Its number" })
      .example("$0 history", "Which revisions there were, when, and who made them")
      .example("$0 history show 12", "What revision 12 changed")
      .example("$0 history show 12 --json | jq -r '.files[].text'", "Its files"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    const { action, revision } = args;
    if (action === undefined) {
      const reply: HistoryReply = await askAgent(socket, "history", {});
      await printRecord(reply, chooseFormat(args), (record) => renderHistory(record, Date.now()));
      return ExitCode.done;
    }
    if (action !== "show")
      throw usageError(
        `Write \`ringwall history show ${/^\d+$/.test(action) ? action : "12"}\`, or no word.`,
      );
    if (revision === undefined) throw usageError("Which revision? Write `ringwall history show 12`.");
    const record = await readRecord(socket, parseRevision(revision));
    await printRecord(record, chooseFormat(args), (one) => renderRevision(one, Date.now()));
    return ExitCode.done;
  },
);

async function readRecord(socket: string, revision: number): Promise<RevisionRecord> {
  const { host, ...shown } = await askAgent(socket, "revision", { revision });
  if (shown.before === null) return { ...shown, plan: null };
  const before = await askAgent(socket, "revision", { revision: shown.before });
  return { ...shown, plan: planRuleSets(readFiles(before.files, host), readFiles(shown.files, host), host) };
}

/** Rules that were in force once: the limits were the agent's to hold. */
function readFiles(files: RevisionReply["files"], host: string): RuleSet {
  return { files, ...parseModel(files, { limits: noLimits, host }) };
}
