import { beforeEach, describe, expect, it } from "vitest";
import { DeviceLook, type Look } from "../../../src/kernel/device-look.ts";
import type { LinkInfo } from "../../../src/kernel/native.ts";

const devices = [7, 8, 9];

/** A row of struct link_seen for each: link, program, what runs first at a device. */
type Row = readonly [id: number, program: number, first: number];

/** Our link of each device; id 5 is somebody else's. */
const usual: readonly Row[] = [
  [70, 1, 1],
  [80, 1, 1],
  [5, 2, 0],
  [90, 1, 1],
];

/** What the kernel has. */
let kernel: {
  links: readonly Row[] | null;
  filters: number[];
  losses: { detached: number; replaced: number };
  foreign: string | null;
};
/** Our links, by id. */
let owners: Map<number, number>;
/** What is known of the first device. */
let known: string | null;
/** Devices that were asked, look by look. */
let asked: number[][];

beforeEach(() => {
  kernel = { links: usual, filters: [], losses: { detached: 0, replaced: 0 }, foreign: null };
  owners = new Map([70, 80, 90].map((id) => [id, id / 10]));
  known = null;
  asked = [];
});

function encode(rows: readonly Row[]): Uint8Array {
  const words = rows.flatMap(([id, program, first]) => [id, program, first, 0, first, 0]);
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** Looks, as long as nobody comes between, from survey to answer. */
function openLook(): { readonly look: () => Look } {
  const present = new Map(devices.map((ifindex) => [ifindex, { ifindex } as LinkInfo]));
  const all = new DeviceLook(
    {
      devices,
      owners: () => new Map(owners),
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
    { links: () => (kernel.links === null ? null : encode(kernel.links)) },
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
const without = (id: number) => usual.filter(([each]) => each !== id);

describe("the look at devices", () => {
  it("asks each device at first, and none while all links are as they were", () => {
    const look = openLook();
    expect([look.look(), look.look(), look.look()]).toEqual([clean, clean, clean]);
    expect(asked).toEqual([devices, [], []]);
  });

  it.each([
    ["runs another program", [...without(80), [80, 3, 1]]],
    ["has another program before it", [...without(80), [80, 1, 4]]],
    ["is gone", without(80)],
  ] as [string, Row[]][])("asks the device whose link %s, and no other", (_, links) => {
    const look = openLook();
    look.look();
    kernel.links = links;
    kernel.losses = { detached: 1, replaced: 2 };
    expect(look.look()).toEqual({ detached: 1, replaced: 2, others: [] });
    expect(asked).toEqual([devices, [8]]);
  });

  it("asks the device that has a new link of ours, and nothing again of one that went with its device", () => {
    const look = openLook();
    look.look();
    kernel.links = [...usual, [91, 1, 1]];
    owners.set(91, 9);
    look.look();
    kernel.links = without(70);
    owners.delete(70);
    owners.delete(91);
    look.look();
    look.look();
    expect(asked).toEqual([devices, [9], [7, 9], []]);
  });

  it.each([
    ["comes", [...usual, [6, 2, 0]]],
    ["runs another program", [...without(5), [5, 3, 0]]],
    ["is gone", without(5)],
  ] as [string, Row[]][])("asks each device when somebody else's link %s: it may be on any", (_, links) => {
    const look = openLook();
    look.look();
    kernel.links = links;
    look.look();
    expect(asked).toEqual([devices, devices]);
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

  it("asks again after what was amiss, though the links be as they were", () => {
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
    kernel.links = [...without(70), [70, 1, 4]];
    kernel.foreign = "another program";
    expect([look.look().others, look.look().others]).toEqual([[7], [7]]);
    known = kernel.foreign;
    expect([look.look().others, look.look().others]).toEqual([[], []]);
    expect(asked).toEqual([devices, [7], devices, devices, []]);
  });

  it("asks each device every time where the kernel tells of no links at once", () => {
    kernel.links = null;
    const look = openLook();
    expect([look.look(), look.look()]).toEqual([clean, clean]);
    expect(asked).toEqual([devices, devices]);
  });
});
