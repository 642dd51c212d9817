/** Whether some process of this host has a file open for writing, by /proc. */
import { readdir, readFile, readlink } from "node:fs/promises";

const descriptorsAtOnce = 64;

/** O_WRONLY or O_RDWR in the octal `flags:` line of fdinfo. */
function writes(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(fdinfo)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & 3) !== 0;
}

/** Processes end, and others may hide theirs, while one looks: both have nothing to show. */
async function orEmpty<T>(reading: Promise<T>, empty: T): Promise<T> {
  try {
    return await reading;
  } catch {
    return empty;
  }
}

async function isWriting(pid: string, descriptors: readonly string[], paths: ReadonlySet<string>) {
  for (let from = 0; from < descriptors.length; from += descriptorsAtOnce) {
    const some = descriptors.slice(from, from + descriptorsAtOnce);
    const targets = await Promise.all(some.map((fd) => orEmpty(readlink(`/proc/${pid}/fd/${fd}`), "")));
    for (const [index, target] of targets.entries()) {
      if (!paths.has(target)) continue;
      const info = await orEmpty(readFile(`/proc/${pid}/fdinfo/${some[index]}`, "utf8"), "");
      if (writes(info)) return true;
    }
  }
  return false;
}

/**
 * True when a process is seen that has one of the files open for writing. `paths` are real paths (no links).
 * Looks at so many processes and descriptors at most, the youngest first; what it does not see (other hosts of a
 * shared file system, processes of other users when this one is not root) it cannot deny. The bound is of work, not of
 * time: a busy machine makes it late, not blind.
 */
export async function hasOpenWriter(paths: ReadonlySet<string>, most: number): Promise<boolean> {
  let left = most;
  const names = await orEmpty(readdir("/proc"), []);
  // This process puts files in place whole; and an agent has thousands of descriptors to look through.
  const own = String(process.pid);
  const pids = names.filter((name) => /^[0-9]+$/.test(name) && name !== own).reverse();
  for (const pid of pids) {
    if (left <= 0) return false;
    const descriptors = (await orEmpty(readdir(`/proc/${pid}/fd`), [])).slice(0, left);
    if (await isWriting(pid, descriptors, paths)) return true;
    left -= 1 + descriptors.length;
  }
  return false;
}
