/** What a survey of devices tells (struct device_seen of bpf/survey.bpf.c): a row for each, compared with that of another time. */

/** Bytes of a row; the ifindex is the first word. */
const rowSize = 24;

/** Devices whose row is another one, is new, or is gone. */
export function findChanged(before: Uint8Array, now: Uint8Array): ReadonlySet<number> {
  const [then, present] = [readRows(before), readRows(now)];
  const changed = [...present].filter(([ifindex, row]) => then.get(ifindex) !== row);
  const gone = [...then].filter(([ifindex]) => !present.has(ifindex));
  return new Set([...changed, ...gone].map(([ifindex]) => ifindex));
}

/** By ifindex. */
function readRows(seen: Uint8Array): ReadonlyMap<number, string> {
  const bytes = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength);
  const rows = new Map<number, string>();
  for (let at = 0; at + rowSize <= bytes.length; at += rowSize)
    rows.set(bytes.readUInt32LE(at), bytes.toString("latin1", at, at + rowSize));
  return rows;
}
