import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Limit } from "../../src/kernel/layout.gen.ts";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed } from "./namespace.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("full");
  bed.addGuest(1);
  bed.addGuest(2);
  await bed.listen(1, 80, 81);
});
afterEach(() => bed.remove());

const each = (count: number, say: (n: number) => string) =>
  Array.from({ length: count }, (_, index) => say(index + 1)).join(", ");

describe("a change that does not fit", () => {
  it.each([
    ["rw_identities", 2],
    ["rw_group_bits", 2],
    ["rw_prefixes", 1],
    ["rw_words", 7],
    ["rw_cells", 12],
    ["rw_policies", 2],
    ["rw_slots", 4],
  ])("is refused as a whole, naming %s; the old rules go on", async (map, size) => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", mapSizes: { [map]: size } });
      await driver.call<KernelStatus>("apply", "open81");
      const before = await driver.call<KernelStatus>("status");
      await expect(driver.call("apply", "two")).rejects.toThrow(map);
      const after = await driver.call<KernelStatus>("status");
      expect(after.maps).toEqual(before.maps);
      expect(after.interfaces).toEqual(before.interfaces);
      const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port });
      expect(await connect(81)).toBe("open");
      expect(await connect(80)).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });

  it.each([
    ["rw_owned", `allowedAddressPairs: [${each(9, (n) => `{address: 10.9.0.${n}}`)}]`],
    ["rw_listed", `vlans: [${each(9, (n) => String(100 + n))}]`],
  ])(
    "of one interface alone is refused, naming %s and what to do; the old one goes on",
    async (map, more) => {
      const rules = (also: string) => `version: 1
networks: {vpc-a: {type: vpc}}
groups: {sg-t: {type: basic, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: tcp, portRange: 81/81, remote: 0.0.0.0/0}]}}
instances: {i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-t]${also}}}}}
`;
      await withBpffs(async (root) => {
        const driver = bed.start();
        await driver.call("open", { object: objectPath, root, settings: "usual", mapSizes: { [map]: 8 } });
        await driver.call("applyRules", rules(""));
        const before = await driver.call<KernelStatus>("status");
        await expect(driver.call("applyRules", rules(`, ${more}`))).rejects.toThrow(
          new RegExp(`${map} is too small: .* it has 8; use fewer .* in smaller steps`),
        );
        expect((await driver.call<KernelStatus>("status")).maps).toEqual(before.maps);
        expect(await driver.call("connect", { host: "10.0.0.1", port: 81 })).toBe("open");
        await driver.call("close", { detach: true });
      });
    },
  );

  it("is told of a device whose word has no room, which is set down meanwhile", async () => {
    // Two whose numbers collide: the second one's word is in the far table, which somebody's fills.
    bed.addGuest(3, 77);
    bed.addGuest(4, 77 + Limit.DEVICES_NEAR);
    await withBpffs(async (root) => {
      const driver = bed.start();
      const mapSizes = { rw_devices_far: 1 };
      await driver.call("open", { object: objectPath, root, settings: "usual", mapSizes });
      const other = ["pinned", join(root, "current/maps/rw_devices_far"), "key", "5", "0", "0", "0"];
      const value = ["value", "5", "0", "0", "0", "0", "0", "0", "0"];
      execFileSync("bpftool", ["map", "update", ...other, ...value]);
      const states = async () =>
        (await driver.call<KernelStatus>("apply", "collide80")).interfaces.map(({ state }) => state);
      expect(await states()).toEqual(["enforcing", "failed"]);
      const [, failed] = (await driver.call<KernelStatus>("status")).interfaces;
      expect(failed?.problem).toMatch(/rw_devices_far.*E2BIG.*the device was set down/s);
      expect(bed.host("link", "show", "dev", "tap4")).not.toContain(",UP");
      execFileSync("bpftool", ["map", "delete", ...other]);
      await driver.call("sweep");
      expect((await driver.call<KernelStatus>("status")).interfaces[1]?.state).toBe("enforcing");
      expect(bed.host("link", "show", "dev", "tap4")).toContain(",UP");
      await driver.call("close", { detach: true });
    });
  });

  it("is refused where there are more interfaces than numbers", async () => {
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual", interfaces: 1 });
      await driver.call<KernelStatus>("apply", "open81");
      await expect(driver.call("apply", "two")).rejects.toThrow(/rw_interfaces is full/);
      await driver.call<KernelStatus>("apply", "open80");
      await driver.call("close", { detach: true });
    });
  });
});
