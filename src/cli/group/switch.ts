import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { usageError } from "../exit.ts";
import { membersOf, requireGroup } from "../find.ts";
import { setGroups } from "../member/set-groups.ts";
import { formatNumberOf } from "../render/format.ts";

/** `group switch` */
export const switchGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("from", {
        type: "string",
        demandOption: true,
        describe: "The group that all members leave",
      })
      .positional("to", { type: "string", demandOption: true, describe: "The group that they join" })
      .example(
        "$0 group switch sg-web sg-web-next",
        "All members in one step; a packet meets the old rules or the new",
      )
      .example("$0 group switch sg-web-next sg-web", "And back"),
  (args) =>
    changeRules(args, (draft) => {
      const from = requireGroup(draft.model, args.from);
      const to = requireGroup(draft.model, args.to);
      if (from.id === to.id) throw usageError(`From ${from.id} to itself: name two groups.`);
      const members = membersOf(draft.model, from.id);
      const notes = members.flatMap((member) => {
        const groups = member.groups.map((id) => (id === from.id ? to.id : id));
        return setGroups(draft, member, [...new Set(groups)]);
      });
      const said = `${formatNumberOf(members.length, "member")} moved from ${from.id} to ${to.id}.`;
      return { record: { from: from.id, to: to.id, moved: members.map(({ id }) => id) }, said, notes };
    }),
);
