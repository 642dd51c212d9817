/** The kernel's clock as the programs read it: jiffies, and how many a second has. */
import { EnforcementError } from "./errors.ts";
import type { BpfProgram } from "./native.ts";

const known = [100, 250, 300, 1000] as const;
const tolerance = 0.05;
const frame = new Uint8Array(64);
/** Time between two edges, ms: an edge is seen within some 10 µs, a tick of 1000 Hz is 1 ms. */
const window = 40;

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
  while (last.time - first.time < BigInt(window) * 1_000_000n) last = waitForEdge(probe);
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

function waitForEdge(probe: BpfProgram): { readonly jiffies: number; readonly time: bigint } {
  const start = readJiffies(probe);
  const deadline = process.hrtime.bigint() + 1_000_000_000n;
  for (;;) {
    const jiffies = readJiffies(probe);
    const time = process.hrtime.bigint();
    if (jiffies !== start) return { jiffies, time };
    if (time > deadline) {
      throw new EnforcementError(
        "CLOCK",
        "jiffies stand still: the kernel's clock cannot be read on this host",
      );
    }
  }
}
