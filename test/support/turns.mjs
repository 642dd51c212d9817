/** Time as a process has it: a machine that is busy, or stops, takes no turn away. */
import { setTimeout as sleep } from "node:timers/promises";

const turn = 20;

/**
 * Waits some milliseconds in short turns of the event loop, each of which hears what has come: one that comes late because
 * the process, or all of them, had no CPU is heard before the time is over. Ends early where `over` says so.
 *
 * @param {number} milliseconds
 * @param {() => boolean} [over]
 */
export async function turns(milliseconds, over = () => false) {
  for (let left = milliseconds; left > 0 && !over(); left -= turn) await sleep(turn);
}
