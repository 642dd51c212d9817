import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed } from "./namespace.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("full");
  bed.addGuest(1);
  bed.addGuest(2);
  await bed.listen(1, 80, 81);
});
afterEach(() => bed.remove());

describe("a change that does not fit", () => {
  it.each([
    ["rw_identities", 2],
    ["rw_group_bits", 2],
    ["rw_prefixes", 1],
    ["rw_words", 7],
    ["rw_cells", 12],
    ["rw_policies", 2],
    ["rw_slots", 4],
  ])("is refused as a whole, naming %s; the old rules go on", async (map, size) => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", mapSizes: { [map]: size } });
      await driver.call<KernelStatus>("apply", "open81");
      const before = await driver.call<KernelStatus>("status");
      await expect(driver.call("apply", "two")).rejects.toThrow(map);
      const after = await driver.call<KernelStatus>("status");
      expect(after.maps).toEqual(before.maps);
      expect(after.interfaces).toEqual(before.interfaces);
      const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port, ms: 250 });
      expect(await connect(81)).toBe("open");
      expect(await connect(80)).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it("is refused where there are more interfaces than numbers", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", interfaces: 1 });
      await driver.call<KernelStatus>("apply", "open81");
      await expect(driver.call("apply", "two")).rejects.toThrow(/rw_interfaces is full/);
      await driver.call<KernelStatus>("apply", "open80");
      await driver.call("close", { detach: true });
    });
  });
});
