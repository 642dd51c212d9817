import { defineCommand } from "../command.ts";
import { requireGroup } from "../find.ts";
import { runExport, withExport } from "../interchange/export.ts";

/** `group export` */
export const exportGroup = defineCommand(
  (parser) =>
    withExport(parser)
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .example("$0 group export sg-web --file sg-web.yaml", "A copy, for `group restore` and `group import`")
      .example("$0 group export sg-web --format alibaba-json", "As DescribeSecurityGroupAttribute answers"),
  (args) => runExport(args, (model) => [requireGroup(model, args.group)]),
);
