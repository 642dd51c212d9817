import { describe, expect, it } from "vitest";
import { reasons } from "../../src/policy/reason.ts";
import { liveThrough, openKernel, seed, type Tally } from "./lives.ts";

/** The kernel's test run must be asked this many times at least. */
const wanted = 100_000;
/** Each takes its own lives, in their order. */
const kernels = 4;

describe("the kernel and the oracle", () => {
  it("agree in verdict, reason, session and rule, over 100,000 generated packets, and reach every reason", async () => {
    const tally: Tally = { compared: 0, reached: new Map(), differences: [] };
    let lives = 0;
    // Side by side: most of a life is the kernel's grace periods.
    const live = async (beginning: number) => {
      const kernel = await openKernel();
      try {
        for (let number = beginning; tally.compared < wanted; number += kernels, lives++)
          await liveThrough(kernel, number, tally);
      } finally {
        kernel.run.close();
      }
    };
    await Promise.all(Array.from({ length: kernels }, (_, number) => live(number)));
    const counts = [...tally.reached].map(([reason, count]) => `${reason} ${count}`);
    console.log(`seed ${seed}: ${tally.compared} packets in ${lives} lives: ${counts.join(", ")}`);
    expect(tally.differences).toEqual([]);
    // A table that is full and an interface without a policy are the kernel's own: test/kernel/full.test.ts.
    const own = new Set(["none", "table-full", "not-ready"]);
    const count = (reason: string): number => tally.reached.get(reason) ?? 0;
    expect(reasons.filter((reason) => !own.has(reason) && !tally.reached.has(reason))).toEqual([]);
    // Sessions that live long, over changes, are what lives are for.
    expect(count("session")).toBeGreaterThan(20_000);
    expect(count("related")).toBeGreaterThan(2_000);
    expect(count("revoked")).toBeGreaterThan(1_000);
  }, 3_600_000);
});
