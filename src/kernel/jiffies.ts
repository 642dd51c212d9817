/** Differences of the kernel's 32-bit times, which wrap 300 s after every boot. */

/** Jiffies from `earlier` to `later`; a time a little in the future (another CPU's) is 0. */
export function elapsed(earlier: number, later: number): number {
  const difference = (later - earlier) >>> 0;
  return difference > 0x7fffffff ? 0 : difference;
}
