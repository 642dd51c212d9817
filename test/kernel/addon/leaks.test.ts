import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { codeOf, compileFixture, type Fixture, loadFixture, u32, u64, withBpffs } from "./fixture.ts";

const addon = native();
const addonPath = fileURLToPath(new URL("../../../build/ringwall.node", import.meta.url));
const shape = { type: 2, name: "t_leak", keySize: 4, valueSize: 8, maxEntries: 4, flags: 1024 };

let fixture: Fixture;
beforeAll(() => {
  fixture = compileFixture();
});
afterAll(() => fixture.remove());

function countFds(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Runs `body` many times after a first time that may set things up; the number of open files must not grow. */
async function expectNoLeak(times: number, body: () => unknown): Promise<void> {
  await body();
  await new Promise((settle) => setImmediate(settle));
  const before = countFds();
  for (let i = 0; i < times; i++) await body();
  await new Promise((settle) => setImmediate(settle));
  expect(countFds()).toBe(before);
}

describe("no file stays open", () => {
  it("after 1,000 maps, mapped into memory", () =>
    expectNoLeak(1000, () => {
      const map = addon.BpfMap.create(shape);
      map.store64(0, 1n);
      map.close();
    }));

  it("after 1,000 pins opened, right and wrong", () =>
    withBpffs(async (root) => {
      const map = addon.BpfMap.create(shape);
      map.pin(join(root, "map"));
      await expectNoLeak(1000, () => {
        addon.BpfMap.openPinned(join(root, "map")).close();
        codeOf(() => addon.BpfProgram.openPinned(join(root, "map")));
      });
      await expectNoLeak(1000, async () => {
        for (const opened of await addon.BpfMap.openPinnedAsync([join(root, "map")])) opened.close();
        await addon.BpfMap.openPinnedAsync([join(root, "map"), root]).catch(() => undefined);
      });
      map.close();
    }));

  it("after objects, their maps and programs, and refused ones", () =>
    expectNoLeak(20, async () => {
      const object = loadFixture(fixture.path);
      object.map("fx_hash").close();
      object.program("fx_xdp").close();
      object.close();
      codeOf(() => loadFixture(fixture.path, { programs: ["fx_refused"] }));
      (await addon.BpfObject.loadAsync({ path: fixture.path, programs: ["fx_xdp"] })).close();
      await addon.BpfObject.loadAsync({ path: fixture.path, programs: ["fx_refused"] }).catch(
        () => undefined,
      );
    }));

  it("after 1,000 link monitors, ring buffers, links asked for and work on the pool", async () => {
    const object = loadFixture(fixture.path);
    const events = object.map("fx_events");
    const call = object.program("fx_call");
    const map = addon.BpfMap.create(shape);
    await expectNoLeak(1000, async () => {
      new addon.LinkMonitor(() => {}).close();
      new addon.RingBuffer(events, () => {}).close();
      addon.listLinks();
      codeOf(() => addon.setLinkUp(99_999, true));
      await map.countAsync();
      call.call(new Uint8Array(8));
      await call.callEachAsync(new Uint8Array(8), 8, [map]);
    });
    for (const handle of [events, call, map, object]) handle.close();
  });

  it("when handles are dropped without close", async () => {
    const source = `
      const addon = require(${JSON.stringify(addonPath)});
      const { readdirSync } = require("node:fs");
      const { parentPort } = require("node:worker_threads");
      const count = () => readdirSync("/proc/self/fd").length;
      const drop = () => { for (let i = 0; i < 200; i++) addon.BpfMap.create(${JSON.stringify(shape)}); };
      const before = count();
      drop();
      const dropped = count();
      (async () => {
        for (let i = 0; i < 100 && count() > before; i++) {
          globalThis.gc();
          await new Promise((settle) => setTimeout(settle, 5));
        }
        parentPort.postMessage({ before, dropped, after: count() });
      })();
    `;
    const { setFlagsFromString } = await import("node:v8");
    setFlagsFromString("--expose-gc");
    const seen = await runWorker<{ before: number; dropped: number; after: number }>(source);
    expect(seen.dropped).toBeGreaterThan(seen.before);
    expect(seen.after).toBeLessThanOrEqual(seen.before);
  });
});

/** The first message of a worker thread that runs `source`; the thread is ended then, if it has not ended. */
async function runWorker<T>(source: string): Promise<T> {
  const worker = new Worker(source, { eval: true });
  try {
    return await new Promise<T>((settle, fail) => {
      worker.once("message", settle);
      worker.once("error", fail);
    });
  } finally {
    await worker.terminate();
  }
}

describe("worker threads", () => {
  it("have classes of their own, and hear their own libbpf only", async () => {
    const source = `
      const addon = require(${JSON.stringify(addonPath)});
      const { parentPort } = require("node:worker_threads");
      let log = "";
      for (let i = 0; i < 20; i++)
        try { addon.BpfObject.load({ path: ${JSON.stringify(fixture.path)}, programs: ["fx_refused"] }); }
        catch (error) { log = error.log; }
      parentPort.postMessage({ log, error: Object.getPrototypeOf(addon.BpfMap) === Function.prototype });
    `;
    const workers = [runWorker<{ log: string }>(source), runWorker<{ log: string }>(source)];
    for (const { log } of await Promise.all(workers)) {
      expect(log.match(/BEGIN PROG LOAD LOG/g)?.length).toBe(1);
      expect(log).toContain("invalid access to packet");
    }
    const map = addon.BpfMap.create(shape);
    map.set(u32(0), u64(1n));
    map.close();
  });

  it("may end while they listen and work, without harm and without files left", () =>
    expectNoLeak(10, () =>
      runWorker(`
        const addon = require(${JSON.stringify(addonPath)});
        const { parentPort } = require("node:worker_threads");
        const object = addon.BpfObject.load({ path: ${JSON.stringify(fixture.path)}, programs: ["fx_emit"] });
        globalThis.kept = [
          new addon.LinkMonitor(() => {}),
          new addon.RingBuffer(object.map("fx_events"), () => { for (let n = 0; n < 1e6; n++); }),
        ];
        object.program("fx_emit").testRun({ data: new Uint8Array(1024) });
        object.map("fx_hash").entriesAsync();
        parentPort.postMessage("ready");
      `),
    ));
});
