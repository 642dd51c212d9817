/** peer.mjs in a guest: it serves, sends and counts, and is talked to by lines. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const peerProgram = fileURLToPath(new URL("peer.mjs", import.meta.url));

/** A peer in a namespace, in one of its modes; the caller ends it. */
export function startPeer(namespace: string, mode: string, argument: object = {}): ChildProcess {
  const words = [
    `--net=/run/netns/${namespace}`,
    process.execPath,
    peerProgram,
    mode,
    JSON.stringify(argument),
  ];
  return spawn("nsenter", words, { stdio: ["pipe", "pipe", "inherit"] });
}

/** Says a word to a peer, if there is one to say, and hears its next line. */
export async function hear(child: ChildProcess, word?: string): Promise<string> {
  if (child.stdout === null) throw new Error("no output");
  const line = once(child.stdout, "data");
  if (word !== undefined) child.stdin?.write(`${word}\n`);
  const [bytes] = await line;
  return String(bytes);
}
