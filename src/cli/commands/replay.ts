import type { Direction, Interface, Model } from "../../model/model.ts";
import { findEnds, QuestionError } from "../../policy/ends.ts";
import { CaptureError } from "../capture.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, refusal } from "../exit.ts";
import { withRules, withSocket } from "../options.ts";
import { readCapture } from "../pcap.ts";
import { readBytes } from "../read-source.ts";
import { formatCount } from "../render/format.ts";
import { chooseFormat, printStreamed } from "../render/output.ts";
import { renderReplayed } from "../render/replay.ts";
import { replayPackets } from "../replay.ts";
import { readModel } from "../rules.ts";
import { describeKernelRefusal, openTestKernel } from "../test-kernel.ts";

export const command = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("file", {
        type: "string",
        demandOption: true,
        describe: "A capture: pcap or pcapng, of Ethernet frames",
      })
      .option("interface", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "At whose device it was taken: id, instance, device, MAC or address",
      })
      .option("network", { type: "string", requiresArg: true, describe: "Where the address is meant" })
      .option("direction", {
        choices: ["egress", "ingress"] as const,
        describe: "Of every packet [default: egress what comes from the interface]",
      })
      .example("$0 replay trouble.pcap --interface eni-web-1", "What the rules in force do to each packet")
      .example(
        "$0 replay trouble.pcap --interface eni-web-1 --rules rules/ --json | jq 'select(.verdict == \"drop\")'",
        "What other rules would drop",
      ),
  async (args) => {
    const { model, host } = await readModel(args);
    const iface = findInterface(model, args.interface, args.network);
    const bytes = readBytes(args.file);
    const format = chooseFormat(args);
    const { run, resolved } = await openTestKernel(model, host).catch((error: unknown) => {
      throw describeKernelRefusal(error);
    });
    let unjudged = 0;
    try {
      requireHere(
        iface,
        resolved.interfaces.map(({ interface: { id } }) => id),
      );
      const direction: Direction | undefined = args.direction;
      for await (const record of replayPackets(readCapture(bytes), { run, resolved, iface, direction })) {
        if (record.verdict === null) unjudged++;
        await printStreamed(record, format, renderReplayed);
      }
    } catch (error) {
      if (error instanceof CaptureError) throw refusal(`${args.file}: ${error.message}`);
      throw error;
    } finally {
      run.close();
    }
    if (unjudged > 0)
      throw refusal(
        unjudged === 1
          ? `1 packet of ${args.file} was not judged; its line says why.`
          : `${formatCount(unjudged)} packets of ${args.file} were not judged; their lines say why.`,
      );
    return ExitCode.done;
  },
);

function findInterface(model: Model, text: string, network: string | undefined): Interface {
  try {
    const found = findEnds(model, { from: text, to: text, network }).from.interface;
    if (found !== null) return found;
  } catch (error) {
    if (error instanceof QuestionError) throw refusal(error.message);
    throw error;
  }
  throw refusal(`${text} is no interface's address.`);
}

function requireHere({ id, hosts }: Interface, here: readonly string[]): void {
  if (here.includes(id)) return;
  throw refusal(`${id} is on ${hosts.join(", ")}, not on this host: add --host ${hosts[0] ?? "HOST"}.`);
}
