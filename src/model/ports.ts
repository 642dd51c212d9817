/** Ranges of ports: `first/last`, and `-1/-1` for every port and for packets without ports. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import type { PortRange } from "./model.ts";
import { quote } from "./text.ts";

/** `-1/-1` for null. */
export function formatPortRange(range: PortRange | null): string {
  return range === null ? "-1/-1" : `${range.first}/${range.last}`;
}

/** What was probably meant by two numbers that are no range: in order, and within 1..65535. */
function repair(first: number, last: number): string {
  const bound = (port: number): number => Math.min(65535, Math.max(1, port));
  const [low, high] = [bound(first), bound(last)].sort((a, b) => a - b);
  return `${low}/${high}`;
}

/** `80`, `80-90`, `80:90` and the like in the right form, or null. */
function guess(text: string): string | null {
  const parts = /^\s*([0-9]{1,6})\s*(?:(?:-|:|\.\.|,|\/)\s*([0-9]{1,6})\s*)?$/.exec(text);
  if (parts === null) {
    return /^(all|any|\*|-1|-1-1|-1:-1)$/i.test(text.trim()) ? "-1/-1" : null;
  }
  const first = Number(parts[1]);
  return repair(first, parts[2] === undefined ? first : Number(parts[2]));
}

/**
 * A range of ports 1..65535, or `-1/-1` (null). Refused with the right form: `80`, `80-90`, `90/80`, `0/0`.
 */
export function parsePortRange(text: string): Parsed<PortRange | null> {
  if (text === "-1/-1") return accepted(null);
  const parts = /^(-1|0|[1-9][0-9]{0,5})\/(-1|0|[1-9][0-9]{0,5})$/.exec(text);
  if (parts === null) {
    const right = guess(text);
    const hint = right === null ? ": write `first/last`, as `80/80`" : "";
    return refused("bad-ports", `${quote(text)} is no range of ports${hint}`, right);
  }
  const first = Number(parts[1]);
  const last = Number(parts[2]);
  if (first < 1 || last < 1 || first > 65535 || last > 65535) {
    const whole = first === 0 && last === 0 ? ", or `-1/-1` for every port" : "";
    return refused("bad-ports", `${quote(text)}: ports are 1 to 65535${whole}`, repair(first, last));
  }
  if (first > last) {
    return refused("bad-ports", `${quote(text)} ends before it begins`, `${last}/${first}`);
  }
  return accepted({ first, last });
}
