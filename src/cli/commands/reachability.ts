import type { Model } from "../../model/model.ts";
import { nearestWord } from "../../model/nearest.ts";
import {
  findReachability,
  internet,
  type NetworkMatrix,
  type ReachCell,
} from "../../policy/reach/reachability.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, refusal } from "../exit.ts";
import { withRules, withSocket } from "../options.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { renderCell, renderReachability } from "../render/reachability.ts";
import { readModel } from "../rules.ts";

/** What `-o json` prints. */
export interface ReachabilityRecord {
  readonly networks: readonly NetworkMatrix[];
}

export const command = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .option("group", {
        type: "string",
        requiresArg: true,
        describe: "Only these groups, with commas between them [default: all]",
      })
      .option("network", { type: "string", requiresArg: true, describe: "Only this network" })
      .option("from", {
        type: "string",
        requiresArg: true,
        describe: `One cell in detail: from this group, or \`${internet}\``,
      })
      .option("to", { type: "string", requiresArg: true, describe: "To this group" })
      .implies("from", "to")
      .implies("to", "from")
      .conflicts("group", ["from", "to"])
      .example("$0 reachability", "Which group reaches which, on what, by the rules in force")
      .example("$0 reachability --rules rules/ --group sg-web,sg-db", "Of two groups, at a desk")
      .example("$0 reachability --from internet --to sg-web", "From where is which service open?")
      .epilogue(
        `${internet}: every address that is nobody's in these rules. Both ends are asked: egress of who sends, ` +
          "ingress of who is reached. `check` answers the same question as yes or no.",
      ),
  async (args) => {
    const { model } = await readModel(args);
    const now = Date.now() / 1000;
    if (args.network !== undefined) requireKnown("network", args.network, model.networks.keys());
    if (args.from !== undefined && args.to !== undefined) {
      const found = findCell(model, args.from, args.to, now);
      await printRecord(found, chooseFormat(args), renderCell);
      return ExitCode.done;
    }
    const groups = (args.group ?? "").split(",").filter((id) => id !== "");
    for (const id of groups) requireKnown("group", id, model.groups.keys());
    const record: ReachabilityRecord = {
      networks: findReachability(model, { now, groups, network: args.network }),
    };
    await printRecord(record, chooseFormat(args), renderReachability);
    return ExitCode.done;
  },
);

function requireKnown(kind: string, id: string, known: Iterable<string>): void {
  const words = [...known];
  if (words.includes(id)) return;
  const near = nearestWord(id, words);
  throw refusal(`There is no ${kind} ${id} in these rules${near === null ? "" : `: write ${near}`}.`);
}

/** One cell of the matrix of the groups' network. */
function findCell(model: Model, from: string, to: string, now: number): ReachCell {
  const groups = [from, to].filter((end) => end !== internet);
  for (const id of groups) requireKnown("group", id, [...model.groups.keys(), internet]);
  if (groups.length === 0) throw refusal(`Both ends are ${internet}: name a group for one of them.`);
  const cells = findReachability(model, { now, groups }).flatMap((matrix) => matrix.cells);
  const found = cells.find((cell) => cell.from === from && cell.to === to);
  if (found !== undefined) return found;
  throw refusal(`${from} and ${to} are of different networks: their addresses never meet.`);
}
