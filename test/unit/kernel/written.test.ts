/** What a change writes follows what it changes, not what there is: a guard that no clock changes. */
import { expect, it } from "vitest";
import type { Interface, Model, Rule } from "../../../src/model/model.ts";
import { group, iface, model, remote, tcp } from "../policy/compile-fixture.ts";
import { createFakeMaps, Faults } from "./fake-maps.ts";
import { Host } from "./host.ts";

const capacities = { numbers: 16, slots: 64, policies: 64, cells: 65_536, words: 65_536 };

/** Members of sg-many, all but the first on other hosts. */
function membersOf(count: number): Interface[] {
  return Array.from({ length: count }, (_, index) =>
    iface(index + 2, ["sg-many"], [`10.1.${index >> 8}.${index & 255}`], {
      hosts: [index === 0 ? "here" : "elsewhere"],
    }),
  );
}

/** eni-1 is judged by `rules` rules that name sg-many, and a few others. */
function hostOf(members: readonly Interface[], rules: number, more: readonly Rule[] = []): Model {
  const named = Array.from({ length: rules }, (_, index) =>
    tcp(1000 + index, 1000 + index, { remote: remote("sg-many") }),
  );
  const groups = [group("sg-watched", [...named, ...more]), group("sg-many", [tcp(22, 22)])];
  return model({ groups, interfaces: [iface(1, ["sg-watched"], ["10.0.0.1"]), ...members] });
}

async function written(before: Model, after: Model): Promise<number> {
  const sizes = { interfaces: 32, slots: 128, policies: 128 };
  const host = new Host(createFakeMaps(new Faults(), { ...sizes, cells: 65_536, words: 65_536 }));
  await host.start();
  await host.apply(before, capacities);
  return (await host.apply(after, capacities)).entriesWritten;
}

it("a member that joins costs its address, however many rules name its group and members it has", async () => {
  for (const [members, rules] of [
    [20, 5],
    [2000, 5],
    [20, 180],
  ] as const) {
    const all = membersOf(members + 1);
    expect(await written(hostOf(all.slice(0, -1), rules), hostOf(all, rules))).toBeLessThanOrEqual(4);
  }
});

it("a rule that changes costs its policy, not the members of its groups", async () => {
  const change = (members: number, rules: number) =>
    written(
      hostOf(membersOf(members), rules, [tcp(80, 80)]),
      hostOf(membersOf(members), rules, [tcp(81, 81)]),
    );
  const few = await change(20, 5);
  expect(few).toBeLessThanOrEqual(64);
  expect(await change(2000, 5)).toBe(few);
});
