/** Random histories of models, cut off at random operations, refused at others; the views of every device hold. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import type { Model } from "../../../src/model/model.ts";
import { address, group, iface, model, remote, rule, tcp } from "../policy/compile-fixture.ts";
import { createFakeMaps, type FakeMaps, Faults, Killed } from "./fake-maps.ts";
import { Host } from "./host.ts";
import { observeDevice } from "./observe.ts";

const groupIds = ["sg-a", "sg-b", "sg-c"] as const;
const numbers = [1, 2, 3, 4] as const;
const devices = numbers.map((number) => 100 + number);
const universe = [...numbers, 5].map((number) => address(`10.0.0.${number}`));

const arbitraryGroups = fc.tuple(
  ...groupIds.map((id) =>
    fc
      .record({
        rules: fc.array(
          fc.oneof(
            fc.integer({ min: 80, max: 83 }).map((port) => tcp(port, port)),
            fc.constantFrom(...groupIds).map((other) => rule({ remote: remote(other) })),
            fc.constantFrom(...groupIds).map((other) => rule({ policy: "drop", remote: remote(other) })),
          ),
          { maxLength: 3 },
        ),
        innerAccess: fc.constantFrom("accept" as const, "drop" as const),
      })
      .map(({ rules, innerAccess }) => group(id, rules, { innerAccess })),
  ),
);

const arbitraryInterface = (number: number) =>
  fc
    .record({
      groups: fc.subarray([...groupIds], { minLength: 1 }),
      here: fc.boolean(),
      mac: fc.constantFrom(0n, 0x100n),
      vlans: fc.subarray([7, 8]),
      second: fc.boolean(),
    })
    .map(({ groups, here, mac, vlans, second }) =>
      iface(number, groups, [`10.0.0.${number}`, ...(second && number === 1 ? ["10.0.0.5"] : [])], {
        hosts: here ? [] : ["elsewhere"],
        mac: 0x02_00_00_00_00_00n + mac + BigInt(number),
        vlans,
      }),
    );

const arbitraryModel: fc.Arbitrary<Model> = fc
  .tuple(arbitraryGroups, ...numbers.map((number) => fc.option(arbitraryInterface(number))))
  .map(([groups, ...interfaces]) =>
    model({ groups, interfaces: interfaces.filter((each) => each !== null) }),
  );

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

const viewsOf = (maps: FakeMaps) => devices.map((ifindex) => observeDevice(maps, ifindex, universe));

async function freshViews(wanted: Model): Promise<{ views: string[]; sizes: Record<string, number> }> {
  const host = new Host(createFakeMaps(new Faults()));
  await host.start();
  await host.apply(wanted);
  return { views: viewsOf(host.maps), sizes: host.sizes() };
}

/** A device that is in no model any more, or not yet: which of the two is not the views' matter. */
const isAway = (view: string | undefined) => view === "unknown" || view === "removed" || view === undefined;

describe("a random history of models", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

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
