/** An interface's fields on the command line. */
import type { Argv } from "yargs";
import type { Model } from "../../model/model.ts";
import type { PlainValue } from "../../store/edit.ts";
import { usageError } from "../exit.ts";
import { requireGroup, requireNetwork, splitWords } from "../find.ts";

const text = (describe: string) => ({ type: "string", requiresArg: true, describe }) as const;

/** Options for what an interface is. */
export function withInterfaceFields<T>(parser: Argv<T>) {
  return parser
    .option("device", { ...text("The host's netdev: tap of a VM, host end of a veth"), demandOption: true })
    .option("mac", { ...text("The guest's MAC"), demandOption: true })
    .option("address", text("The guest's addresses, with commas [default: none, only its MAC is checked]"))
    .option("network", text("Its network [default: the only one]"))
    .option("group", text("Its groups, with commas [default: the network's default group]"))
    .option(
      "on-host",
      text("Its host, or with commas the hosts while it moves [default: the one that reads the rules]"),
    )
    .option("nic-type", { ...text("In a classic network"), choices: ["intranet", "internet"] as const })
    .option("anti-spoofing", {
      ...text("Whether it may send as others"),
      choices: ["true", "false", "observe"] as const,
    })
    .option(
      "pair",
      text("Addresses or prefixes that are its own too, with commas; ADDRESS=MAC with a MAC of its own"),
    )
    .option("vlan", text("VLAN ids that it may use, with commas"))
    .option("ether-type", text("Ethertypes that it may use, with commas, as 0x88cc"));
}

/** What yargs makes of them. */
export interface InterfaceFieldOptions {
  readonly device: string;
  readonly mac: string;
  readonly address: string | undefined;
  readonly network: string | undefined;
  readonly group: string | undefined;
  readonly onHost: string | undefined;
  readonly nicType: "intranet" | "internet" | undefined;
  readonly antiSpoofing: "true" | "false" | "observe" | undefined;
  readonly pair: string | undefined;
  readonly vlan: string | undefined;
  readonly etherType: string | undefined;
}

export type InterfaceEntry = { readonly [key: string]: PlainValue | undefined };

/** The entry of a new interface; what the model refuses of it is shown when the whole is judged. */
export function readInterfaceFields(options: InterfaceFieldOptions, model: Model): InterfaceEntry {
  const hosts = splitWords("on-host", options.onHost);
  const groups = splitWords("group", options.group);
  for (const group of groups ?? []) requireGroup(model, group);
  return {
    host: hosts === undefined ? undefined : hosts.length === 1 ? hosts[0] : hosts,
    device: options.device,
    network: requireNetwork(model, options.network).id,
    mac: options.mac,
    addresses: splitWords("address", options.address) ?? [],
    nicType: options.nicType,
    groups,
    antiSpoofing: readAntiSpoofing(options.antiSpoofing),
    allowedAddressPairs: splitWords("pair", options.pair)?.map(readPair),
    vlans: splitWords("vlan", options.vlan)?.map((word) => readNumber("vlan", word)),
    etherTypes: splitWords("ether-type", options.etherType)?.map((word) => readNumber("ether-type", word)),
  };
}

function readAntiSpoofing(word: InterfaceFieldOptions["antiSpoofing"]): boolean | "observe" | undefined {
  return word === "true" || word === "false" ? word === "true" : word;
}

function readPair(word: string): PlainValue {
  const [address = "", mac] = word.split("=");
  return mac === undefined ? { address } : { address, mac };
}

function readNumber(option: string, word: string): number {
  const value = /^(?:0x[0-9a-f]{1,4}|[0-9]{1,5})$/i.test(word) ? Number(word) : Number.NaN;
  if (Number.isNaN(value)) throw usageError(`--${option} ${word}: write a number, as 100 or 0x88cc.`);
  return value;
}
