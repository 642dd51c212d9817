/** Links of which a call fails: what stands on the device meanwhile, and what comes of it. */
import { appendFileSync, copyFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InterfaceStatus, KernelStatus } from "../../src/kernel/status.ts";
import type { Standing } from "./faults.ts";
import { hasTcx, objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { SettingsName } from "./scenarios.ts";

let bed: Bed;
let driver: Driver;
let tap: number;
beforeEach(async () => {
  bed = new Bed("faults");
  bed.addGuest(1);
  await bed.listen(1, 80, 81);
  tap = bed.ifindex("tap1");
});
afterEach(() => bed.remove());

/** It looks at nothing by itself: what failed is as it was left until a sweep. */
async function open(root: string, settings: SettingsName = "usual", object = objectPath): Promise<void> {
  driver = bed.start();
  await driver.call("watchHooks");
  await driver.call("open", { object, root, settings, blind: true });
}

const seen = () => driver.call<readonly Standing[]>("seen");
const programs = () => driver.call<readonly number[]>("programsAt", tap);
const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port });
async function stateOf(): Promise<InterfaceStatus> {
  const [found] = (await driver.call<KernelStatus>("status")).interfaces;
  if (found === undefined) throw new Error("no interface");
  return found;
}
function isUp(): boolean {
  const [link]: { flags: string[] }[] = JSON.parse(bed.host("-j", "link", "show", "dev", "tap1"));
  return link?.flags.includes("UP") === true;
}
/** Rules are in force, both ways. */
async function expectJudged(): Promise<void> {
  expect([await connect(80), await connect(81)]).toEqual(["open", "timeout"]);
}

describe.runIf(hasTcx)("a device at which an attach fails for once", () => {
  it("is told with the reason, gets no filter instead of a link, and its links with the next attempt", async () => {
    await withBpffs(async (root) => {
      await open(root);
      await driver.call("fail", { call: "ingress", code: "EINVAL" });
      await driver.call("apply", "open80");
      expect(await stateOf()).toMatchObject({ state: "failed", mode: null });
      expect((await stateOf()).problem).toMatch(/EINVAL.*set down/);
      expect(await driver.call("filtersAt", tap)).toEqual([0, 0]);
      expect(await programs()).toEqual([]);
      expect(isUp()).toBe(false);
      // What stood was taken off once it was down, and not before.
      expect((await seen()).find(({ call }) => call === "down")).toMatchObject({ egress: 1 });

      await driver.call("sweep");
      expect(await stateOf()).toMatchObject({ state: "enforcing", mode: "tc", problem: null });
      expect(await programs()).toHaveLength(2);
      expect(isUp()).toBe(true);
      // The kernel takes the routes of a device that goes down.
      bed.host("route", "replace", "10.0.0.1/32", "dev", "tap1", "src", "10.0.0.254");
      await expectJudged();
      await driver.call("close", { detach: true });
    });
  });

  it("keeps what stands, which drops everything, where it cannot be set down", async () => {
    await withBpffs(async (root) => {
      await open(root, "native");
      // Once when it is applied, and at both looks of a sweep.
      await driver.call("fail", { call: "xdp", code: "ENOMEM", times: 3 });
      await driver.call("fail", { call: "down", code: "EPERM" });
      await driver.call("apply", "open80");
      expect((await stateOf()).problem).toMatch(/ENOMEM.*could not be set down: .*EPERM/);
      expect(await programs()).toHaveLength(2);
      expect(isUp()).toBe(true);
      expect(await connect(80)).toBe("timeout");
      // That both tc programs stand is not what was asked for: down, this time.
      await driver.call("sweep");
      expect(await stateOf()).toMatchObject({ state: "failed" });
      expect(isUp()).toBe(false);
      await driver.call("sweep");
      expect(await stateOf()).toMatchObject({ state: "enforcing", mode: "native" });
      await driver.call("close", { detach: true });
    });
  });
});

describe.runIf(hasTcx)("a link that runs another program, and takes ours no more", () => {
  it.each([
    ["tc-egress", "usual", "guest_tc_ingress", "egress"],
    ["tc-ingress", "usual", "guest_tc_egress", "ingress"],
    ["xdp-native", "native", "clock_probe", "xdp"],
  ] as const)("stands at %s until what replaces it does", async (hook, settings, other, call) => {
    await withBpffs(async (root) => {
      await open(root, settings);
      await driver.call("apply", "open80");
      const before = await stateOf();
      const pins = readdirSync(join(root, "links")).sort();
      const folder = readdirSync(join(root, "current")).find((name) => name.startsWith("programs-")) ?? "";
      const program = join(root, "current", folder, other);
      await driver.call("exchange", { link: join(root, "links", `${tap}-${hook}`), program });
      await driver.call("fail", { call: "update", code: "ENOMEM" });
      await seen();
      await driver.call("sweep");
      const attached = (await seen()).filter((one) => one.call === call);
      // Of XDP no two can stand: tc judges all meanwhile.
      expect(attached).toEqual([{ call, egress: 1, ingress: 1, xdp: 0 }]);
      expect(await stateOf()).toMatchObject({
        state: "enforcing",
        mode: before.mode,
        programs: before.programs,
      });
      expect(await programs()).toEqual([before.programs.tcEgress, before.programs.tcIngress]);
      expect(readdirSync(join(root, "links")).sort()).toEqual(pins);
      await expectJudged();
      await driver.call("close", { detach: true });
      expect(await programs()).toEqual([]);
    });
  });

  it("keeps no agent of another version from its start", async () => {
    await withBpffs(async (root) => {
      await open(root);
      await driver.call("apply", "open80");
      await driver.kill();
      const newer = join(dirname(root), "newer.bpf.o");
      copyFileSync(objectPath, newer);
      appendFileSync(newer, "another build");
      driver = bed.start();
      await driver.call("watchHooks");
      await driver.call("fail", { call: "update", code: "ENOMEM", times: 2 });
      await driver.call("open", { object: newer, root, settings: "usual", blind: true });
      // By the programs of the one before.
      await expectJudged();
      await driver.call("apply", "open80");
      const attached = (await seen()).filter(({ call }) => call === "egress" || call === "ingress");
      expect(attached.map(({ egress, ingress }) => [egress, ingress])).toEqual([
        [1, 1],
        [1, 1],
      ]);
      const { state, programs: ours } = await stateOf();
      expect(state).toBe("enforcing");
      expect(await programs()).toEqual([ours.tcEgress, ours.tcIngress]);
      await expectJudged();
      await driver.call("close", { detach: true });
    });
  });
});
