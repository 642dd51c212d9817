import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { renderStatus } from "../render/status.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .example("$0 status", "What is in force on this host, and what is wrong")
      .example(
        "$0 status --json | jq '.interfaces[] | select(.state != \"enforcing\")'",
        "What is not enforcing",
      ),
  async (args) => {
    const status = await askAgent(chooseSocket(args.socket), "status", {});
    await printRecord(status, chooseFormat(args), (record) => renderStatus(record, Date.now()));
    return ExitCode.done;
  },
);
