import { changeRules, type Draft, type Edited, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal } from "../exit.ts";
import { at, requireFree } from "../find.ts";
import { type InterfaceEntry, readInterfaceFields, withInterfaceFields } from "./fields.ts";

/** `instance add`: with its first interface, without which it is nothing. */
export const addInstance = defineCommand(
  (parser) =>
    withInterfaceFields(withChange(parser))
      .positional("instance", { type: "string", demandOption: true, describe: "The instance's id" })
      .positional("interface", {
        type: "string",
        demandOption: true,
        describe: "The id of its first interface",
      })
      .example(
        "$0 instance add i-web-2 eni-web-2 --device tap103i0 --mac 02:00:00:00:01:03 --address 10.0.0.13 --group sg-web",
        "A new guest",
      )
      .example(
        "$0 interface add eni-web-2b --instance i-web-2 --device tap103i1 --mac …",
        "Its second interface",
      ),
  (args) =>
    changeRules(args, (draft) => {
      if (draft.editor.entry("instances", args.instance) !== undefined)
        throw refusal(
          `There is an instance ${args.instance} already: \`ringwall interface add\` adds to it.`,
        );
      return add(draft, args.instance, args.interface, readInterfaceFields(args, draft.model));
    }),
);

/** `interface add` */
export const addInterface = defineCommand(
  (parser) =>
    withInterfaceFields(withChange(parser))
      .positional("interface", { type: "string", demandOption: true, describe: "The interface's id" })
      .option("instance", {
        type: "string",
        demandOption: true,
        requiresArg: true,
        describe: "Its instance; made where there is none",
      })
      .example(
        "$0 interface add eni-web-2b --instance i-web-2 --device tap103i1 --mac 02:00:00:00:02:03 --address 10.0.0.23",
        "Another interface of a guest",
      )
      .example(
        "$0 interface add … --pair 10.0.0.100,2001:db8::/64",
        "With addresses that it shares or routes",
      ),
  (args) =>
    changeRules(args, (draft) =>
      add(draft, args.instance, args.interface, readInterfaceFields(args, draft.model)),
    ),
);

interface Added {
  readonly instance: string;
  readonly interface: string;
  readonly entry: InterfaceEntry;
}

function add({ editor, model }: Draft, instance: string, id: string, entry: InterfaceEntry): Edited<Added> {
  requireFree("interface", id, model.interfaces);
  requireFreeDevice(model.interfaces.values(), id, entry);
  if (editor.entry("instances", instance) === undefined) {
    requireFree("instance", instance, new Map());
    editor.setEntry("instances", instance, { interfaces: { [id]: entry } });
  } else {
    editor.setValue("instances", instance, ["interfaces", id], entry);
  }
  return { record: { instance, interface: id, entry }, said: `Interface ${id} of ${instance} is new.` };
}

/** Said before the model says it, because this is what is mistyped. */
function requireFreeDevice(
  others: Iterable<{
    readonly id: string;
    readonly device: string;
    readonly hosts: readonly string[];
    readonly place: Parameters<typeof at>[0];
  }>,
  id: string,
  entry: InterfaceEntry,
): void {
  for (const other of others) {
    if (other.device !== entry.device || other.hosts.length > 0 || entry.host !== undefined) continue;
    throw refusal(
      `The device ${other.device} is ${other.id}'s already${at(other.place)}: write ${id}'s own.`,
    );
  }
}
