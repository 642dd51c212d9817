/** Groups out of the model into a file or onto stdout, for `export` and `group export`. */
import { writeFileSync } from "node:fs";
import type { Argv } from "yargs";
import { exportGroups, type TargetFormat, targetFormats } from "../../interchange/export.ts";
import type { Group, Model } from "../../model/model.ts";
import { describeUnwritable, errorCode } from "../../model/unreadable.ts";
import type { CommonOptions } from "../command.ts";
import { ExitCode, refusal, usageError } from "../exit.ts";
import { type AgentOptions, type RulesOptions, withRules, withSocket } from "../options.ts";
import { writeAnswer } from "../reader.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { readModel } from "../rules.ts";
import { describeFinding, mayGoOn, refuseTranslation } from "./findings.ts";

export interface ExportOptions extends CommonOptions, AgentOptions, RulesOptions {
  readonly format: TargetFormat;
  readonly file: string | undefined;
  readonly partial: boolean;
}

/** For commands that write groups in some shape. */
export function withExport<T>(parser: Argv<T>) {
  return withRules(withSocket(parser))
    .option("format", { choices: targetFormats, default: "yaml" as const, describe: "In whose shape" })
    .option("file", { type: "string", requiresArg: true, describe: "Write there instead of printing" })
    .option("partial", {
      type: "boolean",
      default: false,
      describe: "Go on without accepts that the format cannot say",
    });
}

/** `choose` gives the groups that are meant. @throws CliError */
export async function runExport(
  args: ExportOptions,
  choose: (model: Model) => readonly Group[],
): Promise<ExitCode> {
  const { model } = await readModel(args);
  const groups = choose(model);
  if (args.format === "alibaba-csv" && groups.length !== 1)
    throw usageError("A CSV holds one group's rules: name one group, or write --format alibaba-json.");
  const { text, findings } = exportGroups(groups, args.format, model.prefixLists);
  const record = {
    format: args.format,
    groups: groups.map(({ id }) => id),
    file: args.file ?? null,
    findings,
  };
  if (!mayGoOn(findings, args.partial))
    throw await refuseTranslation({ ...record, text: null }, args, "exported");
  if (args.file !== undefined) writeText(args.file, text);
  const format = chooseFormat(args);
  if (format !== "table") {
    await printRecord({ ...record, text: args.file === undefined ? text : null }, format, () => "");
    return ExitCode.done;
  }
  for (const finding of findings) process.stderr.write(`${describeFinding(finding)}\n`);
  // As it is, to the byte: line ends are the format's.
  if (args.file === undefined) await writeAnswer(text);
  else
    process.stderr.write(
      `${groups.length === 1 ? groups[0]?.id : `${groups.length} groups`}: written to ${args.file}.\n`,
    );
  return ExitCode.done;
}

function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw refusal(`${path}: ${describeUnwritable(errorCode(error))}`);
  }
}
