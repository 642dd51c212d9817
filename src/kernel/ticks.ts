/** The kernel's clock as the programs read it: jiffies, and how many a second has. */
import { EnforcementError } from "./errors.ts";
import type { BpfProgram } from "./native.ts";

const known = [100, 250, 300, 1000] as const;
const tolerance = 0.05;
const frame = new Uint8Array(64);
/** Time between the two edges that are compared, ns. */
const window = 40_000_000n;
/** Reads around an edge lie at most this far apart, ns: two of them make 1.5 % of the window at most. */
const sharpness = 300_000n;
const patience = 2_000_000_000n;

/** Low 32 bits of jiffies, now. */
export function readJiffies(probe: BpfProgram): number {
  return probe.testRun({ data: frame }).retval >>> 0;
}

/**
 * Jiffies per second, measured from edge to edge against the monotonic clock. Throws CLOCK where the result is
 * no kernel's setting: idle timeouts would then be wrong.
 */
export function learnTicks(probe: BpfProgram): number {
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
