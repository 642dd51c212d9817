/** How many entries the session tables of an interface get. */
import type { SessionSizes } from "../model/model.ts";
import { Limit } from "./layout.gen.ts";

/** Kernel memory of an entry: element, key, value, bucket. Measured between 128 and 176 bytes. */
const entryBytes = 176;

/**
 * Sizes that are used: an LRU smaller than 512 × CPUs loses entries before it is full, and all tables of the
 * host together stay within `budget` bytes as far as that bound lets them.
 */
export function fitSizes(
  wanted: SessionSizes,
  host: { readonly cpus: number; readonly interfaces: number; readonly budget: number },
): SessionSizes {
  const least = Limit.SESSION_TABLE_MIN * host.cpus;
  const bytes =
    (wanted.established + wanted.answered + wanted.opening) * entryBytes * Math.max(1, host.interfaces);
  const scale = Math.min(1, host.budget / bytes);
  const shrink = (entries: number) => Math.max(least, Math.floor(entries * scale));
  return {
    established: shrink(wanted.established),
    answered: shrink(wanted.answered),
    opening: shrink(wanted.opening),
  };
}
