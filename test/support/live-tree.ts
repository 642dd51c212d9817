/** A folder that somebody else writes to all the while. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

/** Every path below it, a folder's before what is in it. What goes while it is looked at may be missing. */
export function listLive(folder: string, prefix = ""): string[] {
  return entriesOf(folder)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${prefix}${entry.name}`;
      return entry.isDirectory() ? [path, ...listLive(join(folder, entry.name), `${path}/`)] : [path];
    });
}

/** In a bpffs without the two files that the kernel puts into each; none of a folder that is gone. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.endsWith(".debug"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
