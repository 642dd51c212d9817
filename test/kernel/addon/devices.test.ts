import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileFixture, type Fixture, failureOf, withBpffs } from "./fixture.ts";
import { Namespace } from "./namespace.ts";

let fixture: Fixture;
let namespace: Namespace;
let device: number;
beforeAll(() => {
  fixture = compileFixture();
  namespace = new Namespace("devices");
  namespace.addPair("near", "far");
  device = namespace.ifindex("far");
});
afterAll(async () => {
  await namespace?.remove();
  fixture.remove();
});

/** How `ip` calls the mode of the device's XDP program: 1 native, 2 generic; 0 without one. */
function readXdpMode(): number {
  return JSON.parse(namespace.ip("-j", "link", "show", "far"))[0].xdp?.mode ?? 0;
}

describe("an XDP link", () => {
  it.each([
    ["native", 1],
    ["generic", 2],
  ] as const)("judges what comes in, in mode %s, until its last handle closes", async (mode, number) => {
    const attached = await namespace.run(
      async ({ addon, state, sendDatagrams, readCount }, path, ifindex, mode) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp"] });
        const program = object.program("fx_xdp");
        const link = program.attachXdp({ ifindex, mode });
        await sendDatagrams("10.9.0.2", 20);
        state.links.push(link);
        return {
          count: readCount(object, 0),
          info: link.info(),
          query: addon.queryXdp(ifindex),
          program: program.id,
        };
      },
      fixture.path,
      device,
      mode,
    );
    expect(readXdpMode()).toBe(number);
    expect(attached.count).toBeGreaterThanOrEqual(20);
    expect(attached.query).toBe(attached.program);
    expect(attached.info).toEqual({
      id: expect.any(Number),
      type: 6,
      programId: attached.program,
      ifindex: device,
    });
    const left = await namespace.run(({ addon, state }, ifindex) => {
      for (const link of state.links) link.close();
      return addon.queryXdp(ifindex);
    }, device);
    expect(left).toBe(0);
    expect(readXdpMode()).toBe(0);
  });

  it("stands in the way of a second one", async () => {
    const failure = await failureOf(() =>
      namespace.run(
        ({ addon }, path, ifindex) => {
          const object = addon.BpfObject.load({ path, programs: ["fx_xdp"] });
          const first = object.program("fx_xdp").attachXdp({ ifindex, mode: "native" });
          try {
            object.program("fx_xdp").attachXdp({ ifindex, mode: "native" });
          } finally {
            first.close();
          }
        },
        fixture.path,
        device,
      ),
    );
    expect(failure.code).toBe("EBUSY");
  });

  it("lives by its pin, opens again, and changes its program in place", () =>
    withBpffs(async (root) => {
      const seen = await namespace.run(
        async ({ addon, sendDatagrams, readCount }, path, ifindex, pin) => {
          const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_xdp_other"] });
          const [first, second] = [object.program("fx_xdp"), object.program("fx_xdp_other")];
          const made = first.attachXdp({ ifindex, mode: "native" });
          made.pin(pin);
          made.close();
          made.close();
          const queries = [addon.queryXdp(ifindex) === first.id];
          const opened = addon.BpfLink.openPinned(pin);
          await sendDatagrams("10.9.0.2", 10);
          const before = [readCount(object, 0), readCount(object, 3)];
          opened.update(second);
          queries.push(addon.queryXdp(ifindex) === second.id, opened.info().programId === second.id);
          await sendDatagrams("10.9.0.2", 10);
          const after = [readCount(object, 0), readCount(object, 3)];
          opened.detach();
          queries.push(addon.queryXdp(ifindex) === 0, opened.info().ifindex === 0);
          opened.close();
          return { queries, before, after };
        },
        fixture.path,
        device,
        join(root, "link"),
      );
      expect(seen.queries).toEqual([true, true, true, true, true]);
      expect(seen.before[1]).toBe(0);
      expect(seen.before[0]).toBeGreaterThanOrEqual(10);
      expect(seen.after[0]).toBe(seen.before[0]);
      expect(seen.after[1]).toBeGreaterThanOrEqual(10);
    }));

  it("opens beside others on another thread, each in its place and told what it is, or none does", () =>
    withBpffs(async (root) => {
      const seen = await namespace.run(
        async ({ addon }, path, ifindex, pins) => {
          const object = addon.BpfObject.load({ path, programs: ["fx_tc"] });
          const program = object.program("fx_tc");
          const made = (["ingress", "egress"] as const).map((direction) =>
            program.attachTcx({ ifindex, direction }),
          );
          for (const [at, link] of made.entries()) link.pin(pins[at] ?? "");
          program.pin(`${pins[0]}-program`);
          const infos = made.map((link) => link.info());
          const opened = await addon.BpfLink.openPinnedAsync(pins);
          const again = opened.map(({ link }) => link.info());
          const refusals = await Promise.all(
            [`${pins[0]}-program`, `${pins[0]}-nothing`].map((other) =>
              addon.BpfLink.openPinnedAsync([...pins, other]).then(
                () => "opened",
                (error: { code: string }) => error.code,
              ),
            ),
          );
          for (const { link } of opened) {
            link.detach();
            link.close();
          }
          for (const link of made) link.close();
          return { infos, told: opened.map(({ info }) => info), again, refusals };
        },
        fixture.path,
        device,
        [join(root, "first"), join(root, "second")],
      );
      expect(seen.infos.every(({ ifindex }) => ifindex === device)).toBe(true);
      expect(seen.told).toEqual(seen.infos);
      expect(seen.again).toEqual(seen.infos);
      expect(seen.refusals).toEqual(["EINVAL", "ENOENT"]);
    }));

  it("tells that its device is gone", async () => {
    namespace.ip("link", "add", "short", "type", "veth", "peer", "name", "lived");
    const info = await namespace.run(
      async ({ addon }, path, ifindex) => {
        const program = addon.BpfObject.load({ path, programs: ["fx_xdp"] }).program("fx_xdp");
        const link = program.attachXdp({ ifindex, mode: "native" });
        const gone = new Promise<void>((settle) => {
          const monitor = new addon.LinkMonitor((event) => {
            if (event.type !== "gone" || event.ifindex !== ifindex) return;
            monitor.close();
            settle();
          });
        });
        process.getBuiltinModule("node:child_process").execFileSync("ip", ["link", "delete", "lived"]);
        await gone;
        return link.info();
      },
      fixture.path,
      namespace.ifindex("lived"),
    );
    expect(info.ifindex).toBe(0);
  });

  it("is refused for a device that is not there, a mode that is none, and a program of another type", async () => {
    const attempts = await namespace.run(
      ({ addon }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_tc"] });
        const [xdp, tc] = [object.program("fx_xdp"), object.program("fx_tc")];
        const link = xdp.attachXdp({ ifindex, mode: "generic" });
        const calls = [
          () => xdp.attachXdp({ ifindex: 99_999, mode: "native" }),
          () => xdp.attachXdp({ ifindex, mode: "fast" as "native" }),
          () => tc.attachXdp({ ifindex, mode: "native" }),
          () => link.update(tc),
          () => link.update(link as never),
          () => addon.queryXdp(99_999),
        ];
        const codes = calls.map((call) => {
          try {
            call();
            return "none";
          } catch (error) {
            return (error as { code: string }).code;
          }
        });
        link.close();
        return codes;
      },
      fixture.path,
      device,
    );
    // For a link on a device that is not there the kernel says EINVAL (bpf_xdp_link_attach in net/core/dev.c).
    expect(attempts).toEqual(["EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "ENODEV"]);
  });
});

describe("live frames", () => {
  it("come in on the device, each of them", async () => {
    const count = await namespace.run(
      async ({ addon, readCount }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_tc_other"] });
        object.program("fx_tc_other").attachTc({ ifindex, direction: "ingress", handle: 1, priority: 1 });
        const data = new Uint8Array(100);
        data.set([2, 0, 0, 0, 9, 2, 2, 0, 0, 0, 9, 1, 8, 0, 0x45]);
        const program = object.program("fx_xdp");
        const before = readCount(object, 2); // the neighbours' own words, now and then
        const sent = [
          program.liveFrames({ data, repeat: 900, ifindex }),
          program.liveFrames({ data, repeat: 100, ifindex, batch: 10 }),
        ];
        program.close(); // the calls have their own hold on it
        await Promise.all(sent);
        addon.detachTc({ ifindex, direction: "ingress", handle: 1, priority: 1 });
        return readCount(object, 2) - before;
      },
      fixture.path,
      device,
    );
    expect(count).toBeGreaterThanOrEqual(1000);
    expect(count).toBeLessThan(1100);
  });

  it("are refused for an unknown device, too large a batch and a tc program", async () => {
    const codes = await namespace.run(
      async ({ addon }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_tc"] });
        const data = new Uint8Array(100);
        const calls = [
          () => object.program("fx_xdp").liveFrames({ data, repeat: 1, ifindex: 99_999 }),
          () => object.program("fx_xdp").liveFrames({ data, repeat: 1, ifindex, batch: 100_000 }),
          () => object.program("fx_tc").liveFrames({ data, repeat: 1, ifindex }),
        ];
        const seen: string[] = [];
        for (const call of calls)
          try {
            await call();
            seen.push("none");
          } catch (error) {
            seen.push((error as { code: string }).code);
          }
        return seen;
      },
      fixture.path,
      device,
    );
    expect(codes).toEqual(["ENODEV", "E2BIG", "EINVAL"]);
  });

  it("leave test runs a device of the caller's namespace", async () => {
    const answer = await namespace.run(
      ({ addon }, path, ifindex) =>
        addon.BpfObject.load({ path, programs: ["fx_ifindex"] })
          .program("fx_ifindex")
          .testRun({ data: new Uint8Array(64), ifindex }).retval,
      fixture.path,
      device,
    );
    expect(answer).toBe(device);
  });
});
