/** What `doctor` asks the agent: whether what the rules name is protected. */
import type { StatusReply } from "../agent/protocol.ts";
import type { Finding } from "../kernel/probe.ts";
import { askAgent } from "./client.ts";
import { CliError, ExitCode } from "./exit.ts";

/** A finding for each interface that nothing judges, or one that all are judged; and what else troubles the agent. */
export async function probeAgent(socket: string): Promise<readonly Finding[]> {
  try {
    return describeStatus(await askAgent(socket, "status", {}));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const [text = "", ...remedy] = error.message.split("\n");
    const result = error.exitCode === ExitCode.noAgent ? "advice" : "missing";
    return [{ name: "agent", result, text, remedy: remedy[0] ?? "" }];
  }
}

/** The findings in what the agent answers. */
export function describeStatus({
  interfaces,
  uplinks,
  problems,
}: Pick<StatusReply, "interfaces" | "uplinks" | "problems">): readonly Finding[] {
  const failed = interfaces.filter(({ state }) => state === "failed");
  const here = interfaces.filter(({ ifindex }) => ifindex !== null);
  const text = `${here.length - failed.length} of ${here.length} interfaces with a device here are judged`;
  return [
    { name: "devices", result: failed.length === 0 ? "ok" : "missing", text, remedy: "" },
    ...failed.map(({ id, device, problem }): Finding => {
      const remedy = "mend what it says; it is tried again by itself";
      return { name: `${id} (${device})`, result: "missing", text: problem ?? "nothing judges it", remedy };
    }),
    ...uplinks.map(({ device, mode, problem }): Finding => {
      const name = `uplink ${device}`;
      return problem === null
        ? { name, result: "ok", text: mode === null ? "no program yet" : `judged early, ${mode}`, remedy: "" }
        : { name, result: "advice", text: problem, remedy: "do what it says" };
    }),
    ...problems.map(
      (problem): Finding => ({ name: "agent", result: "advice", text: problem, remedy: "`ringwall status`" }),
    ),
  ];
}
