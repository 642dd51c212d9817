/**
 * What was applied last, kept over restarts: the revision goes on growing, and rules that were damaged while no
 * agent ran do not take the place of the last good ones.
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { writeWhole } from "./durable.ts";

export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

const applied = z.object({
  revision: z.number().int().positive(),
  digest: z.string(),
  time: z.string(),
  files: z.array(z.object({ path: z.string(), text: z.string() })),
});
/** `time`: RFC 3339. `digest`: of the files. */
export type Applied = z.infer<typeof applied>;

/**
 * Digest of a set of files: equal sets are one revision. Files go by their names without the folder, and one
 * that stands alone by its text, so that what `apply` was given is what it is found to be in the store.
 */
export function digestFiles(files: readonly RuleFile[]): string {
  const hash = createHash("sha256");
  const named = files.map(({ path, text }) => ({ name: files.length === 1 ? "" : basename(path), text }));
  for (const { name, text } of named.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:`).update(text);
  }
  return hash.digest("hex");
}

/** The file in the state directory that holds it. */
export class AppliedRecord {
  readonly #path: string;
  #last: Applied | null = null;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the state directory, making it where it is missing (0700: the rules are nobody else's).
   * @param onDamage told when the record cannot be read as one; the agent then goes on without it
   */
  static async open(directory: string, onDamage: (message: string) => void): Promise<AppliedRecord> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    const record = new AppliedRecord(join(directory, "applied.json"));
    record.#last = await readApplied(record.#path, onDamage);
    return record;
  }

  get last(): Applied | null {
    return this.#last;
  }

  /** The revision that these files are, or would be. */
  revisionOf(digest: string): number {
    if (this.#last === null) return 1;
    return this.#last.digest === digest ? this.#last.revision : this.#last.revision + 1;
  }

  /** Writes down what is in force now. */
  async keep(files: readonly RuleFile[], digest: string, time: Date): Promise<Applied> {
    const revision = this.revisionOf(digest);
    if (this.#last?.digest === digest) return this.#last;
    const next = { revision, digest, time: time.toISOString(), files: [...files] };
    // In memory first: what is in force is in force, whether or not the disk takes it.
    this.#last = next;
    await writeWhole(this.#path, `${JSON.stringify(next)}\n`);
    return next;
  }
}

async function readApplied(path: string, onDamage: (message: string) => void): Promise<Applied | null> {
  try {
    const parsed = applied.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (parsed.success) return parsed.data;
    onDamage(`${path} is damaged: ${parsed.error.issues[0]?.message ?? "not understood"}`);
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    onDamage(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
