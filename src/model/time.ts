/** Times of rules (`expires`): RFC 3339. */
import { accepted, type Parsed, refused } from "./diagnostic.ts";
import { quote } from "./text.ts";

const form = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:([Zz])|([+-])(\d\d):(\d\d))$/;
/** The kernel counts seconds in 32 bits, and TAI runs ahead of UTC by less than this. */
const lastSecond = 2 ** 32 - 3600;

function daysOfMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** A date, or a time without zone, as the time that was probably meant. */
function guess(text: string): string | null {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?)?$/.exec(text.trim());
  if (parts === null) return null;
  return `${parts[1]}T${parts[2] ?? "00:00"}${parts[3] ?? ":00"}Z`;
}

/** Seconds of UTC since 1970; a fraction is cut off, a leap second is the second before it. */
export function parseTime(text: string): Parsed<number> {
  const parts = form.exec(text);
  if (parts === null) {
    const right = guess(text);
    const hint = right === null ? ": write it as `2031-12-31T18:00:00Z`" : "";
    return refused("bad-time", `${quote(text)} is no time with a zone (RFC 3339)${hint}`, right);
  }
  const number = (index: number): number => Number(parts[index] ?? 0);
  const [year, month, day, hour, minute] = [number(1), number(2), number(3), number(4), number(5)];
  const second = Math.min(number(6), 59);
  const legal =
    month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month) && hour < 24 && minute < 60;
  if (!legal || number(6) > 60 || number(9) > 23 || number(10) > 59) {
    return refused("bad-time", `${quote(text)} is no time that exists: write an existing day and hour`);
  }
  const offset = (number(9) * 60 + number(10)) * (parts[8] === "-" ? -60 : 60);
  const time = Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset;
  if (time < 0 || time > lastSecond) {
    return refused("bad-time", `${quote(text)} is out of range: write a time from 1970 to 2105`);
  }
  return accepted(time);
}

/** `2031-12-31T18:00:00Z`. `time`: seconds of UTC since 1970. */
export function formatTime(time: number): string {
  return new Date(time * 1000).toISOString().replace(".000Z", "Z");
}
