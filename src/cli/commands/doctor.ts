import { type Finding, probeHost } from "../../kernel/probe.ts";
import { cleanText } from "../../model/printable.ts";
import { chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { probeAgent } from "../guarded-devices.ts";
import { findObject } from "../install.ts";
import { withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { renderTable } from "../render/table.ts";

export const command = defineCommand(
  (parser) =>
    withSocket(parser)
      .option("bpffs", {
        type: "string",
        requiresArg: true,
        default: "/sys/fs/bpf/ringwall",
        describe: "Where the kernel's objects are pinned",
      })
      .example("$0 doctor", "What this host lacks, and how to mend it")
      .example(
        "$0 doctor --json | jq '.findings[] | select(.result == \"missing\")'",
        "What keeps it from running",
      ),
  async (args) => {
    const host = probeHost({ object: findObject(), root: args.bpffs });
    const findings = [...host, ...(await probeAgent(chooseSocket(args.socket)))];
    await printRecord({ findings }, chooseFormat(args), (record) => renderFindings(record.findings));
    return findings.some(({ result }) => result === "missing") ? ExitCode.refused : ExitCode.done;
  },
);

function renderFindings(findings: readonly Finding[]): string {
  const words = { ok: style.good("ok"), advice: style.warning("advice"), missing: style.bad("missing") };
  return renderTable(findings, [
    { title: "what", value: ({ name }) => name },
    { title: "result", value: ({ result }) => words[result] },
    { title: "found", value: ({ text }) => firstLine(text) },
    { title: "what to do", value: ({ remedy }) => remedy },
  ]).concat(...findings.filter(({ text }) => text !== firstLine(text)).map(renderWhole));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}

/** What is longer than a line, such as the verifier's words, stands under the table. */
function renderWhole({ name, text }: Finding): string {
  return `\n\n${cleanText(name)}: ${text.split("\n").map(cleanText).join("\n")}`;
}
