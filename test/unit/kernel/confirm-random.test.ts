/** Random changes that wait, over maps in memory: kept or taken back, with the agent killed in between or not. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfirmKind } from "../../../src/kernel/layout.gen.ts";
import { journalSlot } from "../../../src/kernel/state.ts";
import { seed } from "../../support/seed.ts";
import { createFakeMaps, Faults } from "./fake-maps.ts";
import { Host, storeEntries } from "./host.ts";
import { arbitraryModel, devices, freshViews, isAway, viewsOf } from "./random-models.ts";

const arbitraryStep = fc.record({
  before: arbitraryModel,
  waiting: arbitraryModel,
  /** An agent starts while the change waits. */
  restarts: fc.boolean(),
  keeps: fc.boolean(),
});

describe("a change that waits for its confirmation", () => {
  it(`goes back whole or stays whole, and leaves nothing behind (seed ${seed})`, async () => {
    const counts = { kept: 0, reverted: 0, restarted: 0 };
    const property = fc.asyncProperty(
      fc.array(arbitraryStep, { minLength: 1, maxLength: 4 }),
      async (steps) => {
        const faults = new Faults();
        const maps = createFakeMaps(faults);
        let host = new Host(maps);
        await host.start();
        let highest = 0;
        for (const { before, waiting, restarts, keeps } of steps) {
          await host.apply(before);
          const old = { ...(await freshViews(before)), seen: viewsOf(maps) };
          const fresh = await freshViews(waiting);
          const generation = host.state.slots.get(journalSlot)?.generation ?? 0;
          expect(host.state.generation).toBeGreaterThanOrEqual(highest);
          faults.observer = () => {
            viewsOf(maps).forEach((view, index) => {
              const options = [old.seen[index], fresh.views[index]];
              if (options.includes(view) || (isAway(view) && options.some(isAway))) return;
              throw new Error(`a mixture on ${devices[index]}: ${view}, not ${options.join(" or ")}`);
            });
          };
          const entries = await host.hold(waiting);
          highest = host.state.generation;
          if (restarts) {
            counts.restarted++;
            host = new Host(maps);
            await host.start(generation);
            expectViews(viewsOf(maps), fresh.views);
          }
          if (keeps) counts.kept++;
          else {
            counts.reverted++;
            // As the timer does: slots, then devices.
            for (const kind of [ConfirmKind.CONFIRM_SLOT, ConfirmKind.CONFIRM_DEVICE])
              storeEntries(maps, entries, kind, "before");
            expectViews(viewsOf(maps), old.views);
          }
          host = new Host(maps);
          await host.start();
          faults.observer = () => {};
          const { views, sizes } = keeps ? fresh : old;
          expectViews(viewsOf(maps), views);
          // What addresses left behind goes with the next change, as after every start.
          await host.apply(keeps ? waiting : before);
          // Devices stay where interfaces left.
          expect({ ...host.sizes(), devices: 0, uplinks: 0 }).toEqual({ ...sizes, devices: 0, uplinks: 0 });
          expect(host.state.generation).toBeGreaterThanOrEqual(highest);
        }
      },
    );
    await fc.assert(property, { seed, numRuns: Number(process.env.RUNS ?? 80) });
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
  });
});

function expectViews(views: readonly string[], wanted: readonly string[]): void {
  views.forEach((view, index) => {
    if (!isAway(view) || !isAway(wanted[index])) expect(view).toBe(wanted[index]);
  });
}
