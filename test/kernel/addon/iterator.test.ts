import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CountersStruct, Limit } from "../../../src/kernel/layout.gen.ts";
import { indexKey, packWord } from "../../../src/kernel/maps.ts";
import { native } from "../../../src/kernel/native.ts";
import { compileFixture, type Fixture, failureOf } from "./fixture.ts";
import { type Context, Namespace } from "./namespace.ts";

const survey = fileURLToPath(new URL("../../../build/survey.bpf.o", import.meta.url));

let fixture: Fixture;
let namespace: Namespace;
let device: number;
beforeAll(() => {
  fixture = compileFixture();
  namespace = new Namespace("iterator");
  namespace.addPair("near", "far");
  device = namespace.ifindex("far");
});
afterAll(async () => {
  await namespace?.remove();
  fixture.remove();
});

/** Ids of links and programs that it tells, link by link; the record is that of `struct link_seen`. */
const tell = ({ addon }: Context, path: string) => {
  const bytes = addon.BpfObject.load({ path, programs: ["list_links"] })
    .program("list_links")
    .iterate();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return Array.from({ length: words.length / 6 }, (_, at) => [...words.subarray(6 * at, 6 * at + 6)]);
};

describe("the iterator over links on devices", () => {
  const told = async (id: number) => (await namespace.run(tell, survey)).filter(([link]) => link === id);

  it("tells what each XDP link runs, also when it becomes another, until it is on no device", async () => {
    const { id, first, second } = await namespace.run(
      ({ addon, state }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_xdp", "fx_xdp_other"] });
        const [first, second] = [object.program("fx_xdp"), object.program("fx_xdp_other")];
        const link = first.attachXdp({ ifindex, mode: "native" });
        state.links.push(link);
        state.programs = [second];
        return { id: link.info().id, first: first.id, second: second.id };
      },
      fixture.path,
      device,
    );
    expect([await told(id), await told(id)]).toEqual([[[id, first, 0, 0, 0, 0]], [[id, first, 0, 0, 0, 0]]]);
    await namespace.run(({ state }) => {
      const [second] = state.programs;
      if (second !== undefined) state.links.at(-1)?.update(second);
    });
    expect(await told(id)).toEqual([[id, second, 0, 0, 0, 0]]);
    await namespace.run(({ state }) => state.links.at(-1)?.detach());
    expect(await told(id)).toEqual([]);
    await namespace.run(({ state }) => state.links.pop()?.close());
  });

  it("tells a tcx link otherwise when another program comes before it, and as before when that went", async () => {
    const id = await namespace.run(
      ({ addon, state }, path, ifindex) => {
        const object = addon.BpfObject.load({ path, programs: ["fx_tc", "fx_tc_other"] });
        state.programs = [object.program("fx_tc"), object.program("fx_tc_other")];
        try {
          const link = state.programs[0]?.attachTcx({ ifindex, direction: "ingress" });
          if (link === undefined) return null;
          state.links.push(link);
          return link.info().id;
        } catch {
          // Before 6.6 there is no tcx.
          return null;
        }
      },
      fixture.path,
      device,
    );
    if (id === null) return;
    const before = await told(id);
    for (const direction of ["ingress", "egress"] as const) {
      await namespace.run(
        ({ state }, ifindex, direction) => {
          const link = state.programs[1]?.attachTcx({ ifindex, direction, first: true });
          if (link !== undefined) state.links.push(link);
        },
        device,
        direction,
      );
      expect(await told(id)).not.toEqual(before);
      await namespace.run(({ state }) => state.links.pop()?.close());
      expect(await told(id)).toEqual(before);
    }
    await namespace.run(({ state }) => state.links.pop()?.close());
  });

  it("tells of no links on devices of other network namespaces", async () => {
    const other = new Namespace("iterator-other");
    try {
      const id = await other.run(({ addon, state }, path) => {
        const program = addon.BpfObject.load({ path, programs: ["fx_xdp"] }).program("fx_xdp");
        const link = program.attachXdp({ ifindex: 1, mode: "generic" });
        state.links.push(link);
        return link.info().id;
      }, fixture.path);
      const idsOf = (links: readonly (readonly number[])[]) => links.map(([link]) => link);
      expect(idsOf(await other.run(tell, survey))).toEqual([id]);
      expect(idsOf(await namespace.run(tell, survey))).not.toContain(id);
    } finally {
      await other.remove();
    }
  });

  it("tells of as many links as a hook takes", async () => {
    const made = await namespace.run(({ addon, state }, path) => {
      const program = addon.BpfObject.load({ path, programs: ["fx_tc"] }).program("fx_tc");
      try {
        for (let turn = 0; turn < 63; turn++)
          state.links.push(program.attachTcx({ ifindex: 1, direction: "ingress" }));
      } catch {
        // Before 6.6.
      }
      return state.links.map((link) => link.info().id);
    }, fixture.path);
    const ids = (await namespace.run(tell, survey)).map(([link]) => link ?? 0);
    expect(ids.filter((id) => made.includes(id))).toEqual(made);
    await namespace.run(({ state }) => {
      for (const link of state.links.splice(0)) link.close();
    });
  });
});

describe("the iterator over counters", () => {
  /** BPF_MAP_TYPE_PERCPU_ARRAY of struct counters. */
  const shape = { type: 6, name: "fx_counters", keySize: 4, valueSize: CountersStruct.SIZE, flags: 0 };

  it("tells of each counter that is not zero, summed over the CPUs, and of no other", async () => {
    const cpus = native().possibleCpus();
    const object = native().BpfObject.load({
      path: survey,
      programs: ["list_counters"],
      constants: { cpus: new Uint8Array(Uint32Array.of(cpus).buffer) },
    });
    const map = native().BpfMap.create({ ...shape, maxEntries: 300 });
    const last = Limit.COUNTERS_PER_INTERFACE - 1;
    const counted = [
      [0, 0],
      [0, last],
      [7, 1],
      [299, last],
    ] as const;
    const packets = (number: number, place: number, cpu: number) => BigInt(number * 1000 + place + cpu);
    const bytes = (cpu: number) => BigInt(60 * (cpu + 1));
    const encode = (number: number) => {
      const words = new BigUint64Array((CountersStruct.SIZE / 8) * cpus);
      for (const [, place] of counted.filter(([at]) => at === number))
        for (let cpu = 0; cpu < cpus; cpu++)
          words.set([packets(number, place, cpu), bytes(cpu)], (cpu * (last + 1) + place) * 2);
      return new Uint8Array(words.buffer);
    };
    for (const number of new Set(counted.map(([at]) => at))) map.set(indexKey(number), encode(number));
    const seen = object.program("list_counters").iterate(map);
    const sum = (of: (cpu: number) => bigint) =>
      Array.from({ length: cpus }, (_, cpu) => of(cpu)).reduce((total, each) => total + each, 0n);
    expect([...new BigUint64Array(seen.slice().buffer)]).toEqual(
      counted
        .map(([number, place]) => [
          packWord(number, place),
          sum((cpu) => packets(number, place, cpu)),
          sum(bytes),
        ])
        .filter(([, packets]) => packets !== 0n)
        .flat(),
    );
    map.close();
    object.close();
  });

  it("is refused where it would read more CPUs than a value has", async () => {
    const cpus = new Uint8Array(Uint32Array.of(native().possibleCpus() + 1).buffer);
    const object = native().BpfObject.load({
      path: survey,
      programs: ["list_counters"],
      constants: { cpus },
    });
    const map = native().BpfMap.create({ ...shape, maxEntries: 1 });
    const failure = await failureOf(() => object.program("list_counters").iterate(map));
    expect(failure.code).toBe("EACCES");
    map.close();
    object.close();
  });

  it("costs the verifier the same on a machine of many CPUs", () => {
    const verifiedFor = (cpus: number) => {
      const constants = { cpus: new Uint8Array(Uint32Array.of(cpus).buffer) };
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

it("a program that is no iterator cannot be read as one", async () => {
  const object = native().BpfObject.load({ path: fixture.path, programs: ["fx_xdp"] });
  const failure = await failureOf(() => object.program("fx_xdp").iterate());
  expect(failure.code).toBe("EINVAL");
  object.close();
});
