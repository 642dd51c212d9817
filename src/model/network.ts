/** Networks: fields of a map to a `Network`. */
import { addressKey, parseAddress } from "./cidr.ts";
import { atKey, type Cursor, itemsOf, placeOf, report, take } from "./cursor.ts";
import type { Address, Network } from "./model.ts";
import { networkShape } from "./schema.ts";
import { readShape } from "./shape.ts";
import { quote } from "./text.ts";

/** null: it has a fault, which has been reported. */
export function decodeNetwork(id: string, cursor: Cursor): Network | null {
  const faults = cursor.diagnostics.errorCount;
  const fields = readShape(networkShape, cursor);
  const gateways = new Map<string, Address>();
  for (const [text, at] of itemsOf(atKey(cursor, "gateways"), fields.gateways ?? [])) {
    const address = take(at, "", parseAddress(text));
    if (address === null) continue;
    if (gateways.has(addressKey(address)))
      report(at, "listed-twice", `${quote(text)} stands twice: leave one out`);
    gateways.set(addressKey(address), address);
  }
  if (cursor.diagnostics.errorCount > faults || fields.type === undefined) return null;
  return {
    id,
    type: fields.type,
    forwarding: fields.forwarding ?? "kernel",
    gateways: [...gateways.values()],
    place: placeOf(cursor),
  };
}
