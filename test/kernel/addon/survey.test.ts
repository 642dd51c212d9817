import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CountersStruct, Limit } from "../../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../../src/kernel/maps.ts";
import { type BpfMap, native } from "../../../src/kernel/native.ts";
import { Survey } from "../../../src/kernel/survey.ts";
import { objectPath } from "../host.ts";
import { compileFixture, type Fixture } from "./fixture.ts";
import { type Context, Namespace } from "./namespace.ts";

const survey = fileURLToPath(new URL("../../../build/survey.bpf.o", import.meta.url));

let fixture: Fixture;
let namespace: Namespace;
let device: number;
beforeAll(() => {
  fixture = compileFixture();
  namespace = new Namespace("survey");
  namespace.addPair("near", "far");
  device = namespace.ifindex("far");
});
afterAll(async () => {
  await namespace?.remove();
  fixture.remove();
});

/** What it tells of each device, a line for each. */
const tell = ({ addon }: Context, path: string) => {
  const object = addon.BpfObject.load({ path, programs: ["see_devices"] });
  const count = new Uint32Array(object.program("see_devices").call(new Uint8Array(4)).buffer)[0] ?? 0;
  const words = new Uint32Array(object.map("rw_devices_seen").getRun(0, count).slice().buffer);
  return Array.from({ length: count }, (_, at) => [...words.subarray(6 * at, 6 * at + 6)]);
};

describe("the call about devices", () => {
  const told = async (ifindex = device) =>
    (await namespace.run(tell, survey)).filter(([told]) => told === ifindex);

  it("tells a device otherwise when its XDP link runs another program, and no more when that is gone", async () => {
    expect(await told()).toEqual([]);
    await namespace.run(
      ({ addon, state }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_xdp_other"] });
        const [first, second] = [object.program("fx_xdp"), object.program("fx_xdp_other")];
        state.links.push(first.attachXdp({ ifindex, mode: "native" }));
        state.programs = [first, second];
      },
      fixture.path,
      device,
    );
    const before = await told();
    expect(before).toEqual([[device, 0, 0, 0, expect.any(Number), expect.any(Number)]]);
    expect(await told()).toEqual(before);
    const update = (place: number) =>
      namespace.run(({ state }, place) => {
        const program = state.programs[place];
        if (program !== undefined) state.links.at(-1)?.update(program);
      }, place);
    await update(1);
    const after = await told();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    await update(0);
    expect(await told()).toEqual(before);
    await namespace.run(({ state }) => state.links.at(-1)?.detach());
    expect(await told()).toEqual([]);
  });

  it("tells another link from ours, though it runs the same program", async () => {
    const attach = (mode: "native" | "generic") =>
      namespace.run(
        ({ state }, ifindex, mode) => {
          const link = state.programs[0]?.attachXdp({ ifindex, mode });
          if (link !== undefined) state.links.push(link);
        },
        device,
        mode,
      );
    // Each is held from here on, detached or not.
    const seen = [];
    for (const mode of ["native", "native", "generic"] as const) {
      await attach(mode);
      seen.push(JSON.stringify(await told()));
      await namespace.run(({ state }) => state.links.at(-1)?.detach());
    }
    expect(new Set(seen).size).toBe(3);
    await namespace.run(({ state }) => {
      for (const link of state.links.splice(0)) link.close();
    });
  });

  it("tells each change at a tcx hook: what comes before, behind, or goes from anywhere", async () => {
    const attach = (direction: "ingress" | "egress", first: boolean, place: number) =>
      namespace.run(
        ({ state }, ifindex, direction, first, place) => {
          try {
            const link = state.programs[place]?.attachTcx({ ifindex, direction, first });
            if (link !== undefined) state.links.push(link);
            return link !== undefined;
          } catch {
            // Before 6.6 there is no tcx.
            return false;
          }
        },
        device,
        direction,
        first,
        place,
      );
    await namespace.run(({ addon, state }, path) => {
      const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other"] });
      state.programs = [object.program("fx_tc"), object.program("fx_tc_other")];
    }, fixture.path);
    if (!(await attach("ingress", false, 0))) return;
    const alone = JSON.stringify(await told());
    const seen = [alone];
    for (const direction of ["ingress", "egress"] as const)
      for (const first of [true, false]) {
        expect(await attach(direction, first, 1)).toBe(true);
        seen.push(JSON.stringify(await told()));
        await namespace.run(({ state }) => state.links.pop()?.close());
        expect(JSON.stringify(await told())).toBe(alone);
      }
    expect(new Set(seen.slice(0, 3)).size).toBe(3);
    expect(seen.slice(3)).not.toContain(alone);
    await attach("ingress", true, 1);
    const both = JSON.stringify(await told());
    await namespace.run(({ state }) => state.links.shift()?.detach());
    expect(JSON.stringify(await told())).not.toBe(both);
    await namespace.run(({ state }) => {
      for (const link of state.links.splice(0)) link.close();
    });
    expect(await told()).toEqual([]);
  });

  it("tells of no devices of other network namespaces", async () => {
    const other = new Namespace("survey-other");
    try {
      await other.run(({ addon, state }, path) => {
        const program = addon.BpfObject.load({ path, programs: ["fx_xdp"] }).program("fx_xdp");
        state.links.push(program.attachXdp({ ifindex: 1, mode: "generic" }));
      }, fixture.path);
      expect((await other.run(tell, survey)).map(([ifindex]) => ifindex)).toEqual([1]);
      expect(await told(1)).toEqual([]);
    } finally {
      await other.remove();
    }
  });

  it("tells of the last of as many programs as a hook takes", async () => {
    const attach = (count: number) =>
      namespace.run(
        ({ addon, state }, path, count) => {
          try {
            // A hook takes a program once.
            for (let turn = 0; turn < count; turn++) {
              const program = addon.BpfObject.load({ path, programs: ["fx_tc"] }).program("fx_tc");
              state.links.push(program.attachTcx({ ifindex: 1, direction: "ingress" }));
            }
          } catch {
            // Before 6.6.
          }
          return state.links.length;
        },
        fixture.path,
        count,
      );
    const most = 63;
    const made = await attach(most);
    const before = await told(1);
    if (made > 0) {
      expect(made).toBe(most);
      await namespace.run(({ state }) => state.links.pop()?.detach());
      const without = await told(1);
      expect(without).toHaveLength(1);
      expect(without).not.toEqual(before);
    }
    await namespace.run(({ state }) => {
      for (const link of state.links.splice(0)) link.close();
    });
  });

  it("says where there is no room for all devices that have programs", async () => {
    const failure = await namespace
      .run(
        ({ addon, state }, path, survey, ifindex) => {
          const program = addon.BpfObject.load({ path, programs: ["fx_xdp"] }).program("fx_xdp");
          for (const each of [1, ifindex])
            state.links.push(program.attachXdp({ ifindex: each, mode: "generic" }));
          const maxEntries = { rw_devices_seen: 1 };
          const object = addon.BpfObject.load({ path: survey, programs: ["see_devices"], maxEntries });
          object.program("see_devices").call(new Uint8Array(4));
        },
        fixture.path,
        survey,
        device,
      )
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "E2BIG" });
    await namespace.run(({ state }) => {
      for (const link of state.links.splice(0)) link.close();
    });
  });
});

describe("the call about counters", () => {
  /** BPF_MAP_TYPE_PERCPU_ARRAY of struct counters. */
  const shape = { type: 6, name: "fx_counters", keySize: 4, valueSize: CountersStruct.SIZE, flags: 0 };
  const cpus = native().possibleCpus();
  const last = Limit.COUNTERS_PER_INTERFACE - 1;

  /** Counters of so many interfaces, of which those at `counted` count: what a CPU counts, and what is told. */
  function countAt(maxEntries: number, counted: readonly (readonly [number, number])[]) {
    const map = native().BpfMap.create({ ...shape, maxEntries });
    const packets = (number: number, place: number, cpu: number) => BigInt(number * 1000 + place + cpu);
    const bytes = (cpu: number) => BigInt(60 * (cpu + 1));
    for (const number of new Set(counted.map(([at]) => at))) {
      const words = new BigUint64Array((CountersStruct.SIZE / 8) * cpus);
      for (const [, place] of counted.filter(([at]) => at === number))
        for (let cpu = 0; cpu < cpus; cpu++)
          words.set([packets(number, place, cpu), bytes(cpu)], (cpu * (last + 1) + place) * 2);
      map.set(indexKey(number), new Uint8Array(words.buffer));
    }
    const sum = (of: (cpu: number) => bigint) =>
      Array.from({ length: cpus }, (_, cpu) => of(cpu)).reduce((total, each) => total + each, 0n);
    const expected = counted.map(([number, place]) => [
      packWord(number, place),
      sum((cpu) => packets(number, place, cpu)),
      sum(bytes),
    ]);
    return { map, expected: expected.filter(([, packets]) => packets !== 0n).flat() };
  }

  const seenIn = (map: BpfMap) => {
    const survey = new Survey(objectPath, map);
    const seen = survey.counters();
    survey.close();
    map.close();
    return seen === null ? null : [...new BigUint64Array(seen.slice().buffer)];
  };

  it("tells of each counter that is not zero, summed over the CPUs, and of no other", () => {
    const { map, expected } = countAt(300, [
      [0, 0],
      [0, last],
      [7, 1],
      [299, last],
    ]);
    expect(seenIn(map)).toEqual(expected);
  });

  it("tells of all, however many counters of however many interfaces", () => {
    const all = Array.from({ length: 300 }, (_, number) =>
      Array.from({ length: last }, (_, place) => [number, place + 1] as const),
    ).flat();
    const { map, expected } = countAt(300, all);
    expect(expected).toHaveLength(300 * last * 3);
    expect(seenIn(map)).toEqual(expected);
  });

  it("costs the verifier the same on a machine of many CPUs", () => {
    const verifiedFor = (count: number) => {
      const constants = { cpus: new Uint8Array(Uint32Array.of(count).buffer) };
      const object = native().BpfObject.load({ path: survey, programs: ["list_counters"], constants });
      const program = object.program("list_counters");
      const { verifiedInstructions } = program;
      program.close();
      object.close();
      return verifiedInstructions;
    };
    expect(verifiedFor(512)).toBe(verifiedFor(2));
  });
});
