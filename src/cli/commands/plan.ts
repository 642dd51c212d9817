import type { PlanReply } from "../../agent/protocol.ts";
import { askAgent, chooseSocket } from "../client.ts";
import { defineCommand } from "../command.ts";
import { ExitCode } from "../exit.ts";
import { several, withRules, withSocket } from "../options.ts";
import { planRuleSets } from "../plan-at-desk.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { renderPlan } from "../render/plan.ts";
import { noLimits, readRules, requireModel } from "../rules.ts";

export const command = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("paths", {
        ...several,
        demandOption: true,
        describe: "Files and directories that `apply` would make the rules",
      })
      .option("detailed-exitcode", {
        type: "boolean",
        default: false,
        describe: "Exit 2 where there are changes, 0 where there are none",
      })
      .option("sessions", {
        type: "boolean",
        default: false,
        describe: "List every session that would end, not the biggest alone",
      })
      .example("$0 plan rules/", "What `apply rules/` would change, and which live sessions it would end")
      .example("$0 plan rules/ --rules /srv/rules-of-today", "Two rule sets at a desk, without an agent")
      .example("$0 plan rules/ --detailed-exitcode || test $? -eq 2", "In a pipeline")
      .epilogue("With --rules every host's interfaces are compared; --host names one."),
  async (args) => {
    const plan = await makePlan(args);
    await printRecord(plan, chooseFormat(args), renderPlan);
    return args.detailedExitcode && plan.changed ? ExitCode.changes : ExitCode.done;
  },
);

interface PlanArguments {
  readonly paths: readonly string[];
  readonly rules: string | undefined;
  readonly host: string | undefined;
  readonly socket: string | undefined;
  readonly sessions: boolean;
}

async function makePlan({ paths, rules, host, socket, sessions }: PlanArguments): Promise<PlanReply> {
  if (rules !== undefined)
    return planRuleSets(readRules([rules], { host }), readRules(paths, { host }), host ?? null);
  // What is wrong here is said here, at once, with the paths as they were typed; the agent's limits are its own.
  const set = readRules(paths, { limits: noLimits });
  requireModel(set);
  const files = set.files.map(({ path, text }) => ({ path, text }));
  return askAgent(chooseSocket(socket), "plan", { files, sessions });
}
