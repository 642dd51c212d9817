/** The guard's look and devices that come meanwhile: counted, in the agent's own queue. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DeviceLook } from "../../../src/kernel/device-look.ts";
import { Guard } from "../../../src/kernel/guard.ts";
import type { LinkInfo } from "../../../src/kernel/native.ts";
import { Queue } from "../../../src/kernel/queue.ts";
import { nextTurn } from "../../../src/kernel/slices.ts";

const count = 50;
const devices = Array.from({ length: count }, (_, index) => index + 1);
/** Parts in which it asks the devices. */
const mostParts = 16;
/** A look lets others go first no more often than this: at its beginning, before what it does beside, and before each part. */
const mostPauses = mostParts + 4;

/** What was done, in order: a device that the guard asked about, or what was done for all. */
let done: (number | "attach" | "apply" | "follow")[];
/** Devices that are asked whatever they have, each time that what is amiss is put right; null: all. */
let told: (readonly number[] | null)[];
/** Device whose program was taken off. */
let lost: number | null;
/** Device before whose programs others stand. */
let foreign: number | null;
let unfinished: string | null;
let hasFailed: boolean;
/** Told when the guard asks about a device. */
let onAsked: (device: number) => void;
let queue: Queue;
/** Of what the look asks. */
let prepare: () => Promise<void>;

beforeEach(() => {
  done = [];
  told = [];
  foreign = null;
  unfinished = null;
  hasFailed = false;
  lost = null;
  onAsked = () => {};
  queue = new Queue();
  prepare = async () => {};
});

afterEach(async () => {
  await nextTurn();
  await queue.idle();
});

function openGuard(): Guard {
  const present = new Map(devices.map((ifindex) => [ifindex, { ifindex } as LinkInfo]));
  const ask = (device: number) => {
    done.push(device);
    onAsked(device);
    return device === lost;
  };
  const look = new DeviceLook(
    {
      devices,
      mendLost: (some) => ({ detached: some.filter(ask).length, replaced: 0 }),
      isComplete: () => true,
      describeForeign: ({ ifindex }) => (ifindex === foreign ? "another program" : null),
      readFilters: () => new Uint32Array(),
    },
    { bindings: new Map(devices.map((device) => [device, `eni-${device}`])), foreignOf: () => null },
    { links: present, readPresent: () => present },
    { devices: () => Uint8Array.of(1) },
  );
  return new Guard({
    restore: () => false,
    prepare: () => prepare(),
    lookAtDevices: () => look.look(),
    unfinished: () => unfinished,
    hasFailed: () => hasFailed,
    follow: async (devices) => {
      done.push("follow");
      told.push(devices === null ? null : [...devices]);
    },
    look: () => {},
    onNotice: () => {},
  });
}

const attach = async () => void done.push("attach");

/** As the kernel tells of a device: the event loop hears of it when it comes round. */
const tellOfDevice = () => setImmediate(() => void queue.runOnce(attach));

const look = () => openGuard().look((work) => queue.run(work));

const asked = () => done.filter((each) => typeof each === "number");

describe("a device that comes", () => {
  it("while the guard looks at all is attached before the rest of them is looked at", async () => {
    onAsked = (device) => {
      if (device === 2) tellOfDevice();
    };
    await look();
    expect(done.indexOf("attach")).toBeGreaterThan(done.indexOf(2));
    expect(done.indexOf("attach")).toBeLessThanOrEqual(2 * Math.ceil(count / mostParts));
    expect(asked()).toEqual(devices);
  });

  it("before a look that is due, and was not heard of yet, is attached before it", async () => {
    tellOfDevice();
    await look();
    expect(done[0]).toBe("attach");
  });

  it("while the guard gets ready, which takes as long as it takes, waits for nothing", async () => {
    prepare = () => queue.runOnce(attach);
    await look();
    expect(done).toEqual(["attach", ...devices]);
  });

  it("after a change of the rules was asked for waits for that, as ever", async () => {
    onAsked = (device) => {
      if (device !== 2) return;
      void queue.run(async () => void done.push("apply"));
      void queue.runOnce(attach);
    };
    await look();
    expect(done.indexOf("attach")).toBe(done.indexOf("apply") + 1);
    expect(asked()).toEqual(devices);
  });
});

describe("the guard", () => {
  it("sees a program that was taken off in a storm of events, too: no more of them than it has parts go first", async () => {
    let isStorm = true;
    const blow = () => {
      if (!isStorm) return;
      void queue.runOnce(attach);
      setImmediate(blow);
    };
    blow();
    lost = count;
    await look();
    isStorm = false;
    expect(asked()).toEqual(devices);
    const first = done.slice(0, done.indexOf("follow")).filter((each) => each === "attach").length;
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThanOrEqual(mostPauses + 1);
  });

  it("lets nobody go first once it has seen one: the rest and what puts it right follow at once", async () => {
    lost = 1;
    onAsked = tellOfDevice;
    await look();
    expect(done.slice(0, count + 1)).toEqual([...devices, "follow"]);
  });

  it("asks of what it puts right no more than it found: each device would hold up the next one", async () => {
    lost = 3;
    await look();
    lost = null;
    foreign = 4;
    await look();
    expect(told).toEqual([[], [4]]);
  });

  it("tries again what failed at a device, and all where something did not come to its end", async () => {
    hasFailed = true;
    await look();
    unfinished = "no memory";
    await look();
    expect(told).toEqual([[], null]);
  });
});
