/** The hits of observing groups on disk, so that an agent that starts knows what an earlier one saw. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "./durable.ts";
import { type SavedTable, savedTable } from "./observed-table.ts";

export class ObservedFile {
  readonly #path: string;
  readonly #onDamage: (message: string) => void;

  /** @param onDamage told where it cannot be read as one; hits are then gathered anew */
  constructor(directory: string, onDamage: (message: string) => void) {
    this.#path = join(directory, "observed.json");
    this.#onDamage = onDamage;
  }

  /** Null: there is none, or it is damaged. */
  async read(): Promise<SavedTable | null> {
    try {
      const parsed = savedTable.safeParse(JSON.parse(await readFile(this.#path, "utf8")));
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

  async write(table: SavedTable): Promise<void> {
    await writeWhole(this.#path, `${JSON.stringify(table)}\n`);
  }
}
