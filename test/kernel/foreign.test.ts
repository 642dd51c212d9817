import { dirname } from "node:path";
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

describe("a device that an agent found no place on, and that agent killed", () => {
  /** `before`: what the operator does first. Another agent comes when the place is free; then `body`. */
  async function betweenAgents(
    before: () => void,
    body: (next: Driver, startNext: () => Promise<Driver>) => Promise<void>,
    between: () => void = () => undefined,
  ): Promise<void> {
    await withBpffs(async (root) => {
      const start = async () => {
        const driver = bed.start();
        await driver.call("open", { object: objectPath, root, settings: "native", state: dirname(root) });
        await driver.call("apply", "open80");
        return driver;
      };
      const somebody = bed.start();
      await somebody.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
      before();
      const first = await start();
      expect(await interfaceOf(first)).toMatchObject({ state: "failed" });
      expect(isUp()).toBe(false);
      await first.kill();
      await somebody.call("vacate");
      between();
      const next = await start();
      expect(await interfaceOf(next)).toMatchObject({ state: "enforcing", mode: "native" });
      await body(next, start);
    });
  }

  const isUp = () => bed.host("link", "show", "dev", "tap1").includes(",UP");
  const setDown = () => bed.host("link", "set", "tap1", "down");

  it("is up again once the next agent protects it, and then the operator's to set down", async () => {
    await betweenAgents(
      () => undefined,
      async (next, startNext) => {
        expect(isUp()).toBe(true);
        await next.kill();
        setDown();
        const last = await startNext();
        expect(await interfaceOf(last)).toMatchObject({ state: "enforcing" });
        expect(isUp()).toBe(false);
        await last.call("close", { detach: true });
      },
    );
  });

  it("stays down where the operator had set it down", async () => {
    await betweenAgents(setDown, async (next) => {
      expect(isUp()).toBe(false);
      await next.call("close", { detach: true });
    });
  });

  it("stays down where it is another one by then, of its name and number", async () => {
    await betweenAgents(
      () => undefined,
      async (next) => {
        expect(isUp()).toBe(false);
        await next.call("close", { detach: true });
      },
      () => {
        const index = bed.ifindex("tap1");
        bed.host("link", "del", "tap1");
        bed.addDevice(1, index);
        setDown();
      },
    );
  });
});

it("a device that an agent set down is up again when the operator wants it open", async () => {
  await withBpffs(async (root) => {
    const driver = bed.start();
    await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
    await driver.call("open", { object: objectPath, root, settings: "native" });
    await driver.call("apply", "open80");
    expect(bed.host("link", "show", "dev", "tap1")).not.toContain(",UP");
    await driver.call("configure", "nativeOpen");
    await driver.call("sweep");
    expect(await interfaceOf(driver)).toMatchObject({
      problem: expect.stringMatching(/the device is open \(onFailure: open\)$/),
    });
    expect(bed.host("link", "show", "dev", "tap1")).toContain(",UP");
    await driver.call("close", { detach: true });
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

describe("a filter of somebody else, where programs stand as filters", () => {
  const enforcing = { state: "enforcing", mode: "tc", problem: null };

  async function withFilters(
    body: (driver: Driver, connect: () => Promise<unknown>, root: string) => Promise<void>,
  ): Promise<void> {
    await withBpffs(async (root) => {
      await bed.listen(1, 81);
      const driver = await start(root);
      const connect = () => driver.call("connect", { host: "10.0.0.1", port: 81 });
      expect(await connect()).toBe("timeout");
      await body(driver, connect, root);
    });
  }

  async function start(root: string): Promise<Driver> {
    const driver = bed.start();
    await driver.call("withoutTcx");
    await driver.call("open", { object: objectPath, root, settings: "usual" });
    await driver.call("apply", "open80");
    expect(await interfaceOf(driver)).toMatchObject(enforcing);
    const tap = bed.ifindex("tap1");
    expect(await driver.call("filtersAt", tap)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(await driver.call("programsAt", tap)).toEqual([]);
    return driver;
  }

  it("of the same priority, which runs first, is seen within a second, and so is that it went", async () => {
    await withFilters(async (driver, connect) => {
      const filters = { object: forge.path, device: "tap1", priority: 1 };
      await driver.call("filterAll", filters);
      // Control: it does let through what the rules deny.
      expect(await connect()).toBe("open");
      await expect
        .poll(() => interfaceOf(driver))
        .toMatchObject({
          state: "failed",
          problem: expect.stringMatching(
            /another filter \(pref 1 handle 0x1\) stands before Ringwall's at tc ingress of tap1.* a pref of 2 or more/,
          ),
        });
      await driver.call("filterNone", filters);
      await expect.poll(() => interfaceOf(driver)).toMatchObject(enforcing);
      // Behind ours it changes nothing.
      await driver.call("filterAll", { ...filters, priority: 2 });
      await driver.call("sweep");
      expect(await interfaceOf(driver)).toMatchObject(enforcing);
      expect(await connect()).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it("that takes the place of ours, or the whole discipline, is put right within a second", async () => {
    await withFilters(async (driver, connect) => {
      bed.inHost("tc", "qdisc", "del", "dev", "tap1", "clsact");
      const guard = async () => (await driver.call<KernelStatus>("status")).guard;
      await expect.poll(guard).toMatchObject({ detached: 2 });
      expect(await connect()).toBe("timeout");
      bed.inHost("tc", "qdisc", "del", "dev", "tap1", "clsact");
      await driver.call("filterAll", { object: forge.path, device: "tap1", priority: 1 });
      await expect.poll(() => interfaceOf(driver)).toMatchObject(enforcing);
      await expect.poll(connect).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it("was there already when the next agent comes: that one says so", async () => {
    await withFilters(async (driver, _connect, root) => {
      await driver.call("filterAll", { object: forge.path, device: "tap1", priority: 1 });
      await driver.kill();
      const next = bed.start();
      await next.call("withoutTcx");
      expect(await next.call("open", { object: objectPath, root, settings: "usual" })).toEqual({
        adopted: true,
      });
      await next.call("apply", "open80");
      expect(await interfaceOf(next)).toMatchObject({
        state: "failed",
        problem: expect.stringMatching(/another filter/),
      });
      await next.call("filterNone", { device: "tap1", priority: 1 });
      await next.call("close", { detach: true });
      expect(await next.call("filtersAt", bed.ifindex("tap1"))).toEqual([0, 0]);
    });
  });
});
