import { askAgent, chooseSocket, listSessions } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, usageError } from "../exit.ts";
import { withSocket } from "../options.ts";
import { formatCount } from "../render/format.ts";
import { chooseFormat, printList, printRecord } from "../render/output.ts";
import { createSessionRenderer, noSessions } from "../render/sessions.ts";
import { parseSessionFilter } from "../session-filter.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .option("interface", {
        type: "string",
        requiresArg: true,
        describe: "Only this one: id, instance, device, MAC or address",
      })
      .option("network", { type: "string", requiresArg: true, describe: "Where the address is meant" })
      .implies("network", "interface")
      .option("end", {
        type: "string",
        requiresArg: true,
        describe:
          "End these: KEY=VALUE,… of interface, protocol, local, remote, localPort, remotePort; or `all`",
      })
      .example("$0 sessions --interface eni-web-1", "Who talks to this guest, and what let it in")
      .example("$0 sessions --end remote=198.51.100.7", "End everything with one peer, at once and for good")
      .example("$0 sessions --json | jq '.sessions[] | select(.idleSeconds > 600)'", "What is idle"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    if (args.end === undefined) {
      const { interface: id, network } = args;
      const sessions = listSessions(socket, { interface: id, network });
      const render = createSessionRenderer();
      await printList("sessions", sessions, chooseFormat(args), { render, none: noSessions });
      return ExitCode.done;
    }
    if (args.interface !== undefined) {
      throw usageError(
        `With --end the interface belongs into the filter: write --end interface=${args.interface}.`,
      );
    }
    const reply = await askAgent(socket, "endSessions", parseSessionFilter(args.end));
    await printRecord(reply, chooseFormat(args), ({ ended }) => {
      return ended === 0
        ? "No session matches."
        : `Ended ${formatCount(ended)} ${ended === 1 ? "session; it stays" : "sessions; they stay"} revoked.`;
    });
    return ExitCode.done;
  },
);
