/** Notices that something in some directories has changed; what it was is for others to find out. */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

interface Watched {
  readonly watcher: FSWatcher;
  /** A directory that was replaced has another inode: its watcher sees nothing any more. */
  readonly inode: number;
}

/**
 * Watches directories, never files: a watch on a file ends when the file is replaced. A directory that
 * cannot be watched (no inotify watches left, a file system without them) is left to the caller's timer.
 */
export class FolderWatch {
  readonly #onChange: () => void;
  readonly #watched = new Map<string, Watched>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Makes these the directories that are watched. */
  async set(folders: ReadonlySet<string>): Promise<void> {
    const inodes = new Map<string, number>();
    for (const folder of folders) {
      const stats = await stat(folder).catch(() => null); // Gone: whatever brings it back shows in its parent.
      if (stats !== null) inodes.set(folder, stats.ino);
    }
    for (const [folder, { inode }] of this.#watched) {
      if (inodes.get(folder) !== inode) this.#drop(folder);
    }
    for (const [folder, inode] of inodes) if (!this.#watched.has(folder)) this.#add(folder, inode);
  }

  #add(folder: string, inode: number): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, { persistent: true }, () => this.#onChange());
    } catch {
      return; // ENOSPC, ENOENT: the caller looks by the clock as well.
    }
    watcher.on("error", () => {
      this.#drop(folder);
      this.#onChange();
    });
    this.#watched.set(folder, { watcher, inode });
  }

  #drop(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }

  close(): void {
    for (const folder of [...this.#watched.keys()]) this.#drop(folder);
  }
}
