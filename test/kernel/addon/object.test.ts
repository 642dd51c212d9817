import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelError, native } from "../../../src/kernel/native.ts";
import {
  codeOf,
  compileFixture,
  type Fixture,
  failureOf,
  listPins,
  loadFixture,
  programs,
  u32,
  u64,
  withBpffs,
} from "./fixture.ts";

const { BpfMap, BpfObject, BpfProgram } = native();
const maps = ["fx_hash", "fx_words", "fx_counts", "fx_events", "fx_outer", "fx_trace", "fx_clock"];
const packet = new Uint8Array(64);

let fixture: Fixture;
beforeAll(() => {
  fixture = compileFixture();
});
afterAll(() => fixture.remove());

describe("an object", () => {
  it("names the maps of its source and the programs that were loaded", () => {
    const object = loadFixture(fixture.path);
    expect([...object.mapNames].sort()).toEqual([...maps].sort());
    expect([...object.programNames].sort()).toEqual([...programs].sort());
    object.close();
  });

  it("gives handles that stay open when it is closed, and none afterwards", () => {
    const object = loadFixture(fixture.path);
    const map = object.map("fx_hash");
    const program = object.program("fx_xdp");
    object.close();
    object.close();
    map.set(u32(1), u64(1n));
    expect(map.get(u32(1))).toEqual(u64(1n));
    expect(program.testRun({ data: packet }).retval).toBe(2);
    for (const call of [() => object.map("fx_hash"), () => object.program("fx_xdp"), () => object.mapNames])
      expect(codeOf(call)).toBe("EBADF");
    map.close();
    program.close();
  });

  it("is loaded on another thread as well, with the same outcome", async () => {
    const object = await BpfObject.loadAsync({ path: fixture.path, programs: ["fx_xdp"] });
    expect(object.programNames).toEqual(["fx_xdp"]);
    expect(object.program("fx_xdp").testRun({ data: packet }).retval).toBe(2);
    object.close();
    const refused = BpfObject.loadAsync({ path: fixture.path, programs: ["fx_refused"] });
    await expect(refused).rejects.toMatchObject({
      code: "EACCES",
      log: expect.stringContaining("invalid access to packet"),
    });
    expect(codeOf(() => BpfObject.loadAsync({ path: `${fixture.path}.none` }))).toBe("ENOENT");
  });

  it("says ENOENT for names that it does not have", () => {
    const object = loadFixture(fixture.path, { programs: ["fx_xdp"] });
    expect(object.programNames).toEqual(["fx_xdp"]);
    expect(codeOf(() => object.map("fx_nothing"))).toBe("ENOENT");
    expect(codeOf(() => object.program("fx_nothing"))).toBe("ENOENT");
    expect(codeOf(() => object.program("fx_tc"))).toBe("ENOENT");
    object.close();
    for (const options of [
      { programs: ["fx_nothing"] },
      { maxEntries: { fx_nothing: 1 } },
      { constants: { fx_nothing: u32(1) } },
    ])
      expect(codeOf(() => loadFixture(fixture.path, options))).toBe("ENOENT");
  });

  it("takes sizes and constants before it is loaded", () => {
    const object = loadFixture(fixture.path, {
      maxEntries: { fx_hash: 77 },
      constants: { fx_answer: u32(1), fx_salt: u64(5n) },
    });
    expect(object.map("fx_hash").info.maxEntries).toBe(77);
    expect(object.program("fx_xdp").testRun({ data: packet }).retval).toBe(1);
    object.close();
    const plain = loadFixture(fixture.path);
    expect(plain.map("fx_hash").info.maxEntries).toBe(65_536);
    expect(plain.program("fx_xdp").testRun({ data: packet }).retval).toBe(2);
    plain.close();
  });

  it("refuses a constant of another length", async () => {
    const failure = await failureOf(() => loadFixture(fixture.path, { constants: { fx_salt: u32(1) } }));
    expect(failure.code).toBe("EINVAL");
    expect(failure.message).toContain("fx_salt must be 8 bytes long, not 4");
  });

  it("hands on the verifier's words when it refuses a program", async () => {
    const failure = await failureOf(() => loadFixture(fixture.path, { programs: ["fx_refused"] }));
    expect(failure).toBeInstanceOf(KernelError);
    expect(failure.code).toBe("EACCES");
    expect(failure.errno).toBe(13);
    expect(failure.log).toContain("BEGIN PROG LOAD LOG");
    expect(failure.log).toContain("invalid access to packet");
    expect(failure.message).toContain("R1 offset is outside of the packet");
    expect(failure.message.split("\n").length).toBeLessThan(6);
  });

  it("does not hear the words of an earlier call", async () => {
    await failureOf(() => loadFixture(fixture.path, { programs: ["fx_refused"] }));
    expect((await failureOf(() => BpfMap.openPinned("/nothing"))).log).toBe("");
  });

  it("says what is wrong with a file that is none", async () => {
    const garbage = join(fixture.directory, "garbage.o");
    writeFileSync(garbage, "no object");
    const failure = await failureOf(() => BpfObject.load({ path: garbage }));
    expect(failure.code).toMatch(/^LIBBPF_(FORMAT|LIBELF)$/);
    expect(failure.errno).toBeGreaterThanOrEqual(4000);
    expect(codeOf(() => BpfObject.load({ path: join(fixture.directory, "nothing.o") }))).toBe("ENOENT");
    expect(codeOf(() => BpfObject.load({ path: 5 as unknown as string }))).toBe("EINVAL");
    expect(() => Reflect.construct(BpfObject, [])).toThrow("no public constructor");
  });
});

describe("a pin root", () => {
  it("receives the source's maps and gives them to the next load", () =>
    withBpffs((root) => {
      const first = loadFixture(fixture.path, { pinRoot: root });
      expect(listPins(root)).toEqual([...maps].sort());
      first.map("fx_hash").set(u32(5), u64(55n));
      const { id } = first.map("fx_hash").info;
      first.close();
      const second = loadFixture(fixture.path, { pinRoot: root });
      expect(second.map("fx_hash").info.id).toBe(id);
      expect(second.map("fx_hash").get(u32(5))).toEqual(u64(55n));
      second.close();
      const pinned = BpfMap.openPinned(join(root, "fx_hash"));
      expect(pinned.info.id).toBe(id);
      pinned.close();
    }));

  it("refuses a map of another size, keeping what is pinned and adding nothing", () =>
    withBpffs(async (root) => {
      const only = BpfMap.create({
        type: 1,
        name: "fx_hash",
        keySize: 4,
        valueSize: 8,
        maxEntries: 3,
        flags: 0,
      });
      only.pin(join(root, "fx_hash"));
      const failure = await failureOf(() => loadFixture(fixture.path, { pinRoot: root }));
      expect(failure.code).toBe("EINVAL");
      expect(failure.message).toContain("fx_hash");
      expect(failure.log).toContain("parameter mismatch");
      expect(listPins(root)).toEqual(["fx_hash"]);
      expect(BpfMap.openPinned(join(root, "fx_hash")).info.maxEntries).toBe(3);
      only.close();
    }));

  it("is left as it was when the verifier refuses a program", () =>
    withBpffs((root) => {
      expect(codeOf(() => loadFixture(fixture.path, { pinRoot: root, programs: ["fx_refused"] }))).toBe(
        "EACCES",
      );
      expect(listPins(root)).toEqual([]);
    }));

  it("must be in a bpffs", () => {
    expect(codeOf(() => loadFixture(fixture.path, { pinRoot: fixture.directory }))).toBe("EINVAL");
    expect(existsSync(join(fixture.directory, "fx_hash"))).toBe(false);
  });
});

describe("a pin", () => {
  it("of a program opens as the same program", () =>
    withBpffs((root) => {
      const object = loadFixture(fixture.path);
      const program = object.program("fx_tc");
      program.pin(join(root, "fx_tc"));
      expect(codeOf(() => program.pin(join(root, "fx_tc")))).toBe("EEXIST");
      const opened = BpfProgram.openPinned(join(root, "fx_tc"));
      expect({ ...opened }).toEqual({ ...program });
      for (const handle of [opened, program, object]) handle.close();
    }));

  it("opens beside others on another thread, each in its place, or none does", () =>
    withBpffs(async (root) => {
      const object = loadFixture(fixture.path, { pinRoot: root });
      object.program("fx_tc").pin(join(root, "program"));
      const pathsOf = (...names: readonly string[]) => names.map((name) => join(root, name));
      const wanted = ["fx_words", "fx_hash", "fx_counts"];
      const maps = await BpfMap.openPinnedAsync(pathsOf(...wanted));
      expect(maps.map(({ info }) => info.name)).toEqual(wanted);
      expect(await BpfMap.openPinnedAsync([])).toEqual([]);
      for (const [other, code] of [
        ["program", "EINVAL"],
        ["nothing", "ENOENT"],
      ] as const) {
        const failure = await failureOf(() => BpfMap.openPinnedAsync(pathsOf("fx_hash", other)));
        expect(failure.code).toBe(code);
        expect(failure.message).toContain(join(root, other));
      }
      for (const handle of [...maps, object]) handle.close();
    }));

  it("of another kind is refused, saying what is there", () =>
    withBpffs(async (root) => {
      const object = loadFixture(fixture.path, { pinRoot: root });
      object.program("fx_tc").pin(join(root, "program"));
      const failure = await failureOf(() => BpfMap.openPinned(join(root, "program")));
      expect(failure.code).toBe("EINVAL");
      expect(failure.message).toContain("bpf-prog, not anon_inode:bpf-map");
      expect(codeOf(() => BpfProgram.openPinned(join(root, "fx_hash")))).toBe("EINVAL");
      expect(codeOf(() => native().BpfLink.openPinned(join(root, "fx_hash")))).toBe("EINVAL");
      object.close();
    }));

  it("is not made outside a bpffs", () => {
    const object = loadFixture(fixture.path);
    expect(codeOf(() => object.map("fx_hash").pin(join(fixture.directory, "pin")))).toBe("EPERM");
    object.close();
  });
});
