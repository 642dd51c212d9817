/** How many entries the session tables of an interface get. */
import type { SessionSizes } from "../model/model.ts";
import { Limit } from "./layout.gen.ts";
import type { SessionTableName } from "./status.ts";

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

/** What the tables of an interface hold at most. */
export type TableLimits = Readonly<Record<SessionTableName, { readonly limit: number }>>;

export interface SizedInterface {
  readonly id: string;
  /** Of the tables that it has. */
  readonly limits: TableLimits;
  /** What is asked for it, and what of it fits the host. */
  readonly asked: SessionSizes;
  readonly fitting: SessionSizes;
}

/**
 * Beyond this a table that others left room for is called smaller than it would be now: interfaces come and go, and each
 * time what fits is a little more or less.
 */
const muchMore = 1.25;

function isSmaller({ limits, asked, fitting }: SizedInterface, table: SessionTableName): boolean {
  const enough = fitting[table] < asked[table] ? limits[table].limit * muchMore : limits[table].limit;
  return enough < fitting[table];
}

/** Whose tables were made with smaller sizes than they would get now, and what to do about it; null: nobody's. */
export function describeSmaller(interfaces: readonly SizedInterface[]): string | null {
  const tables = ["established", "answered", "opening"] as const;
  const smaller = interfaces.flatMap((one) => {
    const table = tables.find((each) => isSmaller(one, each));
    return table === undefined ? [] : [{ ...one, table }];
  });
  const [first] = smaller;
  if (first === undefined) return null;
  const { id, table, limits, fitting } = first;
  const others = smaller.length === 1 ? "" : ` and ${smaller.length - 1} more`;
  return `${id}${others}: session tables are smaller than they would be made now (${table} ${limits[table].limit}, not ${fitting[table]}): a table that is there is never resized, so that no session is lost; it gets the size when the interface leaves the rules and comes back, which ends its sessions, or when the host starts again`;
}
