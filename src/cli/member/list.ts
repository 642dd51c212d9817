import type { Model } from "../../model/model.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { requireGroup, requireNetwork } from "../find.ts";
import { withRules, withSocket } from "../options.ts";
import { formatCount } from "../render/format.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { type Column, renderTable } from "../render/table.ts";
import { readModel } from "../rules.ts";
import { type InterfaceRecord, recordInterface } from "./record.ts";

export const interfaceColumns: readonly Column<InterfaceRecord>[] = [
  { title: "interface", value: ({ id }) => id },
  { title: "instance", value: ({ instance }) => instance },
  { title: "host", value: ({ hosts }) => hosts.join(" ") || "-" },
  { title: "device", value: ({ device }) => device },
  { title: "network", value: ({ network }) => network },
  { title: "addresses", value: ({ addresses }) => addresses.join(" ") || "-" },
  { title: "groups", value: ({ groups }) => groups.join(" ") },
];

/** `interface list` */
export const listInterfaces = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .option("network", { type: "string", requiresArg: true, describe: "Only those of this network" })
      .option("group", { type: "string", requiresArg: true, describe: "Only members of this group" })
      .example("$0 interface list --group sg-web", "Who is in a group")
      .example("$0 interface list --json | jq -r '.interfaces[].device'", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const network = args.network === undefined ? undefined : requireNetwork(model, args.network).id;
    const group = args.group === undefined ? undefined : requireGroup(model, args.group).id;
    const interfaces = [...model.interfaces.values()]
      .filter((own) => network === undefined || own.network === network)
      .filter((own) => group === undefined || own.groups.includes(group))
      .map(recordInterface);
    await printRecord({ interfaces }, chooseFormat(args), (shown) =>
      shown.interfaces.length === 0 ? "No interfaces." : renderTable(shown.interfaces, interfaceColumns),
    );
    return ExitCode.done;
  },
);

/** `instance list` */
export const listInstances = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .example("$0 instance list", "All instances and their interfaces")
      .example("$0 instance list --json | jq '.instances | length'", "How many there are"),
  async (args) => {
    const { model } = await readModel(args);
    await printRecord({ instances: gatherInstances(model) }, chooseFormat(args), ({ instances }) =>
      instances.length === 0
        ? "No instances."
        : renderTable(instances, [
            { title: "instance", value: ({ id }) => id },
            {
              title: "interfaces",
              value: ({ interfaces }) => formatCount(interfaces.length),
              align: "right",
            },
            { title: "ids", value: ({ interfaces }) => interfaces.map(({ id }) => id).join(" ") },
            {
              title: "addresses",
              value: ({ interfaces }) => interfaces.flatMap((own) => own.addresses).join(" ") || "-",
            },
          ]),
    );
    return ExitCode.done;
  },
);

interface InstanceRecord {
  readonly id: string;
  readonly interfaces: readonly InterfaceRecord[];
}

function gatherInstances(model: Model): readonly InstanceRecord[] {
  const instances = new Map<string, InterfaceRecord[]>();
  for (const own of model.interfaces.values()) {
    const others = instances.get(own.instance);
    if (others === undefined) instances.set(own.instance, [recordInterface(own)]);
    else others.push(recordInterface(own));
  }
  return [...instances].map(([id, interfaces]) => ({ id, interfaces }));
}
