/**
 * A name is not a device, and an index neither: what becomes of devices while the agent is asleep, so that it learns of
 * all of it at once, or while there is none.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InterfaceStatus, KernelStatus } from "../../src/kernel/status.ts";
import { ip, objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";

let bed: Bed;
beforeEach(() => {
  bed = new Bed("identity");
});
afterEach(() => bed.remove());

const address = "10.0.0.1";
/** Of the guest's device; free in every namespace. */
const index = 77;
const both = ["asleep", "killed"] as const;

async function start(root: string): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings: "usual" });
  return driver;
}

/** eni-1 on tap1: port 80 is open, 81 is not. Then what `ends` says, and `body` on what is found afterwards. */
async function meanwhile(
  missing: "asleep" | "killed",
  changes: () => void,
  body: (driver: Driver, root: string) => Promise<void>,
): Promise<void> {
  bed.addGuest(1, index);
  await bed.listen(1, 80, 81);
  await withBpffs(async (root) => {
    let driver = await start(root);
    await driver.call("apply", "open80");
    expect(await connect(driver, 81)).toBe("timeout");
    if (missing === "asleep") {
      driver.signal("SIGSTOP");
      changes();
      driver.signal("SIGCONT");
    } else {
      await driver.kill();
      changes();
      driver = await start(root);
      await driver.call("apply", "open80");
    }
    await body(driver, root);
    await driver.call("close", { detach: true });
  });
}

const connect = (driver: Driver, port: number) => driver.call<string>("connect", { host: address, port });

/** What the rules open is reached, however long a busy machine takes, and nothing else. */
async function expectJudged(driver: Driver): Promise<void> {
  await expect.poll(() => connect(driver, 80)).toBe("open");
  expect(await connect(driver, 81)).toBe("timeout");
}

async function stateOf(driver: Driver): Promise<InterfaceStatus | undefined> {
  return (await driver.call<KernelStatus>("status")).interfaces[0];
}

/** A device of the host's own with an index that another had. */
function addOther(): void {
  bed.host("link", "add", "other", "index", String(index), "type", "veth", "peer", "name", "end");
  for (const device of ["other", "end"]) bed.host("link", "set", device, "up");
}

/** Ids of the programs at a device's tc hooks, ours first. */
const programsOn = (driver: Driver, ifindex: number) => driver.call<number[]>("programsAt", ifindex);

describe("what the agent learns of a device afterwards", () => {
  it.each(both)(
    "a device that takes the index of a guest's becomes nobody's: it is left alone, %s",
    async (missing) => {
      await meanwhile(
        missing,
        () => {
          bed.host("link", "del", "tap1");
          addOther();
        },
        async (driver) => {
          await expect.poll(async () => (await stateOf(driver))?.state).toBe("absent");
          expect(await programsOn(driver, index)).toEqual([]);
          expect((await driver.call<KernelStatus>("status")).removed).toEqual([]);
          // The guest's new one is its own again.
          bed.addDevice(1);
          await expect.poll(async () => (await stateOf(driver))?.state).toBe("enforcing");
          await expectJudged(driver);
          expect(await programsOn(driver, index)).toEqual([]);
        },
      );
    },
  );

  it("a device that comes back under its name and its index is protected anew", async () => {
    await meanwhile(
      "asleep",
      () => {
        bed.host("link", "del", "tap1");
        bed.addDevice(1, index);
      },
      async (driver) => {
        await expect.poll(() => programsOn(driver, bed.ifindex("tap1"))).toHaveLength(2);
        expect((await stateOf(driver))?.state).toBe("enforcing");
        await expectJudged(driver);
      },
    );
  });

  it("a device that is renamed stays its guest's, and nothing is taken off it", async () => {
    await meanwhile(
      "killed",
      () => {
        rename("tap1", "other");
      },
      async (driver) => {
        await expect.poll(async () => (await stateOf(driver))?.problem).toMatch(/renamed from tap1 to other/);
        expect(await programsOn(driver, bed.ifindex("other"))).toHaveLength(2);
        await expectJudged(driver);
      },
    );
  });

  it.each(["at once", "later"])(
    "a device that is renamed and has its programs taken off gets them again, %s",
    async (when) => {
      await meanwhile(
        "asleep",
        () => undefined,
        async (driver, root) => {
          if (when === "at once") driver.signal("SIGSTOP");
          rename("tap1", "other");
          if (when === "later")
            await expect
              .poll(async () => (await stateOf(driver))?.problem)
              .toMatch(/renamed from tap1 to other/);
          const taken = ["tc-egress", "tc-ingress"].map((hook) =>
            driver.call("sabotage", join(root, "links", `${index}-${hook}`)),
          );
          driver.signal("SIGCONT");
          await Promise.all(taken);
          await expect.poll(() => programsOn(driver, index)).toHaveLength(2);
          const problem = "the device was renamed from tap1 to other";
          await expect.poll(() => stateOf(driver)).toMatchObject({ state: "enforcing", problem });
          await expectJudged(driver);
        },
      );
    },
  );

  it("a device that moves to another namespace and back is protected all the while", async () => {
    await meanwhile(
      "asleep",
      () => {
        move("tap1", bed.namespace, bed.guest(1));
        move("tap1", bed.guest(1), bed.namespace);
        bed.host("link", "set", "tap1", "up");
        bed.host("addr", "add", "10.0.0.254/32", "dev", "tap1");
        bed.host("route", "add", `${address}/32`, "dev", "tap1", "src", "10.0.0.254");
      },
      async (driver) => {
        expect(await programsOn(driver, index)).toHaveLength(2);
        await expect.poll(async () => (await stateOf(driver))?.state).toBe("enforcing");
        await expectJudged(driver);
      },
    );
  });

  it.each(both)(
    "one that left with its programs lends them to no device of its name and index, %s",
    async (missing) => {
      await meanwhile(
        missing,
        () => {
          bed.host("link", "set", "tap1", "name", "left");
          move("left", bed.namespace, bed.guest(1));
          ip("-n", bed.guest(1), "link", "set", "eth0", "name", "eth1");
          ip("-n", bed.guest(1), "addr", "flush", "dev", "eth1");
          bed.addDevice(1, index);
        },
        async (driver) => {
          await expect.poll(() => programsOn(driver, index)).toHaveLength(2);
          expect((await stateOf(driver))?.state).toBe("enforcing");
          await expectJudged(driver);
        },
      );
    },
  );

  it.each([
    ["", 0],
    [", and the devices could not be listed at first", 2],
  ])("a guest's device is found though the kernel kept no word of it%s", async (_, failures) => {
    bed.host("link", "add", "busy", "type", "veth", "peer", "name", "idle");
    await withBpffs(async (root) => {
      const driver = await start(root);
      await driver.call("apply", "open80");
      driver.signal("SIGSTOP");
      const listed = driver.call("failList", failures);
      // More than there is room for while nobody reads.
      const changes = Array.from({ length: 20_000 }, (_, turn) => `link set busy mtu ${1400 + (turn % 2)}`);
      execFileSync("ip", ["-n", bed.namespace, "-batch", "-"], { input: changes.join("\n") });
      bed.addGuest(1);
      await bed.listen(1, 80, 81);
      driver.signal("SIGCONT");
      await listed;
      await expect.poll(async () => (await stateOf(driver))?.state).toBe("enforcing");
      await expectJudged(driver);
      expect((await driver.call<KernelStatus>("status")).guard?.problem).toBeNull();
      await driver.call("close", { detach: true });
    });
  });
});

/** The way to the guest stays. */
function rename(from: string, to: string): void {
  bed.host("link", "set", from, "down");
  bed.host("link", "set", from, "name", to);
  bed.host("link", "set", to, "up");
  bed.host("route", "add", `${address}/32`, "dev", to, "src", "10.0.0.254");
}

/** It keeps its index. */
function move(device: string, from: string, to: string): void {
  ip("-n", from, "link", "set", device, "netns", to);
  const [link]: { ifindex: number }[] = JSON.parse(ip("-n", to, "-j", "link", "show", "dev", device));
  expect(link?.ifindex).toBe(index);
}
