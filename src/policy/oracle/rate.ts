/** The bounded rate of what always works: windows of one second, the first packet beginning each. */
import type { AlwaysKind } from "./always.ts";

export class Rates {
  readonly #perSecond: number;
  readonly #windows = new Map<AlwaysKind, { began: number; count: number }>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Counts a packet; false where it is beyond the bound. Time is in seconds. */
  admit(kind: AlwaysKind, now: number): boolean {
    const window = this.#windows.get(kind);
    if (window === undefined || now - window.began >= 1) {
      this.#windows.set(kind, { began: now, count: 1 });
      return this.#perSecond >= 1;
    }
    window.count += 1;
    return window.count <= this.#perSecond;
  }
}
