/** MACs: text to number and back. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import type { Mac } from "./model.ts";
import { quote } from "./text.ts";

/** `02:00:00:00:01:01`. */
export function formatMac(mac: Mac): string {
  const digits = mac.toString(16).padStart(12, "0");
  return (digits.match(/../g) ?? []).join(":");
}

/**
 * Six bytes in hex with colons, upper or lower case. Refused: other separators (the right form is named),
 * multicast MACs and 00:00:00:00:00:00, which no interface has.
 */
export function parseMac(text: string): Parsed<Mac> {
  if (!/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/.test(text)) {
    const digits = text.replaceAll(/[-:. ]/g, "");
    const right = /^[0-9A-Fa-f]{12}$/.test(digits) ? formatMac(BigInt(`0x${digits}`)) : null;
    const hint = right === null ? ": write six bytes, `02:00:00:00:01:01`" : "";
    return refused("bad-mac", `${quote(text)} is no MAC${hint}`, right);
  }
  const mac = BigInt(`0x${text.replaceAll(":", "")}`);
  if (mac === 0n) return refused("bad-mac", `${quote(text)} is no interface's MAC: write its own`);
  if ((mac >> 40n) & 1n) {
    return refused("bad-mac", `${quote(text)} is a multicast MAC: write the interface's own`);
  }
  return accepted(mac);
}
