import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { usageError } from "../exit.ts";
import { requireFree } from "../find.ts";
import { parseBounded, several } from "../options.ts";
import { formatNumberOf } from "../render/format.ts";
import { readEntry } from "./entries.ts";

/** `prefix-list create` */
export const createList = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("list", { type: "string", demandOption: true, describe: "Its id, pl-…" })
      .positional("entries", { ...several, describe: "Prefixes" })
      .option("family", {
        choices: ["ipv4", "ipv6"] as const,
        describe: "Of its prefixes [default: that of the first]",
      })
      .option("name", { type: "string", requiresArg: true, describe: "A name" })
      .option("max-entries", { type: "string", requiresArg: true, describe: "The most that it may have" })
      .example("$0 prefix-list create pl-office 203.0.113.0/24", "With its first entry")
      .example(
        "$0 prefix-list create pl-office6 --family ipv6 --max-entries 50",
        "Empty: it matches nothing yet",
      ),
  (args) => {
    const read = (args.entries ?? []).map((word) => readEntry(word, undefined));
    const family =
      args.family ?? (read[0] === undefined ? undefined : (`ipv${read[0].prefix.family}` as const));
    if (family === undefined)
      throw usageError("Which family? Write --family ipv4 or ipv6, or a first prefix.");
    const maxEntries = parseBounded("max-entries", args.maxEntries, 1_000_000);
    return changeRules(args, ({ editor, model }) => {
      requireFree("prefix list", args.list, model.prefixLists);
      const entry = { name: args.name, family, maxEntries, entries: read.map((one) => one.entry) };
      editor.setEntry("prefixLists", args.list, entry);
      const said = `Prefix list ${args.list} is new, with ${formatNumberOf(read.length, "entry", "entries")}.`;
      return { record: { list: args.list, entry }, said, notes: read.flatMap(({ notes }) => notes) };
    });
  },
);
