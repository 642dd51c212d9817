import { longestWindow } from "../../agent/bounds.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { parseWindow, withSocket } from "../options.ts";
import { renderObserved } from "../render/observed.ts";
import { chooseFormat, printRecord } from "../render/output.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .positional("group", { type: "string", describe: "Only at this group's members" })
      .option("window", {
        type: "string",
        requiresArg: true,
        describe: `Only of the last span (\`30m\`, \`24h\`) [default: ${longestWindow / 3600}h, all that is kept]`,
      })
      .example("$0 observed", "What passed and would be dropped if every group enforced")
      .example("$0 observed sg-web --window 1h", "Whether sg-web can go to enforce by now")
      .example(
        "$0 observed --json | jq '[.hits[] | select(.stands)] | length'",
        "How much the rules do not accept yet",
      )
      .epilogue("`group modify GROUP --mode enforce` is refused while such hits are within its window."),
  async (args) => {
    const { group } = args;
    const windowSeconds = args.window === undefined ? undefined : parseWindow(args.window);
    const reply = await askAgent(chooseSocket(args.socket), "observed", {
      ...(group === undefined ? {} : { group }),
      ...(windowSeconds === undefined ? {} : { windowSeconds }),
    });
    await printRecord(reply, chooseFormat(args), (record) => renderObserved(record, Date.now()));
    return ExitCode.done;
  },
);
