import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter, PacketEvent, Session } from "../../src/kernel/status.ts";
import { objectPath, tcpFrame, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { ModelName, SettingsName } from "./scenarios.ts";

let bed: Bed;
beforeEach(() => {
  bed = new Bed("enf");
});
afterEach(() => bed.remove());

async function start(root: string, name: SettingsName = "usual", interfaces?: number): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings: name, interfaces });
  return driver;
}
const apply = (driver: Driver, name: ModelName) => driver.call<KernelStatus>("apply", name);
const connect = (driver: Driver, port: number, number = 1) =>
  driver.call<string>("connect", { host: `10.0.0.${number}`, port });
const status = (driver: Driver) => driver.call<KernelStatus>("status");
const stateOf = async (driver: Driver) => (await status(driver)).interfaces[0];

const until = (check: () => Promise<boolean>) => expect.poll(check).toBe(true);

describe("enforcement on a device", () => {
  it("lets in what the rules allow, drops the rest, and says so", async () => {
    bed.addGuest(1);
    await bed.listen(1, 80, 81);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await driver.call("listen");
      expect(await connect(driver, 81)).toBe("open");
      const report = await apply(driver, "open80");
      expect(report.interfaces[0]).toMatchObject({
        interface: "eni-1",
        state: "enforcing",
        mode: "tc",
        problem: null,
      });
      expect(await connect(driver, 80)).toBe("open");
      expect(await connect(driver, 81)).toBe("timeout");
      const counters = await driver.call<PacketCounter[]>("counters");
      const drop = counters.find(({ reason, verdict }) => reason === "no-rule" && verdict === "drop");
      expect(drop).toMatchObject({ interface: "eni-1", direction: "ingress" });
      const events = await driver.call<PacketEvent[]>("events");
      expect(events.find(({ destinationPort }) => destinationPort === 81)).toMatchObject({
        interface: "eni-1",
        reason: "no-rule",
        hook: "tc-egress",
        sourceMac: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
      });
      const sessions = await driver.call<Session[]>("sessions");
      expect(sessions.find(({ localPort }) => localPort === 80)).toMatchObject({
        origin: "ingress",
        rule: 0,
      });
      await driver.call("close", { detach: true });
    });
  });

  it("answers a question without touching sessions, counters or events", async () => {
    bed.addGuest(1);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await driver.call("listen");
      const before = await driver.call("counters");
      const question = (port: number) => ({
        interface: "eni-1",
        direction: "ingress",
        frame: Buffer.from(
          tcpFrame({
            from: "02:00:00:00:00:fe",
            to: "02:00:00:00:00:01",
            source: "198.51.100.7",
            destination: "10.0.0.1",
            sourcePort: 4000,
            port,
            flags: 2,
          }),
        ).toString("hex"),
      });
      expect(await driver.call("ask", question(80))).toMatchObject({
        verdict: "accept",
        reason: "rule",
        session: "new",
      });
      expect(await driver.call("ask", question(80))).toMatchObject({ session: "new" });
      expect(await driver.call("ask", question(81))).toMatchObject({ verdict: "drop", reason: "no-rule" });
      expect(await driver.call("counters")).toEqual(before);
      expect(await driver.call("sessions")).toEqual([]);
      expect(await driver.call("events")).toEqual([]);
      await expect(driver.call("ask", { ...question(80), interface: "eni-9" })).rejects.toThrow(/eni-9/);
      await driver.call("close", { detach: true });
    });
  });

  it("revokes sessions on request, for good", async () => {
    bed.addGuest(1);
    await bed.listen(1, 80);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      expect(await connect(driver, 80)).toBe("open");
      expect(await driver.call<number>("end")).toBeGreaterThan(0);
      const sessions = await driver.call<Session[]>("sessions");
      expect(sessions.every(({ revoked }) => revoked)).toBe(true);
      await driver.call("sweep");
      expect((await stateOf(driver))?.tables.some(({ entries }) => (entries ?? 0) > 0)).toBe(true);
      await driver.call("close", { detach: true });
    });
  });

  it("finds a device that comes later, follows its name, and lets go of one that went", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root);
      const report = await apply(driver, "open80");
      expect(report.interfaces[0]).toMatchObject({ state: "absent", ifindex: 0 });
      bed.addGuest(1);
      await bed.listen(1, 80, 81);
      await until(async () => (await stateOf(driver))?.state === "enforcing");
      expect(await connect(driver, 81)).toBe("timeout");
      bed.host("link", "set", "tap1", "down");
      bed.host("link", "set", "tap1", "name", "other");
      bed.host("link", "set", "other", "up");
      bed.host("route", "add", "10.0.0.1/32", "dev", "other", "src", "10.0.0.254");
      expect(await connect(driver, 80)).toBe("open");
      expect(await connect(driver, 81)).toBe("timeout");
      expect((await stateOf(driver))?.problem).toMatch(/renamed from tap1 to other/);
      bed.host("link", "del", "other");
      await until(async () => (await stateOf(driver))?.state === "absent");
      await driver.call("close", { detach: true });
    });
  });

  it("drops everything on the device of an interface that left, until it is released", async () => {
    bed.addGuest(1);
    await bed.listen(1, 80);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      await apply(driver, "nobody");
      expect(await connect(driver, 80)).not.toBe("open");
      expect((await status(driver)).removed).toEqual([{ ifindex: bed.ifindex("tap1"), device: "tap1" }]);
      expect(await driver.call("release", bed.ifindex("tap1"))).toBe(true);
      // The neighbour has to be found anew.
      await until(async () => (await connect(driver, 80)) === "open");
      await driver.call("close", { detach: true });
    });
  });

  it("says observing where no group enforces", async () => {
    bed.addGuest(1);
    await bed.listen(1, 81);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "observed");
      expect((await stateOf(driver))?.state).toBe("observing");
      expect(await connect(driver, 81)).toBe("open");
      await driver.call("close", { detach: true });
    });
  });

  it.each([
    ["native", "down"],
    ["nativeOpen", "up"],
  ] as const)(
    "fails with a clear text where somebody else's XDP program stands (%s)",
    async (name, expected) => {
      bed.addGuest(1);
      await withBpffs(async (root) => {
        const driver = await start(root, name);
        await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
        const report = await apply(driver, "open80");
        expect(report.interfaces[0]?.state).toBe("failed");
        expect(report.interfaces[0]?.problem).toMatch(/tap1 has another XDP program.*xdp off/);
        const up = bed.host("-j", "link", "show", "dev", "tap1").includes('"UP"');
        expect(up ? "up" : "down").toBe(expected);
        await driver.call("close", { detach: true });
      });
    },
  );

  it("enforces by XDP where that is chosen", async () => {
    bed.addGuest(1);
    await bed.listen(1, 80, 81);
    await withBpffs(async (root) => {
      const driver = await start(root, "generic");
      const report = await apply(driver, "open80");
      expect(report.interfaces[0]).toMatchObject({ state: "enforcing", mode: "generic" });
      expect(await connect(driver, 80)).toBe("open");
      expect(await connect(driver, 81)).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it("opens the device and leaves no pin when it is detached", async () => {
    bed.addGuest(1);
    await bed.listen(1, 81);
    await withBpffs(async (root) => {
      const driver = await start(root);
      await apply(driver, "open80");
      expect(await connect(driver, 81)).toBe("timeout");
      await driver.call("close", { detach: true });
      expect(await connect(driver, 81)).toBe("open");
      expect(existsSync(join(root, "current"))).toBe(false);
      expect(existsSync(join(root, "links"))).toBe(false);
    });
  });
});
