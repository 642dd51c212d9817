import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { native } from "../kernel/native.ts";
import { isUnwritable } from "./durable.ts";
import { Failure } from "./failure.ts";

/** Held while the agent runs; the kernel lets go of it however the process ends. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock of the one agent of a host. The file stays when the lock is released: unlinking it would let
 * two agents lock two files of one name.
 * @throws Failure `refused` when another agent holds it, or the file is not a plain file
 */
export function acquireLock(path: string): Lock {
  makeFolder(dirname(path));
  const fd = openLock(path);
  try {
    if (!fstatSync(fd).isFile())
      throw new Failure("refused", `The lock ${path} is no plain file: remove it.`);
    if (!native().lockFile(fd)) throw new Failure("refused", describeHolder(path));
    nameHolder(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}

/** A disk that is full keeps no host without protection: the next one is told of another agent, and not which. */
function nameHolder(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const how = "run as root, or name another place with --lock";
    throw new Failure("refused", `The lock's folder ${folder} cannot be made (${code}): ${how}.`, {
      cause: error,
    });
  }
}

function openLock(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    // O_NONBLOCK: a FIFO planted here must not hold the agent up.
    return openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === "ELOOP" ? "is a symbolic link" : `cannot be opened (${code})`;
    throw new Failure("refused", `The lock ${path} ${what}: remove it, or name another with --lock.`, {
      cause: error,
    });
  }
}

function describeHolder(path: string): string {
  const pid = /^\d+$/.exec(readFileSync(path, "utf8").trim())?.[0];
  const who = pid === undefined ? "Another agent" : `Another agent (pid ${pid})`;
  return `${who} holds ${path}: one host has one agent. Stop it first, or see \`ringwall status\`.`;
}
