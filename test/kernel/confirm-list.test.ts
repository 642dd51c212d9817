/** The list of what the kernel takes back, while devices come and go and the change waits. */
import { describe, expect, it } from "vitest";
import { deviceEntry } from "../../src/kernel/confirm-entries.ts";
import { Confirmation } from "../../src/kernel/confirmation.ts";
import { storeDevice } from "../../src/kernel/devices-map.ts";
import { Limit } from "../../src/kernel/layout.gen.ts";
import { unpackWord } from "../../src/kernel/maps.ts";
import { type KernelObjects, loadOrAdopt } from "../../src/kernel/objects.ts";
import { objectPath, withBpffs } from "./host.ts";
import { smallMaps } from "./sizes.ts";

async function withObjects(body: (objects: KernelObjects) => Promise<void>): Promise<void> {
  await withBpffs(async (root) => {
    const objects = loadOrAdopt({ object: objectPath, root, interfaces: 4, mapSizes: smallMaps });
    try {
      await body(objects);
    } finally {
      objects.close();
    }
  });
}

const placesOf = ({ pins, maps }: KernelObjects) => ({ object: objectPath, pins: pins.maps, maps });
const hour = 3600;

describe("the list of what a change goes back to", () => {
  it("has room for more devices than it has places, one after the other", async () => {
    await withObjects(async (objects) => {
      const places = placesOf(objects);
      const stays = 7;
      const confirmation = Confirmation.begin(places, [deviceEntry(stays, 2, 4)], hour);
      storeDevice(objects.maps, stays, 4);
      const last = 100 + Limit.CONFIRM_ENTRIES_MAX + 500;
      const used = (ifindex: number) =>
        new Map([
          [stays, 2],
          [ifindex, 3],
        ]);
      for (let ifindex = 100; ifindex <= last; ifindex++) confirmation.follow(used(ifindex));
      storeDevice(objects.maps, last, 5);
      // The next agent finds the same.
      confirmation.close();
      const found = Confirmation.find(places);
      expect(await found?.decide("undo")).toBe("reverted");
      const recordOf = (ifindex: number) => unpackWord(objects.maps.devices.load64(ifindex)).high;
      expect([recordOf(stays), recordOf(last)]).toEqual([2, 3]);
      found?.remove();
    });
  });

  it("leaves room for devices: a change that would fill it is refused, with nothing switched", async () => {
    await withObjects(async (objects) => {
      const many = Array.from({ length: Limit.CONFIRM_ENTRIES_MAX - 1000 }, (_, index) =>
        deviceEntry(1 + index, 2, 4),
      );
      expect(() => Confirmation.begin(placesOf(objects), many, hour)).toThrow(
        /switches 15384 words, and the kernel takes back 12288 at most: apply it without --confirm, or in parts/,
      );
      expect(Confirmation.find(placesOf(objects))).toBeNull();
    });
  });
});
