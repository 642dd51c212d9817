/**
 * What netfilter's conntrack_resize.sh asks of a table that gets another size under traffic, in terms of session tables:
 * an interface's tables are never resized, so nothing is lost, and what does not get its size is said.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { Limit } from "../../src/kernel/layout.gen.ts";
import { native } from "../../src/kernel/native.ts";
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { KernelStatus, PacketCounter, Session } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed, type Driver } from "./namespace.ts";

const least = Limit.SESSION_TABLE_MIN * native().possibleCpus();
const sized = (entries: number): Partial<KernelSettings> => ({
  sessions: { established: entries, answered: entries, opening: entries },
  memoryShare: 0.5,
  midstream: "drop",
});
const [small, large] = [sized(least), sized(8 * least)];

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("resize");
  bed.addGuest(1);
  bed.addGuest(2);
  await bed.listen(1, 80);
});
afterEach(() => bed.remove());

interface Held {
  readonly sent: number;
  readonly echoed: number;
  readonly broken: string | null;
}

/** Entries of an interface's table of established sessions. */
async function limitOf(driver: Driver, id: string): Promise<number | undefined> {
  const { interfaces } = await driver.call<KernelStatus>("status");
  const tables = interfaces.find((one) => one.interface === id)?.tables;
  return tables?.find(({ table }) => table === "established")?.limit;
}

async function open(root: string, settings: Partial<KernelSettings>): Promise<Driver> {
  const driver = bed.start();
  await driver.call("open", { object: objectPath, root, settings });
  return driver;
}

it("conntrack_resize: another size loses no session, holds for new interfaces, and is said where it does not", async () => {
  await withBpffs(async (root) => {
    const client = bed.start();
    const held = () => client.call<Held>("held");
    /** Everything that is sent from now on is echoed, for a while. */
    const expectFlow = async () => {
      const { sent } = await held();
      await expect.poll(async () => (await held()).echoed).toBeGreaterThan(sent + 20);
      expect((await held()).broken).toBeNull();
    };
    const keysOf = async (driver: Driver) =>
      (await driver.call<Session[]>("sessions"))
        .filter((session) => session.interface === "eni-1")
        .map(({ table, remotePort }) => `${table} ${remotePort}`)
        .sort();

    const first = await open(root, small);
    await first.call("apply", "open80");
    await client.call("hold", { host: "10.0.0.1", port: 80 });
    for (let count = 0; count < 10; count++)
      expect(await client.call("connect", { host: "10.0.0.1", port: 80 })).toBe("open");
    await expectFlow();
    const before = await keysOf(first);
    expect(before.length).toBeGreaterThanOrEqual(11);
    expect((await first.call<KernelStatus>("status")).smallerTables).toBeNull();

    // A reload, then a restart, that ask for more.
    await first.call("configure", large);
    const says = `eni-1: session tables are smaller than they would be made now (established ${least}, not ${8 * least})`;
    expect((await first.call<KernelStatus>("status")).smallerTables).toContain(says);
    await expectFlow();
    await first.kill();
    const next = await open(root, large);
    await next.call("apply", "two");
    await expectFlow();
    expect(await keysOf(next)).toEqual(expect.arrayContaining(before));
    expect(await limitOf(next, "eni-1")).toBe(least);
    expect(await limitOf(next, "eni-2")).toBe(8 * least);
    expect((await next.call<KernelStatus>("status")).smallerTables).toContain(says);

    // One that asks for less: what is there keeps what it has.
    await next.call("configure", small);
    await expectFlow();
    expect(await keysOf(next)).toEqual(expect.arrayContaining(before));
    expect(await limitOf(next, "eni-2")).toBe(8 * least);
    expect((await next.call<KernelStatus>("status")).smallerTables).toBeNull();

    // Control: an interface that leaves and comes back gets tables of the size, and its sessions are gone.
    await next.call("configure", large);
    await next.call("apply", "nobody");
    await next.call("apply", "two");
    expect(await limitOf(next, "eni-1")).toBe(8 * least);
    expect((await next.call<KernelStatus>("status")).smallerTables).toBeNull();
    const strays = async () =>
      (await next.call<PacketCounter[]>("counters"))
        .filter((one) => one.interface === "eni-1" && one.reason === "midstream")
        .reduce((sum, { packets }) => sum + Number(packets), 0);
    await expect.poll(strays).toBeGreaterThan(0);
    await next.call("close", { detach: true });
  });
});
