/**
 * What a change that waits for its confirmation is, on disk: so that the next agent can go on with it. Written
 * before the change is in force, taken away after it was decided.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeWhole } from "./durable.ts";
import { origin } from "./revision-head.ts";

const files = z.array(z.object({ path: z.string(), text: z.string() }));
const record = z.object({
  /** When it was applied, RFC 3339. */
  since: z.string(),
  seconds: z.number(),
  by: origin,
  digest: z.string(),
  files,
  /** What the store held when the change was made (StoreState). */
  store: z.string(),
  /** What it goes back to. */
  before: z.object({ revision: z.number(), applied: z.string(), digest: z.string(), files }),
});
export type WaitingRecord = z.infer<typeof record>;

/** The file of a state directory that holds it. */
export class WaitingFile {
  readonly #path: string;
  readonly #onDamage: (message: string) => void;

  /** @param onDamage told where it cannot be read as one; the change then counts as unconfirmed */
  constructor(directory: string, onDamage: (message: string) => void) {
    this.#path = join(directory, "waiting.json");
    this.#onDamage = onDamage;
  }

  /** Null: no change waits, or the file is damaged. */
  async read(): Promise<WaitingRecord | null> {
    try {
      const parsed = record.safeParse(JSON.parse(await readFile(this.#path, "utf8")));
      if (parsed.success) return parsed.data;
      this.#onDamage(`${this.#path} is damaged: ${parsed.error.issues[0]?.message ?? "not understood"}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      this.#onDamage(
        `${this.#path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return null;
  }

  async write(waiting: WaitingRecord): Promise<void> {
    await writeWhole(this.#path, `${JSON.stringify(waiting)}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
