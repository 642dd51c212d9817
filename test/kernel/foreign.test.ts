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

describe("an XDP program of somebody else", () => {
  it("on a device in mode tc is said at once, and so is that it went", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await driver.call("apply", "open80");
      expect(await interfaceOf(driver)).toMatchObject({ state: "enforcing", mode: "tc", problem: null });
      const ifindex = bed.ifindex("tap1");
      await driver.call("occupy", { object: objectPath, ifindex });
      await expect
        .poll(() => interfaceOf(driver))
        .toMatchObject({
          state: "failed",
          problem: expect.stringMatching(/another XDP program \(id \d+\) stands on tap1/),
        });
      await driver.call("vacate");
      await expect.poll(() => interfaceOf(driver)).toMatchObject({ state: "enforcing", problem: null });
      await driver.call("close", { detach: true });
    });
  });

  it("makes attach: native fail, with the device down, until it went", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
      await driver.call("open", { object: objectPath, root, settings: "native" });
      await driver.call("apply", "open80");
      const problem = expect.stringMatching(/tap1 has another XDP program.*set down \(onFailure: closed\)/);
      expect(await interfaceOf(driver)).toMatchObject({ state: "failed", problem });
      expect(bed.host("link", "show", "dev", "tap1")).toContain("state DOWN");
      await driver.call("vacate");
      await expect.poll(() => interfaceOf(driver)).toMatchObject({ state: "enforcing", mode: "native" });
      expect(bed.host("link", "show", "dev", "tap1")).toContain(",UP");
      await driver.call("close", { detach: true });
    });
  });

  it("makes attach: native fail at a device that comes up meanwhile: it is up again once it is protected", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
      bed.host("link", "set", "tap1", "down");
      await driver.call("raiseUnseen");
      await driver.call("open", { object: objectPath, root, settings: "native" });
      await driver.call("apply", "open80");
      expect(await interfaceOf(driver)).toMatchObject({ state: "failed" });
      expect(bed.host("link", "show", "dev", "tap1")).not.toContain(",UP");
      await driver.call("vacate");
      await expect.poll(() => interfaceOf(driver)).toMatchObject({ state: "enforcing", mode: "native" });
      expect(bed.host("link", "show", "dev", "tap1")).toContain(",UP");
      await driver.call("close", { detach: true });
    });
  });
});

describe("a tcx program of somebody else", () => {
  it("that was there first runs behind ours: what it would let through is judged", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("passAll", { object: forge.path, device: "tap1" });
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await driver.call("apply", "open80");
      expect(await interfaceOf(driver)).toMatchObject({ state: "enforcing", problem: null });
      await bed.listen(1, 80, 81);
      expect(await driver.call("connect", { host: "10.0.0.1", port: 80 })).toBe("open");
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81 })).toBe("timeout");
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
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81 })).toBe("open");
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
      expect(await driver.call("connect", { host: "10.0.0.1", port: 81 })).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });
});
