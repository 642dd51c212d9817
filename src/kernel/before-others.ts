/**
 * Programs go on a device in less than a millisecond of a CPU; the rest of the time that a guest is open it waits for one. So
 * the thread that attaches goes before all others, from the moment that it hears of the device.
 */
import { getPriority, setPriority } from "node:os";

/** Nice value: before all that are not of real time. */
const first = -20;

/** Pieces of work that are being done before others. */
let doing = 0;
/** The nice value before them; null: it stays, for want of CAP_SYS_NICE. */
let usual: number | null = null;

/**
 * Does `work` before what others do; as ever where this may not be had. What the event loop does meanwhile goes first, too,
 * and ends the sooner.
 */
export async function beforeOthers(work: () => Promise<void>): Promise<void> {
  if (doing++ === 0) usual = goFirst();
  try {
    await work();
  } finally {
    if (--doing === 0 && usual !== null) setPriority(usual);
  }
}

function goFirst(): number | null {
  try {
    const before = getPriority();
    setPriority(first);
    return before;
  } catch {
    return null;
  }
}
