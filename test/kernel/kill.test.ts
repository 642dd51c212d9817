import { afterEach, beforeEach, expect, it } from "vitest";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { objectPath, withBpffs } from "./host.ts";
import { Bed } from "./namespace.ts";

let bed: Bed;
beforeEach(async () => {
  bed = new Bed("kill");
  bed.addGuest(1);
  await bed.listen(1, 80, 81, 82);
});
afterEach(() => bed.remove());

interface Held {
  readonly sent: number;
  readonly echoed: number;
  readonly broken: string | null;
}

/** A small generator of numbers in [0, 1): the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const seed = Number(process.env.SEED ?? 1);
const kills = Number(process.env.KILLS ?? 12);

it(`an agent killed at any moment loses no session and opens nothing (${kills} kills, seed ${seed})`, async () => {
  const random = randomFrom(seed);
  await withBpffs(async (root) => {
    const bystander = bed.start();
    const open = { object: objectPath, root, settings: "usual" };
    const first = bed.start();
    await first.call("open", open);
    await first.call<KernelStatus>("apply", "open80");
    const { maps: clean } = await first.call<KernelStatus>("status");
    await bystander.call("hold", { host: "10.0.0.1", port: 80 });
    await first.kill();
    for (let kill = 0; kill < kills; kill++) {
      const driver = bed.start();
      const work = driver.call("open", open).then(() => driver.call("flip", ["both", "open80"]));
      const refused = bystander.call("connect", { host: "10.0.0.1", port: 82 });
      await Promise.all([
        expect(work).rejects.toThrow(/the driver is gone/),
        new Promise((done) => setTimeout(done, 150 + random() * 400)).then(() => driver.kill()),
      ]);
      expect(await refused).toBe("timeout");
      expect(await bystander.call("connect", { host: "10.0.0.1", port: 80 })).toBe("open");
    }
    const last = bed.start();
    await last.call("open", open);
    await last.call("apply", "open80");
    // The deletion that follows a change is awaited by the next one.
    await last.call("apply", "open80");
    expect((await last.call<KernelStatus>("status")).maps).toEqual(clean);
    const held = () => bystander.call<Held>("held");
    await expect.poll(async () => (await held()).sent).toBeGreaterThan(100);
    const { sent } = await held();
    await expect.poll(async () => (await held()).echoed).toBeGreaterThanOrEqual(sent);
    expect((await held()).broken).toBeNull();
    await last.call("close", { detach: true });
  });
});
