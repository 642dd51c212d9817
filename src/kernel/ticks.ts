/** The kernel's clock as the programs read it: jiffies, and how many a second has. */
import { EnforcementError } from "./errors.ts";
import type { BpfProgram } from "./native.ts";

const known = [100, 250, 300, 1000] as const;
const tolerance = 0.05;
const frame = new Uint8Array(64);
/** How far jiffies and the monotonic clock may be apart since boot, s. */
const bootTolerance = 1;
/**
 * Time between the two edges that are compared, ns. On an overloaded machine a tick comes several milliseconds
 * late: that must neither refuse a good clock nor make 300 of 250.
 */
const window = 250_000_000n;
/** Reads around an edge lie at most this far apart, ns. */
const sharpness = 300_000n;
const patience = 2_000_000_000n;

/** Low 32 bits of jiffies, now. */
export function readJiffies(probe: BpfProgram): number {
  return probe.testRun({ data: frame }).retval >>> 0;
}

/**
 * Jiffies per second. Throws CLOCK where neither way gives one of the settings that kernels have: idle timeouts
 * would then be wrong.
 */
export function learnTicks(probe: BpfProgram): number {
  const jiffies = readJiffies(probe);
  return ticksSinceBoot(jiffies, Number(process.hrtime.bigint()) / 1e9) ?? measureTicks(probe);
}

/**
 * From where jiffies stand: they begin 300 s before their low 32 bits wrap, and follow the monotonic clock from
 * then on (INITIAL_JIFFIES, tick_do_update_jiffies64 in the kernel). Null where not exactly one setting fits: at
 * about 300 s of uptime all do, and in a time namespace none.
 */
export function ticksSinceBoot(jiffies: number, uptime_seconds: number): number | null {
  const fitting = known.filter((hz) => {
    const expected = hz * (uptime_seconds - 300);
    const difference = (Math.round(jiffies - expected) | 0) / hz;
    return Math.abs(difference) <= bootTolerance;
  });
  const [only] = fitting;
  return fitting.length === 1 && only !== undefined ? only : null;
}

/** From edge to edge against the monotonic clock. */
function measureTicks(probe: BpfProgram): number {
  const first = waitForEdge(probe);
  let last = waitForEdge(probe);
  while (last.time - first.time < window) last = waitForEdge(probe);
  return closestTicks((last.jiffies - first.jiffies) >>> 0, Number(last.time - first.time) / 1e9);
}

/** The setting that `ticks` in `seconds` are within 5 % of. */
export function closestTicks(ticks: number, seconds: number): number {
  const measured = ticks / seconds;
  const found = known.find((hz) => Math.abs(measured / hz - 1) <= tolerance);
  if (found !== undefined) return found;
  throw new EnforcementError(
    "CLOCK",
    `this kernel seems to have ${measured.toFixed(1)} jiffies a second; known are ${known.join(", ")}: try again on an idle host, or tell us about this kernel`,
  );
}

/**
 * The moment when jiffies changed. One that fell while this process was held up (its reads lie further apart
 * than `sharpness`) is passed over: on a busy host that would be most of the error.
 */
function waitForEdge(probe: BpfProgram): { readonly jiffies: number; readonly time: bigint } {
  const deadline = process.hrtime.bigint() + patience;
  let before = { jiffies: readJiffies(probe), time: process.hrtime.bigint() };
  for (;;) {
    const now = { jiffies: readJiffies(probe), time: process.hrtime.bigint() };
    if (now.jiffies !== before.jiffies && now.time - before.time <= sharpness) return now;
    if (now.time > deadline) {
      throw new EnforcementError(
        "CLOCK",
        "no tick of jiffies was seen sharply within 2 s: the host is overloaded, or its clock cannot be read",
      );
    }
    before = now;
  }
}
