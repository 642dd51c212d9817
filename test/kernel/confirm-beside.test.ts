/** What a change that is to be confirmed does to what stands beside its words: uplinks, gateways, numbers that collide, sessions. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KernelStatus, Session } from "../../src/kernel/status.ts";
import {
  apply,
  applyFor,
  awaitOld,
  bed,
  beforeDeadline,
  confirmation,
  connect,
  deadlinePatience,
  start,
  useBed,
} from "./confirm-bed.ts";
import { objectPath, withBpffs } from "./host.ts";

useBed();

describe("what stands beside the words", () => {
  it("is right for uplinks at any moment: they judge by what the change left alone", async () => {
    await beforeDeadline(4, async (root, seconds, seen) => {
      bed().addUplink();
      const driver = bed().start();
      const wan = bed().startIn("wan");
      await driver.call("open", { object: objectPath, root, settings: "uplink" });
      const uplinkAddresses = async () => (await driver.call<KernelStatus>("status")).uplinks[0]?.addresses;
      const fromWan = (port: number) => wan.call("connect", { host: "10.0.0.1", port });
      await apply(driver, "open80");
      expect(await uplinkAddresses()).toBe(1);
      await applyFor(driver, "open81", 30);
      expect([await uplinkAddresses(), await fromWan(81), await fromWan(80)]).toEqual([1, "open", "timeout"]);
      await driver.call("decide", "undo");
      await driver.call("forget");
      await applyFor(driver, "moved", seconds);
      // The record of eni-1 is new: its device judges alone until it is decided.
      expect([await uplinkAddresses(), await fromWan(81), await fromWan(80)]).toEqual([0, "open", "timeout"]);
      seen();
      await awaitOld(driver);
      expect([await fromWan(80), await fromWan(81)]).toEqual(["open", "timeout"]);
      await driver.call("decide", "undo");
      expect(await uplinkAddresses()).toBe(1);
      expect([await fromWan(80), await fromWan(81)]).toEqual(["open", "timeout"]);
      await driver.call("close", { detach: true });
    });
  });

  it("comes back without an agent: gateways that nobody may claim", async () => {
    await beforeDeadline(1, async (root, seconds, seen) => {
      const driver = await start(root);
      const gateways = () => {
        const path = join(root, "current/maps/rw_identities");
        const dump = execFileSync("bpftool", ["-j", "map", "dump", "pinned", path], { encoding: "utf8" });
        const entries = JSON.parse(dump) as { formatted: { value: { flags: number } } }[];
        return entries.filter(({ formatted }) => formatted.value.flags !== 0).length;
      };
      await apply(driver, "gateway");
      expect(gateways()).toBe(1);
      await applyFor(driver, "open80", seconds);
      expect(gateways()).toBe(0);
      seen();
      await driver.kill();
      await expect.poll(gateways, deadlinePatience).toBe(1);
      const next = await start(root);
      await next.call("forget");
      expect(await apply(next, "gateway")).toMatchObject({ entriesWritten: 0 });
      await next.call("close", { detach: true });
    });
  });

  it("holds for devices whose numbers collide, in the far table too", async () => {
    await beforeDeadline(4, async (root, seconds, seen) => {
      // 5003 and 70539 stand at one place of rw_devices.
      bed().addGuest(3, 5003);
      bed().addGuest(4, 70_539);
      await bed().listen(3, 80, 81);
      await bed().listen(4, 80, 81);
      const driver = await start(root);
      await apply(driver, "collide80");
      await applyFor(driver, "collide81", seconds);
      for (const guest of [3, 4]) {
        expect(await connect(driver, 81, guest)).toBe("open");
        expect(await connect(driver, 80, guest)).toBe("timeout");
      }
      seen();
      const bystander = bed().start();
      await driver.kill();
      for (const guest of [3, 4]) {
        await expect.poll(() => connect(bystander, 80, guest), deadlinePatience).toBe("open");
        expect(await connect(bystander, 81, guest)).toBe("timeout");
      }
      await (await start(root)).call("close", { detach: true });
    });
  });
});

describe("sessions", () => {
  it("that both rules allow live through a change and its way back", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await driver.call("hold", { host: "10.0.0.1", port: 80 });
      await applyFor(driver, "both", 1);
      await expect.poll(() => confirmation(driver)).toEqual({ state: "reverted", remaining_seconds: 0 });
      await driver.call("decide", "undo");
      const held = () => driver.call<{ sent: number; echoed: number; broken: string | null }>("held");
      const { sent } = await held();
      await expect.poll(async () => (await held()).echoed).toBeGreaterThan(sent);
      expect((await held()).broken).toBeNull();
      await driver.call("close", { detach: true });
    });
  });

  it("that the change revoked go on afterwards, and those that only it allowed end", async () => {
    await beforeDeadline(4, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await driver.call("hold", { host: "10.0.0.1", port: 80 });
      await applyFor(driver, "open81", seconds);
      expect(await connect(driver, 81)).toBe("open");
      const revoked = async () =>
        (await driver.call<Session[]>("sessions")).filter((session) => session.revoked).length;
      await expect.poll(revoked).toBe(1);
      const held = () => driver.call<{ sent: number; echoed: number; broken: string | null }>("held");
      seen();
      await awaitOld(driver);
      const { sent } = await held();
      // What TCP sends again comes after as long as it has waited already.
      await expect.poll(async () => (await held()).echoed, deadlinePatience).toBeGreaterThan(sent);
      expect(await revoked()).toBe(0);
      await driver.call("close", { detach: true });
    });
  });

  it("that only the change allowed end when it goes back", async () => {
    await beforeDeadline(8, async (root, seconds, seen) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await applyFor(driver, "open81", seconds);
      await driver.call("hold", { host: "10.0.0.1", port: 81 });
      const held = () => driver.call<{ sent: number; echoed: number; broken: string | null }>("held");
      await expect.poll(async () => (await held()).echoed).toBeGreaterThan(0);
      seen();
      await awaitOld(driver);
      const revoked = async () =>
        (await driver.call<Session[]>("sessions")).filter((session) => session.revoked).length;
      await expect.poll(revoked).toBe(1);
      const { echoed } = await held();
      expect(await connect(driver, 80)).toBe("open");
      expect((await held()).echoed).toBe(echoed);
      await driver.call("close", { detach: true });
    });
  });
});
