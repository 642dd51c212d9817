import type { KernelSettings } from "../kernel/settings.ts";
import type { AgentConfig } from "./config.ts";

/** What of agent.yaml the kernel layer needs. */
export function toKernelSettings(config: AgentConfig): KernelSettings {
  const { attach, onFailure, establishedSessions, midstream, timeouts, eventsPerSecond, limits } = config;
  const { memory, ...sessions } = config.sessions;
  return {
    attach,
    onFailure,
    establishedSessions,
    midstream,
    timeouts,
    eventsPerSecond,
    sessions,
    memoryShare: memory,
    alwaysPerSecond: limits.alwaysPerSecond,
    uplinks: config.uplinks,
  };
}
