import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal } from "../exit.ts";
import { describeMembers, describeUses, membersOf, requireGroup, usesOf } from "../find.ts";
import { formatNumberOf } from "../render/format.ts";

/** `group delete` */
export const deleteGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .example("$0 group delete sg-old", "Refused while it has members or another group's rule names it")
      .example("$0 group delete sg-old --dry-run", "As a diff"),
  (args) =>
    changeRules(args, ({ editor, model }) => {
      const group = requireGroup(model, args.group);
      const members = membersOf(model, group.id);
      const uses = usesOf(model, group.id).filter((use) => use.group !== group.id);
      if (members.length + uses.length > 0) {
        const lines = [
          ...(members.length === 0 ? [] : ["Its members:", ...describeMembers(members)]),
          ...(uses.length === 0 ? [] : ["Rules that name it:", ...describeUses(uses)]),
          `\`ringwall group switch ${group.id} OTHER\` moves the members; \`ringwall rule remove\` takes rules out.`,
        ];
        throw refusal(`${group.id} is in use, so it stays.\n${lines.join("\n")}`);
      }
      editor.deleteEntry("groups", group.id);
      const said = `Group ${group.id} is gone, with ${formatNumberOf(group.rules.length, "rule")}.`;
      return { record: { group: group.id, entry: null }, said };
    }),
);
