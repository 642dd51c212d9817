import type { Imported } from "../../interchange/importer.ts";
import type { PlainValue } from "../../model/entry.ts";
import type { Model, Network } from "../../model/model.ts";
import { checkId } from "../../model/text.ts";
import { changeRules, type Draft, withChange } from "../change.ts";
import { defineCommand } from "../command.ts";
import { refusal, usageError } from "../exit.ts";
import { at, requireNetwork } from "../find.ts";
import { describeFinding, mayGoOn, refuseTranslation } from "../interchange/findings.ts";
import { setPrefixList } from "../interchange/prefix-list.ts";
import { readForeign, recordImport, sourceOptions } from "../interchange/source.ts";
import { several } from "../options.ts";
import { formatNumberOf } from "../render/format.ts";

export const command = defineCommand(
  (parser) =>
    withChange(parser)
      .positional("files", {
        ...several,
        demandOption: true,
        describe: "A cloud's JSON or CSV, or cluster.fw and VMID.fw",
      })
      .options(sourceOptions)
      .option("network", {
        type: "string",
        requiresArg: true,
        describe: "The network that the groups come into [default: the only one]",
      })
      .option("name", {
        type: "string",
        requiresArg: true,
        describe: "Another id for the one group of the file, sg-…",
      })
      .example(
        "$0 import groups.json --network vpc-a --dry-run",
        "What would come, and what cannot be said here",
      )
      .example(
        "aws ec2 describe-security-groups > aws.json && $0 import aws.json --network vpc-a",
        "From AWS",
      )
      .example("$0 import cluster.fw 100.fw --network lan --name sg-web", "A Proxmox VE guest's firewall")
      .epilogue(
        "Never wider than the source: an accept that cannot be said is left out and named, and the import is refused without --partial; a drop that cannot be said refuses it always.",
      ),
  (args) =>
    changeRules(args, async (draft) => {
      const { network, isNew } = chooseNetwork(draft.model, args.network);
      const imported = readForeign(args.files, args, draft.model, network, args.name ?? null);
      const record = { format: imported.format, network: network.id, ...recordImport(imported) };
      if (!mayGoOn(imported.findings, args.partial)) throw await refuseTranslation(record, args, "imported");
      if (imported.groups.size === 0)
        throw refusal("there is no group in the files, so nothing was imported.");
      if (isNew) draft.editor.setEntry("networks", network.id, { type: network.type });
      writeImported(draft, imported);
      const rules = record.groups.reduce((sum, group) => sum + group.rules, 0);
      const ids = record.groups.map(({ id }) => id);
      const shown = ids.length > 10 ? [...ids.slice(0, 10), "…"] : ids;
      const lists =
        record.prefixLists.length === 0
          ? ""
          : `, ${formatNumberOf(record.prefixLists.length, "prefix list")}`;
      const made = isNew ? [`the network ${network.id} is new, of type vpc`] : [];
      return {
        record,
        said: `${formatNumberOf(ids.length, "group")} with ${formatNumberOf(rules, "rule")}${lists} came into ${network.id}: ${shown.join(", ")}.`,
        notes: [...made, ...imported.findings.map(describeFinding)],
      };
    }),
);

/** The network that is named; the first one of rules that have none yet is made. @throws CliError */
function chooseNetwork(model: Model, id: string | undefined): { network: Network; isNew: boolean } {
  if (id === undefined || model.networks.size > 0)
    return { network: requireNetwork(model, id), isNew: false };
  const checked = checkId("network", id);
  if (!checked.ok) throw usageError(`${checked.problem.message}.`);
  return { network: { id, type: "vpc", forwarding: "kernel", gateways: [], place: null }, isNew: true };
}

/** New entries only: what is there already is never changed by an import of everything. @throws CliError */
function writeImported({ editor, model }: Draft, { groups, prefixLists }: Imported): void {
  const taken = [...groups.keys()].flatMap((id) => model.groups.get(id) ?? []);
  if (taken.length > 0) {
    const lines = taken.map(({ id, place }) => `  ${id}${at(place)}`);
    const way =
      "`ringwall group import GROUP FILE` replaces one's rules, --name gives another id, --only leaves it out";
    throw refusal(`there are groups of these ids already: ${way}.\n${lines.join("\n")}`);
  }
  for (const [id, list] of prefixLists)
    setPrefixList({ editor, model }, id, list as unknown as PlainValue, null);
  for (const [id, group] of groups) editor.setEntry("groups", id, group as unknown as PlainValue);
}
