/** Long work in slices, so that the event loop goes on. */

/** Slices are about this long, ms: `status` and link events wait no longer. */
const sliceTime = 8;

/** Settles when the event loop has done what waits for it. */
export function nextTurn(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

/** Does `work` for all of these, so many at a time; the event loop comes round before each part. */
export async function inParts<T>(
  all: readonly T[],
  size: number,
  work: (part: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let next = 0; next < all.length; next += size) {
    await nextTurn();
    await work(all.slice(next, next + size));
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
