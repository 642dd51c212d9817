/** Random histories of models, cut off at random operations, refused at others; the views of every device hold. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import { seed } from "../../support/seed.ts";
import { createFakeMaps, Faults, Killed } from "./fake-maps.ts";
import { Host } from "./host.ts";
import { arbitraryModel, devices, freshViews, isAway, viewsOf } from "./random-models.ts";

const arbitrarySteps = fc.array(
  fc.record({
    model: arbitraryModel,
    fault: fc.constantFrom("none" as const, "kill" as const, "refuse" as const),
    at: fc.integer({ min: 1, max: 40 }),
    /** The next agent is killed too, while it mends or applies. */
    again: fc.option(fc.integer({ min: 1, max: 30 })),
  }),
  { minLength: 2, maxLength: 6 },
);

describe("a random history of models", () => {
  it(`shows each device the old or the new, whole, through kills and refusals (seed ${seed})`, async () => {
    let killed = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(arbitrarySteps, async (steps) => {
        const faults = new Faults();
        const maps = createFakeMaps(faults);
        let host = new Host(maps);
        await host.start();
        for (const step of steps) {
          const { views: next, sizes } = await freshViews(step.model);
          let old = viewsOf(maps);
          let allowed: readonly (readonly string[])[] = [old, next];
          faults.observer = () => {
            viewsOf(maps).forEach((view, index) => {
              const options = allowed.map((views) => views[index]);
              if (options.includes(view) || (isAway(view) && options.some(isAway))) return;
              throw new Error(`a mixture on ${devices[index]}: ${view}, not ${options.join(" or ")}`);
            });
          };
          if (step.fault !== "none") faults.arm(step.fault, step.at);
          try {
            await host.apply(step.model);
          } catch (error) {
            if (error instanceof Killed) killed++;
            else if (error instanceof EnforcementError || error instanceof Error) {
              if (/mixture/.test(error.message)) throw error;
              refused++;
            } else throw error;
            faults.disarm();
            if (step.again !== null) {
              faults.arm("kill", step.again);
              const second = new Host(maps);
              try {
                await second.start();
                await second.apply(step.model);
              } catch (again) {
                if (!(again instanceof Killed || again instanceof EnforcementError)) throw again;
                killed++;
              }
              faults.disarm();
            }
            host = new Host(maps);
            await host.start();
            old = viewsOf(maps);
            allowed = [old, next];
            await host.apply(step.model);
          }
          faults.disarm();
          viewsOf(maps).forEach((view, index) => {
            if (!isAway(view) || !isAway(next[index])) expect(view).toBe(next[index]);
          });
          // Devices stay where interfaces left; all else is as if there had been no history.
          expect({ ...host.sizes(), devices: 0 }).toEqual({ ...sizes, devices: 0 });
        }
      }),
      { seed, numRuns: Number(process.env.RUNS ?? 60) },
    );
    expect(killed).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
  });
});
