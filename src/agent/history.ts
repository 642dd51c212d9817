/**
 * Every applied revision, a file each, kept over restarts: so the revision goes on growing, `rollback` has
 * something to go back to, and rules that were damaged while no agent ran do not take the place of the last
 * good ones, which are the newest entry.
 *
 *   STATE/history/12      line 1: what the revision is known by, line 2: its files
 */
import { chmod, mkdir, open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCode } from "../model/unreadable.ts";
import { type Applied, digestFiles, type RuleFile } from "./applied.ts";
import { isUnwritable, removeUnfinished, writeWhole } from "./durable.ts";
import { Failure } from "./failure.ts";
import { type Origin, type RevisionHead, revisionHead } from "./revision-head.ts";

/** Older revisions go when there are more, or when all files together are larger. The newest always stays. */
const entriesAtMost = 100;
const bytesAtMost = 64 * 1024 * 1024;

const filesLine = z.array(z.object({ path: z.string(), text: z.string() }));

/** What is written down of a change that took effect. */
export interface NewRevision {
  readonly files: readonly RuleFile[];
  readonly digest: string;
  readonly time: Date;
  readonly by: Origin;
  readonly counts: Omit<RevisionHead["counts"], "files">;
}

/** Heads of revisions, newest first, and what could not be read. */
export interface HistoryListing {
  readonly revisions: readonly RevisionHead[];
  readonly damaged: readonly string[];
}

export class History {
  readonly #folder: string;
  #last: Applied | null = null;
  /** The highest number that any file has: also of one that is damaged. */
  #highest = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Opens the state directory, making it where it is missing (0700: the rules are nobody else's), and removes what an
   * agent that was killed was writing there. One that is there and cannot be written has what it had: an agent that did not
   * start for that would leave new guests without protection.
   * @throws Failure where the directory cannot be used
   * @param onDamage told of revisions newer than the newest good one that cannot be read, which are passed over, and of a
   *   directory that nothing can be written into
   */
  static async open(directory: string, onDamage: (message: string) => void): Promise<History> {
    const history = new History(join(directory, "history"));
    for (const folder of [directory, history.#folder]) await prepareFolder(folder, onDamage);
    const numbers = await history.#numbers();
    history.#highest = numbers[0] ?? 0;
    for (const number of numbers) {
      try {
        history.#last = await history.#read(number);
        break;
      } catch (error) {
        onDamage(describe(error));
      }
    }
    return history;
  }

  /** The newest revision that can be read. */
  get last(): Applied | null {
    return this.#last;
  }

  /** The revision that these files are, or would be: numbers grow, whatever the clock says. */
  revisionOf(digest: string): number {
    return this.#last?.digest === digest ? this.#last.revision : this.#highest + 1;
  }

  /** Writes down what is in force now. Nothing where it was in force already. */
  async keep({ files, digest, time, by, counts }: NewRevision): Promise<Applied> {
    if (this.#last?.digest === digest) return this.#last;
    const head: RevisionHead = {
      revision: this.#highest + 1,
      time: time.toISOString(),
      digest,
      by,
      counts: { files: files.length, ...counts },
      bytes: files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    };
    const plain = files.map(({ path, text }) => ({ path, text }));
    // In memory first: what is in force is in force, whether or not the disk takes it.
    this.#last = { ...head, files: plain };
    this.#highest = head.revision;
    await writeWhole(this.#pathOf(head.revision), `${JSON.stringify(head)}\n${JSON.stringify(plain)}\n`);
    await this.#prune();
    return this.#last;
  }

  /** What there is, newest first by number. */
  async list(): Promise<HistoryListing> {
    const revisions: RevisionHead[] = [];
    const damaged: string[] = [];
    for (const number of await this.#numbers()) {
      try {
        revisions.push(await this.#readHead(number));
      } catch (error) {
        damaged.push(describe(error));
      }
    }
    return { revisions, damaged };
  }

  /**
   * A revision with its files.
   * @throws Failure `refused` where there is none of this number (naming those that there are), or its file is damaged
   */
  async read(revision: number): Promise<Applied> {
    const numbers = await this.#numbers();
    if (numbers.includes(revision)) return this.#read(revision);
    const [newest] = numbers;
    const oldest = numbers.at(-1);
    const kept =
      newest === undefined
        ? "none is kept yet"
        : `kept are ${oldest} to ${newest}; \`ringwall history\` lists them`;
    throw new Failure("refused", `There is no revision ${revision}: ${kept}.`);
  }

  #pathOf(revision: number): string {
    return join(this.#folder, String(revision));
  }

  /** Highest first. Names that are no numbers are somebody else's. */
  async #numbers(): Promise<number[]> {
    const names = await readdir(this.#folder);
    return names
      .filter((name) => /^[1-9]\d{0,14}$/.test(name))
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #read(revision: number): Promise<Applied> {
    const path = this.#pathOf(revision);
    const text = await readFile(path, "utf8").catch(refuseUnreadable(path));
    const end = text.indexOf("\n");
    const head = parseHead(path, text.slice(0, Math.max(end, 0)), revision);
    const files = filesLine.safeParse(parseJson(path, text.slice(end + 1)));
    if (!files.success || digestFiles(files.data) !== head.digest)
      throw refuseDamaged(path, "its files are not those that were applied");
    return { ...head, files: files.data };
  }

  /** The first line alone: the files behind it may be large. */
  async #readHead(revision: number): Promise<RevisionHead> {
    const path = this.#pathOf(revision);
    const file = await open(path, "r").catch(refuseUnreadable(path));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
      const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n", 1);
      return parseHead(path, line, revision);
    } finally {
      await file.close();
    }
  }

  async #prune(): Promise<void> {
    let bytes = 0;
    for (const [place, number] of (await this.#numbers()).entries()) {
      bytes += (await stat(this.#pathOf(number))).size;
      if (place > 0 && (place >= entriesAtMost || bytes > bytesAtMost)) await unlink(this.#pathOf(number));
    }
  }
}

function parseHead(path: string, line: string, revision: number): RevisionHead {
  const head = revisionHead.safeParse(parseJson(path, line));
  if (head.success && head.data.revision === revision) return head.data;
  const issue = head.success ? undefined : head.error.issues[0];
  throw refuseDamaged(
    path,
    issue === undefined ? "it is of another revision" : `${issue.path.join(".")}: ${issue.message}`,
  );
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuseDamaged(path, "it is cut off or overwritten", error);
  }
}

function refuseDamaged(path: string, why: string, cause?: unknown): Failure {
  return new Failure("refused", `${path} is damaged: ${why}.`, { cause });
}

function refuseUnreadable(path: string): (error: unknown) => never {
  return (error) => {
    throw new Failure("refused", `${path} cannot be read: ${describe(error)}.`, { cause: error });
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes a folder where it is missing, and takes away what was left half written there. */
async function prepareFolder(folder: string, onDamage: (message: string) => void): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await removeUnfinished(folder);
  } catch (error) {
    if (isUnwritable(error) && (await isFolder(folder))) {
      onDamage(
        `The state directory ${folder} cannot be written (${errorCode(error)}): what comes into force is not remembered.`,
      );
      return;
    }
    const how = "run as root, or name another directory with --state-dir";
    const message = `The state directory ${folder} cannot be used (${errorCode(error)}): ${how}.`;
    throw new Failure("refused", message, { cause: error });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false; // What is not there is none.
}
