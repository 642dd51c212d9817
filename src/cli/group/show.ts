import type { Group, Model } from "../../model/model.ts";
import { cleanText } from "../../model/printable.ts";
import { compareRules } from "../../policy/order.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { membersOf, requireGroup, usesOf } from "../find.ts";
import { recordInterface } from "../member/record.ts";
import { withRules, withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { renderTable } from "../render/table.ts";
import { recordRule, renderRules } from "../rule-record.ts";
import { readModel } from "../rules.ts";
import { describeTraits } from "./list.ts";
import { recordGroup } from "./record.ts";

/** `group show` */
export const showGroup = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("group", { type: "string", demandOption: true, describe: "The group" })
      .example("$0 group show sg-web", "Rules in the order in which they are judged, members, who names it")
      .example("$0 group show sg-web --json | jq '.members[].device'", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const record = recordWhole(model, requireGroup(model, args.group));
    await printRecord(record, chooseFormat(args), renderGroup);
    return ExitCode.done;
  },
);

/** Rules as they are judged: ingress and egress apart, the first that matches decides. */
function recordWhole(model: Model, group: Group) {
  const judged = group.rules
    .map((rule) => ({ group, rule }))
    .toSorted(compareRules)
    .map(({ rule }) => recordRule(rule));
  return {
    ...recordGroup(model, group),
    rules: {
      ingress: judged.filter(({ direction }) => direction === "ingress"),
      egress: judged.filter(({ direction }) => direction === "egress"),
    },
    members: membersOf(model, group.id).map(recordInterface),
    /** Rules of other groups that name it. */
    usedBy: usesOf(model, group.id)
      .filter((use) => use.group !== group.id)
      .map((use) => ({ group: use.group, rule: recordRule(use.rule) })),
  };
}
type WholeGroup = ReturnType<typeof recordWhole>;

function renderGroup(group: WholeGroup): string {
  const traits = describeTraits({ ...group, members: [] });
  const head = [
    `${style.title(group.id)}  ${group.type}, network ${group.network}${traits === "-" ? "" : `, ${traits}`}`,
    ...[group.name, group.description].filter((text) => text !== "").map(cleanText),
    ...(group.file === null
      ? ["Made by itself, because interfaces name no group."]
      : [`${cleanText(group.file)}:${group.line}`]),
  ];
  const rest = (verdict: string) => style.aside(`what no rule matches: ${verdict}`);
  const members =
    group.members.length === 0
      ? "No members."
      : renderTable(group.members, [
          { title: "member", value: ({ id }) => id },
          { title: "instance", value: ({ instance }) => instance },
          { title: "device", value: ({ device }) => device },
          { title: "addresses", value: ({ addresses }) => addresses.join(" ") || "-" },
        ]);
  const uses = group.usedBy.map(({ group: user, rule }) => `  ${user}, rule ${rule.id ?? `#${rule.index}`}`);
  return [
    head.join("\n"),
    `${style.title("ingress")}\n${renderRules(group.rules.ingress)}\n${rest(group.innerAccess === "accept" ? "drop, but accept between members" : "drop")}`,
    `${style.title("egress")}\n${renderRules(group.rules.egress)}\n${rest(group.defaultEgress)}`,
    members,
    ...(uses.length === 0 ? [] : [`Named by\n${uses.join("\n")}`]),
  ].join("\n\n");
}
