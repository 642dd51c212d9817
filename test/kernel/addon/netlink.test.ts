import { describe, expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { codeOf } from "./fixture.ts";
import { type Namespace, withNamespace } from "./namespace.ts";

/** Begins to listen; `state.events` fills from here on. */
async function startMonitor(namespace: Namespace): Promise<void> {
  await namespace.run(({ addon, state }) => {
    state.monitor = new addon.LinkMonitor((event) => state.events.push(event));
  });
}

/** The events so far, once a device named `marker`, made now, has been heard of: all earlier ones are there. */
async function readEvents(namespace: Namespace, marker: string) {
  namespace.ip("link", "add", marker, "type", "bridge");
  return namespace.run(async ({ state }, marker) => {
    const heard = () => state.events.some((event) => event.type === "new" && event.link.name === marker);
    while (!heard()) await new Promise((settle) => globalThis.setTimeout(settle, 5));
    return state.events;
  }, marker);
}

describe("links", () => {
  it("are listed with name, MAC, MTU, kind, master and state", () =>
    withNamespace("links", async (namespace) => {
      namespace.ip("link", "add", "name", "br0", "type", "bridge");
      namespace.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
      namespace.ip("link", "set", "v0", "address", "02:00:00:00:01:01", "mtu", "1400", "master", "br0", "up");
      namespace.ip("tuntap", "add", "tap0", "mode", "tap");
      const links = await namespace.run(({ addon }) => addon.listLinks());
      const byName = new Map(links.map((link) => [link.name, link]));
      expect([...byName.keys()].sort()).toEqual(expect.arrayContaining(["br0", "lo", "tap0", "v0", "v1"]));
      expect(byName.get("v0")).toEqual({
        ifindex: namespace.ifindex("v0"),
        name: "v0",
        mac: "02:00:00:00:01:01",
        mtu: 1400,
        up: true,
        kind: "veth",
        master: namespace.ifindex("br0"),
        lower: namespace.ifindex("v1"),
        ethernet: true,
        loopback: false,
        xdp: 0,
      });
      expect(byName.get("v1")).toMatchObject({ up: false, master: 0, mtu: 1500, kind: "veth" });
      expect(byName.get("br0")?.kind).toBe("bridge");
      expect(byName.get("tap0")?.kind).toBe("tun");
      expect(byName.get("lo")).toMatchObject({ loopback: true, kind: "", mac: "", up: true });
    }));

  it("are listed whole when there are hundreds", () =>
    withNamespace("many", async (namespace) => {
      const bridges = Array.from({ length: 300 }, (_, i) => `b${i}`);
      namespace.ipBatch(bridges.map((name) => `link add ${name} type bridge`));
      const links = await namespace.run(({ addon }) => addon.listLinks());
      const names = new Set(links.map((link) => link.name));
      expect(bridges.filter((name) => !names.has(name))).toEqual([]);
      expect(names.size).toBe(links.length);
    }));

  it("are set up and down, one flag alone", () =>
    withNamespace("up", async (namespace) => {
      namespace.ip("link", "add", "v0", "promisc", "on", "type", "veth", "peer", "name", "v1");
      const ifindex = namespace.ifindex("v0");
      const states = await namespace.run(({ addon }, ifindex) => {
        const isUp = () => addon.listLinks().find((link) => link.ifindex === ifindex)?.up;
        const seen = [isUp()];
        for (const up of [true, true, false, false]) seen.push(addon.setLinkUp(ifindex, up), isUp());
        return seen;
      }, ifindex);
      // Whether it is up; then for each step whether it changed that, and whether it is up.
      expect(states).toEqual([false, true, true, false, true, true, false, false, false]);
      expect(JSON.parse(namespace.ip("-j", "link", "show", "v0"))[0].flags).toContain("PROMISC");
    }));

  it("are refused by number where there are none", () => {
    const addon = native();
    for (const ifindex of [0, 99_999, 2 ** 32 - 1]) {
      expect(codeOf(() => addon.setLinkUp(ifindex, true))).toBe("ENODEV");
      expect(codeOf(() => addon.queryXdp(ifindex))).toBe("ENODEV");
    }
    expect(codeOf(() => addon.setLinkUp(-1, true))).toBe("EINVAL");
    expect(codeOf(() => addon.setLinkUp(1, "yes" as unknown as boolean))).toBe("EINVAL");
  });
});

describe("addresses", () => {
  it("are listed with their devices; of a point-to-point device, the near end", () =>
    withNamespace("addresses", async (namespace) => {
      namespace.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
      namespace.ip("address", "add", "10.1.2.3/24", "dev", "v0");
      namespace.ip("address", "add", "10.7.0.1", "peer", "10.7.0.2", "dev", "v0");
      namespace.ip("address", "add", "2001:db8::5/64", "dev", "v0", "nodad");
      const addresses = await namespace.run(({ addon }) => addon.listAddresses());
      const ifindex = namespace.ifindex("v0");
      expect(addresses).toEqual(
        expect.arrayContaining([
          { ifindex, address: "10.1.2.3" },
          { ifindex, address: "10.7.0.1" },
          { ifindex, address: "2001:db8::5" },
          { ifindex: 1, address: "127.0.0.1" },
        ]),
      );
      expect(addresses.map((entry) => entry.address)).not.toContain("10.7.0.2");
    }));
});

describe("a link monitor", () => {
  it("tells of devices that come, change their names, and go", () =>
    withNamespace("monitor", async (namespace) => {
      await startMonitor(namespace);
      namespace.ip("link", "add", "first", "type", "veth", "peer", "name", "peer");
      const ifindex = namespace.ifindex("first");
      namespace.ip("link", "set", "first", "name", "second");
      namespace.ip("link", "set", "second", "up");
      namespace.ip("link", "delete", "second");
      const events = await readEvents(namespace, "marker");
      const names = events.flatMap((event) =>
        event.type === "new" && event.link.ifindex === ifindex ? [event.link.name] : [],
      );
      expect(new Set(names)).toEqual(new Set(["first", "second"]));
      expect(names.indexOf("second")).toBeGreaterThan(names.lastIndexOf("first"));
      const up = events.some(
        (event) => event.type === "new" && event.link.name === "second" && event.link.up,
      );
      expect(up).toBe(true);
      expect(events).toContainEqual({ type: "gone", ifindex, name: "second" });
      expect(events.map((event) => event.type)).not.toContain("overrun");
    }));

  it("takes a device for gone that moved to another namespace, not one that left its bridge", () =>
    withNamespace("moves", (namespace) =>
      withNamespace("target", async (target) => {
        namespace.ip("link", "add", "name", "br0", "type", "bridge");
        namespace.ip("link", "add", "stays", "type", "veth", "peer", "name", "moves");
        namespace.ip("link", "set", "stays", "master", "br0");
        await startMonitor(namespace);
        const [stays, moves] = [namespace.ifindex("stays"), namespace.ifindex("moves")];
        namespace.ip("link", "set", "stays", "nomaster");
        namespace.ip("link", "set", "moves", "netns", target.name);
        const events = await readEvents(namespace, "marker");
        expect(events.filter((event) => event.type === "gone")).toEqual([
          { type: "gone", ifindex: moves, name: "moves" },
        ]);
        const told = events.flatMap((event) =>
          event.type === "new" && event.link.ifindex === stays ? [event.link.master] : [],
        );
        expect(told.at(-1)).toBe(0);
      }),
    ));

  it("says that events were lost, and goes on", () =>
    withNamespace("overrun", async (namespace) => {
      namespace.ip("link", "add", "busy", "type", "veth", "peer", "name", "idle");
      await startMonitor(namespace);
      const changes = Array.from({ length: 20_000 }, (_, i) => `link set busy mtu ${1400 + (i % 2)}`);
      // The event loop sleeps while all of them happen.
      await namespace.run(
        async ({ state }, name, input) => {
          const { execFileSync } = process.getBuiltinModule("node:child_process");
          execFileSync("ip", ["-n", name, "-batch", "-"], { input });
          while (!state.events.some((event) => event.type === "overrun"))
            await new Promise((settle) => globalThis.setTimeout(settle, 1));
        },
        namespace.name,
        `${changes.join("\n")}\n`,
      );
      const events = await readEvents(namespace, "marker");
      const types = events.map((event) => event.type);
      expect(types.filter((type) => type === "overrun")).toEqual(["overrun"]);
      expect(types.indexOf("overrun")).toBeLessThan(types.lastIndexOf("new"));
      expect(types.length).toBeLessThan(20_000);
    }));

  it("survives a listener that throws, and one that closes it", () =>
    withNamespace("listener", async (namespace) => {
      await namespace.run(({ addon }) => {
        let calls = 0;
        const monitor = new addon.LinkMonitor(() => {
          calls++;
          if (calls === 2) monitor.close();
          throw new Error(`call ${calls}`);
        });
      });
      await startMonitor(namespace);
      for (const name of ["one", "two", "three"]) namespace.ip("link", "add", "name", name, "type", "bridge");
      await readEvents(namespace, "marker");
      expect(await namespace.run(({ state }) => state.errors)).toEqual(["call 1", "call 2"]);
    }));

  it("is closed twice without harm, and wants a function", () => {
    const monitor = new (native().LinkMonitor)(() => {});
    monitor.close();
    monitor.close();
    expect(codeOf(() => Reflect.construct(native().LinkMonitor, [5]))).toBe("EINVAL");
  });
});
