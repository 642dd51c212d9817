import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { usageError } from "../exit.ts";
import { readPromotion, withPromotion } from "../options.ts";

const policies = ["accept", "drop"] as const;

/** `group modify` */
export const modifyGroup = defineCommand(
  (parser) =>
    withPromotion(withChange(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .option("name", { type: "string", requiresArg: true, describe: "A name" })
      .option("description", { type: "string", requiresArg: true, describe: "Free text" })
      .option("inner-access", { choices: policies, describe: "Between members of a basic group" })
      .option("default-egress", { choices: policies, describe: "Egress that no rule matches" })
      .option("mode", {
        choices: ["enforce", "observe"] as const,
        describe: "observe: judged, nothing dropped",
      })
      .option("default", { type: "boolean", describe: "The group of interfaces that name none, or not" })
      .example("$0 group modify sg-web --inner-access drop", "Members reach each other by rules only")
      .example("$0 group modify sg-new --mode enforce", "After a day in which `observed` found nothing")
      .example("$0 group modify sg-new --mode enforce --window 1h", "After an hour")
      .epilogue("Type and network stay: `group clone` makes a group of another type or network."),
  (args) => {
    const { name, description, innerAccess, defaultEgress, mode } = args;
    const given = { name, description, innerAccess, defaultEgress, mode, default: args.default };
    const changes = Object.entries(given).filter(([, value]) => value !== undefined);
    if (changes.length === 0)
      throw usageError("What is to change? Write --inner-access, --default-egress, --mode …");
    if (args.rules !== undefined && (args.window !== undefined || args.evenSo !== undefined))
      throw usageError("--window and --even-so are for the agent, which saw what passed: leave --rules out.");
    return changeRules({ ...args, promotion: readPromotion(args) }, (draft) => {
      const { group, notes } = openGroup(draft, args.group);
      for (const [key, value] of changes)
        if (value !== undefined) draft.editor.setValue("groups", group.id, [key], value);
      const said = `${group.id} is changed: ${changes.map(([key, value]) => `${key} ${value}`).join(", ")}.`;
      return { record: { group: group.id, set: Object.fromEntries(changes) }, said, notes };
    });
  },
);
