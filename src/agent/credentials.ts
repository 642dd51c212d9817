import { readFileSync } from "node:fs";

/** Who is at the other end of a unix socket, as the kernel noted it at connect (SO_PEERCRED). */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The number of a group of this host, or undefined. Groups go by name: a number written down somewhere may be
 * another group's here (CVE-2022-29178).
 */
export function findGroup(name: string, groupFile = "/etc/group"): number | undefined {
  for (const line of readFileSync(groupFile, "utf8").split("\n")) {
    const [group, , number] = line.split(":");
    if (group === name && number !== undefined && /^\d+$/.test(number)) return Number(number);
  }
  return undefined;
}

/**
 * May this peer ask and change? Root, the agent's own user, and members of the socket's group may. The socket's
 * mode says the same; this holds where someone widened the mode, or handed on a connected socket.
 */
export function isTrusted(peer: Peer, group: number | undefined): boolean {
  if (peer.uid === 0 || peer.uid === process.geteuid?.()) return true;
  if (group === undefined) return false;
  return peer.gid === group || readGroups(peer.pid).includes(group);
}

/** Supplementary groups of a process that still runs; none of one that is gone. */
function readGroups(pid: number): number[] {
  try {
    const groups = /^Groups:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return groups.split(/\s+/).filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}
