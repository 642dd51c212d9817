/**
 * Where things are pinned. The bpffs is the only state of an agent:
 *
 *   current/maps/NAME  current/sessions/NUMBER-TABLE  current/programs-DIGEST/NAME  current/layout-DIGEST/
 *   links/IFINDEX-HOOK
 *
 * What belongs together stands in one directory. A new layout is brought in under `fresh/`; then `current` is
 * renamed to `old` and `fresh` to `current`, so that a start after a kill finds one or the other, whole.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";

export class Pins {
  readonly root: string;
  #set: "current" | "fresh" = "current";

  constructor(root: string) {
    this.root = root;
  }

  /** From now on everything but links is that of the new layout. */
  useFresh(): void {
    this.#set = "fresh";
  }

  get set(): string {
    return join(this.root, this.#set);
  }

  get maps(): string {
    return join(this.set, "maps");
  }

  get sessions(): string {
    return join(this.set, "sessions");
  }

  get links(): string {
    return join(this.root, "links");
  }

  /** Of an object file's digest. */
  programs(digest: string): string {
    return join(this.set, `programs-${digest}`);
  }

  /** Digest of the layout that the maps were made under; null: they were not made whole. */
  get layout(): string | null {
    const name = listPins(this.set).find((entry) => entry.startsWith("layout-"));
    return name === undefined ? null : name.slice("layout-".length);
  }

  setLayout(digest: string): void {
    ensureDirectory(join(this.set, `layout-${digest}`));
  }

  /** Goes on with a change of layout that was decided, forgets one that was not, and what was half written. */
  settle(): void {
    const [current, fresh, old] = ["current", "fresh", "old"].map((name) => join(this.root, name));
    if (current === undefined || fresh === undefined || old === undefined) return;
    if (existsSync(old) && !existsSync(current) && existsSync(fresh)) renameSync(fresh, current);
    removeTree(fresh);
    removeTree(old);
    for (const name of listPins(current)) if (name.endsWith("-partial")) removeTree(join(current, name));
  }

  /** The new layout is enforced: it takes the old one's place. */
  commitFresh(): void {
    const current = join(this.root, "current");
    if (existsSync(current)) renameSync(current, join(this.root, "old"));
    renameSync(join(this.root, "fresh"), current);
    this.#set = "current";
    this.settle();
  }

  /** Programs of other objects: nothing runs them any more. */
  removeOtherPrograms(digest: string): void {
    for (const name of listPins(this.set)) {
      if (name.startsWith("programs-") && name !== `programs-${digest}`) removeTree(join(this.set, name));
    }
  }

  /**
   * Everything of ours; the root stays, and the kernel's own files in it. The layout goes before the maps: a set without
   * one is known to be no whole one, so whoever comes after a cut begins anew.
   */
  removeAll(): void {
    removeTree(join(this.root, "links"));
    const current = join(this.root, "current");
    for (const name of listPins(current)) if (name.startsWith("layout-")) removeTree(join(current, name));
    for (const name of ["current", "fresh", "old"]) removeTree(join(this.root, name));
  }
}

/** Names of what is in a directory; none where there is no such directory. */
export function listPins(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

export function ensureDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Pins and directories; a kernel object lives on while something else holds it. */
export function removeTree(path: string): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) {
    unlinkSync(path);
    return;
  }
  for (const name of readdirSync(path)) removeTree(join(path, name));
  rmdirSync(path);
}

export function removePin(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}
