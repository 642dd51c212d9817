import { writeGroup } from "../../model/entry.ts";
import type { Group } from "../../model/model.ts";
import type { PlainValue } from "../../store/edit.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { requireFree, requireGroup, requireNetwork } from "../find.ts";
import { formatNumberOf } from "../render/format.ts";

type Entry = { readonly [key: string]: PlainValue | undefined };

/** `group clone` */
export const cloneGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .positional("clone", { type: "string", demandOption: true, describe: "The id of the new one" })
      .option("network", { type: "string", requiresArg: true, describe: "Another network" })
      .option("type", { choices: ["basic", "advanced", "enterprise"] as const, describe: "Another type" })
      .option("description", { type: "string", requiresArg: true, describe: "Free text" })
      .example("$0 group clone sg-web sg-web-next", "Change the clone, then `group switch` to it")
      .example(
        "$0 group clone sg-web sg-web-b --network vpc-b",
        "Refused, rule by rule, where it is not legal there",
      ),
  (args) =>
    changeRules(args, (draft) => {
      const source = requireGroup(draft.model, args.group);
      requireFree("group", args.clone, draft.model.groups);
      const network =
        args.network === undefined ? source.network : requireNetwork(draft.model, args.network).id;
      const type = args.type === undefined ? source.type : args.type === "basic" ? "basic" : "advanced";
      const { entry, notes } = toType(source, { ...readEntry(draft, source), network }, type);
      const described = args.description === undefined ? entry : { ...entry, description: args.description };
      draft.editor.setEntry("groups", args.clone, described);
      const said = `Group ${args.clone} is new, a clone of ${source.id} with ${formatNumberOf(source.rules.length, "rule")} and no members.`;
      return { record: { group: args.clone, from: source.id, entry: described }, said, notes };
    }),
);

/** As it is written; a default group stays the only one of its network. */
function readEntry({ editor }: Draft, group: Group): Entry {
  const written = editor.entry("groups", group.id);
  const entry =
    typeof written === "object" && written !== null && !Array.isArray(written)
      ? (written as Entry)
      : writeGroup(group);
  return { ...entry, default: undefined };
}

/** The same rules in the other type: what a type says by itself is said, what it cannot say is refused later. */
function toType(source: Group, entry: Entry, type: Group["type"]): { entry: Entry; notes: string[] } {
  if (source.type === type) return { entry, notes: [] };
  const { rules } = entry;
  // A template's priority is its type's own.
  const adapted = Array.isArray(rules) ? rules.map(withoutTemplatePriority) : rules;
  if (type === "advanced")
    return {
      entry: { ...entry, type, innerAccess: undefined, rules: adapted },
      notes: ["members of an advanced group reach each other by rules only"],
    };
  return {
    entry: { ...entry, type, innerAccess: "drop", rules: adapted },
    notes: [
      "the clone has `innerAccess: drop`, as members of an advanced group do not reach each other by themselves",
    ],
  };
}

function withoutTemplatePriority(rule: PlainValue): PlainValue {
  if (typeof rule !== "object" || rule === null || !("template" in rule) || rule.template !== true)
    return rule;
  const { priority: _priority, ...rest } = rule;
  return rest;
}
