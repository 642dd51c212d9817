/** The agent as a process: configuration, signals, and what the service manager is told. */
import { Enforcement } from "../kernel/enforcement.ts";
import { native } from "../kernel/native.ts";
import { Agent } from "./agent.ts";
import { createLog, type Log, type LogTarget } from "./log.ts";
import { openFileStore } from "./open-store.ts";
import type { AgentPaths } from "./paths.ts";
import { readConfig } from "./read-config.ts";
import { SetDownFile } from "./set-down-file.ts";

export interface RunOptions {
  readonly paths: AgentPaths;
  /** The object file with the kernel's programs. */
  readonly object: string;
  readonly version: string;
  readonly detachOnExit: boolean;
  readonly output: LogTarget;
}

/**
 * Runs the agent until SIGTERM or SIGINT.
 * @throws Failure when it cannot start
 */
export async function runAgent(options: RunOptions): Promise<void> {
  const { paths, object, version, output } = options;
  const config = await readConfig(paths.config);
  const log = createLog(config.log, output);
  const starting = Agent.start({
    paths,
    config,
    version,
    log,
    openStore: (settled) => openFileStore(settled.store.file),
    openEnforcer: (settings) => {
      const onError = (error: unknown) => log.error({ err: error }, "a device could not be protected");
      const onNotice = (message: string) => log.warn(message);
      const setDown = new SetDownFile(paths.state, (message) => log.error(message));
      return Enforcement.open({ object, root: paths.bpffs, settings, setDown, onError, onNotice });
    },
  });
  const stopReloading = reloadOnHangup(starting, paths, log);
  const agent = await starting;
  native().notify(`READY=1\nSTATUS=Enforcing on ${config.host}`);
  const signal = await waitForEnd();
  stopReloading();
  native().notify("STOPPING=1");
  log.info(
    { signal, detach: options.detachOnExit },
    options.detachOnExit ? "opening every device" : "stopping; what is in force stays in force",
  );
  await agent.stop({ detach: options.detachOnExit });
}

/**
 * One reload after the other, the first when the agent has started: unheard, a hangup would be its end. A wrong
 * agent.yaml changes nothing.
 */
function reloadOnHangup(starting: Promise<Agent>, { config: path }: AgentPaths, log: Log): () => void {
  let last: Promise<void> = Promise.resolve();
  const reload = async () => {
    // Why it could not start is told by who started it.
    const agent = await starting.catch(() => null);
    if (agent === null) return;
    native().notify("STATUS=Reloading");
    try {
      await agent.reload(await readConfig(path));
      native().notify(["STATUS=Enforcing", ...agent.problems].join("; "));
    } catch (error) {
      log.error({ err: error }, "agent.yaml was not taken over; the agent goes on with what it had");
      native().notify("STATUS=Enforcing; the last reload was refused");
    }
  };
  const onHangup = () => {
    last = last.then(reload);
  };
  process.on("SIGHUP", onHangup);
  return () => process.off("SIGHUP", onHangup);
}

function waitForEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}
