import { afterEach, beforeEach, expect, it } from "vitest";
import type { KernelStatus, PacketEvent } from "../../src/kernel/status.ts";
import type { Standing } from "./faults.ts";
import { hasTcx, linkPins, objectPath, withBpffs } from "./host.ts";
import { Bed } from "./namespace.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("uplink");
  bed.addGuest(1);
  bed.addUplink();
  await bed.listen(1, 80, 81);
});
afterEach(() => bed.remove());

it("an uplink whose table is full keeps no change from taking effect, and says what lags", async () => {
  await withBpffs(async (root) => {
    const driver = bed.start();
    await driver.call("open", { object: objectPath, root, settings: "uplink", mapSizes: { rw_uplinks: 1 } });
    await driver.call<KernelStatus>("apply", "open80");
    expect((await driver.call<KernelStatus>("status")).guard?.problem).toBeNull();
    await driver.call<KernelStatus>("apply", "two");
    const { guard, interfaces } = await driver.call<KernelStatus>("status");
    expect(guard?.problem).toMatch(
      /uplinks do not judge by the rules in force yet: rw_uplinks is full \(1 entries\)/,
    );
    expect(interfaces.map(({ state }) => state)).toEqual(["enforcing", "absent"]);
    await driver.call<KernelStatus>("apply", "open81");
    expect((await driver.call<KernelStatus>("status")).guard?.problem).toBeNull();
    const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port });
    expect([await connect(80), await connect(81)]).toEqual(["timeout", "open"]);
    await driver.call("close", { detach: true });
  });
});

it("a device that is a guest's is no uplink, whichever came first, and judges without a gap", async () => {
  await withBpffs(async (root) => {
    const driver = bed.start();
    await driver.call("watchHooks");
    const both = { uplinks: [{ device: "tap1", networks: null }] };
    await driver.call("open", { object: objectPath, root, settings: both, blind: true });
    await driver.call("apply", "nobody");
    const tap = bed.ifindex("tap1");
    const standing = () => linkPins(root);
    const uplink = async () => (await driver.call<KernelStatus>("status")).uplinks[0];
    expect(standing()).toEqual([`${tap}-uplink-native`]);
    await driver.call("seen");

    await driver.call("apply", "open80");
    // Gone before the first of the guest's: it would send on what they have not judged.
    const seen = await driver.call<readonly Standing[]>("seen");
    expect(seen.map(({ xdp }) => xdp)).toEqual(hasTcx ? [0, 0] : []);
    const guests = hasTcx ? [`${tap}-tc-egress`, `${tap}-tc-ingress`] : [];
    expect(standing()).toEqual(guests);
    expect(await uplink()).toMatchObject({ mode: null, problem: expect.stringMatching(/device of eni-1/) });

    await driver.call("configure", { uplinks: [] });
    expect(standing()).toEqual(guests);
    const connect = (port: number) => driver.call("connect", { host: "10.0.0.1", port });
    expect([await connect(80), await connect(81)]).toEqual(["open", "timeout"]);

    await driver.call("configure", both);
    await driver.call("apply", "nobody");
    expect(standing()).toEqual(guests);
    expect(await uplink()).toMatchObject({
      mode: null,
      problem: expect.stringMatching(/interface release tap1/),
    });
    expect(await driver.call("release", tap)).toBe(true);
    expect(standing()).toEqual([`${tap}-uplink-native`]);
    await driver.call("close", { detach: true });
  });
});

it("an uplink that cannot be taken off a guest's device sets that device down, and no other", async () => {
  await withBpffs(async (root) => {
    bed.addGuest(2);
    await bed.listen(2, 80);
    const driver = bed.start();
    await driver.call("watchHooks");
    const uplinks = ["tap1", "tap2"].map((device) => ({ device, networks: null }));
    await driver.call("open", { object: objectPath, root, settings: { uplinks }, blind: true });
    await driver.call("apply", "nobody");
    await driver.call("fail", { call: "detach", code: "EIO" });
    const applied = await driver.call<KernelStatus>("apply", "two");
    expect(applied.interfaces).toMatchObject([
      { interface: "eni-1", state: "failed", problem: expect.stringMatching(/EIO.*set down/) },
      { interface: "eni-2", state: "enforcing", problem: null },
    ]);
    await driver.call("sweep");
    const { interfaces } = await driver.call<KernelStatus>("status");
    expect(interfaces.map(({ state }) => state)).toEqual(["enforcing", "enforcing"]);
    expect(linkPins(root).filter((pin) => pin.includes("uplink"))).toEqual([]);
    await driver.call("close", { detach: true });
  });
});

it("an uplink that is none any more and cannot be taken off keeps no other on, and is taken off later", async () => {
  await withBpffs(async (root) => {
    bed.addGuest(2);
    const driver = bed.start();
    await driver.call("watchHooks");
    const uplinks = ["tap1", "tap2"].map((device) => ({ device, networks: null }));
    await driver.call("open", { object: objectPath, root, settings: { uplinks }, blind: true });
    await driver.call("apply", "nobody");
    await driver.call("fail", { call: "detach", code: "EIO" });
    await expect(driver.call("configure", { uplinks: [] })).rejects.toThrow(
      /tap[12] keeps its uplink program: .*EIO/,
    );
    await driver.call("sweep");
    expect(linkPins(root)).toEqual([]);
    await driver.call("close", { detach: true });
  });
});

it("an uplink drops early what a guest would refuse, and nothing else", async () => {
  await withBpffs(async (root) => {
    const driver = bed.start();
    const wan = bed.startIn("wan");
    await driver.call("open", { object: objectPath, root, settings: "uplink" });
    await driver.call<KernelStatus>("apply", "open80");
    await driver.call("listen");
    const readUplinks = async () => (await driver.call<KernelStatus>("status")).uplinks;
    // Nobody knows what the other end of a veth leaves beside its frames, until it is said.
    expect(await readUplinks()).toMatchObject([
      { problem: expect.stringMatching(/up0 may have VLAN tags beside its frames/) },
    ]);
    bed.inHost("ethtool", "-K", "up0", "rxvlan", "off");
    expect(await readUplinks()).toMatchObject([
      { device: "up0", mode: "native", addresses: 1, problem: null },
    ]);
    const connect = (host: string, port: number) => wan.call("connect", { host, port });
    expect(await connect("10.0.0.1", 80)).toBe("open");
    expect(await connect("10.0.0.1", 81)).toBe("timeout");
    // The host's own address is nobody's guest.
    expect(await connect("192.0.2.254", 81)).toBe("ECONNREFUSED");
    const events = await driver.call<PacketEvent[]>("events");
    expect(events.map(({ hook, reason, destinationPort }) => ({ hook, reason, destinationPort }))).toEqual(
      expect.arrayContaining([{ hook: "uplink", reason: "no-rule", destinationPort: 81 }]),
    );
    expect(events.some(({ hook }) => hook === "tc-egress")).toBe(false);

    await driver.call("apply", "nobody");
    expect((await driver.call<KernelStatus>("status")).uplinks[0]?.addresses).toBe(0);
    await driver.call("configure", "usual");
    expect((await driver.call<KernelStatus>("status")).uplinks).toEqual([]);
    await driver.call("close", { detach: true });
  });
});
