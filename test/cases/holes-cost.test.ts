/**
 * Holes of other firewalls, by their names: rules that cost more than they are. What a change writes follows what it
 * changes, not what there is: a guard that no clock changes.
 */
import { describe, expect, it } from "vitest";
import { defaultLimits, type Interface, type Model, type Rule } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { createFakeMaps, Faults } from "../unit/kernel/fake-maps.ts";
import { Host } from "../unit/kernel/host.ts";
import { group, iface, model, prefix, remote, tcp } from "../unit/policy/compile-fixture.ts";

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

const empty = model({ groups: [group("sg-a", [])], interfaces: [] });

async function written(before: Model, after: Model): Promise<number> {
  const sizes = { interfaces: 32, slots: 128, policies: 128, owned: 65_536 };
  const host = new Host(createFakeMaps(new Faults(), { ...sizes, cells: 65_536, words: 65_536 }));
  await host.start();
  await host.apply(before, capacities);
  return (await host.apply(after, capacities)).entriesWritten;
}

describe("OSSA-2013-020: a group as source, written out for each rule and member", () => {
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
});

describe("OSSA-2014-025: address pairs without number, each a rule more", () => {
  it("a pair costs one entry, however many rules and pairs there are", async () => {
    const withPairs = (pairs: number, rules: number): Model => {
      const allowedAddressPairs = Array.from({ length: pairs }, (_, index) => ({
        prefix: prefix(`10.9.${index >> 8}.${index & 255}/32`),
        mac: null,
      }));
      const named = Array.from({ length: rules }, (_, index) => tcp(1000 + index, 1000 + index));
      return model({
        groups: [group("sg-a", named)],
        interfaces: [iface(1, ["sg-a"], ["10.0.0.1"], { allowedAddressPairs })],
      });
    };
    const cost = async (pairs: number, rules: number) =>
      (await written(empty, withPairs(pairs, rules))) - (await written(empty, withPairs(0, rules)));
    expect(await cost(1000, 5)).toBe(1000);
    expect(await cost(1000, 180)).toBe(1000);
    // Each asked of each other would be 2,500,000,000 questions: the test would not end in its time.
    expect(await cost(50_000, 5)).toBe(50_000);
  });
});

describe("OSSA-2012-005: rules without number", () => {
  const rulesOf = (count: number, first: number) =>
    Array.from(
      { length: count },
      (_, index) =>
        `{direction: ingress, policy: accept, protocol: tcp, portRange: ${first + index}/${first + index}, remote: 0.0.0.0/0}`,
    ).join(", ");
  const groups = (count: number, rules: number) =>
    Array.from(
      { length: count },
      (_, index) => `sg-${index}: {type: basic, network: vpc-a, rules: [${rulesOf(rules, 1 + index * 200)}]}`,
    ).join(", ");
  const textOf = (count: number, rules: number) => `version: 1
networks: {vpc-a: {type: vpc}}
groups: {${groups(count, rules)}}
instances:
  i-1:
    interfaces:
      eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.1], groups: [${Array.from({ length: count }, (_, index) => `sg-${index}`).join(", ")}]}
`;
  const refusals = (text: string) =>
    parseModel([{ path: "rules.yaml", text }], { limits: defaultLimits }).diagnostics.map(
      ({ code, message }) => `${code}: ${message}`,
    );

  it("are refused beyond what a group, and an interface by all its groups, may have", () => {
    expect(refusals(textOf(1, 200))).toEqual([]);
    expect(refusals(textOf(1, 201)).join()).toMatch(/^limit: .*`rulesPerGroup`.* of 200: .*201 asked/);
    expect(refusals(textOf(5, 200))).toEqual([]);
    expect(refusals(textOf(6, 200)).join()).toMatch(/^limit: .*`rulesPerInterface`.* of 1000: .*1200 asked/);
  });

  it("and as many as there may be cost each its own entries, not those of all", async () => {
    const cost = (rules: number) => {
      const named = Array.from({ length: rules }, (_, index) => tcp(1000 + 2 * index, 1000 + 2 * index));
      const after = model({
        groups: [group("sg-a", named)],
        interfaces: [iface(1, ["sg-a"], ["10.0.0.1"])],
      });
      return written(empty, after);
    };
    const [few, many] = [await cost(100), await cost(200)];
    console.log(`100 rules: ${few} entries; 200 rules: ${many}`);
    expect(many).toBeLessThan(2.5 * few);
  });
});
