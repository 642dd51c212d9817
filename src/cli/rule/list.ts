import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { requireGroup } from "../find.ts";
import { withRules, withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { recordRule, renderRules } from "../rule-record.ts";
import { readModel } from "../rules.ts";

/** `rule list` */
export const listRules = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .option("direction", { choices: ["ingress", "egress"] as const, describe: "Only this direction" })
      .example("$0 rule list sg-web", "In the order of the file, by number and id")
      .example("$0 rule list sg-web --direction ingress --json | jq '.rules[].id'", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const group = requireGroup(model, args.group);
    const rules = group.rules.filter(
      ({ direction }) => args.direction === undefined || direction === args.direction,
    );
    const record = { group: group.id, rules: rules.map(recordRule) };
    await printRecord(record, chooseFormat(args), (shown) => renderRules(shown.rules));
    return ExitCode.done;
  },
);
