import type { Interface, Model } from "../../model/model.ts";
import { nearestWord } from "../../model/nearest.ts";
import { findInterface } from "../../policy/ends.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal } from "../exit.ts";
import { withNetwork } from "./options.ts";
import { recordInterface } from "./record.ts";

/** `instance remove` */
export const removeInstance = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("instance", { type: "string", demandOption: true, describe: "The instance" })
      .example("$0 instance remove i-web-2", "With all its interfaces; their devices then drop everything")
      .example("$0 instance remove i-web-2 --dry-run", "As a diff"),
  (args) =>
    changeRules(args, (draft) => {
      const members = requireInstance(draft.model, args.instance);
      draft.editor.deleteEntry("instances", args.instance);
      return describeRemoval(args.instance, members, true);
    }),
);

/** `interface remove` */
export const removeInterface = defineCommand(
  (parser) =>
    withNetwork(withChange(parser))
      .positional("interface", {
        type: "string",
        demandOption: true,
        describe: "Its id, instance, device, MAC or address",
      })
      .example(
        "$0 interface remove eni-web-2b",
        "Its device then drops everything, until it goes or is released",
      )
      .example("$0 interface remove tap103i1 --dry-run", "As a diff"),
  (args) =>
    changeRules(args, (draft) => {
      const member = findInterface(draft.model, args.interface, { network: args.network });
      const last = removeOne(draft, member);
      return describeRemoval(member.instance, [member], last);
    }),
);

/** An instance without interfaces is none: it goes with its last one. */
function removeOne({ editor, model }: Draft, member: Interface): boolean {
  const last = requireInstance(model, member.instance).length === 1;
  if (last) editor.deleteEntry("instances", member.instance);
  else editor.deleteValue("instances", member.instance, ["interfaces", member.id]);
  return last;
}

/** The interfaces of an instance. @throws CliError naming the nearest one */
export function requireInstance(model: Model, id: string): readonly Interface[] {
  const all = [...model.interfaces.values()];
  const members = all.filter(({ instance }) => instance === id);
  if (members.length > 0) return members;
  const near = nearestWord(id, new Set(all.map(({ instance }) => instance)));
  throw refusal(
    `There is no instance ${id}: ${near === null ? "`ringwall instance list` shows them" : `write ${near}`}.`,
  );
}

function describeRemoval(instance: string, members: readonly Interface[], whole: boolean) {
  const names = members.map(({ id }) => id).join(", ");
  const devices = members.map(({ device }) => device).join(", ");
  const what = whole
    ? `Instance ${instance} is gone, with ${names}.`
    : `Interface ${names} of ${instance} is gone.`;
  const then =
    members.length === 1
      ? `While it is there, ${devices} drops everything: \`ringwall interface release\` opens it.`
      : `While they are there, ${devices} drop everything: \`ringwall interface release\` opens each of them.`;
  return {
    record: { instance, instanceRemoved: whole, removed: members.map(recordInterface) },
    said: `${what}\n${then}`,
  };
}
