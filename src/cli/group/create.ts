import { writeRule } from "../../model/entry.ts";
import type { Group, Network, Rule } from "../../model/model.ts";
import {
  makeDefaultRules,
  makeTemplateRules,
  type TemplateName,
  templateNames,
} from "../../model/template.ts";
import type { PlainValue } from "../../store/edit.ts";
import { changeRules, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { usageError } from "../exit.ts";
import { requireFree, requireNetwork } from "../find.ts";
import { formatNumberOf } from "../render/format.ts";

interface Beginning {
  readonly template?: TemplateName | undefined;
  readonly default?: boolean | undefined;
  readonly web?: boolean | undefined;
}

/** What a new group begins with: its template, or what default groups have. */
function rulesOf(args: Beginning, type: Group["type"], network: Network): readonly Rule[] {
  const { template, web = false } = args;
  if (web && args.default !== true)
    throw usageError("`--web` opens ports of a default group: add `--default`.");
  if (template === undefined && args.default === true) return makeDefaultRules(network, { web, type });
  return makeTemplateRules(template ?? "custom", type, network);
}

const policies = ["accept", "drop"] as const;

/** `group create` */
export const createGroup = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("group", { type: "string", demandOption: true, describe: "Its id, sg-…" })
      .option("network", {
        type: "string",
        requiresArg: true,
        describe: "Its network [default: the only one]",
      })
      .option("type", {
        choices: ["basic", "advanced", "enterprise"] as const,
        default: "basic" as const,
        describe: "`enterprise` is another word for `advanced`",
      })
      .option("template", {
        choices: templateNames,
        describe:
          "Rules to begin with: web-linux (ICMP, 22, 80, 443), web-windows (ICMP, 3389, 80, 443), none [default: custom; with --default: ICMP, 22, 3389, all egress]",
      })
      .option("name", { type: "string", requiresArg: true, describe: "A name" })
      .option("description", { type: "string", requiresArg: true, describe: "Free text" })
      .option("inner-access", { choices: policies, describe: "Between members [default: accept]" })
      .option("default-egress", {
        choices: policies,
        describe: "Egress that no rule matches [default: accept]",
      })
      .option("mode", {
        choices: ["enforce", "observe"] as const,
        describe: "observe: judged, nothing dropped",
      })
      .option("default", { type: "boolean", describe: "The group of interfaces that name none" })
      .option("web", { type: "boolean", describe: "With --default: open 80 and 443 too" })
      .conflicts("web", "template")
      .example("$0 group create sg-web --network vpc-shop --template web-linux", "A group for web servers")
      .example("$0 group create sg-home --default --web", "What interfaces without a group join")
      .example(
        "$0 group create sg-db --inner-access drop --default-egress drop",
        "Nothing that no rule allows",
      ),
  (args) =>
    changeRules(args, ({ editor, model }) => {
      requireFree("group", args.group, model.groups);
      const network = requireNetwork(model, args.network);
      const type = args.type === "enterprise" ? "advanced" : args.type;
      const entry = {
        name: args.name,
        description: args.description,
        type,
        network: network.id,
        innerAccess: args.innerAccess,
        defaultEgress: args.defaultEgress,
        mode: args.mode,
        default: args.default === true ? true : undefined,
        rules: rulesOf(args, type, network).map(writeRule),
      } satisfies { [key: string]: PlainValue | undefined };
      editor.setEntry("groups", args.group, entry);
      const rules =
        entry.rules.length === 0 ? "without rules" : `with ${formatNumberOf(entry.rules.length, "rule")}`;
      return {
        record: { group: args.group, entry },
        said: `Group ${args.group} of ${network.id} is new, ${rules}.`,
      };
    }),
);
