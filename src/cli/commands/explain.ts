import type { Argv } from "yargs";
import type { ExplainReply, Question } from "../../agent/protocol.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { parseBounded, withRules, withSocket } from "../options.ts";
import { renderExplanation } from "../render/explain.ts";
import { chooseFormat, printRecord } from "../render/output.ts";

export const command = defineCommand(
  (parser) =>
    withService(withRules(withSocket(parser)))
      .option("from", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "Who sends: an interface (id, instance, device, MAC) or an address",
      })
      .option("to", { type: "string", demandOption: true, requiresArg: true, describe: "To whom" })
      .option("network", {
        type: "string",
        requiresArg: true,
        describe: "Where an address is meant that several networks have",
      })
      .option("considered", {
        type: "boolean",
        default: false,
        describe: "List the rules in the order in which they were asked",
      })
      .example(
        "$0 explain --from 198.51.100.7 --to eni-web-1 --port 443",
        "Does the web server answer this client?",
      )
      .example(
        "$0 explain --from i-web-1 --to i-db-1 --port 5432 --rules rules/",
        "At a desk, without an agent",
      )
      .example(
        "$0 explain --from 10.0.0.11 --to 10.0.0.12 --protocol icmp --json | jq .verdict",
        "In a script",
      )
      .example(
        "$0 explain --from 198.51.100.7 --to eni-router@10.0.0.100 --port 80",
        "One of several addresses, or an address pair's",
      )
      .epilogue(
        "Ends with 1 where the kernel answers otherwise than the rules: that is a bug, or not ready yet.",
      ),
  async (args) => {
    const question: Question = {
      from: args.from,
      to: args.to,
      protocol: args.protocol,
      port: parseBounded("port", args.port, 65535),
      sourcePort: parseBounded("source-port", args.sourcePort, 65535),
      icmpType: parseBounded("icmp-type", args.icmpType, 255),
      icmpCode: parseBounded("icmp-code", args.icmpCode, 255),
      network: args.network,
      considered: args.considered,
    };
    const reply = await answer(question, args);
    await printRecord(reply, chooseFormat(args), renderExplanation);
    // Whoever asks in a script must not take an answer for good that the kernel does not give.
    return reply.kernel === null || reply.kernel.agrees ? ExitCode.done : ExitCode.refused;
  },
);

/** What travels: a protocol, with ports or an ICMP type. */
function withService<T>(parser: Argv<T>) {
  return parser
    .option("protocol", {
      type: "string",
      default: "tcp",
      requiresArg: true,
      describe: "tcp, udp, icmp, icmpv6, gre or a number",
    })
    .option("port", { type: "string", requiresArg: true, describe: "Destination port" })
    .option("source-port", {
      type: "string",
      requiresArg: true,
      describe: "Source port [default: one that systems choose]",
    })
    .option("icmp-type", {
      type: "string",
      requiresArg: true,
      describe: "ICMP type [default: echo request]",
    })
    .option("icmp-code", { type: "string", requiresArg: true, describe: "ICMP code" });
}

interface Where {
  readonly rules: string | undefined;
  readonly host: string | undefined;
  readonly socket: string | undefined;
}

/** By the agent, or with --rules by this program and, where it may, programs loaded for the question. */
async function answer(question: Question, { rules, host, socket }: Where): Promise<ExplainReply> {
  if (rules === undefined) {
    const { askAgent, chooseSocket } = await import("../client.ts");
    return askAgent(chooseSocket(socket), "explain", question);
  }
  const { explainByRules } = await import("../explain.ts");
  return explainByRules(question, rules, host);
}
