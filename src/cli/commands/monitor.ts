import { chooseSocket, followEvents } from "../client.ts";
import { defineCommand } from "../command.ts";
import { CliError, ExitCode } from "../exit.ts";
import { withSocket } from "../options.ts";
import { renderEvent } from "../render/monitor.ts";
import { chooseFormat, printStreamed } from "../render/output.ts";

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
      .example("$0 monitor", "Each drop as it happens, until Ctrl-C")
      .example("$0 monitor --interface 10.0.0.11 --json | jq .reason", "Why one guest's packets are dropped"),
  async (args) => {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    const format = chooseFormat(args);
    const filter = {
      ...(args.interface === undefined ? {} : { interface: args.interface }),
      ...(args.network === undefined ? {} : { network: args.network }),
    };
    for await (const line of followEvents(chooseSocket(args.socket), filter, stop.signal)) {
      await printStreamed(line, format, renderEvent);
    }
    if (!stop.signal.aborted)
      throw new CliError(ExitCode.noAgent, "The agent stopped; what is in force stays in force.");
    return ExitCode.done;
  },
);
