import { randomBytes } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Bytes of what tells two writers of a file apart. */
const markSize = 6;
const unfinished = new RegExp(`\\.[0-9a-f]{${markSize * 2}}\\.new$`);

/** What a disk answers that is full, or that the kernel has made read-only after an error; what it has can be read. */
const unwritable: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/** Whether nothing can be written, though nothing else may be wrong. */
export function isUnwritable(error: unknown): boolean {
  return unwritable.has((error as NodeJS.ErrnoException).code);
}

/**
 * Writes a file whole: a reader, and a machine that loses power, sees the old text or the new one. The file
 * gets mode 0600.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const fresh = nameFresh(path);
  try {
    await withFile(fresh, "wx", async (file) => {
      await file.writeFile(content);
      await file.sync();
    });
    await rename(fresh, path);
  } catch (error) {
    await unlink(fresh).catch(() => undefined); // What failed is said by the first error.
    throw error;
  }
  await withFile(dirname(path), "r", (folder) => folder.sync());
}

/**
 * As writeWhole, at once, and without waiting for the disk: for what is worth nothing once the machine has lost power.
 */
export function replaceFile(path: string, content: string): void {
  const fresh = nameFresh(path);
  try {
    writeFileSync(fresh, content, { flag: "wx", mode: 0o600 });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

function nameFresh(path: string): string {
  return `${path}.${randomBytes(markSize).toString("hex")}.new`;
}

/** Removes what writers that were killed left in a folder. Nobody may be writing there. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (unfinished.test(name)) await unlink(join(folder, name));
  }
}

async function withFile(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
