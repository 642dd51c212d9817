/**
 * A program that goes on a device waits in the kernel for a grace period of RCU: 15 ms at 250 Hz, 0.2 ms where grace
 * periods are expedited. Guests that appear are open meanwhile, one after the other (the kernel holds its lock of
 * devices all the while), so they are expedited for that moment. Host-wide: a host that must not have it sets
 * /sys/kernel/rcu_normal, which the kernel puts first.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const knob = "/sys/kernel/rcu_expedited";

export class GracePeriods {
  /** Stands while the knob is not as it was found, so that the next agent puts it back after a kill. */
  readonly #mark: string;
  /** It may have to be put back: an earlier agent's, or where that failed. */
  #isDue = true;

  /** `root`: of the pins. */
  constructor(root: string) {
    this.#mark = join(root, "expedited");
  }

  /** Puts back what is not as it was found; where that fails, the next call tries again. */
  settle(): void {
    if (!this.#isDue) return;
    try {
      if (existsSync(this.#mark)) {
        if (!isLong()) writeFileSync(knob, "0");
        rmdirSync(this.#mark);
      }
      this.#isDue = false;
    } catch {
      // Tried again a second later.
    }
  }

  /** Does `work` while grace periods are short, where this host lets the agent have it; else as they are. */
  shorten(work: () => void): void {
    this.settle();
    if (!this.#isDue) this.#begin();
    try {
      work();
    } finally {
      this.settle();
    }
  }

  #begin(): void {
    try {
      if (!isLong()) return;
      this.#isDue = true;
      mkdirSync(this.#mark);
      writeFileSync(knob, "1");
    } catch {
      // Read-only in a container or a hardened unit: attaching takes longer, and is as right.
    }
  }
}

/** Throws where the kernel has no such knob. */
function isLong(): boolean {
  return readFileSync(knob, "utf8").trim() === "0";
}
