/** Long work in slices, so that the event loop goes on. */

/** Slices are about this long, ms: `status` and link events wait no longer. */
const sliceTime = 8;

/** Settles when the event loop has done what waits for it. */
export function nextTurn(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

/** Goes through things again and again, some at a time. They may come and go meanwhile. */
export class Round {
  #place = 0;

  /** The next `size` of them, or what is left of this time through. */
  next<T>(all: readonly T[], size: number): readonly T[] {
    if (this.#place >= all.length) this.#place = 0;
    const some = all.slice(this.#place, this.#place + size);
    this.#place += some.length;
    return some;
  }
}

/** Gives a function that waits for a turn of the event loop where the last one is a slice ago. */
export function createPauses(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < sliceTime) return;
    await nextTurn();
    last = performance.now();
  };
}
