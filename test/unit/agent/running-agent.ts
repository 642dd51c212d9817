/** An agent on a fake kernel and a store in memory, for tests of what it answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "../../../src/agent/agent.ts";
import { type AgentConfig, defaultConfig } from "../../../src/agent/config.ts";
import { createLog } from "../../../src/agent/log.ts";
import type { RulesStore } from "../../../src/agent/rules-store.ts";
import type { Enforcer } from "../../../src/kernel/enforcer.ts";

export interface RunningAgent {
  readonly socket: string;
  /** Of the agent: its state directory is `state` in it. */
  readonly folder: string;
  readonly log: readonly string[];
  /** Another agent.yaml, as by SIGHUP. */
  reload(changes: Partial<AgentConfig>): Promise<void>;
  /** Ends it and starts another on the same state; `meanwhile` is done in between. */
  restart(meanwhile?: () => void): Promise<void>;
  stop(): Promise<void>;
}

export async function runAgentOn(
  store: RulesStore,
  kernel: Enforcer,
  changes: Partial<AgentConfig> = {},
): Promise<RunningAgent> {
  const folder = mkdtempSync(join(tmpdir(), "ringwall-agent-"));
  const socket = join(folder, "run", "ringwall.sock");
  const log: string[] = [];
  const base = {
    ...defaultConfig(),
    host: "kvm-1",
    socket: { path: socket, group: "no-such-group" },
    metrics: { listen: "127.0.0.1:0" },
  };
  const start = () =>
    Agent.start({
      paths: { config: undefined, bpffs: "", state: join(folder, "state"), lock: join(folder, "lock") },
      config: { ...base, ...changes },
      version: "1.2.3",
      log: createLog({ level: "debug", format: "json" }, { write: (line: string) => void log.push(line) }),
      openStore: () => store,
      openEnforcer: async () => kernel,
    });
  let agent = await start();
  return {
    socket,
    folder,
    log,
    reload: (others) => agent.reload({ ...base, ...others }),
    restart: async (meanwhile) => {
      await agent.stop({ detach: false });
      meanwhile?.();
      agent = await start();
    },
    stop: async () => {
      await agent.stop({ detach: false });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
