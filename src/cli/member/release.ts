import { parseModel } from "../../model/parse.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { confirmAtTerminal } from "../confirm.ts";
import { ExitCode, refusal } from "../exit.ts";
import { withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { noLimits } from "../rules.ts";

/** Earlier revisions in which an interface is looked for that the rules no longer name. */
const revisionsSearched = 20;

/** `interface release` */
export const releaseDevice = defineCommand(
  (parser) =>
    withSocket(parser)
      .positional("device", {
        type: "string",
        demandOption: true,
        describe: "The device, or the id of the interface that it was",
      })
      .option("yes", { alias: "y", type: "boolean", default: false, describe: "Do not ask" })
      .example("$0 interface release tap103i0", "Asks, then takes the programs off: all its traffic passes")
      .example("$0 interface release eni-web-2 --yes", "In a script, by the id that it had"),
  async (args) => {
    const socket = chooseSocket(args.socket);
    const device = await findDevice(socket, args.device);
    if (!args.yes) {
      const what = `No rules name ${device}, so it drops everything. Released, all its traffic passes, unjudged.`;
      await confirmAtTerminal(what, "open");
    }
    const released = await askAgent(socket, "release", { device });
    await printRecord(
      { released: true, ...released },
      chooseFormat(args),
      () => `${style.warning("Open:")} ${released.device} (${released.ifindex}) is judged by nobody now.`,
    );
    return ExitCode.done;
  },
);

/** The device that a name means: one that waits, or that of an interface of an earlier revision. */
async function findDevice(socket: string, name: string): Promise<string> {
  const { removed } = await askAgent(socket, "status", {});
  if (removed.some(({ device }) => device === name)) return name;
  const earlier = await findEarlier(socket, name);
  if (earlier !== null && removed.some(({ device }) => device === earlier)) return earlier;
  const choices = removed.map(({ device }) => device).join(", ");
  const why =
    choices === ""
      ? "no interface that left the rules has left a device behind"
      : `what can be released is ${choices}`;
  throw refusal(`${name} is not released: ${why}.`);
}

async function findEarlier(socket: string, id: string): Promise<string | null> {
  const { revisions, host } = await askAgent(socket, "history", {});
  for (const { revision } of revisions.slice(0, revisionsSearched)) {
    const { files } = await askAgent(socket, "revision", { revision });
    const found = parseModel(files, { limits: noLimits, host }).model?.interfaces.get(id);
    if (found !== undefined) return found.device;
  }
  return null;
}
