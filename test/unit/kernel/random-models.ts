/** Random small models of one host with four guests, and what their devices see of the maps. */
import fc from "fast-check";
import type { Model } from "../../../src/model/model.ts";
import { address, group, iface, model, remote, rule, tcp } from "../policy/compile-fixture.ts";
import { createFakeMaps, type FakeMaps, Faults } from "./fake-maps.ts";
import { Host } from "./host.ts";
import { observeDevice } from "./observe.ts";

const groupIds = ["sg-a", "sg-b", "sg-c"] as const;
const numbers = [1, 2, 3, 4] as const;
export const devices = numbers.map((number) => 100 + number);
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

export const arbitraryModel: fc.Arbitrary<Model> = fc
  .tuple(arbitraryGroups, ...numbers.map((number) => fc.option(arbitraryInterface(number))))
  .map(([groups, ...interfaces]) =>
    model({ groups, interfaces: interfaces.filter((each) => each !== null) }),
  );

export const viewsOf = (maps: FakeMaps) => devices.map((ifindex) => observeDevice(maps, ifindex, universe));

/** What each device sees of a model without a history, and how full the maps are. */
export async function freshViews(wanted: Model): Promise<{ views: string[]; sizes: Record<string, number> }> {
  const host = new Host(createFakeMaps(new Faults()));
  await host.start();
  await host.apply(wanted);
  return { views: viewsOf(host.maps), sizes: host.sizes() };
}

/** A device that is in no model any more, or not yet: which of the two is not the views' matter. */
export const isAway = (view: string | undefined) =>
  view === "unknown" || view === "removed" || view === undefined;
