import { beforeEach, describe, expect, it } from "vitest";
import { DeviceLook, type Look } from "../../../src/kernel/device-look.ts";
import type { LinkInfo } from "../../../src/kernel/native.ts";

const device = 7;
const bindings = new Map([[device, "eni-1"]]);

/** What the kernel has, and how often it was asked about each device. */
let kernel: {
  links: Uint8Array | null;
  filters: number[];
  losses: { detached: number; replaced: number };
  foreign: string | null;
};
let known: string | null;
let asked: number;

beforeEach(() => {
  kernel = {
    links: Uint8Array.of(1, 2, 3),
    filters: [],
    losses: { detached: 0, replaced: 0 },
    foreign: null,
  };
  known = null;
  asked = 0;
});

/** Looks, as long as nobody comes between, from survey to answer. */
function openLook(): { readonly look: () => Look } {
  const present = new Map([[device, {} as LinkInfo]]);
  const devices = new DeviceLook(
    {
      devices: [device],
      mendLost: () => {
        asked++;
        const { losses } = kernel;
        kernel.losses = { detached: 0, replaced: 0 };
        return losses;
      },
      isComplete: () => true,
      describeForeign: () => kernel.foreign,
      readFilters: () => Uint32Array.from(kernel.filters),
    },
    { bindings, foreignOf: () => known },
    { links: present, readPresent: () => present },
    { links: () => kernel.links },
  );
  const look = () => {
    const steps = devices.look();
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  };
  return { look };
}

const clean = { detached: 0, replaced: 0, others: [] };

describe("the look at devices", () => {
  it("asks each device at first, and not again while all links are as they were", () => {
    const look = openLook();
    expect([look.look(), look.look(), look.look()]).toEqual([clean, clean, clean]);
    expect(asked).toBe(1);
  });

  it("asks each device when a link is another", () => {
    const look = openLook();
    look.look();
    kernel.links = Uint8Array.of(1, 2, 4);
    kernel.losses = { detached: 1, replaced: 2 };
    expect(look.look()).toEqual({ detached: 1, replaced: 2, others: [] });
    expect(asked).toBe(2);
  });

  it("asks each device when a filter runs another program", () => {
    kernel.filters = [11, 12];
    const look = openLook();
    look.look();
    kernel.filters = [11, 13];
    kernel.losses = { detached: 0, replaced: 1 };
    expect(look.look()).toEqual({ detached: 0, replaced: 1, others: [] });
  });

  it("asks again after what was amiss, though the links be as they were", () => {
    const look = openLook();
    kernel.losses = { detached: 1, replaced: 0 };
    look.look();
    expect(look.look()).toEqual(clean);
    expect([look.look(), asked]).toEqual([clean, 2]);
  });

  it("goes on saying that a foreign program came until that is known", () => {
    const look = openLook();
    look.look();
    kernel.links = Uint8Array.of(1, 2, 3, 4);
    kernel.foreign = "another program";
    expect([look.look().others, look.look().others]).toEqual([[device], [device]]);
    known = kernel.foreign;
    expect([look.look().others, look.look().others, asked]).toEqual([[], [], 4]);
  });

  it("asks each device every time where the kernel tells of no links at once", () => {
    kernel.links = null;
    const look = openLook();
    expect([look.look(), look.look(), asked]).toEqual([clean, clean, 2]);
  });
});
