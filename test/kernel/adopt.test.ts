import { appendFileSync, copyFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpeningLimit } from "../../src/kernel/layout.gen.ts";
import { native } from "../../src/kernel/native.ts";
import { createTable } from "../../src/kernel/sessions.ts";
import type { KernelStatus, Session } from "../../src/kernel/status.ts";
import { hasTcx, linkPins, objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";
import type { ModelName } from "./scenarios.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("adopt");
  bed.addGuest(1);
  await bed.listen(1, 80, 81);
});
afterEach(() => bed.remove());

async function start(root: string, options: { object?: string; interfaces?: number } = {}) {
  const driver = bed.start();
  const { adopted } = await driver.call<{ adopted: boolean }>("open", {
    object: options.object ?? objectPath,
    root,
    settings: "usual",
    interfaces: options.interfaces,
  });
  return { driver, adopted };
}
const apply = (driver: Driver, name: ModelName) => driver.call<KernelStatus>("apply", name);
const connect = (driver: Driver, port: number) => driver.call<string>("connect", { host: "10.0.0.1", port });
/** A connection that goes on whatever becomes of agents: one that was closed would be forgotten after ten seconds. */
const hold = () => bed.start().call("hold", { host: "10.0.0.1", port: 80 });
const sessions = (driver: Driver) => driver.call<Session[]>("sessions");
/** Entries that each table of the first interface has room for, by name: three different numbers. */
const tableSizes = async (driver: Driver) => {
  const [first] = (await driver.call<KernelStatus>("status")).interfaces;
  return first?.tables.map(({ table, limit }) => [table, limit]);
};
const programs = async (driver: Driver) =>
  (await driver.call<KernelStatus>("status")).interfaces[0]?.programs;

/** The same programs under another digest: an upgrade. */
function otherObject(root: string): string {
  const path = join(root, "..", "other.bpf.o");
  copyFileSync(objectPath, path);
  appendFileSync(path, "another build");
  return path;
}

/** The opening table of the one interface that there is. */
const openingPin = (root: string) => {
  const tables = readdirSync(join(root, "current", "sessions")).filter((name) => name.endsWith("-opening"));
  expect(tables).toHaveLength(1);
  return join(root, "current", "sessions", tables[0] ?? "none");
};

/** What is pinned becomes that of a version whose opening tables were LRU hashes, whose hash had no seeds. */
function makeOlder(root: string): void {
  const current = join(root, "current");
  const layout = readdirSync(current).find((name) => name.startsWith("layout-"));
  renameSync(join(current, layout ?? "none"), join(current, "layout-0123456789abcdef"));
  rmSync(join(current, "maps", "rw_hash"));
  const pin = openingPin(root);
  rmSync(pin);
  const table = createTable("rw_opening", 4096);
  table.pin(pin);
  table.close();
}

describe("an agent that starts where another one was", () => {
  it("adopts what enforces, writes nothing for the same model, and loses no session", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      expect(first.adopted).toBe(false);
      await apply(first.driver, "open80");
      await hold();
      const before = await sessions(first.driver);
      expect(before).toHaveLength(1);
      const ids = await programs(first.driver);
      const sizes = await tableSizes(first.driver);
      await first.driver.kill();

      const { driver, adopted } = await start(root);
      expect(adopted).toBe(true);
      expect(await connect(driver, 81)).toBe("timeout");
      const report = await apply(driver, "open80");
      expect(report).toMatchObject({
        entriesWritten: 0,
        slotsSwitched: 0,
        recordsSwitched: 0,
        generation: 1,
      });
      expect(await programs(driver)).toEqual(ids);
      const after = await sessions(driver);
      const places = (list: readonly Session[]) => list.map(({ remotePort, table }) => [remotePort, table]);
      expect(places(after)).toEqual(expect.arrayContaining(places(before)));
      expect(await tableSizes(driver)).toEqual(sizes);
      await driver.call("close", { detach: true });
    });
  });

  it("frees what an agent that was killed held of an opening table", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      await first.driver.kill();
      const table = native().BpfMap.openPinned(openingPin(root));
      const held = BigInt(OpeningLimit.AGENT_HOLDS);
      table.add64(0, 1, held);
      table.add64(table.maxEntries - 1, 7, held + 1n);

      const { driver } = await start(root);
      expect(table.add64(0, 1, 0n)).toBe(0n);
      expect(table.add64(table.maxEntries - 1, 7, 0n)).toBe(1n);
      table.close();
      await driver.call("close", { detach: true });
    });
  });

  it("goes on enforcing while there is no agent", async () => {
    await withBpffs(async (root) => {
      const { driver } = await start(root);
      await apply(driver, "open80");
      const bystander = bed.start();
      await driver.kill();
      expect(await connect(bystander, 80)).toBe("open");
      expect(await connect(bystander, 81)).toBe("timeout");
      await (await start(root)).driver.call("close", { detach: true });
    });
  });

  it("brings in new programs by update, with the sessions of the old ones", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      await hold();
      const before = await sessions(first.driver);
      expect(before).toHaveLength(1);
      const ids = await programs(first.driver);
      await first.driver.kill();

      const { driver, adopted } = await start(root, { object: otherObject(root) });
      expect(adopted).toBe(false);
      await apply(driver, "open80");
      const updated = await programs(driver);
      expect(updated?.tcEgress).not.toBe(ids?.tcEgress);
      expect((await sessions(driver)).length).toBeGreaterThanOrEqual(before.length);
      expect(await connect(driver, 80)).toBe("open");
      expect(await connect(driver, 81)).toBe("timeout");
      const pinned = readdirSync(join(root, "current")).filter((name) => name.startsWith("programs-"));
      expect(pinned).toHaveLength(1);
      await driver.call("close", { detach: true });
    });
  });

  it("fills maps of another size beside the old ones before it switches to them", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      await first.driver.kill();

      const { driver, adopted } = await start(root, { interfaces: 100 });
      expect(adopted).toBe(false);
      // The old programs still enforce on the old maps.
      expect(await connect(driver, 81)).toBe("timeout");
      expect(await connect(driver, 80)).toBe("open");
      await apply(driver, "open81");
      expect(await connect(driver, 80)).toBe("timeout");
      expect(await connect(driver, 81)).toBe("open");
      expect(
        readdirSync(root)
          .filter((name) => !name.endsWith(".debug"))
          .sort(),
      ).toEqual(hasTcx ? ["current", "links"] : ["current"]);
      await driver.kill();

      const last = await start(root, { interfaces: 100 });
      expect(last.adopted).toBe(true);
      expect(await apply(last.driver, "open81")).toMatchObject({ entriesWritten: 0 });
      await last.driver.call("close", { detach: true });
    });
  });

  it("makes its own tables beside those of a version whose opening tables were LRU hashes; connections go on", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      const holder = bed.start();
      await holder.call("hold", { host: "10.0.0.1", port: 80 });
      await first.driver.kill();
      makeOlder(root);

      const { driver, adopted } = await start(root);
      expect(adopted).toBe(false);
      expect(await connect(driver, 81)).toBe("timeout");
      await apply(driver, "open80");
      const held = () => holder.call<{ echoed: number; broken: string | null }>("held");
      const { echoed } = await held();
      // Unknown to the fresh tables, it is picked up by its next packet, and proven by the ones after it.
      await expect
        .poll(async () => (await sessions(driver)).map(({ table }) => table))
        .toContain("established");
      await expect.poll(async () => (await held()).echoed).toBeGreaterThan(echoed);
      expect((await held()).broken).toBeNull();
      expect(await tableSizes(driver)).toEqual([
        ["opening", 5120],
        ["answered", 8192],
        ["established", 16_384],
      ]);
      await driver.call("sweep");
      expect(await driver.call("end")).toBeGreaterThan(0);
      expect(await connect(driver, 81)).toBe("timeout");
      await driver.kill();

      const last = await start(root);
      expect(last.adopted).toBe(true);
      expect(await apply(last.driver, "open80")).toMatchObject({ entriesWritten: 0 });
      await last.driver.call("close", { detach: true });
    });
  });

  it("takes over from maps of which somebody took a pin away meanwhile", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      await first.driver.kill();
      rmSync(join(root, "current", "maps", "rw_cells"));

      const { driver, adopted } = await start(root);
      expect(adopted).toBe(false);
      // What enforces has the map still.
      expect(await connect(driver, 81)).toBe("timeout");
      await apply(driver, "open81");
      expect(await connect(driver, 80)).toBe("timeout");
      expect(await connect(driver, 81)).toBe("open");
      await driver.kill();
      const last = await start(root);
      expect(last.adopted).toBe(true);
      await last.driver.call("close", { detach: true });
    });
  });

  it("refuses to run twice", async () => {
    await withBpffs(async (root) => {
      const { driver } = await start(root);
      await expect(start(root)).rejects.toThrow(/another agent holds .*stop it first/);
      await driver.call("close", { detach: true });
    });
  });

  it("says what is missing, and changes nothing", async () => {
    await withBpffs(async (root) => {
      await expect(start(root, { object: "/nowhere.o" })).rejects.toThrow(
        /\/nowhere.o are missing: run `make build`/,
      );
    });
  });

  it("follows a device that came and went while there was no agent", async () => {
    await withBpffs(async (root) => {
      const first = await start(root);
      await apply(first.driver, "open80");
      const old = bed.ifindex("tap1");
      await first.driver.kill();
      bed.host("link", "del", "tap1");
      bed.addGuest(2);

      const { driver } = await start(root);
      const report = await apply(driver, "two");
      expect(report.interfaces).toMatchObject([
        { interface: "eni-1", state: "absent" },
        { interface: "eni-2", state: "enforcing" },
      ]);
      expect(linkPins(root).filter((name) => name.startsWith(`${old}-`))).toEqual([]);
      await driver.call("close", { detach: true });
    });
  });
});

describe("two changes at once", () => {
  it("are made one after the other", async () => {
    await withBpffs(async (root) => {
      const { driver } = await start(root);
      const reports = await Promise.all(
        (["open80", "open81", "two", "open80"] as const).map((name) => apply(driver, name)),
      );
      expect(reports.map(({ generation }) => generation)).toEqual([1, 2, 3, 4]);
      expect(await connect(driver, 80)).toBe("open");
      expect(await connect(driver, 81)).toBe("timeout");
      await driver.call("close", { detach: true });
    });
  });
});
