import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BpfMap, type BpfObject, type BpfProgram, native } from "../../../src/kernel/native.ts";
import {
  codeOf,
  compileFixture,
  type Fixture,
  failureOf,
  loadFixture,
  readU32,
  readU64,
  u32,
  u64,
} from "./fixture.ts";

const cpus = native().possibleCpus();
const xdp = 6;
const schedCls = 3;

let fixture: Fixture;
let object: BpfObject;
const handles: { close(): void }[] = [];
beforeAll(() => {
  fixture = compileFixture();
  object = loadFixture(fixture.path);
});
afterAll(() => {
  for (const handle of [...handles, object]) handle.close();
  fixture.remove();
});

function programOf(name: string): BpfProgram {
  const program = object.program(name);
  handles.push(program);
  return program;
}

function mapOf(name: string): BpfMap {
  const map = object.map(name);
  handles.push(map);
  return map;
}

/** Runs counted at a place of fx_counts, all CPUs together. */
function countAt(place: number): number {
  const values = mapOf("fx_counts").get(u32(place)) ?? new Uint8Array(0);
  let sum = 0;
  for (let cpu = 0; cpu < cpus; cpu++) sum += readU32(values, cpu * 2);
  return sum;
}

/** An IPv4 frame: tc looks at the ethertype and wants at least 34 bytes. */
function makePacket(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([8, 0, 0x45], 12);
  bytes[length - 1] = length & 255;
  return bytes;
}

describe("a program", () => {
  it("tells what it is", () => {
    const program = programOf("fx_xdp");
    expect(program.name).toBe("fx_xdp");
    expect(program.type).toBe(xdp);
    expect(programOf("fx_tc").type).toBe(schedCls);
    expect(program.id).toBeGreaterThan(0);
    expect(program.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(program.verifiedInstructions).toBeGreaterThan(10);
    expect(program.jitedSize).toBeGreaterThan(0);
  });

  it("says EBADF after close, which may be called twice", () => {
    const program = object.program("fx_xdp");
    program.close();
    program.close();
    const data = makePacket(64);
    const calls = [
      () => program.testRun({ data }),
      () => program.testRunMany({ packets: [data] }),
      () => program.liveFrames({ data, repeat: 1, ifindex: 1 }),
      () => program.attachXdp({ ifindex: 1, mode: "generic" }),
      () => program.attachTcx({ ifindex: 1, direction: "ingress" }),
      () => program.attachTc({ ifindex: 1, direction: "ingress", handle: 1, priority: 1 }),
      () => program.pin("/nowhere"),
    ];
    for (const call of calls) expect(codeOf(call)).toBe("EBADF");
  });
});

describe("a test run", () => {
  it("gives an XDP program's answer, time and packet", () => {
    const packet = makePacket(1400);
    const result = programOf("fx_xdp").testRun({ data: packet });
    expect(result.retval).toBe(2);
    expect(result.data).toEqual(packet);
    expect(result.duration).toBeGreaterThan(0);
  });

  it("gives the packet as the program left it", () => {
    const packet = makePacket(64);
    const { data } = programOf("fx_grow").testRun({ data: packet });
    expect(data.length).toBe(65);
    expect(data.subarray(1)).toEqual(packet);
  });

  it("gives a tc program's answer, signed", () => {
    expect(programOf("fx_tc").testRun({ data: makePacket(64) }).retval).toBe(-1);
  });

  it("repeats", () => {
    const before = countAt(0);
    programOf("fx_xdp").testRun({ data: makePacket(64), repeat: 1000 });
    expect(countAt(0) - before).toBe(1000);
    expect(codeOf(() => programOf("fx_xdp").testRun({ data: makePacket(64), repeat: 0 }))).toBe("EINVAL");
  });

  it("shows the device to the program: loopback, when none is named", () => {
    const program = programOf("fx_ifindex");
    expect(program.testRun({ data: makePacket(64) }).retval).toBe(1);
    expect(program.testRun({ data: makePacket(64), ifindex: 1 }).retval).toBe(1);
    expect(codeOf(() => program.testRun({ data: makePacket(64), ifindex: 999_999 }))).toBe("ENODEV");
    expect(codeOf(() => programOf("fx_tc").testRun({ data: makePacket(64), ifindex: 999_999 }))).toBe(
      "ENODEV",
    );
  });

  it("takes a packet of many pages through XDP, and says how long one is that is refused", async () => {
    const packet = makePacket(60_000);
    expect(programOf("fx_xdp").testRun({ data: packet }).data).toEqual(packet);
    const failure = await failureOf(() => programOf("fx_xdp").testRun({ data: new Uint8Array(5) }));
    expect(failure.code).toBe("EINVAL");
    expect(failure.message).toContain("5 bytes");
  });
});

describe("many test runs", () => {
  const packets = Array.from({ length: 1000 }, (_, i) => makePacket(64 + i));

  it("give one answer and one trace a packet, in order, at the time that each was given", () => {
    const clocks = packets.map((_, i) => u64(BigInt(i) * 1_000_000_007n));
    const trace = mapOf("fx_trace");
    const clock = mapOf("fx_clock");
    for (const [name, answer] of [
      ["fx_xdp", 2],
      ["fx_tc", -1],
    ] as const) {
      const before = readU32(trace.get(u32(0)) ?? new Uint8Array(4));
      const { retvals, traces } = programOf(name).testRunMany({ packets, trace, clock, clocks });
      expect(retvals).toEqual(new Int32Array(1000).fill(answer));
      expect(traces.length).toBe(16_000);
      for (let i = 0; i < 1000; i++) {
        expect(readU32(traces, i * 4)).toBe(before + i + 1);
        expect(readU32(traces, i * 4 + 1)).toBe(64 + i);
        expect(readU64(traces, i * 2 + 1)).toBe(BigInt(i) * 1_000_000_007n);
      }
    }
  });

  it("need neither trace nor clock", () => {
    const before = countAt(0);
    const { retvals, traces } = programOf("fx_xdp").testRunMany({ packets, ifindex: 1 });
    expect(retvals.length).toBe(1000);
    expect(traces.length).toBe(0);
    expect(countAt(0) - before).toBe(1000);
    expect(programOf("fx_xdp").testRunMany({ packets: [] }).retvals.length).toBe(0);
  });

  it("name the packet that the kernel refuses", async () => {
    const bad = [makePacket(64), makePacket(64), new Uint8Array(3)];
    const failure = await failureOf(() => programOf("fx_xdp").testRunMany({ packets: bad }));
    expect(failure.code).toBe("EINVAL");
    expect(failure.message).toContain("packet 2 of 3 bytes");
  });

  it("refuse a trace that is no array, clocks that are too few, and packets that are none", () => {
    const program = programOf("fx_xdp");
    const clock = mapOf("fx_clock");
    const packet = makePacket(64);
    const refused = [
      { packets: [packet], trace: mapOf("fx_hash") },
      { packets: [packet], trace: program as unknown as BpfMap },
      { packets: [packet], clock },
      { packets: [packet], clock, clocks: [] },
      { packets: [packet], clock, clocks: [u32(1)] },
      { packets: ["packet" as unknown as Uint8Array] },
      { packets: 5 as unknown as Uint8Array[] },
    ];
    for (const options of refused) expect(codeOf(() => program.testRunMany(options))).toBe("EINVAL");
  });

  it("cost no more than some of them one by one", () => {
    const many = Array.from({ length: 5000 }, () => makePacket(64));
    const trace = mapOf("fx_trace");
    const program = programOf("fx_xdp");
    const cost = (work: () => void): number => {
      const begin = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(begin);
      return (user + system) / many.length;
    };
    // In turns, so that both have the machine as it is.
    const pairs = Array.from({ length: 9 }, () => [
      cost(() => program.testRunMany({ packets: many, trace })),
      cost(() => {
        for (const data of many) program.testRun({ data });
      }),
    ]);
    const [together, apart] = [0, 1].map((way) => Math.min(...pairs.map((pair) => pair[way] ?? 0)));
    console.log(`testRunMany: ${together?.toFixed(2)} µs of CPU a packet, one by one ${apart?.toFixed(2)}`);
    // Less is the rule; an allocation or a promise a packet takes many times as much.
    expect(together).toBeLessThan(3 * (apart ?? 0));
  });
});

describe("a program that is called", () => {
  const ask = (...places: readonly number[]) =>
    new Uint8Array(Uint32Array.from(places.flatMap((place) => [place, 0])).buffer);
  const words = (bytes: Uint8Array) => [...new Uint32Array(bytes.slice().buffer)];

  it("answers each call in the context that it was asked with, of maps that stand in for its own", async () => {
    const shape = { type: 2, name: "fx_other", keySize: 4, valueSize: 8, maxEntries: 1024, flags: 1 << 10 };
    const other = native().BpfMap.create(shape);
    other.set(u32(5), u64(50n));
    other.set(u32(6), u64(60n));
    const options = { path: fixture.path, programs: ["fx_call"], maps: { fx_words: other } };
    const loaded = native().BpfObject.load(options);
    const program = loaded.program("fx_call");
    loaded.close();
    const asked = ask(6, 0, 5);
    const answers = program.callEachAsync(asked, 8, [other]);
    asked.fill(0xff);
    other.close();
    expect(words(await answers)).toEqual([6, 60, 0, 0, 5, 50]);
    expect(words(await program.callEachAsync(ask(), 8, []))).toEqual([]);
    program.close();
  });

  it("answers one call at once, or throws the errno that it answers", () => {
    const program = object.program("fx_call");
    const packets = object.program("fx_xdp");
    handles.push(program, packets);
    const asked = ask(0);
    expect(words(program.call(asked))).toEqual([0, 0]);
    expect(words(asked)).toEqual([0, 0]);
    expect(codeOf(() => program.call(ask(1024)))).toBe("ENOENT");
    expect(codeOf(() => packets.call(ask(0)))).toBe("EINVAL");
  });

  it("rejects with the errno that it answers", async () => {
    const program = object.program("fx_call");
    handles.push(program);
    await expect(program.callEachAsync(ask(0, 1024), 8, [])).rejects.toMatchObject({ code: "ENOENT" });
    expect(codeOf(() => program.callEachAsync(new Uint8Array(9), 8, []))).toBe("EINVAL");
    expect(codeOf(() => program.callEachAsync(new Uint8Array(), 0, []))).toBe("EINVAL");
    const packets = object.program("fx_xdp");
    handles.push(packets);
    expect(codeOf(() => packets.callEachAsync(ask(0), 8, []))).toBe("EINVAL");
  });

  it("is not loaded over a map of another shape, nor over one that it does not have", () => {
    const map = native().BpfMap.create({
      type: 1,
      name: "fx_other",
      keySize: 8,
      valueSize: 8,
      maxEntries: 1,
      flags: 0,
    });
    const load = (maps: Readonly<Record<string, BpfMap>>) =>
      native().BpfObject.load({ path: fixture.path, programs: ["fx_call"], maps });
    expect(codeOf(() => load({ fx_none: map }))).toBe("ENOENT");
    expect(codeOf(() => load({ fx_words: map }))).toBe("EINVAL");
    map.close();
  });
});
