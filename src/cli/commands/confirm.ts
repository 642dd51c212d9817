import type { ConfirmReply } from "../../agent/protocol.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .option("undo", { type: "boolean", describe: "Take the change back now, instead of keeping it" })
      .example(
        "$0 confirm",
        "Keep the change that was made with `apply --confirm`, and write it to the store",
      )
      .example("$0 confirm --undo", "Do not wait for its deadline: go back now"),
  async (args) => {
    const request = args.undo === true ? { undo: true } : {};
    const reply = await askAgent(chooseSocket(args.socket), "confirm", request);
    await printRecord(reply, chooseFormat(args), renderReply);
    return ExitCode.done;
  },
);

function renderReply({ outcome, change, revision }: ConfirmReply): string {
  switch (outcome) {
    case "confirmed":
      return `${style.good("Done:")} revision ${change} stays, and is in the store.`;
    case "undone":
      return `${style.good("Done:")} revision ${change} was taken back; what was in force before is again, as revision ${revision}.`;
    default:
      return outcome satisfies never;
  }
}
