import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InterfaceStatus, KernelStatus } from "../../src/kernel/status.ts";
import { compileObject } from "./compile-object.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";

let bed: Bed;
let forge: ReturnType<typeof compileObject>;
beforeEach(() => {
  forge = compileObject("forge");
  bed = new Bed("foreign");
  bed.addGuest(1);
});
afterEach(() => {
  bed.remove();
  forge.remove();
});

async function interfaceOf(driver: Driver): Promise<InterfaceStatus | undefined> {
  return (await driver.call<KernelStatus>("status")).interfaces[0];
}

describe("a tcx program of somebody else", () => {
  it("that was there first runs behind ours: what it would let through is judged", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("passAll", { object: forge.path, device: "tap1" });
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await driver.call("apply", "open80");
      expect(await interfaceOf(driver)).toMatchObject({ state: "enforcing", problem: null });
      await bed.listen(1, 80, 81);
      expect(await driver.call("connect", { host: "10.0.0.1", port: 80, ms: 400 })).toBe("open");
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81, ms: 250 })).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it("that pushes itself before ours is found and said, and so is that it went", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await driver.call("apply", "open80");
      await bed.listen(1, 81);
      await driver.call("passAll", { object: forge.path, device: "tap1", first: true });
      // Control: it does let through what the rules deny.
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81, ms: 400 })).toBe("open");
      await driver.call("sweep");
      expect(await interfaceOf(driver)).toMatchObject({
        state: "failed",
        problem: expect.stringMatching(
          /another program \(id \d+\) stands before Ringwall's at tc \w+ of tap1/,
        ),
      });
      await driver.call("passNone");
      await driver.call("sweep");
      expect(await interfaceOf(driver)).toMatchObject({ state: "enforcing", problem: null });
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81, ms: 250 })).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });
});
