import { describe, expect, it } from "vitest";
import { CleanLooks, type Look, listKnown } from "../../../src/kernel/clean-look.ts";
import type { IdentityStruct } from "../../../src/kernel/layout.gen.ts";
import { emptyState, storeIdentity } from "../../../src/kernel/state.ts";
import { writeHostMacs } from "../../../src/kernel/sync.ts";
import type { Resolved } from "../../../src/policy/types.ts";
import { createFakeMaps, Faults } from "./fake-maps.ts";

const slot = { version: 3, generation: 4 };
const look: Look = {
  digest: "maps",
  resolved: {} as Resolved,
  policies: new Map(),
  isHeld: false,
  known: [1, slot],
};
const other: readonly [string, Partial<Look>][] = [
  ["maps", { digest: "others" }],
  ["a model", { resolved: {} as Resolved }],
  ["policies", { policies: new Map() }],
  ["a change that waits", { isHeld: true }],
  ["what is known", { known: [1, { ...slot }] }],
  ["more known", { known: [1, slot, 2] }],
];

describe("looks that found nothing wrong", () => {
  it("answer for the next ones once two have, as long as all is as it was", () => {
    const looks = new CleanLooks();
    const answers = [1, 2, 3].map(() => {
      const found = looks.findProven({ ...look, known: [...look.known] });
      looks.note(look, [7]);
      return found;
    });
    expect(answers).toEqual([null, null, [7]]);
    expect(looks.findProven(look)).toEqual([7]);
  });

  it.each(other)("do not answer for other %s, and two are wanted again", (_, part) => {
    const looks = new CleanLooks();
    looks.note(look, [7]);
    looks.note(look, [7]);
    expect(looks.findProven({ ...look, ...part })).toBeNull();
    looks.note({ ...look, ...part }, [7]);
    expect(looks.findProven({ ...look, ...part })).toBeNull();
    expect(looks.findProven(look)).toBeNull();
  });

  it("do not answer once one found something", () => {
    const looks = new CleanLooks();
    looks.note(look, [7]);
    looks.note(look, [7]);
    looks.note(look, null);
    expect(looks.findProven(look)).toBeNull();
    looks.note(look, [7]);
    expect(looks.findProven(look)).toBeNull();
    looks.note(look, [7]);
    expect(looks.findProven(look)).toEqual([7]);
  });
});

it("what is known is another list after each change of it", () => {
  const known = emptyState();
  const seen: string[] = [];
  const list = () =>
    JSON.stringify(listKnown(known), (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  const change = (work: () => void) => {
    work();
    seen.push(list());
  };
  change(() => {});
  change(() => known.devices.set(3, 4));
  change(() => known.slots.set(3, slot));
  change(() => known.live.set(3, 4));
  change(() => known.numbers.set(3n, 4));
  change(() => known.uplinks.set("3", 4));
  change(() => storeIdentity(known.identities, 1n, 2n, { after: 3n } as IdentityStruct));
  change(() => storeIdentity(known.identities, 1n, 2n, { after: 4n } as IdentityStruct));
  change(() => known.generation++);
  expect(new Set(seen).size).toBe(seen.length);
});

it("what is known is the same list after a sweep that found the host's MACs as they were", () => {
  const known = emptyState();
  const maps = createFakeMaps(new Faults());
  const seen = [1, 1, 2, 2].map((last) => {
    writeHostMacs(maps, known, [Uint8Array.of(2, 0, 0, 0, 0, last)]);
    return listKnown(known);
  });
  const isSame = (one: number, other: number) =>
    seen[one]?.every((value, index) => value === seen[other]?.[index]);
  expect([isSame(0, 1), isSame(1, 2), isSame(2, 3)]).toEqual([true, false, true]);
});
