/** A change that is to be confirmed, by the programs of a live device, with the agent and without one. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConfirmationStatus, KernelStatus, Session, Verification } from "../../src/kernel/status.ts";
import { inTime } from "../support/in-time.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { ModelName } from "./scenarios.ts";

let bed: Bed;
async function makeBed(): Promise<void> {
  bed = new Bed("confirm");
  bed.addGuest(1);
  bed.addGuest(2);
  await bed.listen(1, 80, 81);
  await bed.listen(2, 80, 81);
}
beforeEach(makeBed);
afterEach(() => bed.remove());

/** `body` sees what it has to before a deadline of so many seconds, or has another bed and a later one. */
const beforeDeadline = (
  seconds: number,
  body: (root: string, seconds: number, seen: () => void) => Promise<void>,
) =>
  inTime(
    seconds,
    (longer, seen) => withBpffs((root) => body(root, longer, seen)),
    async () => {
      bed.remove();
      await makeBed();
    },
  );

async function start(root: string): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings: "usual" });
  return driver;
}
const apply = (driver: Driver, model: ModelName) => driver.call("apply", model);
const applyFor = (driver: Driver, model: ModelName, seconds: number) =>
  driver.call("applyFor", { model, seconds });
const connect = (driver: Driver, port: number, guest = 1) =>
  driver.call<string>("connect", { host: `10.0.0.${guest}`, port });
const confirmation = (driver: Driver) => driver.call<ConfirmationStatus | null>("confirmation");
const generation = async (driver: Driver) =>
  (await driver.call<KernelStatus>("status")).interfaces[0]?.generation;
/** The last attempt at a deadline takes more than a minute. */
const deadlinePatience = { timeout: 180_000, interval: 100 };
/** Past the deadline, by what the packets meet. */
const awaitOld = (driver: Driver) => expect.poll(() => connect(driver, 80), deadlinePatience).toBe("open");

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
      const bystander = bed.start();
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
      bed.host("link", "del", "tap1");
      bed.addDevice(1);
      await driver.call("sweep");
      expect([await connect(driver, 81), await connect(driver, 80)]).toEqual(["open", "timeout"]);
      const bystander = bed.start();
      await driver.kill();
      seen();
      await awaitOld(bystander);
      expect(await connect(bystander, 81)).toBe("timeout");
      await (await start(root)).call("close", { detach: true });
    });
  });
});

describe("what stands beside the words", () => {
  it("is right for uplinks at any moment: they judge by what the change left alone", async () => {
    await beforeDeadline(4, async (root, seconds, seen) => {
      bed.addUplink();
      const driver = bed.start();
      const wan = bed.startIn("wan");
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
      bed.addGuest(3, 5003);
      bed.addGuest(4, 70_539);
      await bed.listen(3, 80, 81);
      await bed.listen(4, 80, 81);
      const driver = await start(root);
      await apply(driver, "collide80");
      await applyFor(driver, "collide81", seconds);
      for (const guest of [3, 4]) {
        expect(await connect(driver, 81, guest)).toBe("open");
        expect(await connect(driver, 80, guest)).toBe("timeout");
      }
      seen();
      const bystander = bed.start();
      await driver.kill();
      for (const guest of [3, 4]) {
        await expect.poll(() => connect(bystander, 80, guest), deadlinePatience).toBe("open");
        expect(await connect(bystander, 81, guest)).toBe("timeout");
      }
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
      const driver = bed.start();
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
