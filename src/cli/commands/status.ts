import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { renderStatus } from "../render/status.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .option("verify", {
        type: "boolean",
        default: false,
        describe: "Prove everything that the kernel judges by again, and mend what something else changed",
      })
      .example("$0 status", "What is in force on this host, and what is wrong")
      .example("$0 status --verify", "Hold the kernel's maps against the rules now; what differs is mended")
      .example(
        "$0 status --json | jq '.interfaces[] | select(.state != \"enforcing\")'",
        "What is not enforcing",
      ),
  async (args) => {
    const status = await askAgent(chooseSocket(args.socket), "status", args.verify ? { verify: true } : {});
    await printRecord(status, chooseFormat(args), (record) => renderStatus(record, Date.now()));
    const isLeft = status.proof.verified?.differences.some(({ mended }) => !mended) === true;
    return args.verify && isLeft ? ExitCode.kernelRefused : ExitCode.done;
  },
);
