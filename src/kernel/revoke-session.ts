/** An operator ends one session of a table, where it stands: its next packet is dropped, and no rules bring it back. */
import { SessionFlag, SessionStruct } from "./layout.gen.ts";
import type { BpfMap } from "./native.ts";
import type { OpeningTable } from "./opening-table.ts";

/** BPF_EXIST: an entry that went meanwhile is not made again. */
const onlyIfPresent = 2;
const flags = SessionFlag.SESSION_REVOKED | SessionFlag.SESSION_ENDED;
const noSession = SessionStruct.decode(new Uint8Array(SessionStruct.SIZE));
/** What a revocation changes. */
const mask: SessionStruct = { ...noSession, seen: 0xffffffff, flags };

/** `entry`: as it was read. One of an LRU that changes meanwhile loses at most its last packet's count. */
export function revokeSession(
  table: BpfMap | OpeningTable,
  key: Uint8Array,
  entry: SessionStruct,
  now: number,
): void {
  if ("overwrite" in table) table.overwrite(key, mask, { ...noSession, seen: now, flags });
  else
    table.set(key, SessionStruct.encode({ ...entry, flags: entry.flags | flags, seen: now }), onlyIfPresent);
}
