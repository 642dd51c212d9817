import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { withNamespace } from "./namespace.ts";

describe("ports of bridges", () => {
  it("are listed with what their bridge does to their frames", () =>
    withNamespace("ports", async (namespace) => {
      namespace.ip("link", "add", "name", "br0", "type", "bridge", "ageing_time", "2000");
      namespace.ip("link", "set", "br0", "up");
      namespace.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
      namespace.ip("link", "set", "v0", "mtu", "1400", "master", "br0", "up");
      namespace.ip("link", "set", "v1", "up");
      namespace.ip("link", "set", "v0", "type", "bridge_slave", "isolated", "on", "hairpin", "on");
      const links = await namespace.run(({ addon }) => addon.listPorts());
      const byIndex = new Map(links.map((link) => [link.ifindex, link]));
      expect(byIndex.get(namespace.ifindex("br0"))).toMatchObject({
        master: 0,
        up: true,
        bridge: { vlanFiltering: false, ageing: 20, callsNetfilter: false },
        port: null,
      });
      expect(byIndex.get(namespace.ifindex("v0"))).toEqual({
        ifindex: namespace.ifindex("v0"),
        master: namespace.ifindex("br0"),
        mtu: 1400,
        up: true,
        qdisc: "noqueue",
        bridge: null,
        port: { state: 3, hairpin: true, isolated: true, locked: false, learning: true },
      });
      expect(byIndex.get(namespace.ifindex("v1"))).toMatchObject({ bridge: null, port: null });
    }));
});

describe("VLAN tags that a device takes off", () => {
  it("are told by its flag, which may be switched; a device without the feature takes none off", () =>
    withNamespace("strips", async (namespace) => {
      namespace.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
      namespace.ip("tuntap", "add", "tap0", "mode", "tap");
      const ask = () =>
        namespace.run(({ addon }) =>
          ["v0", "v1", "tap0", "lo"].map((device) => addon.stripsVlanTags(device)),
        );
      expect(await ask()).toEqual([true, true, false, false]);
      const within = [`--net=/run/netns/${namespace.name}`];
      execFileSync("nsenter", [...within, "ethtool", "-K", "v0", "rxvlan", "off"]);
      expect(await ask()).toEqual([false, true, false, false]);
      for (const device of ["v9", "a-name-longer-than-a-device-may-have"])
        await expect(
          namespace.run(({ addon }, name) => addon.stripsVlanTags(name), device),
        ).rejects.toMatchObject({ code: "ENODEV", message: expect.stringContaining(device) });
    }));
});

describe("what stands at a device's egress", () => {
  it("is listed: disciplines, filters, and whether it takes XDP frames", () =>
    withNamespace("egress", async (namespace) => {
      namespace.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
      namespace.ip("tuntap", "add", "tap0", "mode", "tap");
      const [v0, tap0] = [namespace.ifindex("v0"), namespace.ifindex("tap0")];
      const found = await namespace.run(({ addon }, ifindex) => {
        const before = addon.listFilters({ ifindex, direction: "ingress" });
        return { targets: addon.listXdpTargets(), before, qdiscs: addon.listQdiscs() };
      }, v0);
      // Before 6.3 the kernel does not say.
      if (found.targets !== null) {
        expect(found.targets).toContain(tap0);
        expect(found.targets).not.toContain(v0);
      }
      expect(found.before).toEqual([]);
      expect(found.qdiscs.filter(({ ifindex }) => ifindex === v0).map(({ kind }) => kind)).not.toContain(
        "clsact",
      );
    }));
});
