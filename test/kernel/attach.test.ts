import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { hasTcx, linkPins, objectPath, withBpffs } from "./host.ts";
import { Bed } from "./namespace.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("attach");
  bed.addGuest(1);
  await bed.listen(1, 80, 81);
});
afterEach(() => bed.remove());

describe("programs on a device", () => {
  it("are clsact filters where the kernel has no tcx, found and replaced by the next agent", async () => {
    await withBpffs(async (root) => {
      mkdirSync(root);
      const driver = bed.start();
      const run = await driver.call<Record<string, unknown>>("clsact", {
        object: objectPath,
        root,
        device: "tap1",
      });
      expect(run.result).toEqual({ done: true, mode: "tc" });
      expect(run.attached).toEqual(run.first);
      expect(run.adopted).toBe(true);
      expect(run.updated).toEqual(run.second);
      expect(run.second).not.toEqual(run.first);
      // Links in their place, once an agent has them; where it cannot, they stay.
      expect(run.exchanged).toEqual(hasTcx ? [0, 0] : run.third);
      expect(run.links).toEqual(hasTcx ? run.third : []);
      expect(run.isComplete).toBe(true);
      expect(run.detached).toEqual([0, 0]);
    });
  });

  it("stand again within a second after somebody detached one whose pin stands, XDP too", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "native" });
      await driver.call("apply", "open80");
      const ifindex = bed.ifindex("tap1");
      const before = await driver.call<KernelStatus>("status");
      expect(before.interfaces[0]).toMatchObject({ state: "enforcing", mode: "native" });
      await driver.call("sabotage", join(root, "links", `${ifindex}-xdp-native`));
      const look = async () => (await driver.call<KernelStatus>("status")).guard?.detached;
      await expect.poll(look, { interval: 50 }).toBe(1);
      const after = await driver.call<KernelStatus>("status");
      expect(after.interfaces[0]).toMatchObject({ state: "enforcing", mode: "native" });
      expect(bed.host("link", "show", "dev", "tap1")).toContain("prog/xdp");
      await driver.call("close", { detach: true });
    });
  });

  it("are put on a device that comes without a question about any other, which would let it wait", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", blind: true });
      await driver.call("apply", "two");
      await driver.call("countQuestions");
      const stateOf = async (id: string) =>
        (await driver.call<KernelStatus>("status")).interfaces.find((one) => one.interface === id)?.state;
      bed.addGuest(2);
      await expect.poll(() => stateOf("eni-2")).toBe("enforcing");
      expect(await stateOf("eni-1")).toBe("enforcing");
      const [old, come] = [bed.ifindex("tap1"), bed.ifindex("tap2")];
      const questions = await driver.call<Record<string, number>>("questions");
      expect(questions[come]).toBeGreaterThan(0);
      expect(questions[old]).toBeUndefined();
      // A look at all, as after a change: the count can grow.
      await driver.call("sweep");
      expect((await driver.call<Record<string, number>>("questions"))[old]).toBeGreaterThan(0);
      await driver.call("close", { detach: true });
    });
  });

  it("stand again after somebody took them or their pins away", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", blind: true });
      await driver.call("apply", "open80");
      const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port });
      const pins = linkPins(root);
      const ifindex = bed.ifindex("tap1");
      expect(pins).toEqual(hasTcx ? [`${ifindex}-tc-egress`, `${ifindex}-tc-ingress`] : []);

      if (hasTcx) await driver.call("sabotage", join(root, "links", `${ifindex}-tc-egress`));
      else bed.inHost("tc", "filter", "del", "dev", "tap1", "egress");
      expect(await connect(81)).toBe("open");
      await driver.call("sweep");
      expect(await connect(81)).toBe("timeout");
      expect(await connect(80)).toBe("open");
      expect((await driver.call<KernelStatus>("status")).interfaces[0]?.state).toBe("enforcing");

      for (const pin of pins) rmSync(join(root, "links", pin));
      await driver.call("sweep");
      expect(linkPins(root)).toEqual(pins);
      await driver.call("close", { detach: true });
    });
  });
});
