/**
 * Devices that the agent set down, on disk, so that the next one sets them up again. A device's number, name and MAC may
 * all come back with another machine start: what was written before it counts no more.
 *
 *   STATE/set-down.json      there while such a device is
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { SetDownDevice, SetDownStore } from "../kernel/set-down.ts";
import { replaceFile } from "./durable.ts";

const record = z.object({
  boot: z.string(),
  devices: z.array(z.object({ ifindex: z.number().int().positive(), name: z.string(), mac: z.string() })),
});

/** The kernel's, another one with each start of the machine. */
const readBootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export class SetDownFile implements SetDownStore {
  readonly #path: string;
  readonly #onDamage: (message: string) => void;

  /** @param onDamage told where it cannot be read as one; what an earlier agent set down then stays down */
  constructor(directory: string, onDamage: (message: string) => void) {
    this.#path = join(directory, "set-down.json");
    this.#onDamage = onDamage;
  }

  read(): readonly SetDownDevice[] {
    try {
      const parsed = record.safeParse(JSON.parse(readFileSync(this.#path, "utf8")));
      if (parsed.success) return parsed.data.boot === readBootId() ? parsed.data.devices : [];
      this.#onDamage(`${this.#path} is damaged: ${parsed.error.issues[0]?.message ?? "not understood"}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      this.#onDamage(
        `${this.#path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return [];
  }

  write(devices: readonly SetDownDevice[]): void {
    if (devices.length === 0) rmSync(this.#path, { force: true });
    else replaceFile(this.#path, `${JSON.stringify({ boot: readBootId(), devices })}\n`);
  }
}
