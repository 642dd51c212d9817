/** C17, what it says beside its figures: which mode was taken, what a mode costs, and frames of 9,000 bytes. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelStatus, PacketCounter } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "../kernel/host.ts";
import { Bed, type Driver } from "../kernel/namespace.ts";
import type { SettingsName } from "../kernel/scenarios.ts";
import { ethernet, frame, ipv4, payload, tcp, toHex } from "../support/packet.ts";

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

/** Holds a tap as a virtual machine with offloads does, and sends frames (hex, a line each) as segments to be cut. */
const offloading = `
import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"tap1", 0x0002 | 0x1000 | 0x4000))
fcntl.ioctl(fd, 0x400454d0, 0x01 | 0x02 | 0x04)
print("ready", flush=True)
for line in sys.stdin:
    os.write(fd, struct.pack("<BBHHHH", 1, 1, 54, 1448, 34, 16) + bytes.fromhex(line))
`;
const segmentBytes = 65_000;
/** A segment of the guest's in one frame, longer than any wire takes. */
const segment = frame(
  ethernet({ source: "02:00:00:00:00:01", destination: "02:00:00:00:00:fe" }),
  ipv4({ source: "10.0.0.1", destination: "10.0.0.254" }),
  tcp({ sourcePort: 4000, destinationPort: 9, flags: "A", sequence: 1, acknowledgement: 1 }),
  payload(segmentBytes - 54),
);

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

  it("`auto` takes native on a tap, which costs it nothing, and falls back to tc where another stands, and says so at once", async () => {
    bed.host("link", "del", "tap1");
    bed.host("tuntap", "add", "tap1", "mode", "tap");
    bed.host("link", "set", "tap1", "addrgenmode", "none", "up");
    await withBpffs(async (root) => {
      const driver = await start(root, "usual");
      expect(await stateOf(driver)).toMatchObject({ state: "enforcing", mode: "native", problem: null });
      await driver.call("close", { detach: true });
    });
    await withBpffs(async (root) => {
      const driver = bed.start();
      await driver.call("open", { object: objectPath, root, settings: "usual" });
      await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
      await driver.call("apply", "open80");
      const problem = expect.stringMatching(/another XDP program \(id \d+\) stands on tap1/);
      expect(await stateOf(driver)).toMatchObject({ state: "failed", mode: "tc", problem });
      await driver.call("close", { detach: true });
    });
  });

  it.each(["native", "generic"] as const)(
    "where no mode goes that was chosen (%s), the interface says so, and `onFailure` holds",
    async (attach) => {
      const isUp = () => /state (UP|UNKNOWN)/.test(bed.host("link", "show", "dev", "tap1"));
      expect(isUp()).toBe(true);
      for (const onFailure of ["open", "closed"] as const)
        await withBpffs(async (root) => {
          const driver = bed.start();
          await driver.call("open", { object: objectPath, root, settings: { attach, onFailure } });
          await driver.call("occupy", { object: objectPath, ifindex: bed.ifindex("tap1") });
          await driver.call("apply", "open80");
          const status = await stateOf(driver);
          expect(status?.state).toBe("failed");
          expect(status?.problem).toMatch(/tap1/);
          expect(isUp()).toBe(onFailure === "open");
          await driver.call("close", { detach: true });
          await driver.kill();
        });
    },
  );

  it.each(["auto", "tc", "generic"] as const)(
    "a segment of 64 kB that a tap is given whole is one packet, judged once, with all its bytes (%s)",
    async (attach) => {
      bed.host("link", "del", "tap1");
      bed.host("tuntap", "add", "tap1", "mode", "tap", "vnet_hdr");
      bed.host("link", "set", "tap1", "addrgenmode", "none", "address", "02:00:00:00:00:fe", "up");
      const child = bed.spawnOnHost(["python3", "-u", "-c", offloading]);
      if (child.stdout === null) throw new Error("no output");
      await once(child.stdout, "data");
      await withBpffs(async (root) => {
        const driver = bed.start();
        await driver.call("open", { object: objectPath, root, settings: { attach } });
        await driver.call("apply", "open80");
        expect((await stateOf(driver))?.mode).toBe(attach === "auto" ? "native" : attach);
        child.stdin?.write(`${toHex(segment)}\n`);
        const counted = async () =>
          (await driver.call<PacketCounter[]>("counters"))
            .filter(({ direction }) => direction === "egress")
            .map(({ reason, packets, bytes }) => [reason, Number(packets), Number(bytes)]);
        await expect.poll(counted).toEqual([["default-egress", 1, segmentBytes]]);
        await driver.call("close", { detach: true });
      });
    },
  );

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
