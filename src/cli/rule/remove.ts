import type { Group, Rule } from "../../model/model.ts";
import { describeRule } from "../../model/rule.ts";
import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { refusal, usageError } from "../exit.ts";
import { several } from "../options.ts";
import { type RuleChanges, readRuleFields, withRuleFields } from "../rule-fields.ts";
import { describeChoices, recordRule, requireRule, selectRules } from "../rule-record.ts";

/** `rule remove` */
export const removeRules = defineCommand(
  (parser) =>
    withRuleFields(withChange(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .positional("names", { ...several, describe: "Ids, or numbers as `rule list` shows them" })
      .option("all", {
        type: "boolean",
        default: false,
        describe: "All that say what is given, where several do",
      })
      .example("$0 rule remove sg-web r-3f9a1c", "By its id")
      .example("$0 rule remove sg-web --protocol tcp --port 80/80 --from 0.0.0.0/0", "By what it says"),
  (args) => {
    const words = args.names ?? [];
    const { fields } = readRuleFields(args);
    if (words.length === 0 && Object.keys(fields).length === 0)
      throw usageError(
        "Which rule? Write its id, its number in `rule list`, or what it says (--port, --from …).",
      );
    return changeRules(args, (draft) => {
      const { group, notes } = openGroup(draft, args.group);
      const chosen = choose(group, words, fields, args.all);
      // From the last one on: those before it keep their places.
      for (const rule of chosen.toSorted((a, b) => b.index - a.index))
        draft.editor.deleteValue("groups", group.id, ["rules", rule.index]);
      const said = chosen.map(
        (rule) => `Rule ${rule.id ?? `#${rule.index}`} of ${group.id} is gone: ${describeRule(rule)}.`,
      );
      return { record: { group: group.id, removed: chosen.map(recordRule) }, said: said.join("\n"), notes };
    });
  },
);

function choose(group: Group, words: readonly string[], fields: RuleChanges, all: boolean): readonly Rule[] {
  const named = words.map((word) => requireRule(group, word));
  const byContent = Object.keys(fields).length === 0 ? [] : selectRules(group, fields);
  if (words.length > 0 && Object.keys(fields).length > 0)
    throw usageError("By name or by what it says, not both: leave the rules' names or the options out.");
  if (words.length === 0 && byContent.length === 0)
    throw refusal(`No rule of ${group.id} says this. ${describeChoices(group.rules)}`);
  if (byContent.length > 1 && !all)
    throw refusal(
      `${byContent.length} rules of ${group.id} say this; name one, or write --all. ${describeChoices(byContent)}`,
    );
  return [...new Set([...named, ...byContent])];
}
