import { type RuleEntry, writeRule } from "../../model/entry.ts";
import type { Rule } from "../../model/model.ts";
import { nearestWord } from "../../model/nearest.ts";
import { hasPorts } from "../../model/protocol.ts";
import { describeRule } from "../../model/rule.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openGroup } from "../draft.ts";
import { usageError } from "../exit.ts";
import { splitWords } from "../find.ts";
import { type RuleChanges, readRuleFields, readRuleId, withRuleFields } from "../rule-fields.ts";
import { requireRule } from "../rule-record.ts";

const clearable = [
  "sourcePortRange",
  "icmpType",
  "icmpCode",
  "priority",
  "local",
  "nicType",
  "description",
  "expires",
  "template",
] as const;

/** `rule modify` */
export const modifyRule = defineCommand(
  (parser) =>
    withRuleFields(withChange(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .positional("rule", {
        type: "string",
        demandOption: true,
        describe: "Its id, or its number in `rule list`",
      })
      .option("id", { type: "string", requiresArg: true, describe: "Another id, or a first one" })
      .option("clear", {
        type: "string",
        requiresArg: true,
        describe: `Fields to leave out from now on, with commas: ${clearable.map(kebab).join(", ")}`,
      })
      .example("$0 rule modify sg-web r-3f9a1c --priority 5", "The rest stays as it is")
      .example(
        "$0 rule modify sg-web 0 --from 203.0.113.0/24 --clear expires",
        "By its number in `rule list`",
      ),
  (args) => {
    const { fields: said, notes } = readRuleFields(args);
    const fields = args.id === undefined ? said : { id: readRuleId(args.id), ...said };
    const cleared = (splitWords("clear", args.clear) ?? []).map(readClear);
    if (Object.keys(fields).length === 0 && cleared.length === 0)
      throw usageError("What is to change? Write the fields: --port, --from, --priority …");
    return changeRules(args, (draft) => {
      const { group, notes: opened } = openGroup(draft, args.group);
      const rule = requireRule(group, args.rule);
      const before = writeRule(rule);
      const after = modify(draft, group.id, rule, fields, cleared);
      const name = rule.id ?? `#${rule.index}`;
      return {
        record: { group: group.id, index: rule.index, before, after },
        said: `Rule ${name} of ${group.id} is changed; it was: ${describeRule(rule)}.`,
        notes: [...notes, ...opened],
      };
    });
  },
);

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readClear(word: string): string {
  const key = clearable.find((known) => known === word || kebab(known) === word);
  if (key !== undefined) return key;
  const near = nearestWord(word, clearable.map(kebab));
  throw usageError(
    `--clear ${word}: ${near === null ? `write one of ${clearable.map(kebab).join(", ")}` : `write ${near}`}.`,
  );
}

/** Sets and clears keys of one rule; ports go with a protocol that has none. */
function modify(
  { editor }: Draft,
  group: string,
  rule: Rule,
  fields: RuleChanges,
  cleared: readonly string[],
): RuleEntry {
  const path = ["rules", rule.index] as const;
  const gone = new Set(cleared);
  if (fields.protocol !== undefined && !hasPorts(fields.protocol)) {
    if (fields.portRange === undefined) gone.add("portRange");
    if (fields.sourcePortRange === undefined) gone.add("sourcePortRange");
  }
  const written = editor.entry("groups", group);
  const rules = typeof written === "object" && written !== null && "rules" in written ? written.rules : [];
  const current = Array.isArray(rules) ? (rules[rule.index] as RuleEntry | undefined) : undefined;
  for (const key of gone)
    if (current !== undefined && Object.hasOwn(current, key))
      editor.deleteValue("groups", group, [...path, key]);
  for (const [key, value] of Object.entries(fields))
    if (value !== undefined) editor.setValue("groups", group, [...path, key], value);
  const kept = Object.entries({ ...writeRule(rule), ...fields }).filter(([key]) => !gone.has(key));
  return Object.fromEntries(kept) as RuleEntry;
}
