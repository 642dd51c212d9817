import type { ApplyReply, PlanReply } from "../../agent/protocol.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { readConfirm, withConfirm, withSocket } from "../options.ts";
import { renderRollback } from "../render/history.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { parseRevision } from "../revision.ts";

export interface RollbackRecord {
  /** The revision whose files come back. */
  readonly of: number;
  readonly plan: PlanReply;
  /** Null: nothing was changed (--dry-run). */
  readonly applied: ApplyReply | null;
}

export const command = defineCommand(
  (parser) =>
    withConfirm(withSocket(parser))
      .positional("revision", {
        type: "string",
        demandOption: true,
        describe: "Its number: `ringwall history` lists them",
      })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "Show what would change, and which live sessions would end",
      })
      .example("$0 rollback 12 --dry-run", "What going back to revision 12 would change")
      .example("$0 rollback 12 --confirm 60s", "Going back undoes itself, unless `ringwall confirm` keeps it")
      .example("$0 rollback 12", "The files of revision 12 become the rules, as a new revision"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    const of = parseRevision(args.revision);
    const confirm = readConfirm(args);
    const { files } = await askAgent(socket, "revision", { revision: of });
    const plan = await askAgent(socket, "plan", { files });
    const applied = args.dryRun ? null : await askAgent(socket, "rollback", { revision: of, ...confirm });
    const record: RollbackRecord = { of, plan, applied };
    await printRecord(record, chooseFormat(args), renderRollback);
    return ExitCode.done;
  },
);
