/** One rules file from the disk: opened once, judged by what was opened, read whole. */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Diagnostic } from "../model/diagnostic.ts";
import { describeUnreadable, directoryHere, errorCode } from "../model/unreadable.ts";
import {
  type Decoded,
  decodeFile,
  describeTooLarge,
  fileBytesMax,
  refuseFile,
} from "../model/yaml/decode.ts";

/**
 * Why somebody other than root, this process's user and the file's group could change it, or null.
 * As sshd does for its files: whoever can write the rules can open every guest.
 */
function whyNotTrusted(stats: Stats): string | null {
  if ((stats.mode & 0o002) !== 0) return "everybody may write it: take that away with `chmod o-w`";
  const self = process.geteuid?.() ?? 0;
  if (stats.uid === 0 || stats.uid === self) return null;
  return `it belongs to user ${stats.uid}, who may write it: give it to root with \`chown root\``;
}

/** A directory that others may write lets them replace its files. */
export async function checkFolder(path: string): Promise<Diagnostic | null> {
  const why = whyNotTrusted(await stat(path));
  return why === null
    ? null
    : refuseFile("file-access", path, `the directory is not trusted: ${why}`).diagnostic;
}

/**
 * Reads one file. Links are followed, because directories are switched by them; what counts is the file that
 * was opened. `trusted`: it is read whoever may write it (a file that its user names).
 */
export async function readRulesFile(path: string, { trusted = false } = {}): Promise<Decoded> {
  let file: FileHandle;
  try {
    // Without O_NONBLOCK a FIFO of this name would hold the agent for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return refuseFile("file-unreadable", path, describeUnreadable(errorCode(error)));
  }
  try {
    return await readOpened(path, file, trusted);
  } catch (error) {
    return refuseFile("file-unreadable", path, describeUnreadable(errorCode(error)));
  } finally {
    await file.close();
  }
}

async function readOpened(path: string, file: FileHandle, trusted: boolean): Promise<Decoded> {
  const stats = await file.stat();
  if (stats.isDirectory()) {
    return refuseFile("file-unreadable", path, directoryHere);
  }
  if (!stats.isFile()) return refuseFile("file-unreadable", path, "it is no file: put a file in its place");
  const why = trusted ? null : whyNotTrusted(stats);
  if (why !== null) return refuseFile("file-access", path, `the file is not trusted: ${why}`);
  if (stats.size > fileBytesMax) return refuseFile("file-too-large", path, describeTooLarge(stats.size));
  return decodeFile(path, await readBytes(file, stats.size));
}

/** At most one byte more than the bound, however the file grows meanwhile. */
async function readBytes(file: FileHandle, size: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (let wanted = Math.max(size, 4096); total <= fileBytesMax; wanted = 65_536) {
    const buffer = Buffer.allocUnsafe(Math.min(wanted, fileBytesMax + 1 - total));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(chunks);
}
