/** Devices that are no plain tap or veth: what is judged is judged whole, the rest is never called enforcing. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InterfaceStatus, KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, tcpFrame, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { SettingsName } from "./scenarios.ts";

let bed: Bed;
beforeEach(() => {
  bed = new Bed("odd");
});
afterEach(() => bed.remove());

async function start(root: string, settings: SettingsName = "usual"): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings });
  await driver.call("apply", "open80");
  return driver;
}

async function stateOf(driver: Driver): Promise<InterfaceStatus | undefined> {
  return (await driver.call<KernelStatus>("status")).interfaces[0];
}

function isUp(device: string): boolean {
  const [link]: { flags: string[] }[] = JSON.parse(bed.host("-j", "link", "show", "dev", device));
  return link?.flags.includes("UP") === true;
}

describe("a bridge that an interface names as its device", () => {
  it("is refused, named, and left as it is: it is the host's own", async () => {
    bed.host("link", "add", "tap1", "type", "bridge");
    bed.host("link", "set", "tap1", "up");
    await withBpffs(async (root) => {
      const driver = await start(root);
      const status = await stateOf(driver);
      expect(status).toMatchObject({
        state: "failed",
        mode: null,
        programs: { xdp: null, tcEgress: null, tcIngress: null },
      });
      expect(status?.problem).toMatch(/tap1 is a bridge: .* name the guest's own tap or veth/);
      expect(isUp("tap1")).toBe(true);
      await driver.call("close", { detach: true });
    });
  });

  it("gives way to a tap of the name, which is judged", async () => {
    bed.host("link", "add", "tap1", "type", "bridge");
    await withBpffs(async (root) => {
      const driver = await start(root);
      expect((await stateOf(driver))?.state).toBe("failed");
      bed.host("link", "del", "tap1");
      bed.addGuest(1);
      await expect.poll(async () => (await stateOf(driver))?.state).toBe("enforcing");
      expect((await stateOf(driver))?.problem).toBeNull();
      await driver.call("close", { detach: true });
    });
  });
});

describe("a guest without a device on the host, as by vhost-user", () => {
  it("is absent, never enforcing, and the reason is said", async () => {
    await withBpffs(async (root) => {
      const driver = await start(root);
      expect(await stateOf(driver)).toMatchObject({
        state: "absent",
        ifindex: 0,
        mode: null,
        programs: { xdp: null, tcEgress: null, tcIngress: null },
        problem: expect.stringMatching(/no device tap1 on this host yet .*vhost-user.* cannot be judged/),
      });
      await driver.call("close", { detach: true });
    });
  });
});

describe("a tun without Ethernet frames", () => {
  it("is failed and set down under onFailure closed", async () => {
    bed.host("tuntap", "add", "tap1", "mode", "tun");
    bed.host("link", "set", "tap1", "up");
    await withBpffs(async (root) => {
      const driver = await start(root);
      const status = await stateOf(driver);
      expect(status?.state).toBe("failed");
      expect(status?.problem).toMatch(/tap1 carries no Ethernet frames.*mode tap, not tun.*was set down/);
      expect(isUp("tap1")).toBe(false);
      await driver.call("close", { detach: true });
    });
  });

  it("is failed and said to be open where the operator wants that", async () => {
    bed.host("tuntap", "add", "tap1", "mode", "tun");
    bed.host("link", "set", "tap1", "up");
    await withBpffs(async (root) => {
      const driver = await start(root, "nativeOpen");
      const status = await stateOf(driver);
      expect(status?.state).toBe("failed");
      expect(status?.problem).toMatch(/the device is open \(onFailure: open\)/);
      expect(isUp("tap1")).toBe(true);
      await driver.call("close", { detach: true });
    });
  });
});

describe.each(["macvtap", "macvlan"])("a %s that an interface names as its device", (kind) => {
  it("is failed and set down: its frames pass no hook of the host", async () => {
    bed.host("link", "add", "low0", "type", "veth", "peer", "name", "low1");
    bed.host("link", "add", "link", "low0", "name", "tap1", "type", kind, "mode", "bridge");
    for (const device of ["low0", "low1", "tap1"]) bed.host("link", "set", device, "up");
    await withBpffs(async (root) => {
      const driver = await start(root);
      expect(await stateOf(driver)).toMatchObject({
        state: "failed",
        mode: null,
        programs: { xdp: null, tcEgress: null, tcIngress: null },
        problem: expect.stringMatching(new RegExp(`end of a ${kind} on low0.*set down \\(onFailure: closed`)),
      });
      expect(isUp("tap1")).toBe(false);
      expect(isUp("low0")).toBe(true);
      await driver.call("close", { detach: true });
    });
  });
});

describe("a device that is a port of a bridge", () => {
  it("is judged at its own hooks, whatever it is a port of", async () => {
    bed.addGuest(1);
    bed.host("link", "add", "br9", "type", "bridge");
    bed.host("link", "set", "br9", "up");
    bed.host("link", "set", "tap1", "master", "br9");
    await withBpffs(async (root) => {
      const driver = await start(root);
      expect(await stateOf(driver)).toMatchObject({ state: "enforcing", mode: "tc" });
      await driver.call("close", { detach: true });
    });
  });
});

/** Holds two queues of a tap; writes each line's frame (QUEUE HEX) and says which queue a frame for port 80 came from. */
const queues = `
import fcntl, os, select, struct, sys
fds = []
for _ in range(2):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"tap1", 0x0002 | 0x1000 | 0x0100))
    fds.append(fd)
print("ready", flush=True)
while True:
    for fd in select.select(fds + [sys.stdin.fileno()], [], [])[0]:
        if fd in fds:
            frame = os.read(fd, 65536)
            if frame[12:14] == b"\\x08\\x00" and frame[23] == 6:
                print("got", int.from_bytes(frame[36:38], "big"), flush=True)
            continue
        text = os.read(fd, 65536)
        if not text:
            sys.exit(0)
        for line in text.decode().splitlines():
            queue, frame = line.split()
            os.write(fds[int(queue)], bytes.fromhex(frame))
`;

describe("a tap with several queues", () => {
  const guest = "02:00:00:00:00:01";
  const frame = (source: string) =>
    tcpFrame({
      from: guest,
      to: "02:00:00:00:00:fe",
      source,
      destination: "10.0.0.254",
      sourcePort: 4000,
      port: 9,
      flags: 2,
    });

  it.each(["usual", "native", "generic"] as const)(
    "is judged on each of them, both ways (%s)",
    async (settings) => {
      bed.host("tuntap", "add", "tap1", "mode", "tap", "multi_queue");
      bed.host("link", "set", "tap1", "addrgenmode", "none", "address", "02:00:00:00:00:fe", "up");
      bed.host("addr", "add", "10.0.0.254/24", "dev", "tap1");
      bed.host("neigh", "add", "10.0.0.1", "lladdr", guest, "dev", "tap1");
      const child = bed.spawnOnHost(["python3", "-u", "-c", queues]);
      const lines = createInterface({ input: child.stdout ?? process.stdin });
      await once(lines, "line");
      const heard: string[] = [];
      lines.on("line", (line) => heard.push(line));
      await withBpffs(async (root) => {
        const driver = await start(root, settings);
        expect((await stateOf(driver))?.state).toBe("enforcing");
        for (const queue of [0, 1, 0, 1]) {
          const lines = ["10.0.0.1", "10.0.0.99"].map(
            (source) => `${queue} ${Buffer.from(frame(source)).toString("hex")}\n`,
          );
          child.stdin?.write(lines.join(""));
        }
        const counted = async () => {
          const counters = await driver.call<PacketCounter[]>("counters");
          const of = (reason: string) =>
            counters
              .filter((one) => one.direction === "egress" && one.reason === reason)
              .reduce((sum, one) => sum + Number(one.packets), 0);
          // A SYN that comes again belongs to its session.
          return { spoofed: of("spoofed-address"), passed: of("default-egress") + of("session") };
        };
        await expect.poll(counted).toEqual({ spoofed: 4, passed: 4 });
        await driver.call("connect", { host: "10.0.0.1", port: 81 });
        await driver.call("connect", { host: "10.0.0.1", port: 80 });
        await expect.poll(() => heard).toContain("got 80");
        expect(heard).not.toContain("got 81");
        await driver.call("close", { detach: true });
      });
    },
  );
});
