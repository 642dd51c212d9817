/**
 * When a change is at rest, so that half of a file is never read.
 *
 * A file that was moved into place was whole before it got its name; a short rest tells a single change from
 * the first of several. A file written in place is another matter: an editor or script may pause in the
 * middle, and what is there by then may be legal rules. Two things have to hold for it: no process has it
 * open for writing, which is the truth itself wherever /proc shows the writer; and nothing has changed for
 * half a second, which covers the writers that /proc does not show (another host of a shared file system)
 * and still leaves the other half of the second within which a change is to be in force.
 */
import { realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { equalSignatures, type Signature, takeSignature, wasMovedIn } from "./listing.ts";
import { hasOpenWriter } from "./writers.ts";

/** Milliseconds. */
const restAfterMove = 120;
export const restAfterWrite = 500;
const lookEvery = 40;
/** Processes and their descriptors: a quarter of a second of a CPU. */
const searched = 10_000;
/** A process that holds a file open for ever must not keep a change from being read for ever. */
const writerPatience = 30_000;

/** Real paths of the files of a signature; one that is gone has none. */
async function realPaths(signature: Signature): Promise<Set<string>> {
  const paths = new Set<string>();
  for (const file of signature.keys()) {
    const real = await realpath(file).catch(() => null); // Gone meanwhile: the next look shows it.
    if (real !== null) paths.add(real);
  }
  return paths;
}

/** Waits until no process is seen writing one of the files, at most half a minute. */
export async function awaitWriters(signature: Signature, signal?: AbortSignal): Promise<void> {
  const until = performance.now() + writerPatience;
  const paths = await realPaths(signature);
  while (performance.now() < until && (await hasOpenWriter(paths, searched))) {
    await sleep(lookEvery, undefined, { signal });
  }
}

/** Waits until what differs from `before` is at rest. Throws on abort. */
export async function awaitRest(path: string, before: Signature, signal: AbortSignal): Promise<void> {
  let last = await takeSignature(path);
  let since = performance.now();
  for (;;) {
    await sleep(lookEvery, undefined, { signal });
    const now = await takeSignature(path);
    if (!equalSignatures(last, now)) {
      last = now;
      since = performance.now();
    }
    if (equalSignatures(before, now)) return;
    const rest = wasMovedIn(before, now) ? restAfterMove : restAfterWrite;
    if (performance.now() - since < rest) continue;
    await awaitWriters(now, signal);
    if (equalSignatures(now, await takeSignature(path))) return;
  }
}
