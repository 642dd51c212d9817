import type { RuleEntry } from "../../model/entry.ts";
import { describeRule } from "../../model/rule.ts";
import { changeRules, type Draft, type Edited, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { refusal } from "../exit.ts";
import { at } from "../find.ts";
import { completeRule, type ReadFields, readRuleFields, readRuleId, withRuleFields } from "../rule-fields.ts";
import { findEqual, makeRuleId } from "../rule-record.ts";

/** `rule add` */
export const addRule = defineCommand(
  (parser) =>
    withRuleFields(withChange(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .option("id", { type: "string", requiresArg: true, describe: "The rule's id [default: one is made]" })
      .example("$0 rule add sg-web --port 443/443 --from 0.0.0.0/0 --priority 10", "Let HTTPS in")
      .example("$0 rule add sg-db --policy drop --protocol all --from 198.51.100.0/24", "Shut a network out")
      .example("$0 rule add sg-app --protocol icmp --icmp-type 8 --from pl-office", "Pings from the office"),
  (args) => {
    const read = readRuleFields(args);
    const { id } = args;
    const entry = completeRule(id === undefined ? read.fields : { ...read.fields, id: readRuleId(id) });
    return changeRules(args, (draft) => addTo(draft, args.group, entry, read));
  },
);

interface Added {
  readonly group: string;
  readonly rule: RuleEntry;
}

function addTo(draft: Draft, groupId: string, given: RuleEntry, { notes }: ReadFields): Edited<Added> {
  const { group, notes: opened } = openGroup(draft, groupId);
  const same = findEqual(group, given);
  if (same !== undefined && (given.id === undefined || given.id === same.id)) {
    const rule = same.id === null ? given : { ...given, id: same.id };
    return {
      record: { group: groupId, rule },
      said: "",
      notes: [...notes, `${groupId} has this rule: ${same.id ?? `#${same.index}`}${at(same.place)}`],
    };
  }
  const taken = group.rules.find((rule) => rule.id === given.id);
  if (given.id !== undefined && taken !== undefined) {
    throw refusal(
      `${groupId} has a rule ${given.id} already: ${describeRule(taken)}${at(taken.place)}. Write another --id, or \`ringwall rule modify ${groupId} ${given.id}\`.`,
    );
  }
  const { id = makeRuleId(group, given), ...rest } = given;
  const rule = { id, ...rest };
  draft.editor.addItem("groups", groupId, ["rules"], rule);
  return {
    record: { group: groupId, rule },
    said: `Rule ${id} of ${groupId} is new.`,
    notes: [...notes, ...opened],
  };
}
