/**
 * The agent's socket on disk. It is bound under a name of its own and then renamed, so that it is complete when
 * it appears; what stands in its place and is not a dead socket of our own is never touched.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, type Stats, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

export interface SocketOptions {
  readonly path: string;
  /** Group that may connect; undefined: only the agent's own user and root. */
  readonly group: number | undefined;
}

/** Where the socket cannot be: the message says what stands there and what to do. */
export class SocketError extends Error {}

/**
 * Makes `server` listen at the path: folder 0750, socket 0660, both of the group.
 * @returns a function that takes the socket away again, if it is still the one that was made here
 * @throws SocketError where something else stands at the path, or another agent answers there
 */
export async function listenAt(server: Server, options: SocketOptions): Promise<() => void> {
  const { path, group } = options;
  prepareFolder(dirname(path), group);
  await requireFree(path);
  const fresh = `${path}.${process.pid}`;
  if (describePath(fresh) === "a socket") unlinkSync(fresh); // Left by a process of this number that was killed.
  await bind(server, fresh);
  chmodSync(fresh, 0o660);
  if (group !== undefined) chownSync(fresh, process.geteuid?.() ?? 0, group);
  const made = lstatSync(fresh);
  renameSync(fresh, path);
  return () => {
    const now = readStats(path);
    if (now !== undefined && now.ino === made.ino && now.dev === made.dev) unlinkSync(path);
  };
}

function prepareFolder(folder: string, group: number | undefined): void {
  const found = readStats(folder);
  if (found === undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    chmodSync(folder, 0o750); // mkdir's mode passes through the umask.
    if (group !== undefined) chownSync(folder, process.geteuid?.() ?? 0, group);
    return;
  }
  if (!found.isDirectory()) {
    throw new SocketError(
      `${folder} is ${describe(found)}, and the socket's folder must be a directory of its own.`,
    );
  }
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) {
    throw new SocketError(
      `${folder} belongs to user ${found.uid}: whoever owns the folder could replace the socket.`,
    );
  }
  if ((found.mode & 0o002) !== 0) {
    throw new SocketError(
      `${folder} may be written by everybody: take that away with \`chmod o-w ${folder}\`.`,
    );
  }
}

/** Refuses a path where something stands that a rename must not replace. */
async function requireFree(path: string): Promise<void> {
  const found = readStats(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new SocketError(
      `${path} is ${describe(found)}, which the agent did not put there. Remove it, or name another socket.`,
    );
  }
  if (found.uid !== process.geteuid?.()) {
    throw new SocketError(`${path} is a socket of user ${found.uid}. Remove it, or name another socket.`);
  }
  if (await answers(path)) {
    throw new SocketError(
      `Another process answers at ${path}. Stop it, or name another socket in agent.yaml (socket.path).`,
    );
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // A full backlog is somebody's, too: only a refusal says that nobody listens.
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}

/** Binds with a umask that lets nobody in before the mode is set; libuv binds within the call. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function readStats(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function describePath(path: string): string | undefined {
  const found = readStats(path);
  return found && describe(found);
}

function describe(found: Stats): string {
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isFIFO()) return "a FIFO";
  if (found.isDirectory()) return "a directory";
  if (found.isSocket()) return "a socket";
  return found.isFile() ? "a file" : "a device";
}
