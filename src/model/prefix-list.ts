/** Prefix lists: fields of a map to a `PrefixList`. */
import { atKey, type Cursor, itemsOf, placeOf, report, take } from "./cursor.ts";
import { reportLimit } from "./limits.ts";
import type { Family, Limits, Prefix, PrefixList } from "./model.ts";
import { decodePrefix } from "./rule.ts";
import { prefixListShape } from "./schema.ts";
import { readShape } from "./shape.ts";
import { checkText, quote } from "./text.ts";

/** null: it has a fault, which has been reported. */
export function decodePrefixList(id: string, cursor: Cursor, limits: Limits): PrefixList | null {
  const faults = cursor.diagnostics.errorCount;
  const fields = readShape(prefixListShape, cursor);
  const family = fields.family === undefined ? null : fields.family === "ipv4" ? 4 : 6;
  const maxEntries = fields.maxEntries ?? limits.entriesPerPrefixList;
  reportLimit(
    atKey(cursor, "maxEntries"),
    limits,
    "entriesPerPrefixList",
    maxEntries,
    `\`maxEntries\` of ${id}`,
  );
  const written = fields.entries ?? [];
  reportLimit(atKey(cursor, "entries"), limits, "entriesPerPrefixList", written.length, `entries of ${id}`);
  const ownBound = fields.maxEntries !== undefined && maxEntries <= limits.entriesPerPrefixList;
  if (ownBound && written.length > maxEntries) {
    const message = `the list ${quote(id)} has ${written.length} entries, its \`maxEntries\` is ${maxEntries}: raise it, or take entries out`;
    report(atKey(cursor, "entries"), "limit", message);
  }
  const entries = decodeEntries(atKey(cursor, "entries"), written, family);
  if (fields.name !== undefined) take(atKey(cursor, "name"), "`name` ", checkText(fields.name));
  if (cursor.diagnostics.errorCount > faults || family === null) return null;
  return { id, name: fields.name ?? "", family, maxEntries, entries, place: placeOf(cursor) };
}

type WrittenEntry = { readonly cidr?: string | undefined; readonly description?: string | undefined };

function decodeEntries(
  cursor: Cursor,
  written: readonly WrittenEntry[],
  family: Family | null,
): PrefixList["entries"] {
  const entries: { prefix: Prefix; description: string }[] = [];
  for (const [entry, at] of itemsOf(cursor, written)) {
    const prefix = decodePrefix(entry.cidr, atKey(at, "cidr"));
    const description = entry.description ?? "";
    take(atKey(at, "description"), "`description` ", checkText(description));
    if (prefix === null) continue;
    if (family !== null && prefix.family !== family) {
      const message = `${quote(entry.cidr ?? "")} in a list of IPv${family}: put it into a list with \`family: ipv${prefix.family}\``;
      report(atKey(at, "cidr"), "bad-family", message);
    }
    entries.push({ prefix, description });
  }
  return entries;
}
