import { defineCommand } from "../command.ts";
import { requireGroup } from "../find.ts";
import { runExport, withExport } from "../interchange/export.ts";
import { several } from "../options.ts";

export const command = defineCommand(
  (parser) =>
    withExport(parser)
      .positional("groups", { ...several, demandOption: true, describe: "The groups that go out" })
      .example("$0 export sg-web sg-db --format aws", "For `aws ec2`, with what AWS cannot say named")
      .example("$0 export sg-web --format alibaba-csv --file sg-web.csv", "For a spreadsheet"),
  (args) => runExport(args, (model) => [...new Set(args.groups)].map((id) => requireGroup(model, id))),
);
