import { beforeEach, describe, expect, it } from "vitest";
import { DeviceLook, type Look } from "../../../src/kernel/device-look.ts";
import type { LinkInfo } from "../../../src/kernel/native.ts";

const devices = [7, 8, 9];

/** A row of struct device_seen for each. */
type Row = readonly [ifindex: number, standing: number];

/** Ours, and device 5, which is not. */
const usual: readonly Row[] = [
  [7, 1],
  [8, 1],
  [5, 2],
  [9, 1],
];

/** What the kernel has. */
let kernel: {
  rows: readonly Row[] | null;
  filters: number[];
  losses: { detached: number; replaced: number };
  foreign: string | null;
};
/** What is known of the first device. */
let known: string | null;
/** Devices that were asked, look by look. */
let asked: number[][];

beforeEach(() => {
  kernel = { rows: usual, filters: [], losses: { detached: 0, replaced: 0 }, foreign: null };
  known = null;
  asked = [];
});

function encode(rows: readonly Row[]): Uint8Array {
  const words = rows.flatMap(([ifindex, standing]) => [ifindex, 0, 0, 0, standing, 0]);
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** Looks, as long as nobody comes between, from survey to answer. */
function openLook(): { readonly look: () => Look } {
  const present = new Map(devices.map((ifindex) => [ifindex, { ifindex } as LinkInfo]));
  const all = new DeviceLook(
    {
      devices,
      mendLost: (some) => {
        asked.at(-1)?.push(...some);
        const { losses } = kernel;
        kernel.losses = { detached: 0, replaced: 0 };
        return losses;
      },
      isComplete: () => true,
      describeForeign: ({ ifindex }) => (ifindex === 7 ? kernel.foreign : null),
      readFilters: () => Uint32Array.from(kernel.filters),
    },
    {
      bindings: new Map(devices.map((device) => [device, `eni-${device}`])),
      foreignOf: (ifindex) => (ifindex === 7 ? known : null),
    },
    { links: present, readPresent: () => present },
    { devices: () => (kernel.rows === null ? null : encode(kernel.rows)) },
  );
  const look = () => {
    asked.push([]);
    const steps = all.look();
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  };
  return { look };
}

const clean = { detached: 0, replaced: 0, others: [] };
const without = (ifindex: number) => usual.filter(([each]) => each !== ifindex);

describe("the look at devices", () => {
  it("asks each device at first, and none while all is as it was", () => {
    const look = openLook();
    expect([look.look(), look.look(), look.look()]).toEqual([clean, clean, clean]);
    expect(asked).toEqual([devices, [], []]);
  });

  it.each([
    ["has other programs", [...without(8), [8, 3]]],
    ["has none any more", without(8)],
  ] as [string, Row[]][])("asks the device that %s, and no other", (_, rows) => {
    const look = openLook();
    look.look();
    kernel.rows = rows;
    kernel.losses = { detached: 1, replaced: 2 };
    expect(look.look()).toEqual({ detached: 1, replaced: 2, others: [] });
    expect(asked).toEqual([devices, [8]]);
  });

  it("asks a device that has programs now, once", () => {
    kernel.rows = without(9);
    const look = openLook();
    look.look();
    kernel.rows = usual;
    look.look();
    look.look();
    expect(asked).toEqual([devices, [9], []]);
  });

  it("asks nothing of devices that are not ours, in whatever order they are told", () => {
    const look = openLook();
    look.look();
    for (const rows of [[...usual, [6, 2]], [...without(5), [5, 3]], without(5), usual.toReversed()]) {
      kernel.rows = rows as Row[];
      look.look();
    }
    expect(asked).toEqual([devices, [], [], [], []]);
  });

  it("asks each device when a filter runs another program", () => {
    kernel.filters = [11, 12];
    const look = openLook();
    look.look();
    kernel.filters = [11, 13];
    kernel.losses = { detached: 0, replaced: 1 };
    expect(look.look()).toEqual({ detached: 0, replaced: 1, others: [] });
    expect(asked).toEqual([devices, devices]);
  });

  it("asks again after what was amiss, though all be as it was", () => {
    const look = openLook();
    kernel.losses = { detached: 1, replaced: 0 };
    look.look();
    expect(look.look()).toEqual(clean);
    expect(look.look()).toEqual(clean);
    expect(asked).toEqual([devices, devices, []]);
  });

  it("goes on saying that a foreign program came until that is known", () => {
    const look = openLook();
    look.look();
    kernel.rows = [...without(7), [7, 4]];
    kernel.foreign = "another program";
    expect([look.look().others, look.look().others]).toEqual([[7], [7]]);
    known = kernel.foreign;
    expect([look.look().others, look.look().others]).toEqual([[], []]);
    expect(asked).toEqual([devices, [7], devices, devices, []]);
  });

  it("asks each device every time where the kernel does not tell of all at once", () => {
    kernel.rows = null;
    const look = openLook();
    expect([look.look(), look.look()]).toEqual([clean, clean]);
    expect(asked).toEqual([devices, devices]);
  });
});
