import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { requireNetwork } from "../find.ts";
import { withRules, withSocket } from "../options.ts";
import { formatCount } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { renderTable } from "../render/table.ts";
import { readModel } from "../rules.ts";
import { type GroupRecord, recordGroup } from "./record.ts";

type Listed = GroupRecord & { readonly rules: number };

/** `group list` */
export const listGroups = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .option("network", { type: "string", requiresArg: true, describe: "Only groups of this network" })
      .example("$0 group list", "All groups, with the numbers of their rules and members")
      .example(
        "$0 group list --json | jq -r '.groups[] | select(.members == []).id'",
        "Groups that nobody is in",
      ),
  async (args) => {
    const { model } = await readModel(args);
    const network = args.network === undefined ? undefined : requireNetwork(model, args.network).id;
    const groups = [...model.groups.values()]
      .filter((group) => network === undefined || group.network === network)
      .map((group): Listed => ({ ...recordGroup(model, group), rules: group.rules.length }));
    await printRecord({ groups }, chooseFormat(args), (shown) => renderGroups(shown.groups));
    return ExitCode.done;
  },
);

function renderGroups(groups: readonly Listed[]): string {
  if (groups.length === 0) return "No groups.";
  return renderTable(groups, [
    { title: "group", value: ({ id }) => id },
    { title: "type", value: ({ type }) => type },
    { title: "network", value: ({ network }) => network },
    { title: "rules", value: ({ rules }) => formatCount(rules), align: "right" },
    { title: "members", value: ({ members }) => formatCount(members.length), align: "right" },
    { title: "is", value: describeTraits },
    { title: "description", value: ({ description, name }) => description || name || "-" },
  ]);
}

/** What is not as usual. */
export function describeTraits(group: GroupRecord): string {
  const traits = [
    group.default ? "default" : "",
    group.mode === "observe" ? "observing" : "",
    group.type === "basic" && group.innerAccess === "drop" ? "inner access drop" : "",
    group.defaultEgress === "drop" ? "default egress drop" : "",
  ];
  return traits.filter((trait) => trait !== "").join(", ") || "-";
}
