import { formatPrefix } from "../../model/cidr.ts";
import type { Model, PrefixList } from "../../model/model.ts";
import { cleanText } from "../../model/printable.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { requirePrefixList, usesOf } from "../find.ts";
import { withRules, withSocket } from "../options.ts";
import { formatCount, formatNumberOf } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { renderTable } from "../render/table.ts";
import { recordPlace, recordRule } from "../rule-record.ts";
import { noLimits, readModel } from "../rules.ts";

/** `prefix-list show` */
export const showList = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("list", { type: "string", demandOption: true, describe: "The list" })
      .example("$0 prefix-list show pl-office", "Its entries, and the rules that name it")
      .example("$0 prefix-list show pl-office --json | jq -r '.entries[].cidr'", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const list = requirePrefixList(model, args.list);
    await printRecord(recordWhole(model, list), chooseFormat(args), renderList);
    return ExitCode.done;
  },
);

/** `prefix-list list` */
export const listLists = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .example("$0 prefix-list list", "All of them")
      .example("$0 prefix-list list --json | jq -r '.lists[].id'", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const lists = [...model.prefixLists.values()].map((list) => ({
      ...recordList(list),
      entries: list.entries.length,
      usedBy: usesOf(model, list.id).length,
    }));
    await printRecord({ lists }, chooseFormat(args), (shown) =>
      shown.lists.length === 0
        ? "No prefix lists."
        : renderTable(shown.lists, [
            { title: "list", value: ({ id }) => id },
            { title: "family", value: ({ family }) => family },
            { title: "entries", value: ({ entries }) => formatCount(entries), align: "right" },
            { title: "rules", value: ({ usedBy }) => formatCount(usedBy), align: "right" },
            { title: "name", value: ({ name }) => name || "-" },
          ]),
    );
    return ExitCode.done;
  },
);

/** `maxEntries` is null where the list says none: the agent's limit holds, and only the agent knows it. */
function recordList({ id, name, family, maxEntries, place }: PrefixList) {
  const said = maxEntries === noLimits.entriesPerPrefixList ? null : maxEntries;
  return { id, name, family: `ipv${family}`, maxEntries: said, ...recordPlace(place) };
}

function recordWhole(model: Model, list: PrefixList) {
  return {
    ...recordList(list),
    entries: list.entries.map(({ prefix, description }) => ({ cidr: formatPrefix(prefix), description })),
    usedBy: usesOf(model, list.id).map(({ group, rule }) => ({ group, rule: recordRule(rule) })),
  };
}

function renderList(list: ReturnType<typeof recordWhole>): string {
  const most =
    list.maxEntries === null ? "" : `, at most ${formatNumberOf(list.maxEntries, "entry", "entries")}`;
  const head = `${style.title(list.id)}  ${list.family}${most}`;
  const name = list.name === "" ? [] : [cleanText(list.name)];
  const entries =
    list.entries.length === 0
      ? "No entries: it matches nothing."
      : renderTable(list.entries, [
          { title: "cidr", value: ({ cidr }) => cidr },
          { title: "description", value: ({ description }) => description || "-" },
        ]);
  const uses = list.usedBy.map(({ group, rule }) => `  ${group}, rule ${rule.id ?? `#${rule.index}`}`);
  return [
    [head, ...name].join("\n"),
    entries,
    uses.length === 0 ? "No rule names it." : `Named by\n${uses.join("\n")}`,
  ].join("\n\n");
}
