/** A change that is to be confirmed, by the programs of a live device, with the agent and without one. */
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KernelStatus, Verification } from "../../src/kernel/status.ts";
import {
  apply,
  applyFor,
  awaitOld,
  bed,
  beforeDeadline,
  confirmation,
  connect,
  generation,
  start,
  useBed,
} from "./confirm-bed.ts";
import { objectPath, withBpffs } from "./host.ts";
import type { Driver } from "./namespace.ts";

useBed();

describe("a change that nobody confirms", () => {
  it("goes back at its deadline, and the agent with it", async () => {
    await beforeDeadline(3, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      const before = await generation(driver);
      await applyFor(driver, "open81", seconds);
      expect((await confirmation(driver))?.state).toBe("waiting");
      expect([await connect(driver, 81), await connect(driver, 80)]).toEqual(["open", "timeout"]);
      seen();
      await awaitOld(driver);
      expect(await connect(driver, 81)).toBe("timeout");
      expect(await confirmation(driver)).toEqual({ state: "reverted", remaining_seconds: 0 });
      expect(await driver.call("decide", "keep")).toBe("reverted");
      expect(await generation(driver)).toBe(before);
      await driver.call("forget");
      expect(readdirSync(join(root, "current/maps")).filter((name) => name.includes("confirm"))).toEqual([]);
      // The generation that was taken back is used up.
      await apply(driver, "open81");
      expect(await generation(driver)).toBe(Number(before) + 2);
      expect([await connect(driver, 81), await connect(driver, 80)]).toEqual(["open", "timeout"]);
      await driver.call("close", { detach: true });
    });
  });

  it("goes back when the agent was killed right after it, and the next one finds the old rules", async () => {
    await beforeDeadline(3, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      const bystander = bed().start();
      await applyFor(driver, "open81", seconds);
      await driver.kill();
      expect([await connect(bystander, 81), await connect(bystander, 80)]).toEqual(["open", "timeout"]);
      seen();
      await awaitOld(bystander);
      expect(await connect(bystander, 81)).toBe("timeout");

      const next = await start(root);
      expect((await confirmation(next))?.state).toBe("reverted");
      expect(await apply(next, "open80")).toMatchObject({ entriesWritten: 0, slotsSwitched: 0 });
      await next.call("forget");
      await apply(next, "open81");
      // A third agent's generation is a fresh one, too, though no map holds a trace of the second.
      expect(await generation(next)).toBe(3);
      await next.call("close", { detach: true });
    });
  });

  it("is gone on with by an agent that starts before the deadline, and still goes back", async () => {
    await beforeDeadline(6, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "open81", seconds);
      await driver.kill();
      const next = await start(root);
      expect((await confirmation(next))?.state).toBe("waiting");
      await next.call("resume", { before: "open80", waiting: "open81" });
      expect([await connect(next, 81), await connect(next, 80)]).toEqual(["open", "timeout"]);
      seen();
      await awaitOld(next);
      expect(await connect(next, 81)).toBe("timeout");
      expect(await next.call("decide", "undo")).toBe("reverted");
      await next.call("close", { detach: true });
    });
  });
});

describe("a verification while a change waits", () => {
  const differences = async (driver: Driver) => (await driver.call<Verification>("verify")).differences;

  it("finds nothing wrong, and leaves what the state before needs", async () => {
    await beforeDeadline(6, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "two");
      expect(await differences(driver)).toEqual([]);
      await applyFor(driver, "open81", seconds);
      expect(await differences(driver)).toEqual([]);
      await driver.kill();
      const next = await start(root);
      await next.call("resume", { before: "two", waiting: "open81" });
      expect(await differences(next)).toEqual([]);
      expect([await connect(next, 81), await connect(next, 80)]).toEqual(["open", "timeout"]);
      seen();
      await awaitOld(next);
      expect(await differences(next)).toEqual([]);
      expect(await connect(next, 81)).toBe("timeout");
      expect(await next.call("decide", "undo")).toBe("reverted");
      expect(await differences(next)).toEqual([]);
      await next.call("close", { detach: true });
    });
  });
});

describe("a change that is confirmed", () => {
  it("stays, also after the deadline and under the next agent", async () => {
    await beforeDeadline(5, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "open81", seconds);
      await driver.kill();
      const next = await start(root);
      await next.call("resume", { before: "open80", waiting: "open81" });
      const { remaining_seconds = 0 } = (await confirmation(next)) ?? {};
      expect(await next.call("decide", "keep")).toBe("kept");
      seen();
      await next.call("forget");
      expect(await confirmation(next)).toBeNull();
      await new Promise((done) => setTimeout(done, remaining_seconds * 1000 + 500));
      expect([await connect(next, 81), await connect(next, 80)]).toEqual(["open", "timeout"]);
      expect(await apply(next, "open81")).toMatchObject({ entriesWritten: 0, slotsSwitched: 0 });
      await next.call("close", { detach: true });
    });
  });
});

describe("while a change waits", () => {
  it("no other one is made", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "open81", 30);
      await expect(apply(driver, "both")).rejects.toThrow(/waits for its confirmation/);
      await expect(applyFor(driver, "both", 5)).rejects.toThrow(/waits for its confirmation/);
      expect(await connect(driver, 81)).toBe("open");
      expect(await driver.call("decide", "undo")).toBe("reverted");
      expect([await connect(driver, 80), await connect(driver, 81)]).toEqual(["open", "timeout"]);
      await driver.call("close", { detach: true });
    });
  });

  it("interfaces that it adds drop everything afterwards, and those that it takes away are back", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "two", 30);
      expect(await connect(driver, 80)).toBe("open");
      expect(await driver.call("decide", "undo")).toBe("reverted");
      expect(await connect(driver, 80, 2)).toBe("timeout");
      expect((await driver.call<KernelStatus>("status")).removed).toHaveLength(1);
      await applyFor(driver, "nobody", 30);
      expect(await connect(driver, 80)).toBe("timeout");
      expect(await driver.call("decide", "undo")).toBe("reverted");
      expect(await connect(driver, 80)).toBe("open");
      await driver.call("close", { detach: true });
    });
  });

  it("a device that comes back goes back, too, with nobody there", async () => {
    await beforeDeadline(4, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "moved", seconds);
      bed().host("link", "del", "tap1");
      bed().addDevice(1);
      await driver.call("sweep");
      expect([await connect(driver, 81), await connect(driver, 80)]).toEqual(["open", "timeout"]);
      const bystander = bed().start();
      await driver.kill();
      seen();
      await awaitOld(bystander);
      expect(await connect(bystander, 81)).toBe("timeout");
      await (await start(root)).call("close", { detach: true });
    });
  });
});

describe("a kernel, or an installation, that cannot take a change back", () => {
  it("refuses it whole and says what to do; every other change goes on", async () => {
    await withBpffs(async (root) => {
      // An installation without the programs that go back.
      const object = join(root, "..", "ringwall.bpf.o");
      copyFileSync(objectPath, object);
      const driver = bed().start();
      await driver.call("open", { object, root, settings: "usual" });
      await apply(driver, "open80");
      await expect(applyFor(driver, "open81", 5)).rejects.toThrow(
        /cannot take a change back by itself, so it was not made: apply it without --confirm/,
      );
      expect([await connect(driver, 80), await connect(driver, 81)]).toEqual(["open", "timeout"]);
      expect(await confirmation(driver)).toBeNull();
      await apply(driver, "open81");
      expect([await connect(driver, 81), await connect(driver, 80)]).toEqual(["open", "timeout"]);
      await driver.call("close", { detach: true });
    });
  });
});
