import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { formatNumberOf } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { type RuleSet, readRulesInSlices, renderDiagnostics } from "../rules.ts";

const usualPath = "/etc/ringwall/rules.d";

export const command = defineCommand(
  (parser) =>
    parser
      .positional("paths", {
        type: "string",
        array: true,
        describe: "Files and directories; together they are one rule set",
        defaultDescription: usualPath,
      })
      .option("host", {
        type: "string",
        requiresArg: true,
        describe: "The host that an interface without `host` is on",
      })
      .example("$0 validate", `Everything that is wrong in ${usualPath}`)
      .example("$0 validate rules/ && git push", "In a pipeline: exit 0 only when all is well")
      .example("$0 validate rules.yaml --json | jq -r '.diagnostics[].message'", "For an editor"),
  async (args) => {
    const paths = args.paths === undefined || args.paths.length === 0 ? [usualPath] : args.paths;
    const rules = await readRulesInSlices(paths, { host: args.host });
    const record = describeRules(rules);
    const format = chooseFormat(args);
    if (format !== "table") await printRecord(record, format, () => "");
    else if (record.valid) await printRecord(record, format, (valid) => renderValid(valid, rules));
    else process.stderr.write(`${renderDiagnostics(rules)}\n`);
    return record.valid ? ExitCode.done : ExitCode.refused;
  },
);

interface Validation {
  readonly valid: boolean;
  readonly groups: number;
  readonly rules: number;
  readonly interfaces: number;
  readonly diagnostics: RuleSet["diagnostics"];
}

function describeRules({ model, diagnostics }: RuleSet): Validation {
  const groups = [...(model?.groups.values() ?? [])];
  return {
    valid: model !== null,
    groups: groups.length,
    rules: groups.reduce((sum, { rules }) => sum + rules.length, 0),
    interfaces: model?.interfaces.size ?? 0,
    diagnostics,
  };
}

function renderValid({ groups, rules, interfaces }: Validation, set: RuleSet): string {
  const said = `${formatNumberOf(groups, "group")}, ${formatNumberOf(rules, "rule")}, ${formatNumberOf(interfaces, "interface")}`;
  const notes = set.diagnostics.length === 0 ? "" : `${renderDiagnostics(set)}\n`;
  return `${notes}${style.good("All is well:")} ${said}.`;
}
