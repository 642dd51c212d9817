/** Milliseconds of work between two looks at what else the event loop has to do. */
const sliceMilliseconds = 10;

/** Runs long work that yields to its end, and lets the agent answer others meanwhile. */
export async function runInSlices<T>(steps: Generator<unknown, T>): Promise<T> {
  let until = performance.now() + sliceMilliseconds;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < until) continue;
    await new Promise((resolve) => setImmediate(resolve));
    until = performance.now() + sliceMilliseconds;
  }
}
