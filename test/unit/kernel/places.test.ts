import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressBytes,
  decodeAddress,
  formatMac,
  identityEcho,
  linkLocalBytes,
  parseMacBytes,
} from "../../../src/kernel/addresses.ts";
import { Ranges } from "../../../src/kernel/allocate.ts";
import { candidateModes } from "../../../src/kernel/attach-mode.ts";
import { bindDevices } from "../../../src/kernel/bindings.ts";
import { mayLoadPrograms, missingCapabilities } from "../../../src/kernel/capabilities.ts";
import { clearDevice, readDevices, storeDevice } from "../../../src/kernel/devices-map.ts";
import { digest64 } from "../../../src/kernel/digest.ts";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import { parseRelease } from "../../../src/kernel/host-check.ts";
import { addressKey } from "../../../src/kernel/host-facts.ts";
import { elapsed } from "../../../src/kernel/jiffies.ts";
import { keyText } from "../../../src/kernel/maps.ts";
import { Queue } from "../../../src/kernel/queue.ts";
import { fitSizes } from "../../../src/kernel/session-sizes.ts";
import { closestTicks, ticksSinceBoot } from "../../../src/kernel/ticks.ts";
import { seed } from "../../support/seed.ts";
import { address, iface } from "../policy/compile-fixture.ts";
import { createFakeMaps, Faults } from "./fake-maps.ts";

describe("runs of places", () => {
  it("never overlap, and are all free again when all are given back", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }),
        fc.integer(),
        (sizes, salt) => {
          const ranges = new Ranges("rw_test", 64, 1);
          const held: { start: number; count: number }[] = [];
          for (const [index, count] of sizes.entries()) {
            if ((index * 31 + salt) % 3 === 0) {
              const freed = held.shift();
              if (freed !== undefined) ranges.release(freed.start, freed.count);
            }
            try {
              held.push({ start: ranges.take(count), count });
            } catch (error) {
              expect(error).toBeInstanceOf(EnforcementError);
            }
          }
          const places = held.flatMap(({ start, count }) =>
            Array.from({ length: count }, (_, place) => start + place),
          );
          expect(new Set(places).size).toBe(places.length);
          expect(places.every((place) => place >= 1 && place < 64)).toBe(true);
          expect(ranges.free).toBe(63 - places.length);
          for (const { start, count } of held) ranges.release(start, count);
          expect(ranges.take(63)).toBe(1);
        },
      ),
      { seed },
    );
  });

  it("are reserved once only", () => {
    const ranges = new Ranges("rw_test", 10);
    expect(ranges.reserve(3, 4)).toBe(true);
    expect(ranges.reserve(6, 1)).toBe(false);
    expect(ranges.reserve(9, 2)).toBe(false);
    expect(ranges.take(3)).toBe(0);
    expect(ranges.take(3)).toBe(7);
    expect(() => ranges.take(1)).toThrow(/rw_test is full: 1 places in a row are wanted, 0 of 10 are free/);
  });
});

describe("addresses", () => {
  it("are 16 bytes and come back, of both families", () => {
    for (const text of ["10.0.0.1", "2001:db8::1", "fe80::1", "255.255.255.255"]) {
      expect(decodeAddress(addressBytes(address(text)))).toEqual(address(text));
    }
    expect([...addressBytes(address("10.0.0.1"))]).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1,
    ]);
  });

  it("of the host are found in the same form", () => {
    for (const text of ["10.0.0.1", "2001:db8::1", "::1", "fe80::1", "2001:db8:1:2:3:4:5:6"]) {
      expect(addressKey(text)).toEqual([keyText(addressBytes(address(text)))]);
    }
    expect(addressKey("fe80::1%eth0")).toEqual([keyText(addressBytes(address("fe80::1")))]);
    // As the host's own IPv4 address would be.
    expect(addressKey("::ffff:10.0.0.1")).toEqual(addressKey("10.0.0.1"));
    for (const none of ["nothing", ""]) expect(addressKey(none)).toEqual([]);
  });

  it("make a link-local one from a MAC (RFC 4291, appendix A)", () => {
    expect(decodeAddress(linkLocalBytes(0x02_00_5e_10_00_01n))).toEqual(address("fe80::5eff:fe10:1"));
  });

  it("fold into an echo that tells one from another, and one network from another", () => {
    const one = identityEcho(5n, 0xffff0a000001n);
    expect(identityEcho(5n, 0xffff0a000002n)).not.toBe(one);
    expect(identityEcho(6n, 0xffff0a000001n)).not.toBe(one);
  });

  it("of MACs are read and written; what is none is refused", () => {
    expect(formatMac(parseMacBytes("02:00:00:00:01:ff") ?? new Uint8Array())).toBe("02:00:00:00:01:ff");
    expect(parseMacBytes("")).toBeNull();
  });
});

describe("devices", () => {
  it("share a place when their numbers collide, and each keeps its record", async () => {
    const maps = createFakeMaps(new Faults());
    storeDevice(maps, 5, 10);
    storeDevice(maps, 5 + 65536, 20);
    storeDevice(maps, 5, 11);
    expect([...(await readDevices(maps)).devices].sort()).toEqual([
      [5, 11],
      [65541, 20],
    ]);
    clearDevice(maps, 5);
    storeDevice(maps, 5 + 65536, 21);
    expect([...(await readDevices(maps)).devices]).toEqual([[65541, 21]]);
  });

  const link = (ifindex: number, name: string, loopback = false) => ({
    ifindex,
    name,
    loopback,
    xdp: 0,
    mac: "",
    mtu: 1500,
    up: true,
    kind: "veth",
    master: 0,
    lower: 0,
    ethernet: true,
  });
  const linksOf = (...links: ReturnType<typeof link>[]) => new Map(links.map((each) => [each.ifindex, each]));
  const interfaces = [1, 2].map((number) => ({ interface: iface(number, [], []), policy: 1n }));

  const same = () => true;

  it("are their interface's by name, and stay so when they are renamed", () => {
    const first = bindDevices(interfaces, linksOf(link(7, "tap1"), link(8, "tap2")), new Map(), same);
    expect([...first]).toEqual([
      [7, "eni-1"],
      [8, "eni-2"],
    ]);
    expect([...bindDevices(interfaces, linksOf(link(7, "other"), link(8, "tap2")), first, same)]).toEqual([
      [8, "eni-2"],
      [7, "eni-1"],
    ]);
  });

  it("lose their interface to a new device of the right name", () => {
    const before = new Map([[7, "eni-1"]]);
    const now = bindDevices(interfaces, linksOf(link(7, "other"), link(9, "tap1")), before, same);
    expect([...now]).toEqual([[9, "eni-1"]]);
    expect([...bindDevices(interfaces, linksOf(link(9, "x")), before, same)]).toEqual([]);
    expect([...bindDevices(interfaces, linksOf(link(7, "x")), before, () => false)]).toEqual([]);
  });

  it("of every kind are tried in the best way first, and in the one that is chosen alone", () => {
    expect(candidateModes("auto", { kind: "veth" }, "6.18.0")).toEqual(["tc"]);
    expect(candidateModes("auto", { kind: "tun" }, "6.18.0")).toEqual(["native", "tc"]);
    expect(candidateModes("auto", { kind: "tun" }, "6.1.0-37-amd64")).toEqual(["tc"]);
    expect(candidateModes("auto", { kind: "" })).toEqual(["native", "generic", "tc"]);
    expect(candidateModes("native", { kind: "veth" })).toEqual(["native"]);
  });
});

describe("the kernel's clock", () => {
  it("is one of its four settings, within 5 %", () => {
    expect(closestTicks(10, 0.0401)).toBe(250);
    expect(closestTicks(104, 0.1)).toBe(1000);
    expect(() => closestTicks(20, 0.1)).toThrow(/200\.0 jiffies a second; known are 100, 250, 300, 1000/);
    expect(() => closestTicks(107, 0.1)).toThrow(/CLOCK|1070/);
  });

  it("is known from where jiffies stand since boot, save when all settings fit or none", () => {
    // Read at 1,743 s of uptime, at 250 a second: 2 ** 32 + 360,699.
    expect(ticksSinceBoot(360_699, 1742.8)).toBe(250);
    expect(ticksSinceBoot(2 ** 32 - 100 * 100, 200)).toBe(100);
    expect(ticksSinceBoot(2, 300.001)).toBeNull();
    expect(ticksSinceBoot(123_456_789, 1742.8)).toBeNull();
    // Jiffies have wrapped once more after 2 ** 32 ticks.
    const uptime = 6_000_000;
    expect(ticksSinceBoot((1000 * (uptime - 300)) % 2 ** 32, uptime)).toBe(1000);
  });

  it("wraps without a gap", () => {
    expect(elapsed(2 ** 32 - 5, 5)).toBe(10);
    expect(elapsed(5, 5)).toBe(0);
    expect(elapsed(6, 5)).toBe(0);
  });
});

describe("session tables", () => {
  const wanted = { established: 16384, answered: 8192, opening: 4096 };

  it("have the sizes that were asked for where memory allows", () => {
    expect(fitSizes(wanted, { cpus: 2, interfaces: 10, budget: 2 ** 30 })).toEqual(wanted);
  });

  it("shrink together with the number of interfaces, but not below 512 for each CPU", () => {
    const shrunk = fitSizes(wanted, { cpus: 2, interfaces: 100, budget: 2 ** 28 });
    const bytes = 100 * 176 * (shrunk.established + shrunk.answered + shrunk.opening);
    expect(bytes).toBeLessThanOrEqual(2 ** 28);
    expect(fitSizes(wanted, { cpus: 4, interfaces: 10000, budget: 2 ** 28 })).toEqual({
      established: 2048,
      answered: 2048,
      opening: 2048,
    });
  });
});

describe("odds and ends", () => {
  it("names things the same on every host", () => {
    expect(digest64("eni-1")).toBe(digest64("eni-1"));
    expect(digest64("eni-1")).not.toBe(digest64("eni-2"));
    expect(digest64("")).toBeLessThan(2n ** 64n);
  });

  it("reads a kernel's release", () => {
    expect(parseRelease("6.1.0-37-amd64")).toEqual([6, 1]);
    expect(parseRelease("5.15.0")).toEqual([5, 15]);
  });

  it("names the capabilities that are missing", () => {
    expect(missingCapabilities((1n << 39n) | (1n << 12n))).toEqual(["CAP_PERFMON"]);
    expect(missingCapabilities((1n << 41n) - 1n)).toEqual([]);
    expect([0n, (1n << 12n) | (1n << 38n), 1n << 39n, 1n << 21n].map(mayLoadPrograms)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("works in the order of asking, and goes on after a failure", async () => {
    const queue = new Queue();
    const order: number[] = [];
    const slow = queue.run(async () => {
      await new Promise((done) => setTimeout(done, 10));
      order.push(1);
      throw new Error("first");
    });
    const quick = queue.run(async () => order.push(2));
    await expect(slow).rejects.toThrow("first");
    await quick;
    expect(order).toEqual([1, 2]);
  });
});
