/** The store of one host: a rules file, or a directory of them. */
import { createHash } from "node:crypto";
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Diagnostic, hasErrors } from "../model/diagnostic.ts";
import { errorCode } from "../model/unreadable.ts";
import { refuseFile } from "../model/yaml/decode.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { Bell } from "./bell.ts";
import {
  equalSignatures,
  foldersToWatch,
  isRulesFile,
  listRules,
  passedOver,
  type Signature,
  takeSignature,
} from "./listing.ts";
import {
  discardTemporaries,
  finishInterrupted,
  hasJournal,
  type Move,
  moveIntoPlace,
  removeStale,
  writeBeside,
} from "./place.ts";
import { checkFolder, readRulesFile } from "./rules-file.ts";
import { awaitRest, awaitWriters } from "./settle.ts";
import type { StagedFiles, Store, StoreSnapshot, Watching } from "./store.ts";
import { FolderWatch } from "./watch-folders.ts";

export interface FileStoreOptions {
  /** Files are read whoever may write them: for what a user names at the desk, not for what an agent obeys. */
  readonly trusted?: boolean;
  /** Finishes writes that a crash interrupted: for the agent, which is the only one of its host. */
  readonly recovers?: boolean;
}

interface Reading {
  readonly snapshot: StoreSnapshot;
  readonly signature: Signature;
}

/** Milliseconds between two looks by the clock, for changes that no watch reports. */
const lookEvery = 2000;
/**
 * Where nothing rings and nothing is new, so many looks pass until it is seen again which directories there are to watch:
 * that takes three times as long as the look, which goes by the path itself and needs none of them.
 */
const quietLooks = 10;
const readsAtMost = 50;

export class FileStore implements Store {
  readonly name: string;
  readonly #trusted: boolean;
  readonly #recovers: boolean;
  /**
   * What the watch need not tell any more: what it told last, what was written, and what was loaded before it began. What
   * is loaded later tells somebody else; nobody need do anything about it.
   */
  #digest: string | null = null;
  #seen: Signature | null = null;
  #isWatched = false;
  /** Reads and writes of this process come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, { trusted = false, recovers = false }: FileStoreOptions = {}) {
    this.name = path;
    this.#trusted = trusted;
    this.#recovers = recovers;
  }

  load(signal?: AbortSignal): Promise<StoreSnapshot> {
    return this.#inTurn(async () => {
      const reading = await this.#read(signal);
      if (!this.#isWatched) this.#note(reading);
      return reading.snapshot;
    });
  }

  async watch(
    onChange: (snapshot: StoreSnapshot) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<Watching> {
    signal.throwIfAborted();
    const bell = new Bell();
    const folders = new FolderWatch(() => bell.ring());
    await folders.set(await foldersToWatch(this.name));
    this.#isWatched = true;
    // Changes since the last read are noticed by the first look, those after it by the watch.
    this.#seen ??= await takeSignature(this.name);
    const follow = async () => {
      try {
        let isDue = true;
        for (let quiet = 0; !signal.aborted; quiet += 1) {
          const heard = bell.next(lookEvery, signal);
          const isChanged = await this.#look(onChange, signal);
          if (isDue || isChanged || quiet % quietLooks === 0)
            await folders.set(await foldersToWatch(this.name));
          isDue = await heard;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        folders.close();
      }
    };
    return { ended: follow() };
  }

  /** One look: waits for rest, reads, and says what is new. False where nothing differs. */
  async #look(
    onChange: (snapshot: StoreSnapshot) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const before = this.#seen ?? new Map();
    if (equalSignatures(before, await takeSignature(this.name))) return false;
    await awaitRest(this.name, before, signal);
    const { isNew, snapshot } = await this.#inTurn(async () => {
      const reading = await this.#read(signal);
      return { isNew: this.#note(reading), snapshot: reading.snapshot };
    });
    if (isNew) await onChange(snapshot);
    return true;
  }

  /** Whether it differs from what was noted before. */
  #note({ snapshot, signature }: Reading): boolean {
    const isNew = snapshot.digest !== this.#digest;
    this.#digest = snapshot.digest;
    this.#seen = signature;
    return isNew;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined); // The next one waits for the end of this, not for its success.
    return turn;
  }

  /** Reads until nothing changed while it was read. */
  async #read(signal: AbortSignal | undefined): Promise<Reading> {
    for (let reads = 1; ; reads += 1) {
      signal?.throwIfAborted();
      const interrupted = await this.#awaitJournal(signal);
      const before = await takeSignature(this.name);
      await awaitWriters(before, signal);
      const { files, diagnostics } = await this.#readAll();
      const same = equalSignatures(before, await takeSignature(this.name));
      if (!same && reads < readsAtMost) continue;
      const all = [...interrupted, ...(same ? [] : [this.#neverAtRest()]), ...diagnostics];
      return { snapshot: { files, diagnostics: all, digest: digestOf(files, all) }, signature: before };
    }
  }

  #neverAtRest(): Diagnostic {
    const message = "the rules change all the time while they are read: stop what writes them";
    return refuseFile("file-unreadable", this.name, message).diagnostic;
  }

  /** Waits for a write of several files that is going on; one that a crash interrupted is finished, or said. */
  async #awaitJournal(signal: AbortSignal | undefined): Promise<Diagnostic[]> {
    if (this.#recovers && (await hasJournal(this.name))) {
      try {
        await finishInterrupted(this.name);
      } catch (error) {
        const message = `a write was interrupted and cannot be finished (${errorCode(error)}): write the rules again`;
        return [refuseFile("file-unreadable", this.name, message).diagnostic];
      }
    }
    for (let waited = 0; await hasJournal(this.name); waited += 1) {
      if (waited === 40) {
        const message = "a write was interrupted: start the agent, which finishes it";
        return [refuseFile("file-unreadable", this.name, message).diagnostic];
      }
      await sleep(50, undefined, { signal });
    }
    return [];
  }

  async #readAll(): Promise<{ files: SourceText[]; diagnostics: Diagnostic[] }> {
    const files: SourceText[] = [];
    const diagnostics: Diagnostic[] = [];
    try {
      const listing = await listRules(this.name);
      if (listing.isFolder && !this.#trusted) {
        const untrusted = await checkFolder(this.name);
        if (untrusted !== null) diagnostics.push(untrusted);
      }
      for (const path of listing.files) {
        const decoded = await readRulesFile(path, { trusted: this.#trusted });
        if (decoded.ok) files.push(decoded.source);
        else diagnostics.push(decoded.diagnostic);
      }
      for (const name of listing.almost) diagnostics.push(passedOver(this.name, name));
    } catch (error) {
      const message = `it cannot be read (${errorCode(error)}): make a directory with rules in it, or correct the path`;
      diagnostics.push(refuseFile("file-unreadable", this.name, message).diagnostic);
    }
    return { files, diagnostics };
  }

  async stage(files: readonly SourceText[]): Promise<StagedFiles> {
    const { folder, moves } = await this.#planMoves(files);
    const ready: Move[] = [];
    if (this.#recovers) await removeStale(folder);
    try {
      for (const { name, text } of moves) {
        ready.push({ name, temporary: text === null ? null : await writeBeside(folder, name, text) });
      }
    } catch (error) {
      await discardTemporaries(folder, ready);
      throw error;
    }
    return {
      commit: () => this.#inTurn(() => this.#commit(folder, ready, files)),
      discard: () => discardTemporaries(folder, ready),
    };
  }

  /** What else is there by then somebody saved meanwhile: the watch tells of it. */
  async #commit(folder: string, moves: readonly Move[], files: readonly SourceText[]): Promise<void> {
    if (moves.length > 0) await moveIntoPlace(folder, moves);
    const reading = await this.#read(undefined);
    if (holdsJust(reading.snapshot, files)) this.#note(reading);
  }

  async write(files: readonly SourceText[]): Promise<void> {
    await (await this.stage(files)).commit();
  }

  /** What differs: names in one directory, and their new text; null: the file goes. */
  async #planMoves(
    files: readonly SourceText[],
  ): Promise<{ folder: string; moves: { name: string; text: string | null }[] }> {
    const stats = await stat(this.name).catch(() => null); // It may not be there yet.
    if (stats === null ? isRulesFile(basename(this.name)) : !stats.isDirectory())
      return this.#planFile(files);
    const folder = await realpath(this.name);
    const wanted = new Map<string, string>();
    for (const { path, text } of files) {
      const name = basename(path);
      if (!isRulesFile(name))
        throw new Error(`${name} is no name of a rules file: write one that ends with .yaml`);
      if (wanted.has(name)) throw new Error(`two files are named ${name}: give one of them another name`);
      wanted.set(name, text);
    }
    const { files: there } = await listRules(folder);
    const moves: { name: string; text: string | null }[] = [];
    for (const [name, text] of wanted)
      if (await this.#differs(join(folder, name), text)) moves.push({ name, text });
    for (const path of there)
      if (!wanted.has(basename(path))) moves.push({ name: basename(path), text: null });
    return { folder, moves };
  }

  async #planFile(
    files: readonly SourceText[],
  ): Promise<{ folder: string; moves: { name: string; text: string | null }[] }> {
    const [file, ...others] = files;
    if (file === undefined || others.length > 0) {
      throw new Error(
        `${this.name} is one file, ${files.length} are to be written: name a directory as the store`,
      );
    }
    const path = await realpath(this.name).catch(() => this.name); // A file that is not there yet is no link.
    const moves = (await this.#differs(path, file.text)) ? [{ name: basename(path), text: file.text }] : [];
    return { folder: dirname(path), moves };
  }

  /** Files that stay as they are keep their inode and time. A link would be replaced by a file: refused. */
  async #differs(path: string, text: string): Promise<boolean> {
    const stats = await lstat(path).catch(() => null); // A new file differs from nothing.
    if (stats === null) return true;
    const decoded = await readRulesFile(path, { trusted: true });
    const same = decoded.ok && decoded.source.text === text;
    if (!same && stats.isSymbolicLink())
      throw new Error(`${path} is a link: change the file that it leads to`);
    return !same;
  }
}

/** Files go by their names without the folder, and one that stands alone by its text. */
function holdsJust({ files, diagnostics }: StoreSnapshot, wanted: readonly SourceText[]): boolean {
  const isThere = ({ path, text }: SourceText) =>
    files.some((one) => one.text === text && (files.length === 1 || basename(one.path) === basename(path)));
  return !hasErrors(diagnostics) && files.length === wanted.length && wanted.every(isThere);
}

function digestOf(files: readonly SourceText[], diagnostics: readonly Diagnostic[]): string {
  const hash = createHash("sha256");
  for (const part of [...files.flatMap(({ path, text }) => [path, text]), JSON.stringify(diagnostics)]) {
    hash.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return hash.digest("hex");
}
