import { describe, expect, it, onTestFinished, vi } from "vitest";
import { EnforcementError } from "../../../src/kernel/errors.ts";
import { DeviceStruct, PrefixKeyStruct } from "../../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../../src/kernel/maps.ts";
import { UnsettledError } from "../../../src/kernel/sync.ts";
import type { Model } from "../../../src/model/model.ts";
import { address, group, iface, model, remote, rule, tcp } from "../policy/compile-fixture.ts";
import { createFakeMaps, Faults, Killed } from "./fake-maps.ts";
import { Host, smallCapacities } from "./host.ts";
import { observeDevice } from "./observe.ts";

const universe = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9"].map(address);

/** Before and after differ in rules, members, sets of groups, a MAC, an interface that goes and one that comes. */
const before = model({
  groups: [
    group("sg-web", [tcp(80, 80), rule({ policy: "drop", remote: remote("sg-db") })]),
    group("sg-db", [tcp(5432, 5432, { remote: remote("sg-web") })]),
    group("sg-ops", [tcp(22, 22, { remote: remote("10.9.0.0/16") })]),
  ],
  interfaces: [
    iface(1, ["sg-web"], ["10.0.0.1"]),
    iface(2, ["sg-db"], ["10.0.0.2"]),
    iface(3, ["sg-db", "sg-ops"], ["10.0.0.3"], { vlans: [7] }),
    iface(4, ["sg-ops"], ["10.0.0.4", "10.0.0.9"], { hosts: ["elsewhere"] }),
    iface(5, ["sg-db"], ["10.0.0.5"]),
  ],
});
const after = model({
  groups: [
    group("sg-web", [tcp(80, 81), rule({ policy: "drop", remote: remote("sg-ops") })]),
    group("sg-db", [tcp(5432, 5432, { remote: remote("sg-web") })]),
    group("sg-ops", [tcp(22, 22, { remote: remote("10.9.0.0/16") })]),
  ],
  interfaces: [
    iface(1, ["sg-web"], ["10.0.0.1"], { mac: 0x02_00_00_00_00_77n }),
    iface(2, ["sg-web"], ["10.0.0.2"]),
    iface(3, ["sg-db", "sg-ops"], ["10.0.0.3"], { vlans: [7, 8] }),
    iface(4, ["sg-db"], ["10.0.0.4"], { hosts: ["elsewhere"] }),
    iface(6, ["sg-ops"], ["10.0.0.6"]),
  ],
});
/** Nothing but members and rules of others: no record changes. */
const membersOnly = model({
  groups: [...before.groups.values()].map((each) =>
    each.id === "sg-web" ? group("sg-web", [tcp(80, 80), tcp(443, 443)]) : each,
  ),
  interfaces: [...before.interfaces.values()].map((each) =>
    each.id === "eni-4" ? iface(4, ["sg-web"], ["10.0.0.4"], { hosts: ["elsewhere"] }) : each,
  ),
});

async function installed(first: Model) {
  const faults = new Faults();
  const maps = createFakeMaps(faults);
  const host = new Host(maps);
  await host.start();
  await host.apply(first);
  faults.disarm();
  return { faults, maps, host };
}

const devices = [1, 2, 3, 5].map((number) => 100 + number);

function viewsOf(maps: ReturnType<typeof createFakeMaps>): string[] {
  return devices.map((ifindex) => observeDevice(maps, ifindex, universe));
}

async function viewsAfter(target: Model): Promise<{ views: string[]; sizes: Record<string, number> }> {
  const { host, maps } = await installed(before);
  await host.apply(target);
  return { views: viewsOf(maps), sizes: host.sizes() };
}

describe("a change of the model", () => {
  it("lets others have their turn after each policy and each record that it writes", async () => {
    const faults = new Faults();
    const host = new Host(createFakeMaps(faults));
    await host.start();
    let now = 0;
    // Whoever asks for the time finds that its slice is over.
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 1000;
      return now;
    });
    let turn = 0;
    let counting: NodeJS.Immediate;
    const count = () => {
      turn++;
      counting = setImmediate(count);
    };
    count();
    onTestFinished(() => {
      clearImmediate(counting);
      vi.restoreAllMocks();
    });
    const written = new Set<number>();
    faults.observer = () => written.add(turn);
    const { recordsSwitched } = await host.apply(before);
    expect(recordsSwitched).toBe(4);
    expect(written.size).toBeGreaterThanOrEqual(recordsSwitched + host.state.policies.size);
  });

  it("writes nothing and uses no generation when the model is the same", async () => {
    const { faults, host } = await installed(before);
    const { generation } = host.state;
    expect(await host.apply(before)).toEqual({ entriesWritten: 0, slotsSwitched: 0, recordsSwitched: 0 });
    expect(faults.operations).toBe(0);
    expect(host.state.generation).toBe(generation);
  });

  it("is found again by the next agent, which writes nothing", async () => {
    const { faults, host, maps } = await installed(after);
    const next = new Host(maps);
    await next.start();
    expect(next.mended).toBe(false);
    expect(next.state.generation).toBe(host.state.generation);
    await next.apply(after);
    expect(faults.operations).toBe(0);
    expect(next.state.numbers).toEqual(host.state.numbers);
  });

  it("leaves nothing of the old model behind", async () => {
    const { host } = await installed(before);
    await host.apply(after);
    const fresh = (await installed(after)).host;
    const sizes = { ...host.sizes(), devices: 0 };
    expect(sizes).toEqual({ ...fresh.sizes(), devices: 0 });
    expect(host.numbers.size).toBe(fresh.numbers.size);
  });

  it("gives a new generation only to slots that feel a member's change", async () => {
    const { host } = await installed(before);
    const moved = model({
      groups: [...before.groups.values()],
      interfaces: [...before.interfaces.values()].map((each) =>
        each.id === "eni-4" ? iface(4, ["sg-ops"], ["10.0.0.9"], { hosts: ["elsewhere"] }) : each,
      ),
    });
    const old = new Map(host.state.slots);
    const report = await host.apply(moved);
    // Only the policy with sg-ops (inner access among its members) can tell 10.0.0.4 from nobody.
    expect(report).toMatchObject({ slotsSwitched: 1, recordsSwitched: 0 });
    const changed = [...host.state.slots].filter(([slot, word]) => slot !== 0 && old.get(slot) !== word);
    expect(changed).toHaveLength(1);
  });

  it("drops everything on the device of an interface that left", async () => {
    const { host, maps } = await installed(before);
    await host.apply(after);
    expect(observeDevice(maps, 105, universe)).toBe("removed");
  });

  it.each([
    ["everything at once", after],
    ["members and rules alone", membersOnly],
  ])("meets each device with the old or the new, whole, at every step (%s)", async (_, target) => {
    const { faults, host, maps } = await installed(before);
    const old = viewsOf(maps);
    const next = (await viewsAfter(target)).views;
    let observed = 0;
    faults.observer = () => {
      viewsOf(maps).forEach((view, index) => {
        observed++;
        if (view !== old[index] && view !== next[index])
          throw new Error(`a mixture on ${devices[index]}: ${view}`);
      });
    };
    await host.apply(target);
    expect(viewsOf(maps)).toEqual(next);
    expect(observed).toBeGreaterThan(20);
    expect(old).not.toEqual(next);
  });
});

describe("an interface whose own record and whose members change at once", () => {
  const members = (groupsOf3: string, mac: bigint) =>
    model({
      groups: [group("sg-web", [tcp(80, 80, { remote: remote("sg-db") })]), group("sg-db"), group("sg-ops")],
      interfaces: [
        iface(1, ["sg-web"], ["10.0.0.1"], { mac }),
        iface(2, ["sg-db"], ["10.0.0.2"], { hosts: ["elsewhere"] }),
        iface(3, [groupsOf3], ["10.0.0.3"], { hosts: ["elsewhere"] }),
        iface(4, ["sg-ops"], ["10.0.0.4"], { hosts: ["elsewhere"] }),
      ],
    });

  it("sees both at once, though the policy stays", async () => {
    const { faults, host, maps } = await installed(members("sg-db", 1n));
    const old = observeDevice(maps, 101, universe);
    const version = [...host.state.policies.keys()];
    const target = members("sg-ops", 2n);
    const other = await installed(target);
    const next = observeDevice(other.maps, 101, universe);
    faults.observer = () => {
      const view = observeDevice(maps, 101, universe);
      if (view !== old && view !== next) throw new Error(`a mixture: ${view}`);
    };
    expect(await host.apply(target)).toMatchObject({ slotsSwitched: 1, recordsSwitched: 1 });
    expect([...host.state.policies.keys()]).toEqual(version);
    expect(observeDevice(maps, 101, universe)).toBe(next);
    expect(next).not.toBe(old);
  });
});

describe("a change that is refused by the kernel", () => {
  it.each([after, membersOnly])("is undone at whichever operation before the switch", async (target) => {
    let refusals = 0;
    for (let at = 1; ; at++) {
      const { faults, host, maps } = await installed(before);
      const old = viewsOf(maps);
      const sizes = host.sizes();
      faults.arm("refuse", at);
      let error: unknown;
      try {
        await host.apply(target);
      } catch (thrown) {
        error = thrown;
      }
      faults.disarm();
      if (error === undefined) break;
      if (error instanceof UnsettledError) continue;
      if (!(error instanceof EnforcementError) && !(error instanceof Error)) throw error;
      const views = viewsOf(maps);
      if (JSON.stringify(views) === JSON.stringify(old)) {
        refusals++;
        expect(host.sizes()).toEqual(sizes);
        await host.apply(target);
      }
      await host.start();
      await host.apply(target);
      expect(viewsOf(maps)).toEqual((await viewsAfter(target)).views);
    }
    expect(refusals).toBeGreaterThan(5);
  });

  it("names the full map, and changes nothing", async () => {
    const { host, maps } = await installed(before);
    const old = viewsOf(maps);
    await expect(host.apply(after, { ...smallCapacities, words: 4 })).rejects.toThrow(/rw_words is full/);
    expect(viewsOf(maps)).toEqual(old);
    await host.apply(after);
  });
});

describe("an agent that is killed", () => {
  it.each([
    ["and the next one finishes the change", after, after],
    ["and the next one goes back", after, before],
    ["and the next one wants a third model", membersOnly, after],
    ["in a change of members, and the next one goes back", membersOnly, before],
  ])("at any operation %s", async (_, interrupted, wanted) => {
    const expected = await viewsAfter(wanted);
    const fresh = (await installed(wanted)).host.sizes();
    let kills = 0;
    for (let at = 1; ; at++) {
      const { faults, host, maps } = await installed(before);
      const old = viewsOf(maps);
      const next = (await viewsAfter(interrupted)).views;
      faults.arm("kill", at);
      try {
        await host.apply(interrupted);
        break;
      } catch (error) {
        if (!(error instanceof Killed) && !(error instanceof EnforcementError)) throw error;
      }
      kills++;
      faults.disarm();
      const allowed = (view: string, index: number, ...also: readonly (string | undefined)[]) => {
        if (![old[index], next[index], ...also].includes(view)) {
          throw new Error(`killed at ${at}: a mixture on ${devices[index]}: ${view}`);
        }
      };
      viewsOf(maps).forEach((view, index) => {
        allowed(view, index);
      });
      faults.observer = () => {
        viewsOf(maps).forEach((view, index) => {
          allowed(view, index, expected.views[index]);
        });
      };
      const restarted = new Host(maps);
      await restarted.start();
      await restarted.apply(wanted);
      expect(viewsOf(maps), `killed at ${at}`).toEqual(expected.views);
      expect({ ...restarted.sizes(), devices: 0 }, `killed at ${at}`).toEqual({ ...fresh, devices: 0 });
    }
    expect(kills).toBeGreaterThan(10);
  });
});

describe("an agent that starts", () => {
  it("takes away what no look-up should meet: stray words of devices, prefixes of every version", async () => {
    const { host, maps } = await installed(before);
    const sizes = host.sizes();
    const views = viewsOf(maps);
    maps.devices.store64(700, packWord(701, 3));
    maps.devicesFar.set(indexKey(101), DeviceStruct.encode({ ifindex: 101, record: 0 }));
    maps.prefixes.set(
      PrefixKeyStruct.encode({ prefixlen: 3, head: 1 << 3, address: new Uint8Array(16) }),
      new Uint8Array(16),
    );
    const next = new Host(maps);
    await next.start();
    expect(next.mended).toBe(true);
    expect(next.sizes()).toEqual(sizes);
    expect(viewsOf(maps)).toEqual(views);
    await next.start();
    expect(next.mended).toBe(false);
  });
});
