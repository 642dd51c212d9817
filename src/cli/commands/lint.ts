import type { Finding, LintSeverity } from "../../policy/lint/finding.ts";
import { lint } from "../../policy/lint/lint.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, usageError } from "../exit.ts";
import { readVersion } from "../install.ts";
import { withRules, withSocket } from "../options.ts";
import { renderLint } from "../render/lint.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { readModel, readRules, requireModel } from "../rules.ts";
import { makeSarif } from "../sarif.ts";

/** What `-o json` prints. */
export interface LintRecord {
  readonly warnings: number;
  readonly notes: number;
  /** False: idle rules were not searched to the end. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
}

export const command = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("paths", {
        type: "string",
        array: true,
        describe: "Files and directories, together one rule set",
        defaultDescription: "the agent's rules",
      })
      .option("fail-on", {
        choices: ["warning", "note", "never"] as const,
        default: "warning" as const,
        describe: "Exit 1 where there is a finding of this severity or a worse one",
      })
      .option("sarif", {
        type: "boolean",
        describe: "Print SARIF 2.1.0, for code scanning",
      })
      .conflicts("sarif", ["output", "json"])
      .example("$0 lint", "Advice on the rules in force")
      .example("$0 lint rules/ --fail-on note", "In a pipeline: exit 0 only when there is nothing to say")
      .example("$0 lint rules/ --sarif > lint.sarif", "For code scanning")
      .example("$0 lint rules/ --json | jq -r '.findings[].code' | sort | uniq -c", "How much of what"),
  async (args) => {
    const paths = args.paths ?? [];
    if (paths.length > 0 && args.rules !== undefined) {
      throw usageError("--rules and paths mean the same here: write one of them.");
    }
    const model =
      paths.length > 0 ? requireModel(readRules(paths, { host: args.host })) : (await readModel(args)).model;
    const record = makeRecord(lint(model, { now: Date.now() / 1000 }));
    if (args.sarif === true) {
      await printRecord(makeSarif(record.findings, readVersion(), process.cwd()), "json", () => "");
    } else await printRecord(record, chooseFormat(args), renderLint);
    return fails(record, args.failOn) ? ExitCode.refused : ExitCode.done;
  },
);

function makeRecord({ findings, complete }: { findings: readonly Finding[]; complete: boolean }): LintRecord {
  const count = (severity: LintSeverity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return { warnings: count("warning"), notes: count("note"), complete, findings };
}

function fails({ warnings, notes }: LintRecord, failOn: LintSeverity | "never"): boolean {
  switch (failOn) {
    case "warning":
      return warnings > 0;
    case "note":
      return warnings + notes > 0;
    case "never":
      return false;
    default:
      return failOn satisfies never;
  }
}
