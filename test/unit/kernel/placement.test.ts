/**
 * Where no record and no slot came or went, a change does not look at each interface; `Host` holds every plan against
 * one that does.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import { seed } from "../../support/seed.ts";
import { createFakeMaps, Faults } from "./fake-maps.ts";
import { Host } from "./host.ts";
import { arbitraryModel, freshViews, isAway, viewsOf } from "./random-models.ts";

const arbitrarySteps = fc.array(
  fc.record({
    model: arbitraryModel,
    keeps: fc.boolean(),
    goesBack: fc.boolean(),
    refusedAt: fc.option(fc.integer({ min: 1, max: 12 })),
  }),
  { minLength: 4, maxLength: 10 },
);

it(`plans the same with what was found before as without, through refusals (seed ${seed})`, async () => {
  let [placed, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(arbitrarySteps, async (steps) => {
      const faults = new Faults();
      const maps = createFakeMaps(faults);
      const host = new Host(maps);
      await host.start();
      let interfaces: Model["interfaces"] | null = null;
      for (const { model, keeps, goesBack, refusedAt } of steps) {
        const next: Model = keeps && interfaces !== null ? { ...model, interfaces } : model;
        if (refusedAt !== null) {
          faults.arm("refuse", refusedAt);
          const failed = await host.apply(next).then(
            () => false,
            () => true,
          );
          faults.disarm();
          // What could not be undone, or cleaned up, is read back.
          if (failed) {
            refused++;
            await host.start();
          }
        }
        await host.apply(next);
        if (goesBack) {
          await host.goBack();
          await host.goBack();
        }
        interfaces = next.interfaces;
        const { views } = await freshViews(next);
        viewsOf(maps).forEach((view, index) => {
          if (!isAway(view) || !isAway(views[index])) expect(view).toBe(views[index]);
        });
      }
      placed += host.placed;
    }),
    { seed, numRuns: 30 },
  );
  expect(placed).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(10);
});
