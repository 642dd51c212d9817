/** Numbers, sizes and ages as people read them. */

/** 1234567 as "1,234,567". */
export function formatCount(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 rule", "1,234 rules": a number and what is counted. */
export function formatNumberOf(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** Bytes with a binary unit and three digits at most: "512 B", "1.5 KiB", "20 MiB". */
export function formatBytes(bytes: number | bigint): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 10 ? Math.round(value).toString() : value.toFixed(1);
  return `${digits} ${units[unit]}`;
}

/** A span of time in its two largest units: "850 ms", "42 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export function formatAge(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(whole, 60, "min", 1, "s");
  if (whole < 86_400) return join(whole, 3600, "h", 60, "min");
  return join(whole, 86_400, "d", 3600, "h");
}

/** How long before `now` (milliseconds since 1970) a time in RFC 3339 was: "3 min 5 s ago". */
export function formatAgo(time: string, now: number): string {
  return `${formatAge(Math.max(0, (now - Date.parse(time)) / 1000))} ago`;
}

function join(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** How much of `limit` is used: "12,000 of 16,384 (73 %)"; nothing of nothing is "-". */
export function formatFill(entries: number, limit: number): string {
  if (limit === 0) return "-";
  return `${formatCount(entries)} of ${formatCount(limit)} (${Math.floor((entries / limit) * 100)} %)`;
}
