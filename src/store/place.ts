/**
 * Writing files of a store: all of them first beside their places, then into them.
 *
 * Whatever fails on a full or broken disk fails while the new files wait beside the old ones. A single file
 * takes its place by one rename. Several do so behind a journal: once it is on the disk, an agent that
 * starts after a crash finishes what it says, so that what is read is all the old files or all the new ones.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCode } from "../model/unreadable.ts";

/** Names in one directory. `temporary` null: the file goes. */
export interface Move {
  readonly temporary: string | null;
  readonly name: string;
}

const journalName = ".ringwall-write";
const namePart = z.string().regex(/^[^/\0]+$/);
const journalShape = z.array(
  z.strictObject({
    temporary: namePart.regex(/^\..+\.new$/).nullable(),
    name: namePart.regex(/^[^.].*\.yaml$/),
  }),
);

async function withFile(path: string, flags: string, mode: number, use: (file: FileHandle) => Promise<void>) {
  const file = await open(path, flags, mode);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** Makes the names of a directory durable. */
async function syncFolder(folder: string): Promise<void> {
  await withFile(folder, "r", 0, (handle) => handle.sync());
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** Writes a file that nobody reads yet, durably, with the mode and owner of the one that it is to replace. */
export async function writeBeside(folder: string, name: string, text: string): Promise<string> {
  const temporary = `.${name}.${randomBytes(6).toString("hex")}.new`;
  const old = await stat(join(folder, name)).catch(() => null); // A new file has nothing to take over.
  const path = join(folder, temporary);
  try {
    await withFile(path, "wx", 0o600, async (file) => {
      await file.writeFile(text);
      if (old !== null && process.geteuid?.() === 0) await file.chown(old.uid, old.gid);
      await file.chmod(old === null ? 0o640 : old.mode & 0o7775);
      await file.sync();
    });
  } catch (error) {
    await removeIfThere(path);
    throw error;
  }
  return temporary;
}

export async function discardTemporaries(folder: string, moves: readonly Move[]): Promise<void> {
  for (const { temporary } of moves) if (temporary !== null) await removeIfThere(join(folder, temporary));
}

async function writeJournal(folder: string, moves: readonly Move[]): Promise<void> {
  const path = join(folder, `${journalName}.new`);
  await removeIfThere(path);
  await withFile(path, "wx", 0o600, async (file) => {
    await file.writeFile(JSON.stringify(moves));
    await file.sync();
  });
  await rename(path, join(folder, journalName));
  await syncFolder(folder);
}

/** Puts files in place. On an error the old ones are back, and the error is thrown. */
export async function moveIntoPlace(folder: string, moves: readonly Move[]): Promise<void> {
  const several = moves.length > 1;
  const undo: (() => Promise<void>)[] = [];
  const clean: string[] = [];
  try {
    if (several) await writeJournal(folder, moves);
    for (const move of moves) await makeMove(folder, move, undo, clean);
    await syncFolder(folder);
    // One that stayed would be gone through again.
    if (several) await removeIfThere(join(folder, journalName));
  } catch (error) {
    await undoMoves(folder, moves, undo, error);
    await clearUp(clean);
    throw error;
  }
  await clearUp(clean);
}

/** What cannot be removed costs no more than its place, until removeStale: the files are decided by now. */
async function clearUp(paths: readonly string[]): Promise<void> {
  for (const path of paths) await removeIfThere(path).catch(() => undefined);
}

async function undoMoves(
  folder: string,
  moves: readonly Move[],
  undo: (() => Promise<void>)[],
  cause: unknown,
): Promise<void> {
  try {
    for (const step of undo.reverse()) await step();
    for (const name of [journalName, `${journalName}.new`]) await removeIfThere(join(folder, name));
    await discardTemporaries(folder, moves);
  } catch (error) {
    const message = `the old rules could not all be put back; they stand in ${folder} as .NAME.*.old`;
    throw new AggregateError([cause, error], message);
  }
}

async function makeMove(
  folder: string,
  move: Move,
  undo: (() => Promise<void>)[],
  clean: string[],
): Promise<void> {
  const path = join(folder, move.name);
  const kept = join(folder, `.${move.name}.${randomBytes(6).toString("hex")}.old`);
  const existed = await keep(path, kept);
  if (existed) {
    clean.push(kept);
    undo.push(() => rename(kept, path));
  } else {
    undo.push(() => removeIfThere(path));
  }
  if (move.temporary === null) await removeIfThere(path);
  else await rename(join(folder, move.temporary), path);
}

/** A second name for the old file, under which it outlives the change. False where there is none. */
async function keep(path: string, kept: string): Promise<boolean> {
  try {
    await link(path, kept);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

const staleAfter = 3_600_000;

/** Takes away what writes of another day left behind: whoever needed it is gone. */
export async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\..+\.yaml\.[0-9a-f]{12}\.(new|old)$/.test(name)) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null); // Somebody was faster.
    if (stats !== null && Date.now() - stats.ctimeMs > staleAfter) await removeIfThere(path);
  }
}

/** Whether a write was interrupted, or is going on. */
export async function hasJournal(folder: string): Promise<boolean> {
  return (await stat(join(folder, journalName)).catch(() => null)) !== null; // No directory has no journal.
}

/**
 * Finishes a write that a crash interrupted. The journal names files of its own directory only, so that
 * whoever may write there gains nothing by it.
 */
export async function finishInterrupted(folder: string): Promise<void> {
  const path = join(folder, journalName);
  const moves = journalShape.parse(JSON.parse(await readFile(path, "utf8")));
  for (const { temporary, name } of moves) {
    if (temporary === null) {
      await removeIfThere(join(folder, name));
    } else {
      await rename(join(folder, temporary), join(folder, name)).catch((error: unknown) => {
        if (errorCode(error) !== "ENOENT") throw error; // It took its place before the crash.
      });
    }
  }
  await syncFolder(folder);
  await removeIfThere(path);
}
