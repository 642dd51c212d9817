/**
 * Programs go on a device in less than a millisecond of a CPU; the rest of the time that a guest is open it waits for one. So
 * the thread that attaches goes before all others meanwhile.
 */
import { getPriority, setPriority } from "node:os";

/** Nice value: before all that are not of real time. */
const first = -20;

/** Does `work`, which must not wait for anything long, before what others do; as ever where this may not be had. */
export function beforeOthers(work: () => void): void {
  const usual = goFirst();
  try {
    work();
  } finally {
    if (usual !== null) setPriority(usual);
  }
}

/** The nice value until now; null: it stays, for want of CAP_SYS_NICE. */
function goFirst(): number | null {
  try {
    const usual = getPriority();
    setPriority(first);
    return usual;
  } catch {
    return null;
  }
}
