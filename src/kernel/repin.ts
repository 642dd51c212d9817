/**
 * Pins that somebody took away while the agent runs: the agent's handles keep everything alive, so they are made
 * again, and nothing was detached. Where the whole bpffs was unmounted, what was pinned there is still to be seen
 * through the agent's handle of its root, also what the agent has no handle of.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type BpfLink, type BpfMap, type BpfProgram, native } from "./native.ts";
import { ensureDirectory, listPins } from "./pins.ts";

/** What can be pinned. */
export type Pinnable = Pick<BpfMap | BpfProgram | BpfLink, "pin">;

/** `isDue`: asked only where the name is missing, since the kernel has to be. */
export type WantedPin = readonly [name: string, object: Pinnable, isDue?: () => boolean];

/** A change may still come in the same tick of the kernel's clock as one that was seen, ns. */
const tick = 50_000_000n;

/**
 * A directory in which everything was there. It is not listed again while nothing came or went: there are thousands of
 * pins, and it is looked at every second.
 */
export class WholeDirectory {
  #seen: string | null = null;

  /** pinMissing, where something came or went since the last time, or may have. */
  restore(directory: string, wanted: () => Iterable<WantedPin>): number {
    if (this.#seen !== null && this.#seen === describeDirectory(directory)) return 0;
    const made = pinMissing(directory, wanted());
    this.#seen = describeDirectory(directory);
    return made;
  }
}

/** Null where it is not there, or changed just now. */
function describeDirectory(directory: string): string | null {
  const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
  if (found === undefined || BigInt(Date.now()) * 1_000_000n - found.mtimeNs < tick) return null;
  return `${found.dev} ${found.ino} ${found.mtimeNs}`;
}

/** Pins what is missing of a directory's names; says how many were. */
export function pinMissing(directory: string, wanted: Iterable<WantedPin>): number {
  const present = new Set(listPins(directory));
  let made = 0;
  for (const [name, object, isDue] of wanted) {
    if (present.has(name) || isDue?.() === false) continue;
    if (made === 0) ensureDirectory(directory);
    object.pin(join(directory, name));
    made++;
  }
  return made;
}

/** Pins everything below `from` at the same names below `to`, where they are free. */
export function copyPins(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    const target = join(to, name);
    if (statSync(source).isDirectory()) {
      ensureDirectory(target);
      copyPins(source, target);
    } else if (!existsSync(target) && !name.endsWith(".debug")) {
      const object = openAny(source);
      object.pin(target);
      object.close();
    }
  }
}

/** A pin's directory says of what kind it is. */
function openAny(path: string): BpfMap | BpfProgram | BpfLink {
  const kinds = native();
  if (/\/programs-[^/]+\/[^/]+$/.test(path)) return kinds.BpfProgram.openPinned(path);
  return /\/links\/[^/]+$/.test(path) ? kinds.BpfLink.openPinned(path) : kinds.BpfMap.openPinned(path);
}
