import { formatPrefix, parsePrefix, prefixKey } from "../../model/cidr.ts";
import type { Prefix } from "../../model/model.ts";
import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal, usageError } from "../exit.ts";
import { requirePrefixList } from "../find.ts";
import { several } from "../options.ts";
import { formatCount, formatNumberOf } from "../render/format.ts";

export interface ReadEntry {
  readonly prefix: Prefix;
  readonly entry: { readonly cidr: string; readonly description: string | undefined };
  readonly notes: readonly string[];
}

/** A prefix on the command line. @throws CliError 64 with the right form */
export function readEntry(word: string, description: string | undefined): ReadEntry {
  const parsed = parsePrefix(word);
  if (!parsed.ok) throw usageError(`${parsed.problem.message}.`);
  const { prefix, cleared } = parsed.value;
  const cidr = formatPrefix(prefix);
  const notes = cleared ? [`${word} is taken as ${cidr}: it had bits behind its length`] : [];
  return { prefix, entry: { cidr, description }, notes };
}

/** `prefix-list add` */
export const addEntries = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("list", { type: "string", demandOption: true, describe: "The list" })
      .positional("entries", { ...several, demandOption: true, describe: "Prefixes" })
      .option("description", { type: "string", requiresArg: true, describe: "Free text, of each of them" })
      .example(
        "$0 prefix-list add pl-office 198.51.100.0/28 --description Annex",
        "Every rule that names it changes",
      )
      .example("$0 prefix-list add pl-office 192.0.2.0/25 192.0.2.128/25 --dry-run", "As a diff"),
  (args) => {
    const read = args.entries.map((word) => readEntry(word, args.description));
    return changeRules(args, ({ editor, model }) => {
      const list = requirePrefixList(model, args.list);
      const known = new Set(list.entries.map(({ prefix }) => prefixKey(prefix)));
      const added = read.filter(({ prefix }) => {
        const isNew = !known.has(prefixKey(prefix));
        known.add(prefixKey(prefix));
        return isNew;
      });
      for (const { entry } of added) editor.addItem("prefixLists", list.id, ["entries"], entry);
      const said = `${list.id} has ${formatNumberOf(list.entries.length + added.length, "entry", "entries")}, ${added.length} of them new.`;
      const record = { list: list.id, added: added.map(({ entry }) => entry.cidr) };
      return { record, said, notes: read.flatMap(({ notes }) => notes) };
    });
  },
);

/** `prefix-list remove` */
export const removeEntries = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("list", { type: "string", demandOption: true, describe: "The list" })
      .positional("entries", { ...several, demandOption: true, describe: "Prefixes" })
      .example("$0 prefix-list remove pl-office 198.51.100.0/28", "Every rule that names the list changes")
      .example("$0 prefix-list remove pl-office 198.51.100.0/28 --dry-run", "As a diff"),
  (args) => {
    const read = args.entries.map((word) => readEntry(word, undefined));
    return changeRules(args, ({ editor, model }) => {
      const list = requirePrefixList(model, args.list);
      const gone = new Set<number>();
      for (const { prefix, entry } of read) {
        const places = list.entries.flatMap((one, place) =>
          prefixKey(one.prefix) === prefixKey(prefix) ? [place] : [],
        );
        if (places.length === 0)
          throw refusal(
            `${list.id} has no entry ${entry.cidr}: \`ringwall prefix-list show ${list.id}\` shows them.`,
          );
        for (const place of places) gone.add(place);
      }
      // From the last one on: those before it keep their places.
      for (const place of [...gone].toSorted((a, b) => b - a))
        editor.deleteValue("prefixLists", list.id, ["entries", place]);
      const said = `${list.id} has ${formatNumberOf(list.entries.length - gone.size, "entry", "entries")} now, ${formatCount(gone.size)} fewer.`;
      return {
        record: { list: list.id, removed: read.map(({ entry }) => entry.cidr) },
        said,
        notes: read.flatMap(({ notes }) => notes),
      };
    });
  },
);
