/** What has to be seen before something that comes by itself, on a machine that may be too busy to look in time. */

/** How many times as long each attempt has. */
const longer = [1, 4, 12] as const;

/**
 * Runs `body` with a span in seconds, the time that it has until what comes by itself; it calls `seen` when all is seen that
 * has to be before. Where it failed earlier, and the span was over by then, that says nothing: `again` makes things new,
 * and the body runs with a longer span. All else that it throws is thrown.
 */
export async function inTime(
  seconds: number,
  body: (seconds: number, seen: () => void) => Promise<void>,
  again: () => Promise<void>,
): Promise<void> {
  for (const times of longer) {
    const from = performance.now();
    let isSeen = false;
    try {
      await body(seconds * times, () => {
        isSeen = true;
      });
      return;
    } catch (error) {
      const isLate = !isSeen && performance.now() - from >= seconds * times * 1000;
      if (!isLate || times === longer.at(-1)) throw error;
    }
    await again();
  }
}
