import { cleanText } from "../../model/printable.ts";
import { describeEffective } from "../../policy/effective.ts";
import { findInterface, QuestionError } from "../../policy/ends.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, refusal } from "../exit.ts";
import { withRules, withSocket } from "../options.ts";
import { renderEffective } from "../render/effective.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { style } from "../render/style.ts";
import { renderTable } from "../render/table.ts";
import { readModel } from "../rules.ts";
import { interfaceColumns } from "./list.ts";
import { withNetwork } from "./options.ts";
import { type InterfaceRecord, recordInterface } from "./record.ts";
import { requireInstance } from "./remove.ts";

/** `interface show` */
export const showInterface = defineCommand(
  (parser) =>
    withNetwork(withRules(withSocket(parser)))
      .positional("interface", {
        type: "string",
        demandOption: true,
        describe: "Its id, instance, device, MAC or address",
      })
      .example("$0 interface show eni-web-1", "Device, addresses, groups, and what it may do")
      .option("effective", {
        type: "boolean",
        default: false,
        describe: "The rules of all its groups, in the order in which they are judged",
      })
      .example("$0 interface show 10.0.0.11 --network vpc-shop", "By its address")
      .example("$0 interface show eni-web-1 --effective", "What it is judged by, rule by rule"),
  async (args) => {
    const { model } = await readModel(args);
    const own = findOne(() => findInterface(model, args.interface, { network: args.network }));
    if (args.effective) {
      const policy = describeEffective(model, own.id, Date.now() / 1000);
      await printRecord(policy, chooseFormat(args), renderEffective);
    } else await printRecord(recordInterface(own), chooseFormat(args), renderInterface);
    return ExitCode.done;
  },
);

/** `instance show` */
export const showInstance = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("instance", { type: "string", demandOption: true, describe: "The instance" })
      .example("$0 instance show i-web-1", "Its interfaces")
      .example("$0 instance show i-web-1 --json", "For a script"),
  async (args) => {
    const { model } = await readModel(args);
    const record = {
      id: args.instance,
      interfaces: requireInstance(model, args.instance).map(recordInterface),
    };
    await printRecord(record, chooseFormat(args), ({ interfaces }) =>
      renderTable(interfaces, interfaceColumns),
    );
    return ExitCode.done;
  },
);

/** What is ambiguous or unknown is refused with the choices. */
export function findOne<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (error instanceof QuestionError) throw refusal(error.message);
    throw error;
  }
}

/** An interface for people, a line a trait. */
export function renderInterface(own: InterfaceRecord): string {
  const pairs = own.allowedAddressPairs.map(({ address, mac }) =>
    mac === null ? address : `${address} with ${mac}`,
  );
  const traits: readonly (readonly [string, string])[] = [
    ["instance", own.instance],
    ["device", `${own.device}${own.hosts.length === 0 ? "" : ` on ${own.hosts.join(", ")}`}`],
    ["network", own.nicType === "internet" ? `${own.network}, internet` : own.network],
    ["mac", own.mac],
    ["addresses", own.addresses.join(", ") || "none: only its MAC is checked"],
    ["groups", own.groups.join(", ")],
    ["also its own", pairs.join(", ")],
    ["vlans", own.vlans.join(", ")],
    ["ethertypes", own.etherTypes.map((type) => `0x${type.toString(16).padStart(4, "0")}`).join(", ")],
    ["anti-spoofing", own.antiSpoofing === true ? "" : own.antiSpoofing === false ? "off" : "observed"],
    [
      "sessions",
      own.sessions === null
        ? ""
        : Object.entries(own.sessions)
            .map(([table, size]) => `${table} ${size}`)
            .join(", "),
    ],
    ["written at", own.file === null ? "" : `${own.file}:${own.line}`],
  ];
  const lines = traits
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `  ${name.padEnd(14)}${cleanText(value)}`);
  return [style.title(own.id), ...lines].join("\n");
}
