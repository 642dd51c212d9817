/** C17, what it says beside its figures: which mode was taken, what a mode costs, and frames of 9,000 bytes. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { Bed, type Driver } from "../kernel/namespace.ts";
import type { SettingsName } from "../kernel/scenarios.ts";

let bed: Bed;
beforeEach(() => {
  bed = new Bed("c17");
  bed.addGuest(1);
});
afterEach(() => bed.remove());

async function start(root: string, settings: SettingsName): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings });
  await driver.call("apply", "open80");
  return driver;
}

const stateOf = async (driver: Driver) => (await driver.call<KernelStatus>("status")).interfaces[0];

/** An echo request of so many bytes in one frame, from the host to the guest and back. */
async function ping(bytes: number): Promise<number | null> {
  const child = bed.spawnOnHost([
    "ping",
    "-c",
    "1",
    "-W",
    "2",
    "-M",
    "do",
    "-s",
    `${bytes - 28}`,
    "10.0.0.1",
  ]);
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

describe("C17: bulk TCP must not pay for the hook", () => {
  it("`auto` takes tc on a veth, and has nothing to say about it", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root, "usual");
      expect(await stateOf(driver)).toMatchObject({ state: "enforcing", mode: "tc", problem: null });
      await driver.call("close", { detach: true });
    });
  });

  it("`native` on a veth is allowed and warned about", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root, "native");
      const status = await stateOf(driver);
      expect(status).toMatchObject({ state: "enforcing", mode: "native" });
      expect(status?.problem).toMatch(
        /attach: native on tap1 switches off segmentation offload .*attach: auto/,
      );
      await driver.call("close", { detach: true });
    });
  });

  it.each(["usual", "native", "generic"] as const)(
    "with an MTU of 9000 it is attached, and a packet of 9,000 bytes is judged once (%s)",
    async (settings) => {
      bed.setMtu(1, 9000);
      await withBpffs(async (root) => {
        const driver = await start(root, settings);
        expect((await stateOf(driver))?.state).toBe("enforcing");
        expect(await ping(9000)).toBe(0);
        const counters = await driver.call<PacketCounter[]>("counters");
        expect(counters.filter(({ verdict }) => verdict === "drop")).toEqual([]);
        const large = counters.filter(({ bytes }) => Number(bytes) >= 9000);
        expect(large.map(({ direction, packets }) => [direction, Number(packets)]).sort()).toEqual([
          ["egress", 1],
          ["ingress", 1],
        ]);
        await driver.call("close", { detach: true });
      });
    },
  );
});
