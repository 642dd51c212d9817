import { existsSync } from "node:fs";
import type { Group } from "../../model/model.ts";
import { isGroupId } from "../../model/text.ts";
import type { PlainValue } from "../../store/edit.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { requireGroup } from "../find.ts";
import { formatNumberOf } from "../render/format.ts";
import { readBackup } from "./backup.ts";
import { lacks, mergeRules, rulesOf } from "./entry-rules.ts";

/** `group restore` */
export const restoreGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("group", {
        type: "string",
        demandOption: true,
        describe: "The group whose rules are replaced",
      })
      .option("from", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "A group, or a YAML file that `group export` wrote",
      })
      .option("merge", {
        type: "boolean",
        default: false,
        describe: "Add what is not there, take nothing out",
      })
      .example("$0 group restore sg-web --from sg-web-backup", "Its rules become those of the clone")
      .example("$0 group restore sg-web --from sg-web.yaml --merge", "Add the rules that it lacks"),
  (args) =>
    changeRules(args, (draft) => {
      const { group, notes } = openGroup(draft, args.group);
      const backup = readRules(draft, group, args.from);
      const current = rulesOf(draft.editor.entry("groups", group.id));
      const came = args.merge ? mergeRules(current, backup) : { added: lacks(backup, current), notes: [] };
      const lost = args.merge ? [] : lacks(current, backup);
      const rules = args.merge ? [...current, ...came.added] : backup;
      draft.editor.setValue("groups", group.id, ["rules"], rules);
      const said = `${group.id} has ${formatNumberOf(rules.length, "rule")}, as ${args.from} says: ${came.added.length} came, ${lost.length} went.`;
      const record = { group: group.id, from: args.from, added: came.added, removed: lost };
      return { record, said, notes: [...notes, ...came.notes] };
    }),
);

/** A path that is there, or looks like one, is a file. */
function readRules(draft: Draft, group: Group, from: string): readonly PlainValue[] {
  const isFile = /\.ya?ml$|\.json$/.test(from) || (!isGroupId(from) && existsSync(from));
  if (isFile) return rulesOf(readBackup(from, group.id));
  const source = requireGroup(draft.model, from);
  const { group: opened } = openGroup(draft, source.id);
  return rulesOf(draft.editor.entry("groups", opened.id));
}
