/** Holes of other firewalls, by their names: frames that XDP never saw, so that nothing judged them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PacketCounter, Verification } from "../../src/kernel/status.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { ip, objectPath, withBpffs } from "../kernel/host.ts";
import { Bed, type Driver } from "../kernel/namespace.ts";
import type { SettingsName } from "../kernel/scenarios.ts";

let object: string;
let removeObject: () => void;
beforeAll(() => {
  const { path, remove } = compileObject("forge");
  object = path;
  removeObject = remove;
});
afterAll(() => removeObject());

let bed: Bed;
beforeEach(() => {
  bed = new Bed("forge");
  bed.addGuest(1);
});
afterEach(() => bed.remove());

/** The host enforces, and counts what comes through; the guest answers with forged frames. */
async function begin(root: string, settings: SettingsName): Promise<Driver> {
  const host = bed.start();
  await host.call("open", { object: objectPath, root, settings });
  await host.call("apply", "open80");
  await host.call("countForged", { object, device: "tap1" });
  return host;
}

/** Ten frames of another's MAC behind a mark; how many came through, and how many were judged. */
async function forge(host: Driver, mark: string) {
  const guest = bed.startIn("g1");
  await guest.call("layMark", { object, device: "eth0", mark });
  const judged = async () =>
    (await host.call<PacketCounter[]>("counters"))
      .filter(({ reason, direction }) => reason === "spoofed-mac" && direction === "egress")
      .reduce((sum, { packets }) => sum + Number(packets), 0);
  const before = { through: await host.call<number>("forgedCount"), judged: await judged() };
  bed.sendTo(1, 10);
  await expect
    .poll(async () => (await host.call<number>("forgedCount")) + (await judged()))
    .toBeGreaterThanOrEqual(before.through + before.judged + 10);
  await guest.kill();
  return {
    through: (await host.call<number>("forgedCount")) - before.through,
    judged: (await judged()) - before.judged,
  };
}

describe("cilium 12910: packets that went past veth's XDP, here with a mark that the guest laid before its frames", () => {
  it("is not believed in mode tc, whatever it says: no XDP program of ours marks there", async () => {
    await withBpffs(async (root) => {
      const host = await begin(root, "usual");
      expect(await host.call("markOf", { root, device: "tap1" })).toBe("0000000000000000");
      // The constant of earlier versions with the device's number, nothing at all, and a guess.
      const index = Buffer.from(Uint32Array.of(bed.ifindex("tap1")).buffer).toString("hex");
      for (const mark of [`4b4d5752${index}`, "0000000000000000", "0123456789abcdef"])
        expect(await forge(host, mark), mark).toEqual({ through: 0, judged: 10 });
      await host.call("close", { detach: true });
    });
  });

  it("control: passes where somebody wrote that very mark into the map, which a verification finds and mends", async () => {
    await withBpffs(async (root) => {
      const host = await begin(root, "usual");
      const mark = "0123456789abcdef";
      await host.call("markOf", { root, device: "tap1", mark });
      expect(await forge(host, mark)).toEqual({ through: 10, judged: 0 });
      const { differences } = await host.call<Verification>("verify");
      expect(differences).toMatchObject([{ map: "rw_marks", mended: true }]);
      expect(await forge(host, mark)).toEqual({ through: 0, judged: 10 });
      await host.call("close", { detach: true });
    });
  });

  it("is written over by XDP in mode native, even where it is the right one, and the next agent keeps it", async () => {
    await withBpffs(async (root) => {
      const host = await begin(root, "native");
      const mark = await host.call<string>("markOf", { root, device: "tap1" });
      expect(mark).toMatch(/^[0-9a-f]{16}$/);
      expect(mark).not.toBe("0000000000000000");
      expect(await forge(host, mark)).toEqual({ through: 0, judged: 10 });
      await host.kill();
      const next = await begin(root, "native");
      expect(await next.call("markOf", { root, device: "tap1" })).toBe(mark);
      expect((await next.call<Verification>("verify")).differences).toEqual([]);
      await next.call("close", { detach: true });
    });
  });

  it("is judged in mode generic, where XDP is not shown redirected frames: only the device's own secret would pass", async () => {
    await withBpffs(async (root) => {
      const host = await begin(root, "generic");
      for (const mark of ["0000000000000000", "0123456789abcdef"])
        expect(await forge(host, mark), mark).toEqual({ through: 0, judged: 10 });
      const secret = await host.call<string>("markOf", { root, device: "tap1" });
      expect(await forge(host, secret)).toEqual({ through: 10, judged: 0 });
      await host.call("close", { detach: true });
    });
  });

  it("goes with its device: the one that gets the number next has another", async () => {
    await withBpffs(async (root) => {
      const host = await begin(root, "native");
      const index = bed.ifindex("tap1");
      const mark = await host.call<string>("markOf", { root, device: "tap1" });
      await host.kill();
      ip("-n", bed.namespace, "link", "del", "tap1");
      bed.addDevice(1, index);
      const next = await begin(root, "native");
      expect(await next.call("markOf", { root, device: "tap1" })).not.toBe(mark);
      await next.call("close", { detach: true });
    });
  });
});
