/** Which files a store's path means, and a signature that changes with them. */
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import type { Diagnostic } from "../model/diagnostic.ts";
import { errorCode } from "../model/unreadable.ts";

/** Rules files: `*.yaml`, but no dotfiles, editors' copies or numbered test files. */
export function isRulesFile(name: string): boolean {
  return name.endsWith(".yaml") && !name.startsWith(".");
}

/** What is easily taken for a rules file and is none. */
export function isAlmostRulesFile(name: string): boolean {
  return !name.startsWith(".") && /\.(yml|YAML|YML|json)$/.test(name);
}

/** What is said of such a file. */
export function passedOver(folder: string, name: string): Diagnostic {
  const place = { file: join(folder, name), line: 0, column: 0 };
  const message = "the file is not read, only *.yaml is: rename it if it holds rules";
  return { code: "file-passed-over", severity: "note", place, message, write: null, related: [] };
}

export interface Listing {
  /** Path of each rules file, in the order of the names; of a file its own path. */
  readonly files: readonly string[];
  /** Names in the directory that are almost rules files. */
  readonly almost: readonly string[];
  readonly isFolder: boolean;
}

/** Throws (ENOENT, EACCES, …) where the path cannot be listed. */
export async function listRules(path: string): Promise<Listing> {
  if (!(await stat(path)).isDirectory()) return { files: [path], almost: [], isFolder: false };
  const names = (await readdir(path)).sort();
  const files = names.filter(isRulesFile).map((name) => join(path, name));
  return { files, almost: names.filter(isAlmostRulesFile), isFolder: true };
}

/** State of one file, as far as a change shows in it. */
export interface FileState {
  readonly inode: string;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  readonly changed: bigint;
  readonly size: bigint;
}

/** State of every file by its path; an error's code stands for one that cannot be read. */
export type Signature = ReadonlyMap<string, FileState | string>;

/** Looks at all files without opening them. */
export async function takeSignature(path: string): Promise<Signature> {
  const signature = new Map<string, FileState | string>();
  try {
    const { files } = await listRules(path);
    for (const file of files) signature.set(file, await stateOf(file));
  } catch (error) {
    signature.set(path, errorCode(error));
  }
  return signature;
}

async function stateOf(file: string): Promise<FileState | string> {
  try {
    const { dev, ino, mtimeNs, ctimeNs, size } = await stat(file, { bigint: true });
    return { inode: `${dev}:${ino}`, modified: mtimeNs, changed: ctimeNs, size };
  } catch (error) {
    return errorCode(error);
  }
}

function equalStates(a: FileState | string | undefined, b: FileState | string | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return a.inode === b.inode && a.modified === b.modified && a.changed === b.changed && a.size === b.size;
}

export function equalSignatures(a: Signature, b: Signature): boolean {
  return a.size === b.size && [...a].every(([file, state]) => equalStates(state, b.get(file)));
}

/**
 * True where everything that differs was put in place by a rename: another inode, which changed (by getting
 * its name) after its content did. Such a file was whole before it got its name.
 */
export function wasMovedIn(before: Signature, after: Signature): boolean {
  for (const file of before.keys()) if (!after.has(file)) return false;
  for (const [file, state] of after) {
    const old = before.get(file);
    if (equalStates(old, state)) continue;
    if (typeof state !== "object") return false;
    if (typeof old === "object" && old.inode === state.inode) return false;
    if (state.changed === state.modified) return false;
  }
  return true;
}

const linksFollowed = 40;

/**
 * Directories whose entries decide what a path means: those of each link on the way, and the last one (the
 * path itself, where it is a directory).
 */
export async function foldersBehind(path: string): Promise<Set<string>> {
  const folders = new Set<string>();
  let rest = resolve(path).split(sep).slice(1);
  let current: string = sep;
  for (let links = 0; rest.length > 0; ) {
    const [name = "", ...others] = rest;
    const next = join(current, name);
    const stats = await lstat(next).catch(() => null); // What does not exist is watched from its directory.
    if (stats === null) break;
    if (stats.isSymbolicLink() && links < linksFollowed) {
      links += 1;
      folders.add(current);
      const link = await readlink(next).catch(() => null); // Switched this moment: its directory rings again.
      if (link === null) break;
      const target = resolve(current, link);
      rest = [...target.split(sep).slice(1), ...others];
      current = sep;
    } else {
      if (others.length === 0 && !stats.isDirectory()) break;
      current = next;
      rest = others;
    }
  }
  // The parent too: a directory can be replaced as a whole.
  folders.add(current).add(dirname(resolve(path)));
  return folders;
}

/** The directories to watch for a store's path, links of its files included. */
export async function foldersToWatch(path: string): Promise<Set<string>> {
  const folders = await foldersBehind(path);
  const { files } = await listRules(path).catch(() => ({ files: [] })); // Unreadable: its directory is watched.
  for (const file of files) for (const folder of await foldersBehind(file)) folders.add(folder);
  return folders;
}
