/** What a survey of links tells (struct link_seen of bpf/survey.bpf.c): a row for each, compared with that of another time. */

/** Bytes of a row; the link's id is the first word. */
const rowSize = 24;

/** Ids of the links whose row is another one, is new, or is gone. */
export function findChanged(before: Uint8Array, now: Uint8Array): readonly number[] {
  const [then, present] = [readRows(before), readRows(now)];
  const changed = [...present].filter(([id, row]) => then.get(id) !== row).map(([id]) => id);
  return [...changed, ...[...then.keys()].filter((id) => !present.has(id))];
}

/** By link id. */
function readRows(seen: Uint8Array): ReadonlyMap<number, string> {
  const bytes = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength);
  const rows = new Map<number, string>();
  for (let at = 0; at + rowSize <= bytes.length; at += rowSize)
    rows.set(bytes.readUInt32LE(at), bytes.toString("latin1", at, at + rowSize));
  return rows;
}
