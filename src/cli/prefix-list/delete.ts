import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal } from "../exit.ts";
import { describeUses, requirePrefixList, usesOf } from "../find.ts";
import { formatNumberOf } from "../render/format.ts";

/** `prefix-list delete` */
export const deleteList = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("list", { type: "string", demandOption: true, describe: "The list" })
      .example("$0 prefix-list delete pl-old", "Refused while a rule names it")
      .example("$0 prefix-list delete pl-old --dry-run", "As a diff"),
  (args) =>
    changeRules(args, ({ editor, model }) => {
      const list = requirePrefixList(model, args.list);
      const uses = usesOf(model, list.id);
      if (uses.length > 0)
        throw refusal(
          `${list.id} is in use, so it stays. Rules that name it:\n${describeUses(uses).join("\n")}`,
        );
      editor.deleteEntry("prefixLists", list.id);
      const said = `Prefix list ${list.id} is gone, with ${formatNumberOf(list.entries.length, "entry", "entries")}.`;
      return { record: { list: list.id, entry: null }, said };
    }),
);
