/** Where the agent keeps what: each may be another place, so that agents of several namespaces stand side by side. */
export interface AgentPaths {
  /** agent.yaml; undefined: the usual one if it is there, else defaults. */
  readonly config: string | undefined;
  readonly bpffs: string;
  readonly state: string;
  readonly lock: string;
}

export const defaultPaths = {
  bpffs: "/sys/fs/bpf/ringwall",
  state: "/var/lib/ringwall",
  lock: "/run/ringwall/agent.lock",
} as const;
