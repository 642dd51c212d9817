import type { PlainGroup } from "../../interchange/plain.ts";
import type { PlainMap, PlainValue } from "../../model/entry.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { refusal } from "../exit.ts";
import { requireNetwork } from "../find.ts";
import { describeFinding, mayGoOn, refuseTranslation } from "../interchange/findings.ts";
import { setPrefixList } from "../interchange/prefix-list.ts";
import { readForeign, recordImport, sourceOptions } from "../interchange/source.ts";
import { several } from "../options.ts";
import { formatNumberOf } from "../render/format.ts";
import { lacks, mergeRules, rulesOf } from "./entry-rules.ts";

/** `group import` */
export const importGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("group", {
        type: "string",
        demandOption: true,
        describe: "The group whose rules are replaced",
      })
      .positional("files", {
        ...several,
        demandOption: true,
        describe: "A cloud's JSON or CSV, a rules file, or cluster.fw and VMID.fw",
      })
      .options(sourceOptions)
      .option("merge", {
        type: "boolean",
        default: false,
        describe: "Add the rules that it lacks, take nothing out, and leave its settings",
      })
      .example("$0 group import sg-web ecs_cn-qingdao_sg-123.csv --dry-run", "What would come and go")
      .example("$0 group import sg-web aws.json --only sg-0aa1", "One group of many"),
  (args) =>
    changeRules(args, async (draft) => {
      const { group, notes } = openGroup(draft, args.group);
      const network = requireNetwork(draft.model, group.network);
      const imported = readForeign(args.files, args, draft.model, network, group.id);
      const came = imported.groups.get(group.id);
      const base = { format: imported.format, group: group.id, ...recordImport(imported) };
      if (!mayGoOn(imported.findings, args.partial)) throw await refuseTranslation(base, args, "imported");
      if (came === undefined) throw refusal("there is no group in the files, so nothing was imported.");
      for (const [id, list] of imported.prefixLists)
        setPrefixList(draft, id, list as unknown as PlainValue, group.id);
      const settings = !imported.rulesOnly.has(group.id);
      const {
        added,
        removed,
        notes: ofMerge,
      } = args.merge ? merge(draft, group.id, came) : replace(draft, group.id, came, settings);
      const total = rulesOf(draft.editor.entry("groups", group.id)).length;
      return {
        record: { ...base, added, removed },
        said: `${group.id} has ${formatNumberOf(total, "rule")}: ${added.length} came, ${removed.length} went.`,
        notes: [...notes, ...imported.findings.map(describeFinding), ...ofMerge],
      };
    }),
);

interface RuleChange {
  readonly added: readonly PlainValue[];
  readonly removed: readonly PlainValue[];
  readonly notes: readonly string[];
}

/**
 * What the source does not say (its place as default group, its mode, tags) stays: absent is not a default.
 * `settings`: it says what holds where no rule matches.
 */
function replace({ editor }: Draft, id: string, came: PlainGroup, settings: boolean): RuleChange {
  const current = editor.entry("groups", id);
  const [before, after] = [rulesOf(current), came.rules as unknown as readonly PlainValue[]];
  const { innerAccess: _inner, defaultEgress: _egress, ...kept } = asMap(current);
  const next = settings ? { ...kept, ...(came as unknown as PlainMap) } : { ...asMap(current), rules: after };
  editor.setEntry("groups", id, next);
  return { added: lacks(after, before), removed: lacks(before, after), notes: [] };
}

function merge({ editor }: Draft, id: string, came: PlainGroup): RuleChange {
  const before = rulesOf(editor.entry("groups", id));
  const { added, notes } = mergeRules(before, came.rules as unknown as readonly PlainValue[]);
  editor.setValue("groups", id, ["rules"], [...before, ...added]);
  return { added, removed: [], notes };
}

function asMap(value: PlainValue | undefined): PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as PlainMap) : {};
}
