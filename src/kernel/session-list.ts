/** Sessions of interfaces, each once, while they go on: in pieces, with no more than one interface in memory at once. */
import { SessionKeyStruct, SessionStruct } from "./layout.gen.ts";
import { describeSession, type SessionClock, type SessionReading } from "./session-codec.ts";
import { type SweptTable, tableNames } from "./session-sweep.ts";
import { ShownKeys } from "./shown-keys.ts";
import { createPauses } from "./slices.ts";
import type { Session, SessionTableName } from "./status.ts";

/** Entries that are described in one go: a millisecond or two. */
const entriesPerPiece = 256;

/** An interface whose sessions are listed, under the generation that its rules have. */
export interface ListedInterface extends Pick<SessionReading, "generation"> {
  readonly id: string;
  readonly number: number;
}

export interface ListedTables extends ListedInterface {
  readonly tables: Readonly<Record<SessionTableName, Pick<SweptTable, "entriesAsync">>>;
}

/**
 * Sessions that the programs would still find, as they are when their table is read: one that is proven meanwhile may be told
 * as it was before, and is not told again. `isThere`: whether an interface still has these tables; else its sessions end there.
 */
export async function* listSessions(
  listed: readonly ListedTables[],
  isThere: (one: ListedTables) => boolean,
  clock: () => SessionClock,
): AsyncGenerator<readonly Session[]> {
  const pause = createPauses();
  for (const one of listed) {
    const shown = new ShownKeys();
    for (const table of tableNames) {
      if (!isThere(one)) break;
      const { count, keys, values } = await one.tables[table].entriesAsync();
      const reading = { ...clock(), generation: one.generation };
      const isNew = shown.bring(keys);
      for (let first = 0; first < count; first += entriesPerPiece) {
        const piece: Session[] = [];
        for (let index = first; index < Math.min(count, first + entriesPerPiece); index++) {
          const key = SessionKeyStruct.decode(keys, index * SessionKeyStruct.SIZE);
          const entry = SessionStruct.decode(values, index * SessionStruct.SIZE);
          const session = describeSession(one.id, table, key, entry, reading);
          if (session.expires_seconds !== 0 && isNew(index)) piece.push(session);
        }
        if (piece.length > 0) yield piece;
        await pause();
      }
    }
  }
}
