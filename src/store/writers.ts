/** Whether some process of this host has a file open for writing, by /proc. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Looked at in one turn of the event loop: a third of a millisecond. By themselves the calls take 2 µs each, since /proc
 * waits for nothing; a promise for each, kept by another thread, took twenty times as long.
 */
const descriptorsAtOnce = 64;

/** O_WRONLY or O_RDWR in the octal `flags:` line of fdinfo. */
function writes(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(fdinfo)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) !== 0;
}

/** Processes end, and others may hide theirs, while one looks: both have nothing to show. */
function orEmpty<T>(read: () => T, empty: T): T {
  try {
    return read();
  } catch {
    return empty;
  }
}

/** How many a process has, by the size of their folder; 0 for all of them where the kernel does not tell (before Linux 6.2). */
function countDescriptors(pid: string): number {
  return orEmpty(() => statSync(`/proc/${pid}/fd`).size, 0);
}

function isWriting(pid: string, descriptors: readonly string[], paths: ReadonlySet<string>): boolean {
  return descriptors.some((fd) => {
    if (!paths.has(orEmpty(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""))) return false;
    return writes(orEmpty(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"), ""));
  });
}

/**
 * True when a process is seen that has one of the files open for writing. `paths` are real paths (no links).
 * Looks at so many processes and descriptors at most, the youngest first; what it does not see (other hosts of a
 * shared file system, processes of other users when this one is not root) it cannot deny. The bound is of work, not of
 * time: a busy machine makes it late, not blind.
 */
export async function hasOpenWriter(paths: ReadonlySet<string>, most: number): Promise<boolean> {
  let left = most;
  const names = orEmpty(() => readdirSync("/proc"), []);
  // This process puts files in place whole; and an agent has thousands of descriptors to look through.
  const own = String(process.pid);
  const pids = names.filter((name) => /^[0-9]+$/.test(name) && name !== own).reverse();
  // The kernel's threads have none, and a host has hundreds of them: to ask how many takes half of a listing's time.
  const tellsCounts = countDescriptors("self") > 0;
  const list = (pid: string) =>
    tellsCounts && countDescriptors(pid) === 0 ? [] : readdirSync(`/proc/${pid}/fd`);
  let inTurn = 0;
  for (const pid of pids) {
    if (left <= 0) return false;
    const descriptors = orEmpty(() => list(pid), []).slice(0, left);
    left -= 1 + descriptors.length;
    for (let from = 0; from < descriptors.length; from += descriptorsAtOnce) {
      const some = descriptors.slice(from, from + descriptorsAtOnce);
      if (isWriting(pid, some, paths)) return true;
      inTurn += some.length;
      if (inTurn < descriptorsAtOnce) continue;
      await nextTurn();
      inTurn = 0;
    }
  }
  return false;
}
